//! What an entry does to a request for re-identification. Each step needs the one before it, happens once, and within the time
//! that the release stands.

use causeway_crypto::Digest;
use causeway_model::{AgencyId, EntryId, LeafIndex, RecordId, RecordVersion, Timestamp};

use super::effect::owner_and_record;
use super::{RULES_EVIDENCE, RULES_PROTECTION};
use crate::reason::{
    REASON_IDENTITY_APPROVED, REASON_IDENTITY_COLLECTED, REASON_IDENTITY_DELIVERED, REASON_IDENTITY_REFUSED,
    REASON_IDENTITY_RELEASED, REASON_IDENTITY_REQUESTED,
};
use crate::state::{APPROVALS, Identity, approvers};
use crate::{Erasure, Outcome, State, identity_digest, v1};

/// An entry of operation consultation or disclosure.
pub(super) fn settle(state: &mut State, leaf: LeafIndex, entry: &v1::Entry) -> Outcome {
    if state.rules < RULES_PROTECTION {
        return Outcome::Effective;
    }
    let step = match (entry.operation(), entry.reason.as_str()) {
        (v1::Operation::Consultation, REASON_IDENTITY_REQUESTED) => return request(state, leaf, entry),
        (v1::Operation::Consultation, REASON_IDENTITY_APPROVED) => approve,
        (v1::Operation::Consultation, REASON_IDENTITY_REFUSED) => refuse,
        (v1::Operation::Disclosure, REASON_IDENTITY_RELEASED) => release,
        (v1::Operation::Disclosure, REASON_IDENTITY_DELIVERED) => deliver,
        (v1::Operation::Disclosure, REASON_IDENTITY_COLLECTED) => collect,
        _ => return Outcome::Effective,
    };
    let found = EntryId::try_from(entry.identity_request.as_slice()).ok();
    let Some((id, identity)) = found.and_then(|id| Some((id, state.identities.all.get(&id)?.clone()))) else {
        return Outcome::NotFound;
    };
    let Some(owner) = owner_of(state, &identity.record_id) else { return Outcome::NotFound };
    if state.record(&identity.record_id).is_none_or(|record| record.erasure != Erasure::None) {
        return Outcome::Erased;
    }
    if identity.refused.is_some() {
        return Outcome::AlreadyDone;
    }
    // Of what has been withdrawn or restricted nothing leaves to a partner, whatever was approved before.
    let hands_over = entry.operation() == v1::Operation::Disclosure && identity.agreement.is_some();
    if hands_over && !state.record(&identity.record_id).is_some_and(|record| record.may_leave()) {
        return Outcome::NotFound;
    }
    let actor = entry.actor.as_ref().and_then(|actor| actor.agency.parse().ok());
    let Some(actor) = actor else { return Outcome::Void };
    let mut changed = identity;
    let outcome = step(&mut changed, &Step { state, leaf, entry, id, actor: &actor, owner: &owner });
    if outcome.is_effective() {
        // A partner's own step names no record, since the partner may read the entry; it concerns one all the same.
        if let (true, Some(number)) = (entry.records.is_empty(), state.records.number(&changed.record_id)) {
            state.subjects.note(number, leaf);
        }
        state.identities.all.insert(id, changed);
    }
    outcome
}

/// One step on a request that is there.
struct Step<'a> {
    state: &'a State,
    leaf: LeafIndex,
    entry: &'a v1::Entry,
    id: EntryId,
    actor: &'a AgencyId,
    owner: &'a AgencyId,
}

impl Step<'_> {
    fn by_owner(&self) -> bool {
        self.actor == self.owner
    }

    fn time(&self) -> Timestamp {
        Timestamp(self.entry.time_micros)
    }
}

