//! Looking at a document that is to come into force: against everything that would be in force with it, and nothing comes into force.

use std::collections::BTreeSet;
use std::sync::Arc;

use causeway_agreement::{AgencyFile, Agreement};
use causeway_crypto::Digest;
use causeway_journal::{APPROVALS, State, v1};
use causeway_model::{AgencyId, LeafIndex};
use causeway_schema::{CodeList, Schemas};

use crate::activate::Fits;
use crate::document_faults;
use crate::draft::Said;
use crate::genesis::ProposedDocument;
use crate::{Caller, Error, Exchange};

/// What came of looking at a document.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// Every fault, in words; none where it could come into force once it is approved.
    pub faults: Vec<String>,
    /// What persons sign.
    pub digest: Digest,
    /// The version in force; 0 for none.
    pub version_in_force: u32,
    /// The agency whose persons have to approve; none where the document does not say so.
    pub approver: Option<AgencyId>,
}

/// The same, with the schemas as they would be in force.
pub(crate) struct Looked {
    pub(crate) digest: Digest,
    pub(crate) version_in_force: u32,
    /// Why the document's version is not later than the newest there is.
    pub(crate) not_later: Option<String>,
    pub(crate) approver: Option<AgencyId>,
    pub(crate) faults: Vec<String>,
    pub(crate) schemas: Option<Schemas>,
}

impl Exchange {
    /// Looks at a document as its activation would, whatever approvals come with it.
    ///
    /// # Errors
    /// `Denied` for an agency that does not operate the gateway; `Unavailable` where the question cannot be recorded.
    pub async fn propose(
        &self,
        caller: &Caller,
        document: &ProposedDocument,
        fits: Fits<'_>,
    ) -> Result<Proposal, Error> {
        if let Err(refusal) = self.only_operator(caller) {
            return Err(self.refuse(caller, v1::Operation::Consultation, refusal).await);
        }
        let Looked { digest, version_in_force, not_later, approver, mut faults, .. } = self.look_at(document, fits);
        faults.extend(not_later);
        let said = if faults.is_empty() { Said::allowed } else { Said::denied };
        let mut draft = said(v1::Operation::Consultation, "document-proposed").by(caller);
        draft.entry.count = faults.len() as u64;
        draft.entry.subject_digest = digest.0.to_vec();
        self.record_or_refuse(caller, draft).await?;
        Ok(Proposal { faults, digest, version_in_force, approver })
    }

    /// Every fault of the document and between those that would be in force with it; approvals and the order of versions apart.
    pub(crate) fn look_at(&self, document: &ProposedDocument, fits: Fits<'_>) -> Looked {
        let operator = self.operator();
        let (documents, agreements, versions, own) = self.journal().read(|state| {
            let versions = Versions::of(state, document);
            let documents = with_those_in_force(state, document);
            (documents, agreements_beside(state, document), versions, own_faults(state, &operator, document))
        });
        let (mut faults, schemas) = document_faults::look(&documents, &agreements, &[]);
        faults.extend(own);
        faults.extend(schemas.iter().flat_map(|schemas| document_faults::codes(schemas, document)));
        let new = document_faults::agreement(document);
        let beside = || agreements.iter().map(AsRef::as_ref);
        faults.extend(new.iter().flat_map(|new| document_faults::counted_twice(new, beside())));
        if document.kind == v1::DocumentKind::Agency {
            let files = documents.iter().filter(|document| document.kind == v1::DocumentKind::Agency).filter_map(text);
            let files: Vec<AgencyFile> = files.filter_map(|text| AgencyFile::parse(text).ok()).collect();
            faults.extend(fits(&files));
        }
        let approver = match document.kind {
            v1::DocumentKind::Agreement => new.map(|agreement| agreement.granting),
            _ => Some(operator),
        };
        let not_later = versions.unless_later(document.version);
        Looked {
            digest: document.digest(),
            version_in_force: versions.in_force.unwrap_or(0),
            not_later,
            approver,
            faults,
            schemas,
        }
    }
}

/// What there is of a document already.
#[derive(Debug)]
struct Versions {
    /// The version in force.
    in_force: Option<u32>,
    /// The newest one; of an agreement it may still wait for its first day.
    newest: Option<u32>,
}

