//! What is checked of one entry before it is applied, and what applying it does: the same whether it came in a frame or was
//! mirrored without one.

use causeway_crypto::Digest;
use causeway_model::{AgencyId, LeafIndex, Timestamp};

use super::{MOST_LATE, RULES_AGREEMENTS, RULES_EVIDENCE, RULES_PROTECTION, RULES_SHARED, effect};
use crate::reason::{REASON_GENESIS, REASON_GENESIS_COMPLETE};
use crate::state::Genesis;
use crate::{JournalError, Outcome, State, Tile, document_digest, table_digest, v1};

/// How far a run of entries has been checked.
pub(super) struct Course {
    time: Timestamp,
    genesis: Genesis,
}

impl Course {
    /// From the newest entry of the state on.
    pub(super) fn after(state: &State) -> Self {
        Self { time: state.last_time, genesis: state.genesis.clone() }
    }

    /// Checks that an entry may come next under these rules, with the text that travels beside it: time, text, fields of later rules,
    /// genesis. What needs bodies or openings is not looked at.
    pub(super) fn step(&mut self, rules: u32, entry: &v1::Entry, text: &[u8]) -> Result<(), JournalError> {
        let time = Timestamp(entry.time_micros);
        if rules < RULES_SHARED && time < self.time {
            return Err(JournalError::TimeBack);
        }
        if is_too_late(time, self.time) {
            return Err(JournalError::TooLate);
        }
        self.time = self.time.max(time);
        check_text(rules, entry, text)?;
        if rules < RULES_PROTECTION && (entry.retention.is_some() || !entry.identity_request.is_empty()) {
            return Err(JournalError::Malformed("a field of later rules"));
        }
        if rules < RULES_AGREEMENTS && speaks_of_agreements(entry) {
            return Err(JournalError::Malformed("a field of later rules"));
        }
        if rules < RULES_SHARED && speaks_of_nodes(entry) {
            return Err(JournalError::Malformed("a field of later rules"));
        }
        let named = if rules < RULES_EVIDENCE { 0 } else { rules };
        if entry.rules_version != named {
            return Err(JournalError::OtherRules(entry.rules_version));
        }
        self.genesis = begun(std::mem::take(&mut self.genesis), entry)?;
        Ok(())
    }
}

/// Whether an entry of this time is too far behind the newest one to be taken.
pub(crate) fn is_too_late(time: Timestamp, newest: Timestamp) -> bool {
    time.plus_seconds(MOST_LATE.as_secs()) < newest
}

/// Applies an entry that was checked for this place. Gives its outcome and the tiles that it completes.
pub(super) fn take(state: &mut State, entry: &v1::Entry, leaf_hash: Digest, text: &[u8]) -> (Outcome, Vec<Tile>) {
    let leaf = LeafIndex(state.tree.size());
    state.genesis = begun(std::mem::take(&mut state.genesis), entry).expect("the entry was checked for this place");
    state.last_time = state.last_time.max(Timestamp(entry.time_micros));
    if state.rules >= RULES_AGREEMENTS {
        state.documents.begin(state.last_time);
    }
    let outcome = effect::settle(state, leaf, entry, text);
    state.places.add_outcome(leaf, &outcome);
    (outcome, state.tree.push(leaf_hash))
}

/// A text is announced in its entry: otherwise it would be in the log without being in the tree. One that an entry announces is there:
/// otherwise nobody could tell a document that came without its text from one whose text is withheld.
fn check_text(rules: u32, entry: &v1::Entry, text: &[u8]) -> Result<(), JournalError> {
    if !text.is_empty() && entry.document.is_none() && entry.table.is_none() {
        return Err(JournalError::Malformed("document text without document"));
    }
    if entry.table.is_some() && table_digest(text).0 != *entry.subject_digest {
        return Err(JournalError::Malformed("table without its text"));
    }
    if rules >= RULES_EVIDENCE && activated(entry).is_some_and(|document| !is_of_document(document, text)) {
        return Err(JournalError::Malformed("document without its text"));
    }
    Ok(())
}

/// The document that an entry is to bring into force: its text has to travel with it.
pub fn activated(entry: &v1::Entry) -> Option<&v1::Document> {
    let brings = entry.operation() == v1::Operation::Document && entry.decision() == v1::Decision::Allowed;
    entry.document.as_ref().filter(|document| brings && document.action() == v1::DocumentAction::Activate)
}

fn is_of_document(document: &v1::Document, text: &[u8]) -> bool {
    document_digest(document.kind(), &document.id, document.version, text).0 == *document.digest
}

/// Whether an entry holds what only rules version 3 knows.
fn speaks_of_agreements(entry: &v1::Entry) -> bool {
    let of_batch = |batch: &v1::ReleaseBatch| {
        let celled = batch.releases.iter().any(|release| !release.cell.is_empty());
        celled || batch.closes_evaluation || !batch.recoding.is_empty()
    };
    entry.table.is_some()
        || entry.overdue.is_some()
        || entry.releases.as_ref().is_some_and(of_batch)
        || entry.page.as_ref().is_some_and(|page| !page.deferred.is_empty())
        || entry.acknowledgement.as_ref().is_some_and(|taken| taken.item_position > 0)
        || entry.document.as_ref().is_some_and(|document| document.action() == v1::DocumentAction::Suspend)
}

/// Whether an entry holds what only a log of several writers has.
fn speaks_of_nodes(entry: &v1::Entry) -> bool {
    entry.roster.is_some() || entry.erasure_order > 0 || entry.releaser_term > 0 || entry.daily_limits.is_some()
}

/// How far genesis has come after an entry.
fn begun(genesis: Genesis, entry: &v1::Entry) -> Result<Genesis, JournalError> {
    let allowed = entry.decision() == v1::Decision::Allowed;
    let marks = |reason| allowed && entry.operation() == v1::Operation::Administration && entry.reason == reason;
    let agency = || entry.actor.as_ref().and_then(|actor| actor.agency.parse::<AgencyId>().ok());
    match genesis {
        Genesis::Missing if marks(REASON_GENESIS) => {
            let operator = agency().ok_or(JournalError::Genesis("it names no operator"))?;
            Ok(Genesis::Open { operator })
        }
        Genesis::Missing => Err(JournalError::Genesis("the first entry is another one")),
        Genesis::Open { operator } if marks(REASON_GENESIS_COMPLETE) => {
            let own = agency().as_ref() == Some(&operator);
            own.then_some(Genesis::Complete { operator }).ok_or(JournalError::Genesis("closed by another agency"))
        }
        Genesis::Open { .. } if entry.operation() != v1::Operation::Document => {
            Err(JournalError::Genesis("an entry other than a document before it is closed"))
        }
        _ if marks(REASON_GENESIS) || marks(REASON_GENESIS_COMPLETE) => Err(JournalError::Genesis("repeated")),
        going_on => Ok(going_on),
    }
}