/// The entry states how many requests a month the requester has, and how long a release stands: the agreement or the settings
/// say so, and apply counts.
fn request(state: &mut State, leaf: LeafIndex, entry: &v1::Entry) -> Outcome {
    let (Some((requester, record, record_id)), Some(recipient)) = (owner_and_record(entry), &entry.recipient) else {
        return Outcome::Void;
    };
    let (Ok(id), Ok(sealed_body)) =
        (EntryId::try_from(entry.entry_id.as_slice()), Digest::try_from(entry.subject_digest.as_slice()))
    else {
        return Outcome::Void;
    };
    // Another request under its id would begin again, and take the approvals that the first one had.
    if state.rules >= RULES_EVIDENCE && state.identities.all.contains_key(&id) {
        return Outcome::Void;
    }
    let agreement = match recipient.agreement.as_str() {
        "" => None,
        id => match id.parse() {
            Ok(id) => Some(id),
            Err(_) => return Outcome::Void,
        },
    };
    let Some(standing) = state.record(&record_id) else { return Outcome::NotFound };
    if standing.erasure != Erasure::None {
        return Outcome::Erased;
    }
    if standing.current != RecordVersion(record.version) {
        return Outcome::VersionMoved;
    }
    let may_ask = match &agreement {
        None => *standing.owner == requester,
        Some(id) => {
            state.agreement(id).is_some_and(|known| known.recipient == requester && known.granting == *standing.owner)
        }
    };
    if !may_ask || recipient.agency != requester.as_str() {
        return Outcome::NotFound;
    }
    let asked = Timestamp(entry.time_micros);
    if state.identities.in_month(&requester, asked) as u64 >= entry.count {
        return Outcome::CapReached;
    }
    let stands_micros = entry.period.map_or(0, |period| period.to_micros - period.from_micros);
    let identity = Identity {
        leaf,
        asked,
        requester,
        agreement,
        record_id,
        version: RecordVersion(record.version),
        sealed_body,
        stands_micros,
        approvals: Vec::new(),
        approved: None,
        refused: None,
        released: None,
        delivered: None,
        collected: None,
    };
    state.identities.all.insert(id, identity);
    Outcome::Effective
}

/// One person an entry, so that each approval is somebody's own act; the second one starts the time that the release stands.
fn approve(identity: &mut Identity, step: &Step<'_>) -> Outcome {
    if !step.by_owner() {
        return Outcome::NotFound;
    }
    if identity.approved.is_some() {
        return Outcome::AlreadyDone;
    }
    let digest = identity_digest(&step.id, &identity.sealed_body, &identity.requester);
    let roster = step.state.agency(step.owner);
    let persons = roster.and_then(|file| approvers(file, &step.entry.approvals, &digest));
    let Some([person]) = persons.as_deref() else { return Outcome::Unapproved };
    if identity.approvals.iter().any(|(earlier, _)| earlier == person) {
        return Outcome::AlreadyDone;
    }
    identity.approvals.push((person.clone(), step.leaf));
    if identity.approvals.len() >= APPROVALS {
        identity.approved = Some(step.time());
    }
    Outcome::Effective
}

fn refuse(identity: &mut Identity, step: &Step<'_>) -> Outcome {
    if !step.by_owner() {
        return Outcome::NotFound;
    }
    if identity.released.is_some() {
        return Outcome::AlreadyDone;
    }
    identity.refused = Some(step.leaf);
    Outcome::Effective
}

fn release(identity: &mut Identity, step: &Step<'_>) -> Outcome {
    if !step.by_owner() {
        return Outcome::NotFound;
    }
    let standing = stands(identity, step);
    once(&mut identity.released, standing, step.leaf)
}

fn deliver(identity: &mut Identity, step: &Step<'_>) -> Outcome {
    if !step.by_owner() || identity.agreement.is_none() || identity.released.is_none() {
        return Outcome::NotFound;
    }
    let standing = stands(identity, step);
    once(&mut identity.delivered, standing, step.leaf)
}

fn collect(identity: &mut Identity, step: &Step<'_>) -> Outcome {
    if *step.actor != identity.requester || identity.delivered.is_none() {
        return Outcome::NotFound;
    }
    let standing = stands(identity, step);
    once(&mut identity.collected, standing, step.leaf)
}

/// Whether the release is approved and not over at the entry's own time.
fn stands(identity: &Identity, step: &Step<'_>) -> Outcome {
    match identity.approved {
        None => Outcome::Unapproved,
        Some(_) if identity.stands(step.time()) => Outcome::Effective,
        Some(_) => Outcome::Expired,
    }
}

fn once(done: &mut Option<LeafIndex>, standing: Outcome, leaf: LeafIndex) -> Outcome {
    if !standing.is_effective() {
        return standing;
    }
    if done.is_some() {
        return Outcome::AlreadyDone;
    }
    *done = Some(leaf);
    Outcome::Effective
}

fn owner_of(state: &State, record: &RecordId) -> Option<AgencyId> {
    state.record(record).map(|record| record.owner.clone())
}
