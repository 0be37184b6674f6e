//! What an entry does to records, submissions and documents. What two writers could both do is settled here: first in
//! log order wins.

use causeway_agreement::TableId;
use causeway_model::{AgencyId, AgreementId, LeafIndex, RecordId, RecordVersion, Timestamp};

use super::{
    RULES_AGREEMENTS, RULES_AUDITORS, RULES_PROTECTION, RULES_SHARED, feed_effect, identity_effect, key_effect,
    node_effect, protection_effect, releaser_effect,
};
use crate::reason::{REASON_CHECKPOINT, REASON_CORRECTED, REASON_ROSTER_STATED, REASON_TERM_BEGUN, REASON_WITHDRAWN};
use crate::state::{Known, Published, RecordNumber, Submission};
use crate::{Erasure, Outcome, State, shape, v1};

/// Applies one entry, whose shape has been checked.
pub(super) fn settle(state: &mut State, leaf: LeafIndex, entry: &v1::Entry, text: &[u8]) -> Outcome {
    if entry.decision() != v1::Decision::Allowed {
        note_subjects(state, leaf, entry);
        return Outcome::Effective;
    }
    if !releaser_effect::stands(state, entry) {
        note_subjects(state, leaf, entry);
        return Outcome::Void;
    }
    let outcome = match entry.operation() {
        v1::Operation::Collection => once(state, leaf, entry, collect),
        v1::Operation::Alteration if is_correction(state, entry) => once(state, leaf, entry, collect),
        v1::Operation::Alteration if entry.reason == REASON_WITHDRAWN => once(state, leaf, entry, withdraw),
        v1::Operation::Alteration => once(state, leaf, entry, protection_effect::alter),
        v1::Operation::Document => govern(state, leaf, entry, text),
        v1::Operation::Erasure | v1::Operation::Retention => protection_effect::settle(state, leaf, entry),
        v1::Operation::Consultation | v1::Operation::Disclosure => identity_effect::settle(state, leaf, entry),
        v1::Operation::Key => key_effect::settle(state, leaf, entry),
        v1::Operation::Combination => publish(state, leaf, entry, text),
        v1::Operation::Administration if entry.reason == REASON_ROSTER_STATED => {
            node_effect::state_roster(state, entry)
        }
        v1::Operation::Administration if entry.reason == REASON_TERM_BEGUN => {
            releaser_effect::begin_term(state, leaf, entry)
        }
        v1::Operation::Administration => compare(state, leaf, entry),
        _ => Outcome::Effective,
    };
    // The entries that made a record's versions are in its list of versions.
    let makes_version = entry.operation() == v1::Operation::Collection || is_correction(state, entry);
    if !(outcome.is_effective() && makes_version) {
        note_subjects(state, leaf, entry);
    }
    if outcome.is_effective() { feed_effect::settle(state, leaf, entry) } else { outcome }
}

/// Whether an alteration makes a record's next version.
fn is_correction(state: &State, entry: &v1::Entry) -> bool {
    let corrects = entry.operation() == v1::Operation::Alteration && entry.reason == REASON_CORRECTED;
    corrects && state.rules >= RULES_PROTECTION
}

/// A submission takes effect once: the same id again is a duplicate or, with other content, refused.
fn once(
    state: &mut State,
    leaf: LeafIndex,
    entry: &v1::Entry,
    change: impl FnOnce(&mut State, LeafIndex, &v1::Entry) -> Outcome,
) -> Outcome {
    let (Ok(mac), Ok(content_mac)) =
        (entry.submission_mac.as_slice().try_into(), entry.content_mac.as_slice().try_into())
    else {
        return change(state, leaf, entry);
    };
    if let Some(known) = state.submissions.get(&mac).copied() {
        // Whatever becomes of it, a body may travel with this entry: it has to be found with the record that it lost to.
        if let Some(number) = state.records.number(&known.record_id) {
            state.subjects.note(number, leaf);
        }
        let same = known.content_mac == content_mac;
        return if same { Outcome::Duplicate { of: known.leaf } } else { Outcome::SubmissionReused };
    }
    let outcome = change(state, leaf, entry);
    let record = entry.records.first();
    if let (true, Some(record), Some(record_id)) = (outcome.is_effective(), record, record.and_then(record_id)) {
        let version = RecordVersion(record.version);
        state.submissions.add(mac, Submission { leaf, record_id, version, content_mac });
    }
    outcome
}

