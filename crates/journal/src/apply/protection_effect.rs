//! What an entry does to keep a record from being used: restriction, legal hold, and erasure by order or by date.

use causeway_model::{AgencyId, LeafIndex, RecordId, Timestamp};

use super::effect::{current, owner_and_record, record_id};
use super::{RULES_AGREEMENTS, RULES_PROTECTION, feed_effect, node_effect};
use crate::reason::{
    REASON_AT_RISK, REASON_ERASURE_ATTESTED, REASON_ERASURE_COMPLETE, REASON_ERASURE_ORDERED, REASON_HOLD_LIFTED,
    REASON_HOLD_SET, REASON_RESTRICTED, REASON_RETENTION_EXPIRED, REASON_UNRESTRICTED,
};
use crate::state::{APPROVALS, RecordNumber, approvers};
use crate::{Erasure, Outcome, State, erasure_digest, v1};

/// An alteration other than a withdrawal. Restricting what is restricted changes nothing and is no error.
pub(super) fn alter(state: &mut State, leaf: LeafIndex, entry: &v1::Entry) -> Outcome {
    let restricted = match entry.reason.as_str() {
        REASON_AT_RISK if state.rules >= RULES_AGREEMENTS => return flag_at_risk(state, leaf, entry),
        REASON_RESTRICTED if state.rules >= RULES_PROTECTION => true,
        REASON_UNRESTRICTED if state.rules >= RULES_PROTECTION => false,
        _ => return Outcome::Effective,
    };
    let Some((owner, record, id)) = owner_and_record(entry) else { return Outcome::Void };
    match current(state, state.records.number(&id), &owner, record.expected_version) {
        Ok(number) => {
            state.records.restrict(number, restricted);
            if restricted {
                feed_effect::withdraw_everywhere(state, leaf, entry, 0, number);
            }
            Outcome::Effective
        }
        Err(outcome) => outcome,
    }
}

/// A person in a record is in danger: it leaves every feed whatever its version is, and is kept back. A record that was withdrawn is
/// flagged too, since the clock of its acknowledgements begins.
fn flag_at_risk(state: &mut State, leaf: LeafIndex, entry: &v1::Entry) -> Outcome {
    let Some((owner, _, id)) = owner_and_record(entry) else { return Outcome::Void };
    let Some(number) = state.records.number(&id) else { return Outcome::NotFound };
    let record = state.records.at(number);
    if *record.owner != owner {
        return Outcome::NotFound;
    }
    if record.erasure != Erasure::None {
        return Outcome::Erased;
    }
    if record.at_risk.is_some() {
        return Outcome::AlreadyDone;
    }
    state.records.flag_at_risk(number, leaf);
    feed_effect::withdraw_everywhere(state, leaf, entry, 0, number);
    Outcome::Effective
}

/// An entry of operation erasure or retention.
pub(super) fn settle(state: &mut State, leaf: LeafIndex, entry: &v1::Entry) -> Outcome {
    if state.rules < RULES_PROTECTION {
        return Outcome::Effective;
    }
    match (entry.operation(), entry.reason.as_str()) {
        (v1::Operation::Erasure, REASON_ERASURE_ORDERED) => order(state, leaf, entry),
        (v1::Operation::Erasure, REASON_ERASURE_COMPLETE) => complete(state, leaf, entry),
        (v1::Operation::Erasure, REASON_ERASURE_ATTESTED) => node_effect::attest(state, entry),
        (v1::Operation::Retention, REASON_RETENTION_EXPIRED) => expire(state, leaf, entry),
        (v1::Operation::Retention, REASON_HOLD_SET) => hold(state, entry, true),
        (v1::Operation::Retention, REASON_HOLD_LIFTED) => hold(state, entry, false),
        _ => Outcome::Effective,
    }
}

