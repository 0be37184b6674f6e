//! Steps that are recorded and whose identity has not left yet, because no witnessed checkpoint covers them: they may be asked for
//! again, and leave once all the same.
//!
//! Each try leaves an entry: the step's own, or that somebody asked again; and where it was in vain, a denial after it. So the log says
//! whether a step still waits: where the newest of these entries is that denial. One caller at a time tries, or that would not hold. Of one
//! request there may be two such steps, the owner's and the partner's: the agency in the entry says which of them it is about.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use causeway_journal::{Outcome, decode_entry, v1};
use causeway_model::{AgencyId, EntryId, LeafIndex};
use causeway_store::{Search, Term};

use super::{Found, lost};
use crate::draft::Said;
use crate::witnessed::REASON_NOT_YET;
use crate::{Caller, Class, Error, Exchange};

/// The reason of the entry of whoever asks again for what was recorded and has not left.
const REASON_ASKED_AGAIN: &str = "identity-asked-again";

/// Entries that are looked at for one request. Each is a try of ten seconds, so nobody comes so far within the time that an approval
/// stands; beyond, a step counts as one that has left.
const TRIES: usize = 10_000;

/// The steps that wait, each with the reason of its entry, and the requests that somebody is trying to have handed over.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    steps: Mutex<BTreeSet<(EntryId, &'static str)>>,
    turns: Mutex<BTreeSet<EntryId>>,
}

/// The right to have one request handed over; given back when dropped.
#[derive(Debug)]
pub(super) struct Turn<'a>(&'a Pending, EntryId);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.turns.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

impl Pending {
    /// # Errors
    /// `Conflict` while somebody else has it.
    pub(super) fn turn(&self, id: &EntryId) -> Result<Turn<'_>, Error> {
        if self.turns.lock().unwrap_or_else(PoisonError::into_inner).insert(*id) {
            return Ok(Turn(self, *id));
        }
        let message = "it is being handed over at this moment, to whoever asked first";
        Err(Error::new(Class::Conflict, "identity-under-way", message))
    }

    fn holds(&self, id: &EntryId, step: &'static str) -> bool {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).contains(&(*id, step))
    }

    fn put(&self, id: &EntryId, step: &'static str) {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).insert((*id, step));
    }

    /// Takes it out, which one caller alone can do.
    pub(super) fn take(&self, id: &EntryId, step: &'static str) -> bool {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).remove(&(*id, step))
    }
}

impl Exchange {
    /// Whether a step that was recorded at `recorded`, and is `agency`'s to take, has not left: as this process knows, or else as the
    /// log says.
    ///
    /// # Errors
    /// `Corrupt` where the log cannot be read.
    pub(super) async fn still_waits(
        &self,
        id: &EntryId,
        step: &'static str,
        agency: &AgencyId,
        recorded: LeafIndex,
    ) -> Result<bool, Error> {
        if !self.witnessed().is_on() || self.pending().holds(id, step) {
            return Ok(self.witnessed().is_on());
        }
        let Some(in_vain) = self.newest_try(id, REASON_NOT_YET, agency, recorded).await? else { return Ok(false) };
        let waits = self.newest_try(id, REASON_ASKED_AGAIN, agency, in_vain).await?.is_none();
        if waits {
            self.pending().put(id, step);
        }
        Ok(waits)
    }

    /// The newest entry after `after` with this reason that is about the request, and of this agency's asking.
    async fn newest_try(
        &self,
        id: &EntryId,
        reason: &'static str,
        agency: &AgencyId,
        after: LeafIndex,
    ) -> Result<Option<LeafIndex>, Error> {
        let search = Search {
            terms: vec![Term::Reason(reason.to_owned())],
            among: None,
            from: LeafIndex(after.0 + 1),
            before: LeafIndex(u64::MAX),
            newest_first: true,
            limit: TRIES,
        };
        for leaf in self.journal().search(search).await.map_err(Error::corrupt)? {
            let bytes = self.journal().entry(leaf).await.map_err(Error::corrupt)?;
            let entry = decode_entry(&bytes).map_err(Error::corrupt)?;
            let is_theirs = entry.actor.is_some_and(|actor| actor.agency == agency.as_str());
            if is_theirs && entry.identity_request == id.as_bytes() {
                return Ok(Some(leaf));
            }
        }
        Ok(None)
    }

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
