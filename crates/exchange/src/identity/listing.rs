//! The list of requests: all for an agency's records, and those that it made.

use causeway_crypto::Digest;
use causeway_journal::{Identity, decode_entry, identity_digest, v1};
use causeway_model::{AgencyId, EntryId, PersonId, RecordId, RecordVersion, Timestamp};

use super::Found;
use crate::draft::Said;
use crate::{Caller, Error, Exchange};

/// Most rows of an answer.
const MAX_ROWS: usize = 1_000;

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityState {
    /// It waits for approvals.
    Requested,
    /// It is approved and waits for the owner's system.
    Approved,
    /// The owner's system has it.
    Released,
    /// It waits for the partner.
    Delivered,
    /// The partner has it.
    Collected,
    /// The owner refused.
    Refused,
    /// It was approved, and the time is over; or, to the owner, the record has been erased meanwhile.
    Expired,
}

/// One request, as one party may see it.
#[derive(Debug, Clone)]
pub struct IdentityRow {
    /// Its id.
    pub id: EntryId,
    /// How far it has come.
    pub state: IdentityState,
    /// When it was made.
    pub asked: Timestamp,
    /// The agency that asks.
    pub requester: AgencyId,
    /// The purpose code that it was made for.
    pub purpose_code: String,
    /// Until when an approved release stands.
    pub ends: Option<Timestamp>,
    /// The owner's reason, where it refused; to the owner, empty once the record is erased.
    pub refusal: String,
    /// What the owner alone sees.
    pub owners: Option<OwnersView>,
}

/// What the owner of the record sees of a request.
#[derive(Clone)]
pub struct OwnersView {
    /// The record.
    pub record_id: RecordId,
    /// The version whose sealed body is asked for.
    pub version: RecordVersion,
    /// The digest of that sealed body.
    pub sealed_body: Digest,
    /// What its persons sign.
    pub approval_digest: Digest,
    /// Who has approved.
    pub approved_by: Vec<PersonId>,
    /// The text of the purpose; empty once the record is erased.
    pub purpose_text: String,
    /// The case reference; empty once the record is erased.
    pub case_reference: String,
}

impl std::fmt::Debug for OwnersView {
    /// Neither the purpose's text nor the case.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnersView").field("version", &self.version).finish_non_exhaustive()
    }
}

impl Exchange {
    /// The requests that the caller's agency may see, the newest first: those for its records, and those that it made. With
    /// `open_only`, those that wait for something.
    ///
    /// # Errors
    /// `Unavailable` where the question cannot be recorded; `Corrupt`.
    pub async fn identity_requests(&self, caller: &Caller, open_only: bool) -> Result<Vec<IdentityRow>, Error> {
        let listed = Said::allowed(v1::Operation::Consultation, "identity-requests-listed").by(caller);
        self.record_or_refuse(caller, listed).await?;
        let (agency, now) = (&caller.system.agency, self.now());
        let ids: Vec<EntryId> = self.journal().read(|state| state.identities().map(|(id, _)| *id).collect());
        let visible = |found: &Found| found.owner == *agency || found.identity.requester == *agency;
        let mut found: Vec<Found> = ids.iter().filter_map(|id| self.found(id)).filter(visible).collect();
        found.retain(|found| !open_only || is_open(found, found.owner == *agency, now));
        found.sort_unstable_by_key(|found| std::cmp::Reverse(found.identity.leaf));
        found.truncate(MAX_ROWS);
        let mut rows = Vec::with_capacity(found.len());
        for found in found {
            rows.push(self.identity_row(&found, found.owner == *agency, now).await?);
        }
        Ok(rows)
    }

    async fn identity_row(&self, found: &Found, to_owner: bool, now: Timestamp) -> Result<IdentityRow, Error> {
        let identity = &found.identity;
        let entry = self.journal().entry(identity.leaf).await.map_err(Error::corrupt)?;
        let purpose_code = decode_entry(&entry).map_err(Error::corrupt)?.purpose_code;
        // What was written about the person goes with the record. The requester goes on seeing the answer that it got: one that
        // vanished would tell it of the erasure.
        let keeps_texts = !(to_owner && found.erased);
        let refusal = match identity.refused.filter(|_| keeps_texts) {
            Some(leaf) => self.opened(leaf).await?.purpose_text,
            None => String::new(),
        };
        let owners = if to_owner {
            let opened = if keeps_texts { self.opened(identity.leaf).await? } else { v1::Openings::default() };
            let v1::Openings { purpose_text, case_reference, .. } = opened;
            Some(OwnersView {
                record_id: identity.record_id,
                version: identity.version,
                sealed_body: identity.sealed_body,
                approval_digest: identity_digest(&found.id, &identity.sealed_body, &identity.requester),
                approved_by: identity.approvals.iter().map(|(person, _)| person.clone()).collect(),
                purpose_text,
                case_reference,
            })
        } else {
            None
        };
        Ok(IdentityRow {
            id: found.id,
            state: state_of(found, to_owner, now),
            asked: identity.asked,
            requester: identity.requester.clone(),
            purpose_code,
            ends: identity.ends(),
            refusal,
            owners,
        })
    }

    /// The openings of an entry; empty ones where they have been erased.
    async fn opened(&self, leaf: causeway_model::LeafIndex) -> Result<v1::Openings, Error> {
        Ok(self.journal().openings(leaf).await.map_err(Error::corrupt)?.unwrap_or_default())
    }
}

/// How far a request has come, as its owner or its requester is shown it: what becomes of the record does not show in the
/// requester's.
fn state_of(found: &Found, to_owner: bool, now: Timestamp) -> IdentityState {
    let Identity { refused, collected, delivered, released, approved, .. } = &found.identity;
    let is_over = (to_owner && found.erased) || (approved.is_some() && !found.identity.stands(now));
    if refused.is_some() {
        IdentityState::Refused
    } else if collected.is_some() {
        IdentityState::Collected
    } else if released.is_some() && !found.is_partners() {
        IdentityState::Released
    } else if is_over {
        IdentityState::Expired
    } else if delivered.is_some() {
        IdentityState::Delivered
    } else if released.is_some() {
        IdentityState::Released
    } else if approved.is_some() {
        IdentityState::Approved
    } else {
        IdentityState::Requested
    }
}

fn is_open(found: &Found, to_owner: bool, now: Timestamp) -> bool {
    match state_of(found, to_owner, now) {
        IdentityState::Requested | IdentityState::Approved | IdentityState::Delivered => true,
        IdentityState::Released => found.is_partners(),
        IdentityState::Collected | IdentityState::Refused | IdentityState::Expired => false,
    }
}