/// A version of a record is accepted, where its agency and its system have not had as many of the day as its entry says that they may.
fn collect(state: &mut State, leaf: LeafIndex, entry: &v1::Entry) -> Outcome {
    let counted = entry.actor.as_ref().filter(|_| state.rules >= RULES_SHARED);
    let limits = entry.daily_limits.unwrap_or_default();
    if counted.is_some_and(|actor| state.accepted.is_full(state.last_time.day(), actor, limits)) {
        return Outcome::CapReached;
    }
    let outcome = make_version(state, leaf, entry);
    if let (true, Some(actor)) = (outcome.is_effective(), counted) {
        state.accepted.count(state.last_time.day(), actor);
    }
    outcome
}

fn make_version(state: &mut State, leaf: LeafIndex, entry: &v1::Entry) -> Outcome {
    let Some((owner, record, id)) = owner_and_record(entry) else { return Outcome::Void };
    let Ok(schema) = shape::schema_id(record) else { return Outcome::Void };
    if state.documents.agency(&owner).is_none() || !state.documents.has_schema(&schema) {
        return Outcome::Void;
    }
    match (state.records.number(&id), record.expected_version) {
        (None, 0) => {
            state.records.add(id, &owner, schema, leaf);
            let number = state.records.number(&id).expect("it has just been added");
            retain(state, number, entry);
            Outcome::Effective
        }
        (Some(_), 0) => Outcome::VersionMoved,
        (number, expected) => match current(state, number, &owner, expected) {
            Ok(number) if state.records.at(number).schema.kind != schema.kind => Outcome::NotFound,
            Ok(number) => {
                state.records.correct(number, schema, leaf);
                retain(state, number, entry);
                Outcome::Effective
            }
            Err(outcome) => outcome,
        },
    }
}

/// How long an earlier last day stands after a correction that names a sooner one.
const RETENTION_NOTICE_DAYS: u32 = 30;

/// What a version says of retention holds in the place of what the version before said. A correction that brings the last day forward
/// does so with notice: an erasure that takes two persons must not be had by one who corrects a date.
fn retain(state: &mut State, number: RecordNumber, entry: &v1::Entry) {
    let dates = entry.retention.unwrap_or_default();
    let earlier = state.records.at(number);
    let mut until = dates.retain_until_day;
    if earlier.versions.len() > 1 && until > 0 {
        let today = u32::try_from(Timestamp(entry.time_micros).day()).unwrap_or(u32::MAX);
        let notice = today.saturating_add(RETENTION_NOTICE_DAYS);
        // None was kept without an end.
        until = until.max(earlier.retain_until_day.map_or(notice, |last| last.min(notice)));
    }
    state.records.retain(number, until, dates.review_due_day);
}

fn withdraw(state: &mut State, leaf: LeafIndex, entry: &v1::Entry) -> Outcome {
    let Some((owner, record, id)) = owner_and_record(entry) else { return Outcome::Void };
    match current(state, state.records.number(&id), &owner, record.expected_version) {
        Ok(number) => {
            state.records.withdraw(number);
            feed_effect::withdraw_everywhere(state, leaf, entry, 0, number);
            Outcome::Effective
        }
        Err(outcome) => outcome,
    }
}

/// The record, if it is this owner's, has not been withdrawn or erased, and is at the version that the writer expected.
pub(super) fn current(
    state: &State,
    number: Option<RecordNumber>,
    owner: &AgencyId,
    expected: u32,
) -> Result<RecordNumber, Outcome> {
    let number = number.ok_or(Outcome::NotFound)?;
    let record = state.records.at(number);
    if record.owner != owner {
        Err(Outcome::NotFound)
    } else if record.erasure != Erasure::None {
        Err(Outcome::Erased)
    } else if record.withdrawn {
        Err(Outcome::AlreadyWithdrawn)
    } else if record.current != RecordVersion(expected) {
        Err(Outcome::VersionMoved)
    } else {
        Ok(number)
    }
}