/// Two persons of the owner approve the list of records. What is erased already, or is not in this log, is passed over: an order that
/// is appended again after a restore concerns what there is. A record of another owner or under a hold refuses all of it.
fn order(state: &mut State, leaf: LeafIndex, entry: &v1::Entry) -> Outcome {
    let Some(owner) = agency(entry) else { return Outcome::Void };
    let ids: Vec<RecordId> = entry.records.iter().filter_map(record_id).collect();
    let digest = erasure_digest(&owner, &ids);
    if digest.0 != *entry.subject_digest {
        return Outcome::Unapproved;
    }
    let approved = state.documents.agency(&owner).is_some_and(|file| {
        let approvers = approvers(file, &entry.approvals, &digest);
        approvers.is_some_and(|persons| persons.len() >= APPROVALS)
    });
    if !approved {
        return Outcome::Unapproved;
    }
    let (mut numbers, mut erased_before) = (Vec::new(), false);
    for number in ids.iter().filter_map(|id| state.records.number(id)) {
        let record = state.records.at(number);
        match record.erasure {
            _ if *record.owner != owner => return Outcome::NotFound,
            Erasure::Ordered(_) | Erasure::Complete(_) => erased_before = true,
            Erasure::None if record.held => return Outcome::OnHold,
            Erasure::None => numbers.push(number),
        }
    }
    match (numbers.is_empty(), erased_before) {
        (true, true) => Outcome::Erased,
        (true, false) => Outcome::NotFound,
        (false, _) => {
            erase_all(state, leaf, entry, &numbers);
            Outcome::Effective
        }
    }
}

/// Needs no approvals: the submitted record itself named its last day, and the entry's time is past it.
fn expire(state: &mut State, leaf: LeafIndex, entry: &v1::Entry) -> Outcome {
    if agency(entry).as_ref() != state.operator() {
        return Outcome::Void;
    }
    let ids: Vec<RecordId> = entry.records.iter().filter_map(record_id).collect();
    let numbers = match erasable(state, &ids) {
        Ok(numbers) => numbers,
        Err(outcome) => return outcome,
    };
    let today = Timestamp(entry.time_micros).day();
    let is_over =
        |number: &RecordNumber| state.records.at(*number).retain_until_day.is_some_and(|last| u64::from(last) < today);
    if !numbers.iter().all(is_over) {
        return Outcome::Void;
    }
    erase_all(state, leaf, entry, &numbers);
    Outcome::Effective
}

/// The records that expire, if each is there, not erased, and neither held nor restricted: what is restricted is kept as evidence.
fn erasable(state: &State, ids: &[RecordId]) -> Result<Vec<RecordNumber>, Outcome> {
    ids.iter()
        .map(|id| {
            let number = state.records.number(id).ok_or(Outcome::NotFound)?;
            let record = state.records.at(number);
            match (record.erasure, record.held || record.restricted) {
                (Erasure::Ordered(_) | Erasure::Complete(_), _) => Err(Outcome::Erased),
                (Erasure::None, true) => Err(Outcome::OnHold),
                (Erasure::None, false) => Ok(number),
            }
        })
        .collect()
}

fn erase_all(state: &mut State, leaf: LeafIndex, entry: &v1::Entry, numbers: &[RecordNumber]) {
    for (number, ordinal) in numbers.iter().zip(0..) {
        state.records.erase(*number, Erasure::Ordered(leaf));
        feed_effect::withdraw_everywhere(state, leaf, entry, ordinal, *number);
    }
    state.nodes.ordered(leaf, numbers.len());
}

/// The operator says that the keys are destroyed; what was not ordered cannot be complete, nor what a node of the roster has not attested.
fn complete(state: &mut State, leaf: LeafIndex, entry: &v1::Entry) -> Outcome {
    if agency(entry).as_ref() != state.operator() {
        return Outcome::Void;
    }
    let numbers: Option<Vec<RecordNumber>> =
        entry.records.iter().map(|record| state.records.number(&record_id(record)?)).collect();
    let is_ordered = |number: &RecordNumber| matches!(state.records.at(*number).erasure, Erasure::Ordered(_));
    match numbers {
        Some(numbers) if numbers.iter().all(is_ordered) => {
            let Some(orders) = node_effect::attested(state, &numbers) else { return Outcome::Void };
            numbers.iter().for_each(|number| state.records.erase(*number, Erasure::Complete(leaf)));
            orders.into_iter().for_each(|(order, records)| state.nodes.completed(order, records));
            Outcome::Effective
        }
        _ => Outcome::Void,
    }
}

fn hold(state: &mut State, entry: &v1::Entry, held: bool) -> Outcome {
    let Some((owner, _, id)) = owner_and_record(entry) else { return Outcome::Void };
    let number = state.records.number(&id).filter(|number| *state.records.at(*number).owner == owner);
    match number {
        None => Outcome::NotFound,
        Some(number) if state.records.at(number).erasure != Erasure::None => Outcome::Erased,
        Some(number) => {
            state.records.hold(number, held);
            Outcome::Effective
        }
    }
}

fn agency(entry: &v1::Entry) -> Option<AgencyId> {
    entry.actor.as_ref()?.agency.parse().ok()
}
