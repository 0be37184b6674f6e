//! A table of values: what a source writes, and what the document writes or why it cannot.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::text::Key;

/// What sources write for each value, in any number of spellings, and what they write that stands for no value.
#[derive(Debug, Clone, Default)]
pub(super) struct Table(BTreeMap<Key, Listed>);

#[derive(Debug, Clone)]
enum Listed {
    Value(String),
    /// The rule that a row breaks with this text.
    Refused(String),
}

/// A table as it is written, in a file of its own or in the map.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTable {
    /// Each value with its spellings; itself is one of them.
    #[serde(default)]
    values: BTreeMap<String, Vec<String>>,
    /// Each rule with the texts that break it.
    #[serde(default)]
    refused: BTreeMap<String, Vec<String>>,
}

/// A table of the map: where it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSource {
    file: Option<String>,
    values: Option<BTreeMap<String, Vec<String>>>,
    refused: Option<BTreeMap<String, Vec<String>>>,
}

impl Table {
    /// What the text stands for, none where it is not listed; an error names the rule that it breaks.
    pub(super) fn look_up(&self, text: &str) -> Result<Option<&str>, Cow<'static, str>> {
        match self.0.get(&Key::of(text)) {
            Some(Listed::Value(value)) => Ok(Some(value)),
            Some(Listed::Refused(rule)) => Err(rule.clone().into()),
            None => Ok(None),
        }
    }

    /// A member's own table: text to value, and text to rule.
    pub(super) fn of_member(
        values: BTreeMap<String, String>,
        refused: BTreeMap<String, String>,
    ) -> Result<Self, Vec<String>> {
        let mut table = Self::default();
        let mut faults = Vec::new();
        for (text, value) in values {
            table.list(&text, Listed::Value(value), "values", &mut faults);
        }
        for (text, rule) in refused {
            check_rule(&rule, &mut faults);
            table.list(&text, Listed::Refused(rule), "refused", &mut faults);
        }
        if faults.is_empty() { Ok(table) } else { Err(faults) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every value that it gives.
    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        self.0.values().filter_map(|listed| match listed {
            Listed::Value(value) => Some(value.as_str()),
            Listed::Refused(_) => None,
        })
    }

    fn list(&mut self, text: &str, listed: Listed, place: &str, faults: &mut Vec<String>) {
        if matches!(&listed, Listed::Value(value) if value.is_empty()) {
            faults.push(format!("{place}.{text}: is an empty value"));
        }
        if self.0.insert(Key::of(text), listed).is_some() {
            faults.push(format!(
                "{place}: {text:?} is listed twice (letter case, spaces and leading zeros do not count)"
            ));
        }
    }
}

impl RawTable {
    fn check(self) -> Result<Table, Vec<String>> {
        let mut table = Table::default();
        let mut faults = Vec::new();
        for (value, mut texts) in self.values {
            // A value stands for itself.
            if !texts.iter().any(|text| Key::of(text) == Key::of(&value)) {
                texts.push(value.clone());
            }
            for text in texts {
                table.list(&text, Listed::Value(value.clone()), &format!("values.{value}"), &mut faults);
            }
        }
        for (rule, texts) in self.refused {
            check_rule(&rule, &mut faults);
            for text in texts {
                table.list(&text, Listed::Refused(rule.clone()), &format!("refused.{rule}"), &mut faults);
            }
        }
        if faults.is_empty() { Ok(table) } else { Err(faults) }
    }
}

impl RawSource {
    /// The table; files are looked for in `folder`, where the map itself lies.
    pub(super) fn load(self, folder: &Path) -> Result<Table, Vec<String>> {
        match (self.file, self.values, self.refused) {
            (Some(file), None, None) => {
                let path = folder.join(&file);
                let text =
                    std::fs::read_to_string(&path).map_err(|error| vec![format!("cannot read {file}: {error}")])?;
                let raw: RawTable = toml::from_str(&text).map_err(|error| {
                    let line = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
                    vec![format!("{file} line {}: {}", line.matches('\n').count() + 1, error.message())]
                })?;
                raw.check().map_err(|faults| faults.into_iter().map(|fault| format!("{file} {fault}")).collect())
            }
            (None, values, refused) if values.is_some() || refused.is_some() => {
                RawTable { values: values.unwrap_or_default(), refused: refused.unwrap_or_default() }.check()
            }
            _ => Err(vec!["needs either file, or values and refused".into()]),
        }
    }
}

/// A rule's name goes into reports, so it is a name and can be nothing else, as a formula.
fn check_rule(rule: &str, faults: &mut Vec<String>) {
    let named = rule.starts_with(|first: char| first.is_ascii_lowercase());
    if !named || !rule.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
        faults.push(format!("refused: {rule:?} is not a rule's name, as not-a-country"));
    }
}
