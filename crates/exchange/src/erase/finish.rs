//! Finishing erasures: register the order apart from the log, destroy the keys, say that it is complete. At the start, in the
//! keeper and in the call itself, it is the same code.

use std::collections::BTreeSet;

use causeway_journal::{Erasure, REASON_ERASURE_COMPLETE, v1};
use causeway_model::{LeafIndex, RecordId};
use causeway_store::StoreError;

use super::named;
use crate::draft::{Said, own_request};
use crate::{Class, Error, Exchange};

impl Exchange {
    /// Finishes the erasure that an entry ordered; where that is done already, it does nothing. One at a time.
    pub(crate) async fn finish(&self, ordered: LeafIndex) -> Result<(), Error> {
        let _alone = self.erasing().lock().await;
        let (records, leaves) = self.journal().read(|state| {
            let due = state.erasures_due().filter(|(_, order)| *order == ordered);
            let mut records: Vec<RecordId> = due.map(|(id, _)| id).collect();
            records.sort_unstable_by(|one, other| one.as_bytes().cmp(other.as_bytes()));
            // Bodies of all versions, and of what lost to another: whatever entry is about the record.
            let leaves: BTreeSet<LeafIndex> = records.iter().flat_map(|id| state.subject(id)).collect();
            (records, leaves)
        });
        if records.is_empty() {
            return Ok(());
        }
        let order = self.journal().entry(ordered).await.map_err(Error::corrupt)?;
        self.journal().register_erasure(order).await.map_err(not_finished)?;
        self.journal().shred(leaves.into_iter().collect()).await.map_err(not_finished)?;
        let mut draft = Said::allowed(v1::Operation::Erasure, REASON_ERASURE_COMPLETE).by_operator(&self.operator());
        draft.entry.request_id = own_request().as_bytes().to_vec();
        draft.entry.count = records.len() as u64;
        draft.entry.records = named(&records);
        let committed = self.record(draft).await?;
        if committed.outcome.is_effective() {
            return Ok(());
        }
        Err(Error::internal("apply did not take the completion of an erasure that was due"))
    }

    /// Finishes every erasure that has been ordered and is not complete.
    pub(crate) async fn finish_all(&self) -> Result<(), Error> {
        let due: BTreeSet<LeafIndex> =
            self.journal().read(|state| state.erasures_due().map(|(_, ordered)| ordered).collect());
        for ordered in due {
            self.finish(ordered).await?;
        }
        Ok(())
    }

    /// Destroys the key of a body that came to an erased record too late: it was under way when the erasure was ordered.
    pub(crate) async fn shred_late(&self, record: &RecordId, leaf: LeafIndex) -> Result<(), Error> {
        let erased =
            self.journal().read(|state| state.record(record).is_some_and(|record| record.erasure != Erasure::None));
        if erased {
            self.journal().shred(vec![leaf]).await.map_err(not_finished)?;
        }
        Ok(())
    }

    /// The same for whatever a stop came before: whatever lost, and is about an erased record, may have left a body.
    pub(super) async fn shred_all_late(&self) -> Result<(), Error> {
        let late: BTreeSet<LeafIndex> = self.journal().read(|state| {
            let is_complete =
                |id: &RecordId| state.record(id).is_some_and(|record| matches!(record.erasure, Erasure::Complete(_)));
            let leaves = state.records().filter(is_complete).flat_map(|id| state.subject(&id));
            leaves.filter(|leaf| !state.outcome(*leaf).is_effective()).collect()
        });
        if !late.is_empty() {
            self.journal().shred(late.into_iter().collect()).await.map_err(not_finished)?;
        }
        Ok(())
    }
}

/// The records are unreadable, and their keys may still be there: what is not finished is gone on with.
fn not_finished(error: StoreError) -> Error {
    let message = "the erasure is ordered and not complete; it is gone on with, and nothing of the records can be read";
    Error::new(Class::Unavailable, "erasure-not-complete", message).because(error)
}
