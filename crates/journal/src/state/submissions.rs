//! The submissions that took effect, by the HMAC of agency and submission id: what makes a retry safe.

use causeway_model::{LeafIndex, RecordId, RecordVersion};

use super::Chunks;
use super::id_table::IdTable;
use crate::saved::saved_fields;

/// A submission that took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submission {
    /// The entry.
    pub leaf: LeafIndex,
    /// The record that it made or changed.
    pub record_id: RecordId,
    /// The version that it made or concerned.
    pub version: RecordVersion,
    /// HMAC of what was submitted.
    pub content_mac: [u8; 32],
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Submissions {
    table: IdTable,
    list: Chunks<([u8; 32], Submission)>,
}

saved_fields!(Submission { leaf, record_id, version, content_mac });
saved_fields!(Submissions { list } made of them { table });

impl Submissions {
    pub(crate) fn get(&self, mac: &[u8; 32]) -> Option<&Submission> {
        let place = self.table.find(mac, |place| self.list[place].0 == *mac)?;
        Some(&self.list[place].1)
    }

    pub(crate) fn add(&mut self, mac: [u8; 32], submission: Submission) {
        self.table.insert(&mac, self.list.len(), |place| &self.list[place].0);
        self.list.push((mac, submission));
    }

    fn rebuild(&mut self) {
        self.table = IdTable::of(self.list.iter().map(|(mac, _)| mac.as_slice()), self.list.len());
    }
}
