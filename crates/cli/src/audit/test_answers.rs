//! Answers as a gateway makes them, for the tests of what reads them.

use causeway_crypto::SigningKey;
use causeway_journal::v1::{Actor, Decision, Entry, Operation};
use causeway_journal::{Checkpoint, Tree, VerifierKey, encode_entry, inclusion_proof, leaf_hash};
use causeway_model::LeafIndex;
use causeway_proto::v1::query_response::Part;
use causeway_proto::v1::{AuditRow, QueryBegin, QueryEnd, QueryResponse};
use prost::Message;

use super::checks::Row;
use crate::verifier_keys::VerifierKeys;

const ORIGIN: &str = "test.example/journal";

/// 2026-11-22T00:00:00Z.
pub(crate) const TODAY: u64 = 1_795_305_600_000_000;

/// The key that signs, and the one that verifies.
pub(crate) fn keys() -> (SigningKey, VerifierKeys) {
    let key = SigningKey::from_seed(&[5; 32]);
    let verifier = VerifierKey::new(ORIGIN, key.public_key()).expect("a good name");
    (key, verifier.into())
}

/// An allowed entry of al-police/feed, so many minutes into the day.
pub(crate) fn entry(minute: u64, operation: Operation, reason: &str) -> Entry {
    Entry {
        entry_id: [7_u64.to_be_bytes(), minute.to_be_bytes()].concat(),
        time_micros: TODAY + minute * 60_000_000,
        operation: operation.into(),
        decision: Decision::Allowed.into(),
        reason: reason.into(),
        actor: Some(Actor { agency: "al-police".into(), system: "feed".into(), ..Actor::default() }),
        request_id: vec![9; 16],
        ..Entry::default()
    }
}

/// A row at this place, of an entry that may be less than a journal takes.
pub(crate) fn row(leaf_index: u64, entry: Entry) -> Row {
    let bytes = entry.encode_to_vec();
    let wire = AuditRow {
        leaf_index,
        leaf_hash: leaf_hash(&bytes).0.to_vec(),
        entry: bytes,
        outcome: "effective".into(),
        ..AuditRow::default()
    };
    Row { entry, wire }
}

/// A journal of some entries.
pub(crate) struct Journal {
    entries: Vec<Vec<u8>>,
    tree: Tree,
}

impl Journal {
    pub(crate) fn of(entries: impl Iterator<Item = Entry>) -> Self {
        let mut journal = Self { entries: Vec::new(), tree: Tree::new() };
        entries.for_each(|entry| journal.push(entry));
        journal
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        let bytes = encode_entry(&entry).expect("small");
        self.tree.push(leaf_hash(&bytes));
        self.entries.push(bytes);
    }

    /// An answer of these entries, with their proofs, under the newest checkpoint.
    pub(crate) fn answer(&self, leaves: &[u64], next_cursor: &str) -> Vec<QueryResponse> {
        let size = self.tree.size();
        let begin = QueryBegin { checkpoint: self.checkpoint(), tree_size: size, asked_leaf_index: size - 1 };
        let end = QueryEnd { rows: leaves.len() as u64, next_cursor: next_cursor.into() };
        let parts = std::iter::once(Part::Begin(begin))
            .chain(leaves.iter().map(|leaf| Part::Row(self.row(*leaf))))
            .chain(std::iter::once(Part::End(end)));
        parts.map(|part| QueryResponse { part: Some(part) }).collect()
    }

    /// The newest checkpoint, signed.
    pub(crate) fn checkpoint(&self) -> String {
        Checkpoint { origin: ORIGIN.into(), size: self.tree.size(), root: self.tree.root() }.sign(&keys().0)
    }

    /// A row with its proof.
    pub(crate) fn row(&self, leaf_index: u64) -> AuditRow {
        let entry = self.entries[usize::try_from(leaf_index).expect("small")].clone();
        let none = &|_, _| unreachable!();
        let proof =
            inclusion_proof(&self.tree, LeafIndex(leaf_index), self.tree.size(), none).expect("no full tile is needed");
        AuditRow {
            leaf_index,
            leaf_hash: leaf_hash(&entry).0.to_vec(),
            entry,
            outcome: "effective".into(),
            proof: proof.iter().map(|hash| hash.0.to_vec()).collect(),
            ..AuditRow::default()
        }
    }
}
