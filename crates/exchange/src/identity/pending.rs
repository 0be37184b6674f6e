//! Steps that are recorded and whose identity has not left yet, because no witnessed checkpoint covers them: they may be asked for
//! again, and leave once all the same.
//!
//! It is in memory: after a restart such a step counts as one that has left, which is the side to err on.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use causeway_journal::v1;
use causeway_model::{EntryId, LeafIndex};

use super::{Found, lost};
use crate::draft::Said;
use crate::{Caller, Error, Exchange};
use causeway_journal::Outcome;

/// The reason of the entry of whoever asks again for what was recorded and has not left.
const REASON_ASKED_AGAIN: &str = "identity-asked-again";

/// The steps, each with the reason of its entry.
#[derive(Debug, Default)]
pub(crate) struct Pending(Mutex<BTreeSet<(EntryId, &'static str)>>);

impl Pending {
    /// Whether a step has been recorded, and what it hands over has not left.
    pub(super) fn holds(&self, id: &EntryId, step: &'static str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&(*id, step))
    }

    fn put(&self, id: &EntryId, step: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((*id, step));
    }

    /// Takes it out, which one caller alone can do.
    pub(super) fn take(&self, id: &EntryId, step: &'static str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(*id, step))
    }
}

impl Exchange {
    /// Waits until a witnessed checkpoint covers a step that has just been recorded. Where there are no witnesses, it may go at once.
    ///
    /// # Errors
    /// `Unavailable` where that takes too long: the step can be asked for again.
    pub(super) async fn witnessed_step(&self, id: &EntryId, step: &'static str, leaf: LeafIndex) -> Result<(), Error> {
        if self.witnessed().is_on() {
            self.pending().put(id, step);
        }
        self.until_witnessed(leaf).await
    }

    /// The entry of whoever asks again for what was recorded and has not left: it says to whom it goes, and is to be witnessed too.
    pub(super) async fn asked_again(&self, caller: &Caller, found: &Found) -> Result<LeafIndex, Error> {
        let mut draft = Said::allowed(v1::Operation::Disclosure, REASON_ASKED_AGAIN).by(caller);
        draft.entry.identity_request = found.id.as_bytes().to_vec();
        Ok(self.record_or_refuse(caller, draft).await?.leaf)
    }

    /// Makes sure that a step hands over once, where there are witnesses to wait for: whoever comes second is told that it was done.
    pub(super) fn goes_once(&self, id: &EntryId, step: &'static str) -> Result<(), Error> {
        if !self.witnessed().is_on() || self.pending().take(id, step) {
            Ok(())
        } else {
            Err(lost(&Outcome::AlreadyDone))
        }
    }
}
