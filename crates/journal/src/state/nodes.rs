//! The nodes that share a log, as it states them, and which of them have destroyed the keys of what is being erased.

use std::collections::{BTreeMap, BTreeSet};

use causeway_model::LeafIndex;

use crate::saved::saved_fields;

/// Who is on the roster, and what is said of erasures that are not complete.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nodes {
    /// How often the roster has been stated; 0 where it never was.
    version: u32,
    /// The node's names, by their numbers.
    roster: BTreeMap<u32, Box<str>>,
    /// By the entry that ordered it. Only where there is a roster.
    due: BTreeMap<LeafIndex, Due>,
}

saved_fields!(Nodes { version, roster, due });

/// An erasure that is not complete.
#[derive(Debug, Clone, Default)]
struct Due {
    /// Records of it that are not said to be erased.
    records: u64,
    /// The numbers of the nodes that have attested, each once, ascending.
    attested: Vec<u32>,
}

saved_fields!(Due { records, attested });

/// What became of an attestation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attested {
    /// It counts.
    Now,
    /// The node had attested before.
    Before,
    /// The node is not on the roster, or there is no such erasure.
    Void,
}

impl Nodes {
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    pub(crate) fn roster(&self) -> impl Iterator<Item = (u32, &str)> {
        self.roster.iter().map(|(number, name)| (*number, &**name))
    }

    /// The roster is another one from here on. `due` is what is being erased at that moment, a line for each record.
    pub(crate) fn state(
        &mut self,
        version: u32,
        roster: impl Iterator<Item = (u32, Box<str>)>,
        due: impl Iterator<Item = LeafIndex>,
    ) {
        let is_first = self.version == 0;
        self.version = version;
        self.roster = roster.collect();
        if is_first {
            // What was ordered while nobody had to attest has to be attested now, too.
            due.for_each(|order| self.due.entry(order).or_default().records += 1);
        }
    }

    /// An erasure of so many records is ordered.
    pub(crate) fn ordered(&mut self, order: LeafIndex, records: usize) {
        if self.version > 0 {
            self.due.entry(order).or_default().records += records as u64;
        }
    }

    /// The node of this name has destroyed the keys of what an entry ordered to be erased.
    pub(crate) fn attest(&mut self, order: LeafIndex, node: &str) -> Attested {
        let number = self.roster.iter().find(|(_, name)| &***name == node).map(|(number, _)| *number);
        let (Some(number), Some(due)) = (number, self.due.get_mut(&order)) else { return Attested::Void };
        match due.attested.binary_search(&number) {
            Ok(_) => Attested::Before,
            Err(place) => {
                due.attested.insert(place, number);
                Attested::Now
            }
        }
    }

    /// The names of those that an erasure waits for; none where nobody has to attest.
    pub(crate) fn waited_for(&self, order: LeafIndex) -> BTreeSet<&str> {
        let attested = self.due.get(&order).map_or(&[][..], |due| &due.attested);
        self.roster
            .iter()
            .filter(|(number, _)| attested.binary_search(number).is_err())
            .map(|(_, name)| &**name)
            .collect()
    }

    /// So many of an order's records are erased.
    pub(crate) fn completed(&mut self, order: LeafIndex, records: u64) {
        if let Some(due) = self.due.get_mut(&order) {
            due.records = due.records.saturating_sub(records);
            if due.records == 0 {
                self.due.remove(&order);
            }
        }
    }
}
