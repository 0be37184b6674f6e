//! Re-identification: who asks for the identity behind a record, which persons of its owner approve, and how what only the owner
//! can open reaches the owner and then, sealed again, the partner that asked.
//!
//! Each step is an entry, and `apply` says which may follow which. What a partner may not know looks the same to it: a request
//! that is not there, and one that is another's.

mod approval;
mod handover;
mod listing;
mod pending;
mod request;
mod search;
mod standing;

use causeway_journal::{Erasure, Identity, Outcome, v1};
use causeway_model::{AgencyId, EntryId, LeafIndex, RecordId, RecordVersion, SchemaId, Timestamp};
use causeway_store::{Draft, OpenedBody};

use crate::draft::Said;
use crate::exchange::record_ref;
use crate::submit::leaf_of;
use crate::witnessed::is_for_witnesses;
use crate::{Caller, Class, Error, Exchange};

pub use approval::Approved;
pub use handover::{ReleasedIdentity, SealedIdentity};
pub use listing::{IdentityRow, IdentityState, OwnersView};
pub(crate) use pending::Pending;
pub use request::{IdentityQuestion, Whose};
pub(crate) use search::{Searches, Searching};

/// How many identities an agency may ask for of its own records, and how long an approved release stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnIdentities {
    /// Requests in one calendar month (UTC).
    pub monthly_cap: u32,
    /// Hours for which an approved release stands.
    pub stands_hours: u32,
}

impl Default for OwnIdentities {
    fn default() -> Self {
        Self { monthly_cap: 10, stands_hours: causeway_agreement::IdentityTerms::DEFAULT_STANDS_HOURS }
    }
}

/// A request that one party may act on, with the record as it stands now.
struct Found {
    id: EntryId,
    identity: Identity,
    owner: AgencyId,
    schema: SchemaId,
    /// The entry that made the version that is asked for.
    made: LeafIndex,
    erased: bool,
    may_leave: bool,
}

impl Found {
    /// Whether a partner asks, rather than the owner itself.
    fn is_partners(&self) -> bool {
        self.identity.agreement.is_some()
    }

    fn record_ref(&self) -> v1::RecordRef {
        record_ref(&self.identity.record_id, self.identity.version, RecordVersion(0), self.schema)
    }

    /// Whether what was approved may be handed on at this moment: not refused, approved, within its time, and of a record that is
    /// still there and, for a partner, may still leave.
    fn stands(&self, now: Timestamp) -> Result<(), Error> {
        if self.erased {
            Err(lost(&Outcome::Erased))
        } else if self.identity.refused.is_some() {
            Err(lost(&Outcome::AlreadyDone))
        } else if self.identity.approved.is_none() {
            Err(lost(&Outcome::Unapproved))
        } else if !self.identity.stands(now) {
            Err(lost(&Outcome::Expired))
        } else if self.is_partners() && !self.may_leave {
            Err(withheld())
        } else {
            Ok(())
        }
    }
}

impl Exchange {
    fn found(&self, id: &EntryId) -> Option<Found> {
        self.journal().read(|state| {
            let identity = state.identity(id)?.clone();
            let record = state.record(&identity.record_id)?;
            Some(Found {
                id: *id,
                owner: record.owner.clone(),
                schema: record.schema,
                made: leaf_of(record, identity.version)?,
                erased: record.erasure != Erasure::None,
                may_leave: record.may_leave(),
                identity,
            })
        })
    }

    /// A request for one of the caller's own records.
    fn of_owner(&self, caller: &Caller, id: &EntryId) -> Result<Found, Error> {
        self.found(id).filter(|found| found.owner == caller.system.agency).ok_or_else(unknown_request)
    }

    /// A request that the caller made as a partner.
    fn of_partner(&self, caller: &Caller, id: &EntryId) -> Result<Found, Error> {
        let own = |found: &Found| found.is_partners() && found.identity.requester == caller.system.agency;
        self.found(id).filter(own).ok_or_else(unknown_request)
    }

    /// The body of a record that was submitted at `leaf`; none where it is erased.
    async fn body_at(&self, record: RecordId, leaf: LeafIndex) -> Result<Option<OpenedBody>, Error> {
        Ok(self.bodies_of(&[(record, leaf)]).await?.into_iter().next().flatten())
    }

    /// Records that a step on a request was refused, and gives the refusal back. Only the owner's entry names the record.
    async fn refuse_step(&self, caller: &Caller, operation: v1::Operation, id: &EntryId, refusal: Error) -> Error {
        if !is_refusal(&refusal) && !is_for_witnesses(&refusal) {
            return refusal;
        }
        let mut draft = Said::denied(operation, refusal.reason).by(caller);
        draft.entry.identity_request = id.as_bytes().to_vec();
        if let Ok(found) = self.of_owner(caller, id) {
            draft.entry.records.push(found.record_ref());
        }
        self.refused_by(caller, draft, refusal).await
    }

    async fn refused_by(&self, caller: &Caller, draft: Draft, refusal: Error) -> Error {
        match self.record_or_refuse(caller, draft).await {
            Ok(_) => refusal,
            Err(unavailable) => unavailable,
        }
    }
}

/// Whether an error says that the caller may not, rather than that the gateway cannot.
fn is_refusal(error: &Error) -> bool {
    !matches!(error.class, Class::Busy | Class::Unavailable | Class::Corrupt | Class::Internal)
}

/// A request that is not there, or is not the caller's to act on: the caller is told the same.
fn unknown_request() -> Error {
    let message = "there is no such request that this agency may act on";
    Error::new(Class::NotFound, "unknown-identity-request", message)
}

/// What the owner is told where its record is withheld from partners.
fn withheld() -> Error {
    let message = "the record has been withdrawn or restricted since: its identity goes to no partner";
    Error::new(Class::Conflict, "record-withheld", message)
}

/// The refusal of a step that cannot be, or that apply let lose to what came before it in the log.
fn lost(outcome: &Outcome) -> Error {
    match outcome {
        Outcome::NotFound => unknown_request(),
        Outcome::Erased => Error::new(Class::Conflict, "record-erased", "the record has been erased"),
        Outcome::VersionMoved => {
            Error::new(Class::Conflict, "version-moved", "the record was corrected at the same moment; ask again")
        }
        Outcome::CapReached => {
            let message = "this agency has asked for as many identities this month as it may";
            Error::new(Class::Denied, "identity-cap-reached", message)
        }
        Outcome::Unapproved => {
            let message =
                "two rostered persons of the owner have to approve the release first, each by a signature of their own";
            Error::new(Class::Denied, "identity-not-approved", message)
        }
        Outcome::Expired => {
            let message = "the release stood for a time that is over; it takes a new request";
            Error::new(Class::Denied, "identity-expired", message)
        }
        Outcome::AlreadyDone => {
            let message = "that was done, or refused, before: it happens once; it takes a new request";
            Error::new(Class::Conflict, "identity-already-done", message)
        }
        _ => Error::internal("apply gave an outcome that no step of a re-identification can have"),
    }
}
