//! Reading a policy's lines. It goes on after a fault, so that whoever wrote the file learns of all of them.

use std::collections::BTreeMap;

use super::{Group, LogKey, MAX_POLICY_ITEMS, Member, Policy, PolicyFault, WitnessKey};
use crate::decimal;
use crate::verifier_key::VerifierKey;

/// The name that stands for no witness in the quorum line.
const NONE: &str = "none";

/// What a name stands for, and whether a group has it already. No name without a meaning: one whose line was faulty.
struct Named {
    member: Option<Member>,
    taken: bool,
}

#[derive(Default)]
struct Reading<'a> {
    logs: Vec<LogKey>,
    witnesses: Vec<WitnessKey>,
    groups: Vec<Group>,
    quorum: Option<Option<Member>>,
    quorum_lines: usize,
    names: BTreeMap<&'a str, Named>,
}

/// Reads the text, which is within its limit.
pub(super) fn read(text: &str) -> Result<Policy, Box<[PolicyFault]>> {
    let mut reading = Reading::default();
    let mut faults = Vec::new();
    if !text.is_empty() && !text.ends_with('\n') {
        faults.push(PolicyFault { line: 0, what: "the last line does not end: was the file cut off?" });
    }
    for (at, line) in text.split('\n').enumerate() {
        if let Err(what) = reading.line(line) {
            faults.push(PolicyFault { line: at + 1, what });
        }
    }
    if reading.quorum_lines == 0 {
        faults.push(PolicyFault { line: 0, what: "there is no quorum line" });
    }
    match (faults.is_empty(), reading.quorum) {
        (true, Some(quorum)) => {
            let Reading { logs, witnesses, groups, .. } = reading;
            Ok(Policy { logs, witnesses, groups, quorum })
        }
        _ => Err(faults.into()),
    }
}

impl<'a> Reading<'a> {
    fn line(&mut self, line: &'a str) -> Result<(), &'static str> {
        if line.bytes().any(|byte| (byte < b' ' && byte != b'\t') || byte == 0x7f) {
            return Err("a control character");
        }
        let items: Vec<&str> = line.split([' ', '\t']).filter(|item| !item.is_empty()).collect();
        match items.as_slice() {
            [] => Ok(()),
            [comment, ..] if comment.starts_with('#') => Ok(()),
            ["log", key] => self.log(key, None),
            ["log", key, url] => self.log(key, Some(url)),
            ["log", ..] => Err("not of the form: log KEY [URL]"),
            ["witness", name, key] => self.witness(name, key, None),
            ["witness", name, key, url] => self.witness(name, key, Some(url)),
            ["witness", ..] => Err("not of the form: witness NAME KEY [URL]"),
            ["group", name, threshold, members @ ..] if !members.is_empty() => self.group(name, threshold, members),
            ["group", ..] => Err("not of the form: group NAME all|any|NUMBER MEMBER..."),
            ["quorum", name] => self.quorum(name),
            ["quorum", ..] => Err("not of the form: quorum NAME|none"),
            _ => Err("it begins with none of log, witness, group, quorum"),
        }
    }

    fn log(&mut self, key: &str, url: Option<&str>) -> Result<(), &'static str> {
        if self.logs.len() == MAX_POLICY_ITEMS {
            return Err("more than 32 logs");
        }
        let key = self.fresh_key(key)?;
        if key.is_cosigner() {
            return Err("the log's key is a witness's");
        }
        self.logs.push(LogKey { key, url: url.map(Into::into) });
        Ok(())
    }

    fn witness(&mut self, name: &'a str, key: &str, url: Option<&str>) -> Result<(), &'static str> {
        self.define(name)?;
        if self.witnesses.len() == MAX_POLICY_ITEMS {
            return Err("more than 32 witnesses");
        }
        let key = self.fresh_key(key)?;
        if !key.is_cosigner() {
            return Err("the witness's key is none for cosignatures (type 4)");
        }
        self.mean(name, Member::Witness(self.witnesses.len()));
        self.witnesses.push(WitnessKey { name: name.into(), key, url: url.map(Into::into) });
        Ok(())
    }

    /// A key that no log and no witness has. The specification leaves open whether one key may be a log's and a witness's;
    /// a log that is its own witness would prove nothing.
    fn fresh_key(&self, key: &str) -> Result<VerifierKey, &'static str> {
        let key: VerifierKey = key.parse().map_err(|_| "the key is malformed, or of a type that is not supported")?;
        let mut known = self.logs.iter().map(|log| &log.key).chain(self.witnesses.iter().map(|witness| &witness.key));
        if known.any(|known| known.public_key() == key.public_key()) {
            return Err("the key is on an earlier line too");
        }
        Ok(key)
    }

    fn group(&mut self, name: &'a str, threshold: &str, members: &[&'a str]) -> Result<(), &'static str> {
        self.define(name)?;
        if self.groups.len() == MAX_POLICY_ITEMS {
            return Err("more than 32 groups");
        }
        let threshold = match threshold {
            "all" => Some(members.len()),
            "any" => Some(1),
            number => decimal(number).and_then(|number| usize::try_from(number).ok()),
        };
        let threshold = threshold
            .filter(|threshold| (1..=members.len()).contains(threshold))
            .ok_or("the threshold is not all, any or a number from 1 to that of the members")?;
        let mut found = Vec::with_capacity(members.len());
        for member in members {
            let named =
                self.names.get_mut(member).filter(|_| *member != name).ok_or("a member is not defined above")?;
            if std::mem::replace(&mut named.taken, true) {
                return Err("a member is in a group already");
            }
            found.extend(named.member);
        }
        // A member whose own line was at fault has been reported there; the policy is refused for it.
        self.mean(name, Member::Group(self.groups.len()));
        self.groups.push(Group { threshold, members: found });
        Ok(())
    }

    fn quorum(&mut self, name: &str) -> Result<(), &'static str> {
        self.quorum_lines += 1;
        if self.quorum_lines > 1 {
            return Err("a second quorum line");
        }
        let quorum = match name {
            NONE => None,
            name => self.names.get(name).ok_or("the quorum's name is not defined above")?.member,
        };
        self.quorum = Some(quorum);
        Ok(())
    }

    /// Takes the name, even if the rest of its line is at fault: what refers to it is then not at fault too.
    fn define(&mut self, name: &'a str) -> Result<(), &'static str> {
        if name == NONE {
            return Err("the name none has a meaning of its own");
        }
        if self.names.contains_key(name) {
            return Err("the name is defined above");
        }
        self.names.insert(name, Named { member: None, taken: false });
        Ok(())
    }

    fn mean(&mut self, name: &'a str, member: Member) {
        self.names.insert(name, Named { member: Some(member), taken: false });
    }
}
