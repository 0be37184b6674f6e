//! Finishing erasures: register the order apart from the log, destroy the keys, say that it is complete. At the start, in the
//! keeper and in the call itself, it is the same code.
//!
//! Of several nodes each does so for itself, and attests it with an entry; whoever sees that all have says that it is complete. If a node
//! stops between any two steps, it goes on with the first that is not done; what is done twice changes nothing.

use std::collections::BTreeSet;

use causeway_journal::{REASON_ERASURE_ATTESTED, REASON_ERASURE_COMPLETE, v1};
use causeway_model::{LeafIndex, RecordId};
use causeway_store::StoreError;

use super::named;
use crate::draft::{Said, own_request};
use crate::{Class, Error, Exchange};

/// Leaves looked at in one reading of the state, so that nobody waits long for it.
const SLICE_LEAVES: u64 = 16_384;

impl Exchange {
    /// Finishes the erasure that an entry ordered; where that is done already, it does nothing. One at a time.
    pub(crate) async fn finish(&self, ordered: LeafIndex) -> Result<(), Error> {
        let _alone = self.erasing().lock().await;
        let records = self.ordered_by(ordered);
        if records.is_empty() {
            return Ok(());
        }
        let order = self.journal().entry(ordered).await.map_err(Error::corrupt)?;
        self.journal().register_erasure(order).await.map_err(not_finished)?;
        self.shred_bodies(&records).await?;
        self.attest(ordered).await?;
        let mut draft = Said::allowed(v1::Operation::Erasure, REASON_ERASURE_COMPLETE).by_operator(&self.operator());
        draft.entry.request_id = own_request().as_bytes().to_vec();
        draft.entry.count = records.len() as u64;
        draft.entry.records = named(&records);
        let committed = self.record(draft).await?;
        // A call that has gone may have left the same entry in the queue, and that one was taken.
        if committed.outcome.is_effective() || self.ordered_by(ordered).is_empty() {
            return Ok(());
        }
        Err(Error::internal("apply did not take the completion of an erasure that was due"))
    }

    /// Finishes every erasure that has been ordered and is not complete. One that fails keeps none of the others, and is logged.
    pub(crate) async fn finish_all(&self) -> Finished {
        let due: BTreeSet<LeafIndex> =
            self.journal().read(|state| state.erasures_due().map(|(_, ordered)| ordered).collect());
        let mut finished = Finished::All;
        for ordered in due {
            match self.finish(ordered).await {
                Ok(()) => {}
                Err(error) if error.reason == WAITS => {
                    let cause = error.source.as_deref().map(tracing::field::display);
                    tracing::info!(order = ordered.0, cause, "an erasure waits for other nodes: {}", error.message);
                    finished = finished.max(Finished::Waits);
                }
                Err(error) => {
                    let cause = error.source.as_deref().map(tracing::field::display);
                    tracing::error!(
                        order = ordered.0,
                        reason = error.reason,
                        cause,
                        "an erasure could not be finished"
                    );
                    finished = Finished::Failed;
                }
            }
        }
        finished
    }

    /// Says that this node has destroyed the keys of what an entry ordered, where nodes have to say so and it has not.
    ///
    /// # Errors
    /// `Unavailable` while other nodes have not.
    async fn attest(&self, ordered: LeafIndex) -> Result<(), Error> {
        let own = self.journal().node_name();
        let waits_for_own = self.journal().read(|state| state.erasure_waits_for(ordered).any(|node| node == own));
        if waits_for_own {
            let mut draft =
                Said::allowed(v1::Operation::Erasure, REASON_ERASURE_ATTESTED).by_operator(&self.operator());
            draft.entry.request_id = own_request().as_bytes().to_vec();
            draft.entry.erasure_order = ordered.0;
            self.record(draft).await?;
        }
        let left: Vec<String> =
            self.journal().read(|state| state.erasure_waits_for(ordered).map(str::to_owned).collect());
        if left.is_empty() { Ok(()) } else { Err(waits(format!("they are {}", left.join(", ")))) }
    }

