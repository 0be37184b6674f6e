//! Which entries concern a record, apart from those that made its versions and those that a feed's items point to.

use std::collections::BTreeMap;

use causeway_model::{LeafIndex, RecordId};

use super::records::RecordNumber;
use super::{Chunks, newest_places};
use crate::saved::saved_fields;

/// Lists of entries in one arena: 16 bytes an entry, and for most records none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Subjects {
    newest: BTreeMap<RecordNumber, u32>,
    links: Chunks<Link>,
    /// Ids that somebody named and that are no records: denied, duplicate or void entries. A second arena.
    newest_of_strangers: BTreeMap<RecordId, u32>,
    strangers: Chunks<Stranger>,
}

saved_fields!(Subjects { links, strangers } made of them { newest, newest_of_strangers });

#[derive(Debug, Clone, Copy)]
struct Link {
    leaf: LeafIndex,
    /// The link before, counted from 1; 0 for none.
    earlier: u32,
    record: RecordNumber,
}

saved_fields!(Link { leaf, earlier, record });

#[derive(Debug, Clone, Copy)]
struct Stranger {
    leaf: LeafIndex,
    /// Likewise.
    earlier: u32,
    id: RecordId,
}

saved_fields!(Stranger { leaf, earlier, id });

impl Subjects {
    pub(crate) fn note(&mut self, record: RecordNumber, leaf: LeafIndex) {
        let earlier = self.newest.insert(record, place_after(self.links.len())).unwrap_or(0);
        self.links.push(Link { leaf, earlier, record });
    }

    pub(crate) fn note_stranger(&mut self, id: RecordId, leaf: LeafIndex) {
        let earlier = self.newest_of_strangers.insert(id, place_after(self.strangers.len())).unwrap_or(0);
        self.strangers.push(Stranger { leaf, earlier, id });
    }

    /// The entries noted for a record, in no order.
    pub(crate) fn of(&self, record: Option<RecordNumber>, id: &RecordId) -> Vec<LeafIndex> {
        let mut leaves = Vec::new();
        let mut next = self.newest_of_strangers.get(id).copied().unwrap_or(0);
        while let Some(link) = before(next).and_then(|place| self.strangers.get(place)) {
            leaves.push(link.leaf);
            next = link.earlier;
        }
        next = record.and_then(|record| self.newest.get(&record)).copied().unwrap_or(0);
        while let Some(link) = before(next).and_then(|place| self.links.get(place)) {
            leaves.push(link.leaf);
            next = link.earlier;
        }
        leaves
    }

    fn rebuild(&mut self) {
        self.newest = newest_places(self.links.iter().map(|link| link.record));
        self.newest_of_strangers = newest_places(self.strangers.iter().map(|link| link.id));
    }
}

/// The place behind so many, counted from 1.
fn place_after(length: usize) -> u32 {
    u32::try_from(length + 1).expect("2^32 links do not fit in memory")
}

fn before(place: u32) -> Option<usize> {
    usize::try_from(place).ok()?.checked_sub(1)
}
