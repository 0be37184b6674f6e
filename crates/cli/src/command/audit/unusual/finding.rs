//! A finding: by which rule, whose doing, what of it, and the entries that it rests on.

use serde::Serialize;

use crate::audit::checks::Row;
use crate::text_table::{cell, free_text};
use causeway_verify::plain::plain;

/// Entries that a finding names; of more it says how many.
const NAMED: usize = 20;

/// Something unusual.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// The rule, as its section of the rules file is named.
    pub(super) rule: &'static str,
    /// The person or the system.
    pub(super) who: String,
    /// The day, or the time of the entry that made it certain.
    pub(super) when: String,
    /// What is unusual, with the numbers of the rule.
    pub(super) what: String,
    #[serde(flatten)]
    pub(super) entries: Entries,
}

/// The entries that a finding rests on: the first ones, and how many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Entries {
    leaf_indices: Vec<u64>,
    entries: u64,
}

impl Entries {
    pub(super) fn add(&mut self, leaf: u64) {
        self.entries += 1;
        if self.leaf_indices.len() < NAMED {
            self.leaf_indices.push(leaf);
        }
    }

    pub(super) fn of(leaves: impl IntoIterator<Item = u64>) -> Self {
        let mut entries = Self::default();
        leaves.into_iter().for_each(|leaf| entries.add(leaf));
        entries
    }
}

impl Finding {
    /// Who, with the operator id, which anybody may have chosen, in quotes.
    fn shown_who(&self) -> String {
        match self.who.split_once(": ") {
            Some((agency, person)) => format!("{}: {}", cell(agency), free_text(person)),
            None => cell(&self.who),
        }
    }

    /// The finding for people: two lines.
    pub(super) fn lines(&self) -> [String; 2] {
        let Entries { leaf_indices, entries } = &self.entries;
        let leaves: Vec<String> = leaf_indices.iter().map(ToString::to_string).collect();
        let more = entries - leaf_indices.len() as u64;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        [
            plain(&format!("{:<12}  {}  {}: {}", self.rule, self.when, self.shown_who(), self.what)),
            format!("              entries {}{more}", leaves.join(" ")),
        ]
    }
}

/// The system that acted, as agency/system.
pub(super) fn system(row: &Row) -> String {
    row.system()
}

/// The person who acted, as `agency: operator id`; none where it cannot be read.
pub(super) fn person(row: &Row) -> Option<String> {
    let agency = row.entry.actor.as_ref().map(|actor| actor.agency.as_str()).unwrap_or_default();
    row.person().map(|person| format!("{agency}: {person}"))
}
