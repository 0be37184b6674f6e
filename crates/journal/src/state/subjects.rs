//! Which entries concern a record, apart from those that made its versions and those that a feed's items point to.

use std::collections::BTreeMap;

use causeway_model::{LeafIndex, RecordId};

use super::records::RecordNumber;

/// Lists of entries in one arena: 16 bytes an entry, and for most records none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Subjects {
    newest: BTreeMap<RecordNumber, u32>,
    links: Vec<Link>,
    /// Ids that somebody named and that are no records: denied, duplicate or void entries.
    strangers: BTreeMap<RecordId, Vec<LeafIndex>>,
}

#[derive(Debug, Clone, Copy)]
struct Link {
    leaf: LeafIndex,
    /// The link before, counted from 1; 0 for none.
    earlier: u32,
}

impl Subjects {
    pub(crate) fn note(&mut self, record: RecordNumber, leaf: LeafIndex) {
        let place = u32::try_from(self.links.len() + 1).expect("2^32 links do not fit in memory");
        let earlier = self.newest.insert(record, place).unwrap_or(0);
        self.links.push(Link { leaf, earlier });
    }

    pub(crate) fn note_stranger(&mut self, record: RecordId, leaf: LeafIndex) {
        self.strangers.entry(record).or_default().push(leaf);
    }

    /// The entries noted for a record, in no order.
    pub(crate) fn of(&self, record: Option<RecordNumber>, id: &RecordId) -> Vec<LeafIndex> {
        let mut leaves = self.strangers.get(id).cloned().unwrap_or_default();
        let newest = record.and_then(|record| self.newest.get(&record));
        let mut next = newest.copied().unwrap_or(0) as usize;
        while let Some(link) = next.checked_sub(1).and_then(|place| self.links.get(place)) {
            leaves.push(link.leaf);
            next = link.earlier as usize;
        }
        leaves
    }
}
