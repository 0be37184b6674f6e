//! On which line of a TOML text each of its keys stands.

use std::collections::HashMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::Fault;

/// The lines of a text's keys, by their places as faults name them.
#[derive(Debug, Clone, Default)]
pub struct Lines(HashMap<String, usize>);

impl Lines {
    /// The lines of a document; of one that is not TOML none.
    pub fn of(text: &str) -> Self {
        let Ok(document) = DeTable::parse(text) else { return Self::default() };
        let starts: Vec<usize> = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at).collect();
        // The document itself begins on its first line.
        let mut walk = Walk { starts, lines: HashMap::from([(String::new(), 1)]) };
        walk.table("", document.get_ref());
        Self(walk.lines)
    }

    /// The line of a place, or of the table that it should be in.
    pub fn line(&self, place: &str) -> Option<usize> {
        // Checks against the schemas quote a field's path, as the agreement does.
        let place = place.replace('"', "");
        let mut place = place.as_str();
        loop {
            if let Some(line) = self.0.get(place) {
                return Some(*line);
            }
            place = match place.rfind(['.', '[']) {
                Some(cut) => &place[..cut],
                None if place.is_empty() => return None,
                None => "",
            };
        }
    }

    /// The faults with their lines.
    pub fn locate(&self, faults: Vec<Fault>) -> Vec<Fault> {
        faults.into_iter().map(|fault| Fault { line: self.line(&fault.place), ..fault }).collect()
    }
}

struct Walk {
    /// Where each line but the first one is begun: the places of the line feeds.
    starts: Vec<usize>,
    lines: HashMap<String, usize>,
}

impl Walk {
    fn table(&mut self, place: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = key.get_ref();
            let place = if place.is_empty() { name.to_string() } else { format!("{place}.{name}") };
            self.note(&place, key.span().start);
            self.value(&place, value);
        }
    }

    fn value(&mut self, place: &str, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) => self.table(place, table),
            DeValue::Array(values) => {
                for (index, value) in values.iter().enumerate() {
                    let place = format!("{place}[{index}]");
                    self.note(&place, value.span().start);
                    self.value(&place, value);
                }
            }
            _ => {}
        }
    }

    fn note(&mut self, place: &str, at: usize) {
        self.lines.insert(place.to_owned(), self.starts.partition_point(|start| *start < at) + 1);
    }
}