    /// Destroys the keys of all bodies of these records: of every version, of what was delivered, and of what lost.
    pub(super) async fn shred_bodies(&self, records: &[RecordId]) -> Result<(), Error> {
        let leaves: BTreeSet<LeafIndex> = self.journal().read(|state| {
            let mut leaves = BTreeSet::new();
            for id in records {
                leaves.extend(state.record(id).into_iter().flat_map(|record| record.versions));
                // Of all the entries about a record, most are pages that held it, which have no bodies.
                leaves.extend(state.subject(id).into_iter().filter(|leaf| !state.outcome(*leaf).is_effective()));
            }
            let wanted: BTreeSet<&RecordId> = records.iter().collect();
            let handed = state.identities().filter(|(_, identity)| wanted.contains(&identity.record_id));
            leaves.extend(handed.filter_map(|(_, identity)| identity.delivered));
            leaves
        });
        self.journal().shred(leaves.into_iter().collect()).await.map_err(not_finished)?;
        // After the keys: what was read before is not kept any more, and what is read from now on is not of these.
        self.watches().lately.forget();
        Ok(())
    }

    /// Destroys the keys of bodies that lost: to another submission, or to an erasure that was ordered while they were under way. Nobody
    /// reads them, and no later erasure might come by. It goes on from where it was; whoever sent them may have gone.
    ///
    /// # Errors
    /// `Unavailable` where one of them could not be destroyed: it is tried again, and keeps none of the others.
    pub(crate) async fn shred_lost(&self) -> Result<(), Error> {
        let mut swept = self.swept().lock().await;
        loop {
            let from = swept.through.0;
            let size = self.journal().read(|state| {
                let (size, last) = (state.tree().size(), from.saturating_add(SLICE_LEAVES));
                swept.through = LeafIndex(size.min(last));
                let leaves = (from..swept.through.0).map(LeafIndex);
                swept.due.extend(leaves.filter(|leaf| !state.outcome(*leaf).is_effective()));
                size
            });
            if swept.through.0 >= size {
                break;
            }
        }
        if swept.due.is_empty() {
            return Ok(());
        }
        match self.journal().shred(swept.due.clone()).await {
            Ok(_) => {
                swept.due.clear();
                return Ok(());
            }
            // None of them is what it fails for.
            Err(error @ StoreError::NodesAway { .. }) => return Err(lost_not_destroyed(error)),
            Err(_) => {}
        }
        let mut failed = Ok(());
        for leaf in std::mem::take(&mut swept.due) {
            if let Err(error) = self.journal().shred(vec![leaf]).await {
                swept.due.push(leaf);
                failed = Err(lost_not_destroyed(error));
            }
        }
        failed
    }

    /// The records whose erasure this entry ordered and that is not complete, ascending.
    fn ordered_by(&self, ordered: LeafIndex) -> Vec<RecordId> {
        let mut records: Vec<RecordId> = self.journal().read(|state| {
            state.erasures_due().filter(|(_, order)| *order == ordered).map(|(record, _)| record).collect()
        });
        records.sort_unstable();
        records
    }
}

/// How far finishing every erasure has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Finished {
    /// Every one that was due is complete.
    All,
    /// One waits for other nodes, and is to be looked at soon.
    Waits,
    /// One failed.
    Failed,
}

/// How far the log has been gone through for bodies that lost.
#[derive(Debug, Default)]
pub(crate) struct Swept {
    /// What comes from here on has not been looked at.
    through: LeafIndex,
    /// Entries before that whose bodies are still to be destroyed.
    due: Vec<LeafIndex>,
}

fn lost_not_destroyed(error: StoreError) -> Error {
    let message = "what came to the journal and took no effect could not be destroyed yet; nobody reads it, and it is tried again";
    // Its key page is another node's, which looks once a second what it has to destroy.
    let reason = if matches!(error, StoreError::NodesAway { .. }) { WAITS } else { "lost-not-destroyed" };
    Error::new(Class::Unavailable, reason, message).because(error)
}

/// The records are unreadable, and their keys may still be there: what is not finished is gone on with.
fn not_finished(error: StoreError) -> Error {
    if matches!(error, StoreError::NodesAway { .. }) {
        return waits("they keep its key pages".into()).because(error);
    }
    let message = "the erasure is ordered and not complete; it is gone on with, and nothing of the records can be read";
    Error::new(Class::Unavailable, "erasure-not-complete", message).because(error)
}

/// The reason of what this node has done its part of, and other nodes have not.
pub(crate) const WAITS: &str = "erasure-waits-for-nodes";

/// The records are unreadable, and other nodes have not destroyed their keys yet.
fn waits(whom: String) -> Error {
    let message = format!(
        "the erasure is ordered and waits for other nodes ({whom}); it is gone on with, and nothing of the records can be read"
    );
    Error::new(Class::Unavailable, WAITS, message)
}
