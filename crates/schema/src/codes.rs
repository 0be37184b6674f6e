//! Code lists: the codes that a schema's leaves may hold, each list a document with its source and licence.
//!
//! A leaf names a list, or one group of it, by `x-codes`: `country`, `htcds/exploitation`. A list is a governed document
//! as a schema is, so a code is added by approval and not by a release of the gateway.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::document::read;
use crate::ladder::Ladders;

/// The greatest size of a list in bytes: what a governed document may have.
const MAX_LIST_BYTES: usize = 128 * 1024;
/// The list, its codes, a code, and a list of words in it.
const MAX_LIST_DEPTH: usize = 5;
/// The most codes of a list: ISO 3166-2 has about 5,000.
const MAX_CODES: usize = 10_000;
/// The longest name of a list or group, and the longest code, in bytes.
const MAX_NAME: usize = 64;

/// One code list.
#[derive(Debug, Clone, PartialEq)]
pub struct CodeList {
    /// Its name, which is also the document's id.
    pub name: String,
    /// Its version, from 1.
    pub version: u32,
    /// What it is, for a reader.
    pub title: String,
    /// Where the codes come from.
    pub source: String,
    /// Under which licence.
    pub licence: String,
    /// How and when they were taken from there (`retrieved`), or made from it (`derived`).
    pub provenance: String,
    /// The codes, in the list's order.
    pub codes: Vec<Code>,
}

/// One code of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Code {
    /// The group within the list; none where the list has no groups.
    pub group: Option<String>,
    /// The code, as records hold it.
    pub code: String,
    /// What it means.
    pub name: String,
    /// Whatever else the list says of it: other standards' codes, a country's region.
    pub more: BTreeMap<String, Value>,
}

impl Code {
    /// A further text that the list gives for the code, such as `alpha3`.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.more.get(key).and_then(Value::as_str)
    }
}

impl CodeList {
    /// Reads a list. Each string of the error is one fault, without the list's name.
    ///
    /// # Errors
    /// Where it is not JSON of the form above, lacks its source, licence or provenance, or has a code twice in a group.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let file = read(text.as_bytes(), MAX_LIST_BYTES, MAX_LIST_DEPTH).map_err(|fault| vec![fault.to_string()])?;
        let mut reading = Reading { file: &file, faults: Vec::new() };
        let list = Self {
            name: reading.name(),
            version: reading.version(),
            title: reading.stated("title"),
            source: reading.stated("source"),
            licence: reading.stated("licence"),
            provenance: reading.provenance(),
            codes: reading.codes(),
        };
        reading.nothing_else();
        if reading.faults.is_empty() { Ok(list) } else { Err(reading.faults) }
    }

    /// The codes of a group; of the whole list for `None`, if it has no groups.
    pub fn group<'l>(&'l self, group: Option<&'l str>) -> impl Iterator<Item = &'l Code> {
        self.codes.iter().filter(move |code| code.group.as_deref() == group)
    }

    /// The names of the groups, in the order in which they come first.
    pub fn groups(&self) -> Vec<Option<&str>> {
        let mut groups = Vec::new();
        for code in &self.codes {
            if !groups.contains(&code.group.as_deref()) {
                groups.push(code.group.as_deref());
            }
        }
        groups
    }
}

struct Reading<'f> {
    file: &'f Value,
    faults: Vec<String>,
}

impl Reading<'_> {
    fn stated(&mut self, key: &str) -> String {
        let text = self.file.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        if text.is_none() {
            self.faults.push(format!("states no {key}"));
        }
        text.unwrap_or_default().to_owned()
    }

    fn name(&mut self) -> String {
        let name = self.stated("name");
        if !is_name(&name) {
            self.faults.push("has a name that is not lower-case letters, digits and hyphens".into());
        }
        name
    }

    fn version(&mut self) -> u32 {
        let version = self.file.get("version").and_then(Value::as_u64).and_then(|version| u32::try_from(version).ok());
        if version.is_none_or(|version| version == 0) {
            self.faults.push("has no version from 1".into());
        }
        version.unwrap_or_default()
    }

    /// Either of the two, so that a list says how it came about.
    fn provenance(&mut self) -> String {
        let said = ["retrieved", "derived"].into_iter().filter_map(|key| self.file.get(key)?.as_str());
        let said: Vec<&str> = said.map(str::trim).filter(|text| !text.is_empty()).collect();
        if said.is_empty() {
            self.faults.push("states no retrieved or derived".into());
        }
        said.join("; ")
    }

    fn codes(&mut self) -> Vec<Code> {
        let stated = self.file.get("codes").and_then(Value::as_array);
        let Some(stated) = stated.filter(|codes| !codes.is_empty() && codes.len() <= MAX_CODES) else {
            self.faults.push(format!("has no codes, or more than {MAX_CODES}"));
            return Vec::new();
        };
        let (mut codes, mut seen) = (Vec::with_capacity(stated.len()), BTreeSet::new());
        for (place, stated) in stated.iter().enumerate() {
            let Some(code) = code(stated) else {
                self.faults.push(format!("codes/{place}: is not a code with its name"));
                continue;
            };
            if !seen.insert((code.group.clone(), code.code.clone())) {
                self.faults.push(format!("codes/{place}: stands twice"));
            }
            codes.push(code);
        }
        let grouped = codes.iter().filter(|code| code.group.is_some()).count();
        if grouped != 0 && grouped != codes.len() {
            self.faults.push("has codes within groups and codes outside".into());
        }
        codes
    }

    fn nothing_else(&mut self) {
        const KNOWN: &[&str] =
            &["name", "version", "title", "source", "licence", "retrieved", "derived", "changes", "codes"];
        for key in self.file.as_object().into_iter().flat_map(Map::keys) {
            if !KNOWN.contains(&key.as_str()) {
                self.faults.push(format!("has a member that is not known: {key}"));
            }
        }
    }
}

fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= MAX_NAME && name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(inner)
}

/// A code as an object, or, where there are thousands, as the pair of code and name.
fn code(stated: &Value) -> Option<Code> {
    let (code, name, group, more) = match stated {
        Value::Array(pair) => match pair.as_slice() {
            [code, name] => (code.as_str()?, name.as_str()?, None, BTreeMap::new()),
            _ => return None,
        },
        Value::Object(members) => {
            let group = match members.get("group") {
                None => None,
                Some(group) => Some(group.as_str().filter(|group| is_name(group))?.to_owned()),
            };
            let own = |key: &str| matches!(key, "code" | "name" | "group");
            let more = members.iter().filter(|(key, _)| !own(key)).map(|(key, value)| (key.clone(), value.clone()));
            (members.get("code")?.as_str()?, members.get("name")?.as_str()?, group, more.collect())
        }
        _ => return None,
    };
    let well_formed = !code.is_empty() && code.len() <= MAX_NAME && code.trim() == code && !name.trim().is_empty();
    well_formed.then(|| Code { group, code: code.to_owned(), name: name.to_owned(), more })
}

/// A journal that was begun before there were code lists has none in force: its schemas have their codes inline, and for
/// their ladders these stand in. They are what such a journal's own tables were.
const BEFORE_LISTS: [&str; 2] = [
    include_str!("../../../config/schemas/codes/country.json"),
    include_str!("../../../config/schemas/codes/organisation.json"),
];

/// The code lists that schemas are compiled with.
#[derive(Debug, Default)]
pub(crate) struct CodeLists(BTreeMap<String, CodeList>);

impl CodeLists {
    /// Reads all lists; each fault names its list.
    pub(crate) fn parse(texts: &[&str], faults: &mut Vec<String>) -> Self {
        let mut lists = BTreeMap::new();
        for (place, text) in texts.iter().enumerate() {
            match CodeList::parse(text) {
                Ok(list) => {
                    let name = list.name.clone();
                    if lists.insert(name.clone(), list).is_some() {
                        faults.push(format!("code list {name}: stands twice"));
                    }
                }
                Err(found) => {
                    let name = serde_json::from_str::<Value>(text).ok();
                    let name = name.as_ref().and_then(|file| file.get("name")?.as_str()).unwrap_or("without a name");
                    faults.extend(found.into_iter().map(|fault| format!("code list {name} ({place}): {fault}")));
                }
            }
        }
        Self(lists)
    }

    /// The codes that `x-codes` names: a list without groups, or `list/group`. `None` where there are none.
    pub(crate) fn named(&self, name: &str) -> Option<Vec<&Code>> {
        let (list, group) = name.split_once('/').map_or((name, None), |(list, group)| (list, Some(group)));
        let codes: Vec<&Code> = self.0.get(list)?.codes.iter().filter(|code| code.group.as_deref() == group).collect();
        (!codes.is_empty()).then_some(codes)
    }

    /// What makes countries and organisations coarser.
    pub(crate) fn ladders(&self) -> Ladders {
        if self.0.is_empty() {
            let before = Self::parse(&BEFORE_LISTS, &mut Vec::new());
            return if before.0.is_empty() { Ladders::default() } else { before.ladders() };
        }
        let country = self.named(Ladders::COUNTRY).unwrap_or_default();
        let regions = country.iter().filter_map(|code| Some((code.code.as_str(), code.text("region")?)));
        let organisation = self.named(Ladders::ORGANISATION).unwrap_or_default();
        let words = organisation.iter().flat_map(|code| {
            let words = code.more.get("words").and_then(Value::as_array).into_iter().flatten();
            words.filter_map(|word| Some((word.as_str()?, code.code.as_str())))
        });
        Ladders::new(regions, words)
    }
}

/// The names of the lists that a schema's text asks for, and that its ladders need. Empty for a text that is not JSON.
pub fn code_lists_named(schema: &str) -> BTreeSet<String> {
    fn walk(value: &Value, names: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (key, member) in members {
                    match (key.as_str(), member.as_str()) {
                        ("x-codes", Some(name)) => {
                            names.insert(name.split('/').next().unwrap_or(name).to_owned());
                        }
                        ("x-ladder", Some("country")) => drop(names.insert(Ladders::COUNTRY.to_owned())),
                        ("x-ladder", Some("organisation")) => drop(names.insert(Ladders::ORGANISATION.to_owned())),
                        _ => walk(member, names),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, names)),
            _ => {}
        }
    }
    let mut names = BTreeSet::new();
    if let Ok(file) = serde_json::from_str(schema) {
        walk(&file, &mut names);
    }
    names
}

/// Writes into the schema file, beside each `x-codes`, the codes that it names. A list that is not there is a fault.
pub(crate) fn fill_in(file: &mut Value, lists: &CodeLists, faults: &mut Vec<String>) {
    match file {
        Value::Object(members) => {
            if let Some(name) = members.get("x-codes").cloned() {
                let codes = name.as_str().and_then(|name| lists.named(name));
                match codes {
                    _ if members.contains_key("enum") => faults.push(format!("has both x-codes {name} and an enum")),
                    None => faults.push(format!("names the code list {name}, which is not there")),
                    Some(codes) => {
                        let codes = codes.iter().map(|code| Value::String(code.code.clone())).collect();
                        members.insert("enum".into(), Value::Array(codes));
                    }
                }
            }
            members.values_mut().for_each(|member| fill_in(member, lists, faults));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill_in(item, lists, faults)),
        _ => {}
    }
}
