//! Receipts: what a submitter keeps as proof that something was accepted.

use std::sync::Arc;

use causeway_journal::{Outcome, decode_entry, v1};
use causeway_model::{LeafIndex, RecordId, RecordVersion, SubmissionId};
use causeway_store::Committed;

use crate::draft::Said;
use crate::submit::lost_to_another;
use crate::{Caller, Class, Error, Exchange};

/// Proof of acceptance: the entry's exact bytes, its place, and a signed checkpoint that covers it.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The record.
    pub record_id: RecordId,
    /// The version that the entry made or concerns.
    pub version: RecordVersion,
    /// The entry's place in the tree.
    pub leaf: LeafIndex,
    /// The entry's exact bytes.
    pub entry: Vec<u8>,
    /// The owner's key that the record was sealed to; empty for an act without a record of its own.
    pub sealing_key_id: Vec<u8>,
    /// A signed checkpoint that covers the entry.
    pub checkpoint: Arc<str>,
    /// The checkpoint's size.
    pub tree_size: u64,
    /// Whether the entry was made for this call, and not for an earlier one that it repeats or asks about.
    pub is_new: bool,
}

impl Receipt {
    fn of(committed: Committed) -> Result<Self, Error> {
        let receipt = Self::read(committed.leaf, committed.entry, committed.checkpoint, committed.tree_size)?;
        Ok(Self { is_new: true, ..receipt })
    }

    fn read(leaf: LeafIndex, bytes: Vec<u8>, checkpoint: Arc<str>, tree_size: u64) -> Result<Self, Error> {
        let entry = decode_entry(&bytes).map_err(Error::corrupt)?;
        let record =
            entry.records.first().ok_or_else(|| Error::internal("an entry of a submission names no record"))?;
        let record_id = RecordId::try_from(record.record_id.as_slice()).map_err(Error::corrupt)?;
        Ok(Self {
            record_id,
            version: RecordVersion(record.version),
            leaf,
            entry: bytes,
            sealing_key_id: entry.sealing_key_id,
            checkpoint,
            tree_size,
            is_new: false,
        })
    }
}

impl Exchange {
    /// The receipt of an earlier submission of the caller's agency, under the newest checkpoint.
    ///
    /// # Errors
    /// `NotFound` where the agency has made no such submission.
    pub async fn receipt(&self, caller: &Caller, submission_id: SubmissionId) -> Result<Receipt, Error> {
        let mac = self.submission_mac(caller, &submission_id);
        let Some(leaf) = self.journal().read(|state| state.submission(&mac).map(|known| known.leaf)) else {
            let refusal = Error::new(Class::NotFound, "unknown-submission", "this agency has made no such submission");
            return Err(self.refuse(caller, v1::Operation::Consultation, refusal).await);
        };
        self.record_or_refuse(caller, Said::allowed(v1::Operation::Consultation, "receipt").by(caller)).await?;
        self.receipt_at(leaf).await
    }

    /// The receipt of an act that was just recorded, of the earlier one that it repeats, or why it lost to another.
    pub(crate) async fn receipt_of(&self, committed: Committed) -> Result<Receipt, Error> {
        match committed.outcome {
            Outcome::Effective => Receipt::of(committed),
            Outcome::Duplicate { of } => self.receipt_at(of).await,
            Outcome::CapReached => Err(self.day_is_full()),
            ref outcome => Err(lost_to_another(outcome)),
        }
    }

    /// The receipt for the entry at `leaf`, as it was first given, under the newest checkpoint.
    pub(crate) async fn receipt_at(&self, leaf: LeafIndex) -> Result<Receipt, Error> {
        let entry = self.journal().entry(leaf).await.map_err(Error::corrupt)?;
        let (checkpoint, tree_size) = self.head_over(leaf).await?;
        Receipt::read(leaf, entry, checkpoint, tree_size)
    }
}