/// A document comes into force or is suspended. What comes into force before there are records has nothing to be evaluated.
fn govern(state: &mut State, leaf: LeafIndex, entry: &v1::Entry, text: &[u8]) -> Outcome {
    let (Some(operator), Some(document)) = (state.operator().cloned(), &entry.document) else { return Outcome::Void };
    if document.action() == v1::DocumentAction::Suspend {
        return state.documents.suspend(&operator, leaf, document, &entry.approvals);
    }
    let known = Known {
        waits_from: (state.rules >= RULES_AGREEMENTS).then_some(Timestamp(entry.time_micros)),
        limits_of_auditors: state.rules >= RULES_AUDITORS,
    };
    let outcome = state.documents.activate(&operator, leaf, document, &entry.approvals, text, &known);
    let feed = document.id.parse::<AgreementId>();
    if let (true, v1::DocumentKind::Agreement, Ok(feed)) = (outcome.is_effective(), document.kind(), feed) {
        let in_genesis = !state.genesis_complete();
        let list = state.feeds.entry(feed).or_default();
        if in_genesis {
            list.evaluated(document.version);
        }
    }
    outcome
}

/// A table is published once, under the version of its agreement that is in force and states it. Its period overlaps no other that was
/// published under the agreement, unless it is the same one under the same version: two that overlap could be subtracted.
fn publish(state: &mut State, leaf: LeafIndex, entry: &v1::Entry, text: &[u8]) -> Outcome {
    let Some(table) = entry.table.as_ref().filter(|_| state.rules >= RULES_AGREEMENTS) else {
        return Outcome::Effective;
    };
    let (Ok(feed), Ok(id), Ok(text)) =
        (table.agreement.parse::<AgreementId>(), table.table.parse::<TableId>(), std::str::from_utf8(text))
    else {
        return Outcome::Void;
    };
    let agreement = state.documents.agreement(&feed).filter(|known| known.version == table.agreement_version);
    if !agreement.is_some_and(|agreement| agreement.tables.iter().any(|known| known.id == id)) {
        return Outcome::Void;
    }
    let Some(v1::Period { from_micros, to_micros }) = entry.period else { return Outcome::Void };
    let published = Published {
        agreement_version: table.agreement_version,
        from: Timestamp(from_micros),
        to: Timestamp(to_micros),
        text: text.into(),
        leaf,
    };
    state.tables.publish((feed, id, table.period.as_str().into()), published)
}

/// A checkpoint of a log with several writers is of the entries right before it, and says of them what everybody has; another one has no
/// effect. Whoever applies it and has another root has another log, and sees that by itself.
fn compare(state: &State, leaf: LeafIndex, entry: &v1::Entry) -> Outcome {
    if state.rules < RULES_SHARED || entry.reason != REASON_CHECKPOINT {
        return Outcome::Effective;
    }
    let stated = entry.tree_head.as_ref().filter(|head| head.size == leaf.0 && *head.root == state.tree.root().0);
    if stated.is_some() { Outcome::Effective } else { Outcome::Void }
}

fn note_subjects(state: &mut State, leaf: LeafIndex, entry: &v1::Entry) {
    for id in entry.records.iter().filter_map(record_id) {
        match state.records.number(&id) {
            Some(number) => state.subjects.note(number, leaf),
            None => state.subjects.note_stranger(id, leaf),
        }
    }
}

pub(super) fn owner_and_record(entry: &v1::Entry) -> Option<(AgencyId, &v1::RecordRef, RecordId)> {
    let owner = entry.actor.as_ref()?.agency.parse().ok()?;
    let record = entry.records.first()?;
    Some((owner, record, record_id(record)?))
}

pub(super) fn record_id(record: &v1::RecordRef) -> Option<RecordId> {
    record.record_id.as_slice().try_into().ok()
}
