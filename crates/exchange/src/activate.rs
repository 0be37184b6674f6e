//! Bringing a new version of an agency file into force, live: roles, systems, roster and sealing key hold from the entry on.

use std::collections::BTreeSet;

use causeway_agreement::AgencyFile;
use causeway_crypto::Digest;
use causeway_journal::{APPROVALS, Outcome, approvers, document_digest, v1};
use causeway_model::LeafIndex;
use causeway_schema::code_lists_named;

use crate::draft::Said;
use crate::genesis::{ProposedDocument, document_faults};
use crate::{Caller, Class, Error, Exchange};

/// What else has to hold of all agency files together, in words: what the transport makes of bundles and certificates.
pub type Fits<'a> = &'a (dyn Fn(&[AgencyFile]) -> Vec<String> + Send + Sync);

impl Exchange {
    /// Brings a new version of an agency file into force. What is sealed from here on is sealed to its key.
    ///
    /// Once begun, it has to run to its end: whoever waits for it may go, but must not take it along.
    ///
    /// # Errors
    /// `Invalid` with every fault of the file and between the documents, among them another trust bundle, which takes a restart
    /// that is not served yet; `Denied` without the approvals of two persons of the operator's agency; `Conflict` for a version that
    /// is not later than the one in force; `Unavailable`.
    pub async fn activate_agency(
        &self,
        caller: &Caller,
        document: ProposedDocument,
        fits: Fits<'_>,
    ) -> Result<LeafIndex, Error> {
        let Some(_alone) = self.administering().try_lock() else {
            let message = "a key is being rotated, or another document brought into force, at this moment; try again";
            let refusal = Error::new(Class::Conflict, "activation-under-way", message);
            return Err(self.refuse(caller, v1::Operation::Document, refusal).await);
        };
        let checked = self.only_operator(caller).and_then(|()| self.check_agency(&document, fits));
        let (file, digest) = match checked {
            Ok(checked) => checked,
            Err(refusal) => return Err(self.refuse(caller, v1::Operation::Document, refusal).await),
        };
        let mut draft = Said::allowed(v1::Operation::Document, "activated").by(caller);
        draft.entry.document = Some(v1::Document {
            kind: v1::DocumentKind::Agency.into(),
            id: document.id,
            version: document.version,
            digest: digest.0.to_vec(),
            action: v1::DocumentAction::Activate.into(),
        });
        draft.entry.approvals = document.approvals;
        draft.entry.byte_count = document.text.len() as u64;
        draft.document_text = Some(document.text);
        let committed = self.record(draft).await?;
        match committed.outcome {
            Outcome::Effective => {
                self.windows().end(&file.id);
                Ok(committed.leaf)
            }
            Outcome::UnapprovedDocument => Err(unapproved()),
            _ => Err(Error::internal("apply does not take a document that was checked")),
        }
    }

    fn check_agency(&self, document: &ProposedDocument, fits: Fits<'_>) -> Result<(AgencyFile, Digest), Error> {
        let faulty = |faults: Vec<String>| Error::invalid("documents-faulty", faults.join("\n"));
        let one = |fault: String| faulty(vec![fault]);
        let text = std::str::from_utf8(&document.text).map_err(|_| one("the agency file is not UTF-8".into()))?;
        let file =
            AgencyFile::parse(text).map_err(|faults| faulty(faults.iter().map(ToString::to_string).collect()))?;
        if file.id.as_str() != document.id || file.version != document.version {
            return Err(one("the agency file is another one, or of another version, than it is sent as".into()));
        }
        let in_force = self.journal().read(|state| state.agency(&file.id).cloned());
        let Some(in_force) = in_force else {
            let words =
                "an agency that is not in force yet brings a trust bundle, which takes a restart: not served yet";
            return Err(one(format!("{}: {words}", file.id)));
        };
        if file.version <= in_force.version {
            let message = format!("version {} or a later one is in force", in_force.version);
            return Err(Error::new(Class::Conflict, "version-not-later", message));
        }
        let faults = self.faults_with(&file, &in_force, document, fits);
        if !faults.is_empty() {
            return Err(faulty(faults));
        }
        let digest = document_digest(v1::DocumentKind::Agency, &document.id, document.version, &document.text);
        let roster = self.journal().read(|state| state.agency(&self.operator()).cloned());
        let persons = roster.and_then(|roster| approvers(&roster, &document.approvals, &digest));
        if persons.is_none_or(|persons| persons.len() < APPROVALS) {
            return Err(unapproved());
        }
        Ok((file, digest))
    }

    /// Every fault that the file would bring among what is in force.
    fn faults_with(
        &self,
        file: &AgencyFile,
        in_force: &AgencyFile,
        document: &ProposedDocument,
        fits: Fits<'_>,
    ) -> Vec<String> {
        let mut faults = Vec::new();
        if file.trust_bundle_pem != in_force.trust_bundle_pem {
            faults.push(format!(
                "{}: the trust bundle differs from the one in force, and a changed one is not taken while the gateway runs",
                file.id
            ));
        }
        if file.id == self.operator() && file.persons.len() < APPROVALS {
            faults.push(format!("{}: with fewer than two persons, nobody could approve anything any more", file.id));
        }
        let (documents, agencies) = self.journal().read(|state| {
            let others = state.agencies().filter(|known| known.id != file.id).map(|known| AgencyFile::clone(known));
            let agencies: Vec<AgencyFile> = others.chain([file.clone()]).collect();
            (in_force_documents(state, document), agencies)
        });
        faults.extend(document_faults(&documents, &[]));
        faults.extend(fits(&agencies));
        faults
    }
}

fn unapproved() -> Error {
    let message = "two rostered persons of the operator's agency have to approve exactly this text";
    Error::new(Class::Denied, "unapproved", message)
}

/// The documents that would be in force with this one, as far as faults between them can be.
fn in_force_documents(state: &causeway_journal::State, document: &ProposedDocument) -> Vec<ProposedDocument> {
    let held = |kind: v1::DocumentKind, id: String| {
        let known = state.document(kind, &id)?;
        let (version, text) = (known.version, known.text.as_bytes().to_vec());
        Some(ProposedDocument { kind, id, version, text, approvals: Vec::new() })
    };
    let agencies = state.agencies().map(|file| file.id.to_string()).filter(|id| *id != document.id);
    let agencies = agencies.filter_map(|id| held(v1::DocumentKind::Agency, id));
    let agreements = state.agreements().filter_map(|known| held(v1::DocumentKind::Agreement, known.id.to_string()));
    let schemas = state.schemas().filter_map(|(id, _)| held(v1::DocumentKind::Schema, id.to_string()));
    let texts = state.schemas().map(|(_, schema)| schema.text.as_ref());
    let named: BTreeSet<String> = texts.flat_map(|text: &str| code_lists_named(text)).collect();
    let lists = named.into_iter().filter_map(|name| held(v1::DocumentKind::CodeList, name));
    agencies.chain(agreements).chain(schemas).chain(lists).chain([document.clone()]).collect()
}
