//! Genesis: an empty journal takes the approved documents of its start folder; after that, files are proposals.

use causeway_crypto::Digest;
use causeway_journal::{
    JournalError, Outcome, REASON_GENESIS, REASON_GENESIS_COMPLETE, RULES_VERSION, State, apply, document_digest,
    encode_entry, encode_frame, v1,
};
use causeway_model::AgencyId;
use causeway_store::{AppendFailure, Draft, Journal};

use crate::document_faults::document_faults;
use crate::draft::Said;
use crate::unavailable::append_failed;
use crate::{Class, Error};

/// A document that is to come into force, with the approvals that came with it.
#[derive(Debug, Clone)]
pub struct ProposedDocument {
    /// What it is.
    pub kind: v1::DocumentKind,
    /// Agency id, agreement id, schema id or the code list's name.
    pub id: String,
    /// Its version; 1 for a schema, whose version is in its id.
    pub version: u32,
    /// Its exact text.
    pub text: Vec<u8>,
    /// Signatures of rostered persons over its digest.
    pub approvals: Vec<v1::Approval>,
}

impl ProposedDocument {
    /// What its approvals sign.
    pub fn digest(&self) -> Digest {
        document_digest(self.kind, &self.id, self.version, &self.text)
    }
}

/// Brings an empty journal's first documents into force, or goes on with a genesis that was cut short. A journal that has
/// its genesis is left alone: a document of the folder that is not in force is logged, with what to do; one that a later
/// version has taken the place of is not.
///
/// # Errors
/// `Invalid` with every faulty or unapproved document; `Unavailable` where the journal cannot be written, and with the reason
/// [`LOG_NOT_REACHED`](crate::LOG_NOT_REACHED) also where another node was faster at a step: what is left may be gone on with.
pub async fn genesis(journal: &Journal, operator: &AgencyId, documents: Vec<ProposedDocument>) -> Result<(), Error> {
    if journal.read(|state| state.genesis_complete()) {
        return compare(journal, operator, &documents);
    }
    let faults = document_faults(&documents, &[]);
    if !faults.is_empty() {
        return Err(Error::new(Class::Invalid, "documents-faulty", faults.join("\n")));
    }
    if journal.read(|state| state.log_id().is_none()) {
        unless_refused(unapproved_documents(operator, &documents))?;
        journal.append(opening(operator)).await.map_err(not_taken)?;
    }
    let mut refused = Vec::new();
    for document in in_order(&documents, operator) {
        let digest = document.digest();
        let is_in_force = || {
            journal
                .read(|state| state.document(document.kind, &document.id).is_some_and(|known| known.digest == digest))
        };
        if !is_in_force() {
            let committed = journal.append(activation(operator, document)).await.map_err(not_taken)?;
            // Another node may have brought it into force right before.
            refused.extend(refusal_of(document, &committed.outcome).filter(|_| !is_in_force()));
        }
    }
    unless_refused(refused)?;
    let closing = Said::allowed(v1::Operation::Administration, REASON_GENESIS_COMPLETE).by_operator(operator);
    journal.append(closing).await.map_err(not_taken)?;
    Ok(())
}

/// A failed append of the beginning. What comes at the wrong place of it is there because another node has done the same before.
fn not_taken(failure: AppendFailure) -> Error {
    match failure {
        AppendFailure::Refused(error @ JournalError::Genesis(_)) => {
            append_failed(AppendFailure::NotTaken(error.to_string().into()))
        }
        failure => append_failed(failure),
    }
}

fn unless_refused(refused: Vec<String>) -> Result<(), Error> {
    if refused.is_empty() {
        return Ok(());
    }
    Err(Error::new(Class::Invalid, "documents-unapproved", refused.join("\n")))
}

/// The documents that apply would not take, each in words: found out on a state of its own, before anything is written. The
/// documents must be without faults.
pub fn unapproved_documents(operator: &AgencyId, documents: &[ProposedDocument]) -> Vec<String> {
    let mut rehearsal = Rehearsal::default();
    rehearsal.play(opening(operator));
    let drafts = in_order(documents, operator).into_iter().map(|document| (document, activation(operator, document)));
    drafts.filter_map(|(document, draft)| refusal_of(document, &rehearsal.play(draft))).collect()
}

fn refusal_of(document: &ProposedDocument, outcome: &Outcome) -> Option<String> {
    let name = format!("{} {}", kind_name(document.kind), document.id);
    let words = "approve it by two persons of the agency that answers for it (in development, `causeway certs dev` signs \
                 anew); where a version is in force, it takes a later one";
    (!outcome.is_effective()).then(|| format!("{name}: {outcome}; {words}"))
}

