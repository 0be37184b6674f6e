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

/// What the entry of a submission makes.
#[derive(Debug)]
pub(crate) struct Made {
    record_id: RecordId,
    version: RecordVersion,
    sealing_key_id: Vec<u8>,
}

impl Made {
    pub(crate) fn of(entry: &v1::Entry) -> Result<Self, Error> {
        let record =
            entry.records.first().ok_or_else(|| Error::internal("an entry of a submission names no record"))?;
        let record_id = RecordId::try_from(record.record_id.as_slice()).map_err(Error::corrupt)?;
        let sealing_key_id = entry.sealing_key_id.clone();
        Ok(Self { record_id, version: RecordVersion(record.version), sealing_key_id })
    }
}

impl Receipt {
    fn of(committed: Committed, made: Made) -> Self {
        let Committed { leaf, entry, checkpoint, tree_size, .. } = committed;
        Self { is_new: true, ..Self::under(leaf, entry, made, (checkpoint, tree_size)) }
    }

    fn under(leaf: LeafIndex, entry: Vec<u8>, made: Made, (checkpoint, tree_size): (Arc<str>, u64)) -> Self {
        let Made { record_id, version, sealing_key_id } = made;
        Self { record_id, version, leaf, entry, sealing_key_id, checkpoint, tree_size, is_new: false }
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
        let made = Made::of(&decode_entry(&committed.entry).map_err(Error::corrupt)?)?;
        self.receipt_for(made, committed).await
    }

    /// The same, where it is known what the act makes.
    pub(crate) async fn receipt_for(&self, made: Made, committed: Committed) -> Result<Receipt, Error> {
        match committed.outcome {
            Outcome::Effective => Ok(Receipt::of(committed, made)),
            Outcome::Duplicate { of } => self.receipt_at(of).await,
            Outcome::CapReached => Err(self.day_is_full()),
            ref outcome => Err(lost_to_another(outcome)),
        }
    }

    /// The receipt for the entry at `leaf`, as it was first given, under the newest checkpoint.
    pub(crate) async fn receipt_at(&self, leaf: LeafIndex) -> Result<Receipt, Error> {
        let entry = self.journal().entry(leaf).await.map_err(Error::corrupt)?;
        let made = Made::of(&decode_entry(&entry).map_err(Error::corrupt)?)?;
        let head = self.head_over(leaf).await?;
        Ok(Receipt::under(leaf, entry, made, head))
    }
}