impl Versions {
    fn of(state: &State, document: &ProposedDocument) -> Self {
        Self {
            in_force: version_in_force(state, document.kind, &document.id),
            newest: state.document(document.kind, &document.id).map(|known| known.version),
        }
    }

    fn unless_later(&self, version: u32) -> Option<String> {
        let newest = self.newest.filter(|newest| version <= *newest)?;
        Some(match self.in_force {
            Some(in_force) if in_force < newest => format!("version {newest} waits for its first day already"),
            _ => format!("version {newest} or a later one is in force"),
        })
    }
}

/// The version of a document that is in force: of an agreement, a later one may wait for its first day.
pub(crate) fn version_in_force(state: &State, kind: v1::DocumentKind, id: &str) -> Option<u32> {
    match kind {
        v1::DocumentKind::Agreement => state.agreement(&id.parse().ok()?).map(|known| known.version),
        _ => state.document(kind, id).map(|known| known.version),
    }
}

/// The other agreements that are in force, and the versions of them that wait for their first day.
fn agreements_beside(state: &State, document: &ProposedDocument) -> Vec<Arc<Agreement>> {
    let own = |known: &Agreement| document.kind == v1::DocumentKind::Agreement && known.id.as_str() == document.id;
    let others = state.agreements().filter(|known| !own(known));
    others.flat_map(|known| [Some(known), state.pending_agreement(&known.id)]).flatten().cloned().collect()
}

/// The documents but agreements that would be in force with this one, and this one.
fn with_those_in_force(state: &State, document: &ProposedDocument) -> Vec<ProposedDocument> {
    use v1::DocumentKind::{Agency, CodeList, Schema};
    let held = [Agency, Schema, CodeList].into_iter().flat_map(|kind| {
        let in_force = state.documents_before(kind, LeafIndex(u64::MAX));
        in_force.filter(move |(id, _)| (kind, *id) != (document.kind, document.id.as_str())).map(move |(id, known)| {
            let text = known.text.as_bytes().to_vec();
            ProposedDocument { kind, id: id.to_owned(), version: known.version, text, approvals: Vec::new() }
        })
    });
    held.chain([document.clone()]).collect()
}

/// What is wrong with taking the place of the version in force.
fn own_faults(state: &State, operator: &AgencyId, document: &ProposedDocument) -> Vec<String> {
    match document.kind {
        v1::DocumentKind::Agency => {
            let file = text(document).and_then(|text| AgencyFile::parse(text).ok());
            let alone = file.filter(|file| file.id == *operator && file.persons.len() < APPROVALS);
            let words = "with fewer than two persons, nobody could approve anything any more";
            alone.map(|file| format!("{}: {words}", file.id)).into_iter().collect()
        }
        v1::DocumentKind::Agreement => {
            let Some(new) = document_faults::agreement(document) else { return Vec::new() };
            let others = state
                .agreement(&new.id)
                .filter(|known| known.granting != new.granting || known.recipient != new.recipient);
            let words = "an agreement keeps its parties across its versions; with others it is another agreement";
            others.map(|_| format!("{}: {words}", new.id)).into_iter().collect()
        }
        v1::DocumentKind::Schema if document.version != 1 => {
            vec![format!("{}: a schema's version is in its id: it comes into force as version 1 only", document.id)]
        }
        v1::DocumentKind::CodeList => codes_gone(state, document),
        v1::DocumentKind::Schema | v1::DocumentKind::Unspecified => Vec::new(),
    }
}

/// Codes that the list in force has and the new one has not. Records hold them, under schemas that stay in force; without the code
/// they could not be corrected, nor shown at a coarser step.
fn codes_gone(state: &State, document: &ProposedDocument) -> Vec<String> {
    let earlier = state.document(document.kind, &document.id).map(|known| CodeList::parse(&known.text));
    let (Some(Ok(earlier)), Some(Ok(later))) = (earlier, text(document).map(CodeList::parse)) else {
        return Vec::new();
    };
    let kept: BTreeSet<_> = later.codes.iter().map(|code| (&code.group, &code.code)).collect();
    let gone = earlier.codes.iter().filter(|code| !kept.contains(&(&code.group, &code.code)));
    gone.map(|code| format!("{}: the code {:?} is gone, and records may hold it", document.id, code.code)).collect()
}

fn text(document: &ProposedDocument) -> Option<&str> {
    std::str::from_utf8(&document.text).ok()
}