/// The operator's own agency file first, since its roster approves the rest; agreements last, since they name the others.
fn in_order<'a>(documents: &'a [ProposedDocument], operator: &AgencyId) -> Vec<&'a ProposedDocument> {
    let rank = |document: &ProposedDocument| match document.kind {
        v1::DocumentKind::Agency if document.id == operator.as_str() => 0,
        v1::DocumentKind::Agency => 1,
        v1::DocumentKind::CodeList => 2,
        v1::DocumentKind::Schema => 3,
        v1::DocumentKind::Agreement | v1::DocumentKind::Unspecified => 4,
    };
    let mut ordered: Vec<_> = documents.iter().collect();
    ordered.sort_by(|a, b| (rank(a), &a.id).cmp(&(rank(b), &b.id)));
    ordered
}

fn opening(operator: &AgencyId) -> Draft {
    Said::allowed(v1::Operation::Administration, REASON_GENESIS).by_operator(operator)
}

/// The entry that brings a document into force, if apply takes it.
fn activation(operator: &AgencyId, document: &ProposedDocument) -> Draft {
    activating(Said::allowed(v1::Operation::Document, "activated").by_operator(operator), document.clone())
}

/// A draft with what brings a document into force.
pub(crate) fn activating(mut draft: Draft, document: ProposedDocument) -> Draft {
    let digest = document.digest();
    draft.entry.document = Some(v1::Document {
        kind: document.kind.into(),
        id: document.id,
        version: document.version,
        digest: digest.0.to_vec(),
        action: v1::DocumentAction::Activate.into(),
    });
    draft.entry.approvals = document.approvals;
    draft.entry.byte_count = document.text.len() as u64;
    draft.document_text = Some(document.text);
    draft
}

/// A journal that is never written: the same apply, on a state of its own.
#[derive(Default)]
struct Rehearsal {
    state: State,
}

impl Rehearsal {
    /// What apply makes of a draft; what the rules would not even let into the log is void.
    fn play(&mut self, draft: Draft) -> Outcome {
        let (head, previous) = self.state.head();
        let entry = v1::Entry {
            node: "rehearsal".into(),
            software_version: "rehearsal".into(),
            rules_version: RULES_VERSION,
            ..draft.entry
        };
        let document_text = draft.document_text.unwrap_or_default();
        let frame = |entry| v1::Frame {
            rules_version: RULES_VERSION,
            log_id: vec![0; 16],
            previous_frame: previous.map(|id| id.0.to_vec()).unwrap_or_default(),
            items: vec![v1::Item { entry, document_text, ..v1::Item::default() }],
            ..v1::Frame::default()
        };
        let applied = encode_entry(&entry).and_then(|entry| encode_frame(&frame(entry)));
        let applied = applied.and_then(|bytes| apply(&mut self.state, head.next(), &bytes));
        applied.ok().and_then(|mut applied| applied.outcomes.pop()).unwrap_or(Outcome::Void)
    }
}

/// Warns of each file that is not in force and has not been followed by a later version either, with what to do; refuses to go on
/// under another operator than the journal's own.
fn compare(journal: &Journal, operator: &AgencyId, documents: &[ProposedDocument]) -> Result<(), Error> {
    let journals_own = journal.read(|state| state.operator().cloned());
    if journals_own.as_ref() != Some(operator) {
        let message = "the configuration's operator is not the one that this journal was begun by";
        return Err(Error::new(Class::Invalid, "operator-differs", message));
    }
    for document in documents {
        let digest = document.digest();
        let in_force = journal
            .read(|state| state.document(document.kind, &document.id).map(|known| (known.version, known.digest)));
        let what_to_do = match in_force {
            Some((_, known)) if known == digest => continue,
            // The file that came first, and what was activated since: nothing is to be done.
            Some((version, _)) if version > document.version => continue,
            Some((version, _)) if version == document.version => "a changed document takes a later version",
            _ if document.kind == v1::DocumentKind::Agreement => {
                "`causeway agreement diff` shows what it would change, and `causeway agreement activate` brings it into force, once two \
                 persons of the granting agency have approved it"
            }
            _ => "`causeway document activate` brings it into force, once two persons have approved it",
        };
        tracing::warn!(
            kind = kind_name(document.kind),
            document = document.id,
            version = document.version,
            version_in_force = in_force.map(|(version, _)| version),
            "the file is not the document in force, and stays out of force: {what_to_do}"
        );
    }
    Ok(())
}

/// A document's kind in words.
pub(crate) const fn kind_name(kind: v1::DocumentKind) -> &'static str {
    match kind {
        v1::DocumentKind::Agency => "agency file",
        v1::DocumentKind::Agreement => "agreement",
        v1::DocumentKind::Schema => "schema",
        v1::DocumentKind::CodeList => "code list",
        v1::DocumentKind::Unspecified => "unknown document",
    }
}
