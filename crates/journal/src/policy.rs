//! Trust policies (C2SP tlog-policy): which logs are believed, and which witnesses must have cosigned.

use std::fmt;

use crate::cosignature::cosigned_time;
use crate::note::Note;
use crate::verifier_key::VerifierKey;
use crate::{Checkpoint, JournalError};

mod reading;

/// Longest policy that is read, in bytes.
pub const MAX_POLICY_BYTES: usize = 64 * 1024;

/// Most logs, most witnesses and most groups of a policy: what the specification asks for. All of them fit on one note.
pub const MAX_POLICY_ITEMS: usize = 32;

/// A policy: a checkpoint is good if one of its logs signed it and enough of its witnesses cosigned it.
///
/// Several logs with one name are one log: the old and the new key of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<LogKey>,
    witnesses: Vec<WitnessKey>,
    /// In their order: a group's members come before it.
    groups: Vec<Group>,
    quorum: Option<Member>,
}

/// A log that a policy believes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogKey {
    /// Its key, whose name is the log's origin.
    pub key: VerifierKey,
    /// Where it is reached, as the policy spells it: nothing of it was checked.
    pub url: Option<String>,
}

/// A witness that a policy knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessKey {
    /// Its name within the policy.
    pub name: String,
    /// Its key, which has a name of its own.
    pub key: VerifierKey,
    /// Where checkpoints are submitted to it, as the policy spells it: nothing of it was checked.
    pub url: Option<String>,
}

/// What a policy says of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVerdict {
    /// The checkpoint, signed by at least one of the policy's logs.
    pub checkpoint: Checkpoint,
    /// The keys of that log that signed it.
    pub log_keys: Vec<VerifierKey>,
    /// The witnesses that cosigned it, by their names within the policy, with the time in seconds since 1970.
    pub cosigned: Vec<(String, u64)>,
    /// Whether they are enough.
    pub quorum: bool,
    /// The newest time, in seconds since 1970, such that enough of them cosigned at that time or later: one witness alone
    /// cannot make a checkpoint look newer. None without a quorum, or where the policy asks for no witness.
    pub newest_quorum_time: Option<u64>,
}

/// A line of a policy that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFault {
    /// The line, counted from 1; 0 where the fault is of the whole.
    pub line: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    threshold: usize,
    members: Vec<Member>,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// [`JournalError::Policy`] with each line that is wrong, or a text over 64 KiB.
    pub fn parse(text: &str) -> Result<Self, JournalError> {
        if text.len() > MAX_POLICY_BYTES {
            return Err(JournalError::TooLarge { what: "policy", limit: MAX_POLICY_BYTES });
        }
        reading::read(text).map_err(JournalError::Policy)
    }

    /// The policy of whoever was given a log's key and nothing else: that log, and no witnesses.
    pub fn of_key(key: VerifierKey) -> Self {
        Self { logs: vec![LogKey { key, url: None }], witnesses: Vec::new(), groups: Vec::new(), quorum: None }
    }

    /// The same policy, which believes these keys of logs too: a log knows its own keys better than a file does.
    pub fn with_log_keys(mut self, keys: &[VerifierKey]) -> Self {
        for key in keys {
            if self.logs.iter().all(|log| log.key != *key) {
                self.logs.push(LogKey { key: key.clone(), url: None });
            }
        }
        self
    }

    /// The logs, in the order of the lines.
    pub fn logs(&self) -> &[LogKey] {
        &self.logs
    }

    /// The witnesses, in the order of the lines.
    pub fn witnesses(&self) -> &[WitnessKey] {
        &self.witnesses
    }

    /// Whether the policy asks for witnesses at all; `quorum none` does not.
    pub fn asks_for_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// Verifies a signed checkpoint, and says who cosigned it and whether they are enough: too few is no error.
    ///
    /// # Errors
    /// A note that is no checkpoint, that no key of its log signed, or that holds a signature or cosignature which names a
    /// key of the policy and does not verify. [`JournalError::Origin`] where only other logs of the policy signed it.
    pub fn check(&self, note: &str) -> Result<PolicyVerdict, JournalError> {
        let note = Note::parse(note)?;
        let checkpoint = Checkpoint::parse(note.text)?;
        let log_keys = self.log_keys(&note, &checkpoint.origin)?;
        let mut times = Vec::with_capacity(self.witnesses.len());
        for witness in &self.witnesses {
            times.push(cosigned_time(&note, &witness.key)?);
        }
        let named = self.witnesses.iter().zip(&times);
        let cosigned = named.filter_map(|(witness, time)| Some((witness.name.clone(), (*time)?))).collect();
        let newest_quorum_time = self.quorum_time(&times);
        let quorum = self.quorum.is_none() || newest_quorum_time.is_some();
        Ok(PolicyVerdict { checkpoint, log_keys, cosigned, quorum, newest_quorum_time })
    }

    /// Whether the witnesses with these names, all of them the policy's, are enough.
    pub fn is_quorum<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> bool {
        let mut times = vec![None; self.witnesses.len()];
        for name in names {
            if let Some(at) = self.witnesses.iter().position(|witness| witness.name == name) {
                times[at] = Some(0);
            }
        }
        self.quorum.is_none() || self.quorum_time(&times).is_some()
    }

    fn log_keys(&self, note: &Note<'_>, origin: &str) -> Result<Vec<VerifierKey>, JournalError> {
        let (mut own, mut others) = (Vec::new(), false);
        for log in &self.logs {
            if note.is_signed_by(&log.key)? {
                if log.key.name() == origin { own.push(log.key.clone()) } else { others = true }
            }
        }
        match (own.is_empty(), others) {
            (false, _) => Ok(own),
            (true, true) => Err(JournalError::Origin),
            (true, false) => Err(JournalError::Signature("none of them is by the expected key")),
        }
    }

    /// The newest time at or after which the quorum cosigned, from each witness's time.
    fn quorum_time(&self, witnesses: &[Option<u64>]) -> Option<u64> {
        let mut groups: Vec<Option<u64>> = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            let time = |member: &Member| match member {
                Member::Witness(at) => witnesses[*at],
                Member::Group(at) => groups[*at],
            };
            let mut times: Vec<u64> = group.members.iter().filter_map(time).collect();
            times.sort_unstable_by(|a, b| b.cmp(a));
            let reached = times.get(group.threshold - 1).copied();
            groups.push(reached);
        }
        match self.quorum? {
            Member::Witness(at) => witnesses[at],
            Member::Group(at) => groups[at],
        }
    }
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(self.what),
            line => write!(f, "line {line}: {}", self.what),
        }
    }
}
