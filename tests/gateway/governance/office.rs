//! The desk where governed documents are proposed, approved, brought into force, suspended and compared, as a test wants them.

use std::fs;

use causeway_agreement::{AgencyFile, Agreement};
use causeway_cli::certs;
use causeway_crypto::Digest;
use causeway_journal::v1::{Approval, Decision, DocumentKind};
use causeway_journal::{approval_message, document_digest, suspension_digest};
use causeway_proto::v1;
use prost::Message;
use tonic::{Code, Status};

use crate::harness::calls::reason;
use crate::harness::{Gateway, World};

/// A person who signs: agency and name.
pub(crate) type Person = (&'static str, &'static str);

/// The two of the operator's agency, which is the granting one of both agreements too.
pub(crate) const NCA: [Person; 2] = [("gb-nca", "director"), ("gb-nca", "dpo")];

/// A document that is to come into force.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) kind: DocumentKind,
    pub(crate) id: String,
    pub(crate) version: u32,
    pub(crate) text: String,
}

impl Document {
    /// An agreement that reads.
    pub(crate) fn agreement(text: impl Into<String>) -> Self {
        let text = text.into();
        let read = Agreement::parse(&text).expect("it reads");
        Self { kind: DocumentKind::Agreement, id: read.id.to_string(), version: read.version, text }
    }

    /// An agency file.
    pub(crate) fn agency(file: &AgencyFile) -> Self {
        Self { kind: DocumentKind::Agency, id: file.id.to_string(), version: file.version, text: file.render() }
    }

    /// A schema.
    pub(crate) fn schema(id: &str, text: impl Into<String>) -> Self {
        Self { kind: DocumentKind::Schema, id: id.into(), version: 1, text: text.into() }
    }

    /// A code list.
    pub(crate) fn code_list(name: &str, version: u32, text: impl Into<String>) -> Self {
        Self { kind: DocumentKind::CodeList, id: name.into(), version, text: text.into() }
    }

    /// The next version of an agreement of the start folder, with a change of its text.
    pub(crate) fn next(world: &World, id: &str, version: u32, change: impl FnOnce(&str) -> String) -> Self {
        let text = agreement_text(world, id).replacen("version = 1", &format!("version = {version}"), 1);
        let changed = change(&text);
        assert!(version == 1 || changed.contains(&format!("version = {version}")), "the version is gone");
        Self::agreement(changed)
    }

    pub(crate) fn digest(&self) -> Digest {
        document_digest(self.kind, &self.id, self.version, self.text.as_bytes())
    }

    const fn kind(&self) -> &'static str {
        match self.kind {
            DocumentKind::Agency => "agency",
            DocumentKind::Agreement => "agreement",
            DocumentKind::Schema => "schema",
            DocumentKind::CodeList => "code-list",
            DocumentKind::Unspecified => "",
        }
    }

    /// What is sent to bring it into force, signed by these.
    pub(crate) fn signed(&self, world: &World, persons: &[Person]) -> v1::ActivateDocumentRequest {
        let digest = self.digest();
        let approvals = persons.iter().map(|person| approval(world, &digest, *person).encode_to_vec()).collect();
        v1::ActivateDocumentRequest {
            kind: self.kind().into(),
            id: self.id.clone(),
            version: self.version,
            text: self.text.clone().into_bytes(),
            approvals,
        }
    }
}

/// The text of an agreement of the start folder.
pub(crate) fn agreement_text(world: &World, id: &str) -> String {
    fs::read_to_string(world.path(&format!("config/agreements/{id}.toml"))).expect("the agreement is there")
}

/// What a person signs of what has this digest.
pub(crate) fn approval(world: &World, digest: &Digest, (agency, person): Person) -> Approval {
    let named = (agency.parse().expect("an agency"), person.parse().expect("a person"));
    let key = certs::person_key(&world.path("certs-dev"), &named.0, &named.1).expect("issued with the world");
    Approval {
        agency: agency.into(),
        person: person.into(),
        public_key: key.public_key().0.to_vec(),
        signature: key.sign(&approval_message(digest)).to_vec(),
    }
}

/// Sends a document; gives its entry's place.
pub(crate) async fn send(gateway: &Gateway, request: v1::ActivateDocumentRequest) -> Result<u64, Status> {
    let mut admin = gateway.admin("gb-nca/operations").await;
    Ok(admin.activate_document(request).await?.into_inner().leaf_index)
}

/// Brings a document into force by the two persons of the operator's agency.
pub(crate) async fn bring(world: &World, gateway: &Gateway, document: &Document) -> u64 {
    match send(gateway, document.signed(world, &NCA)).await {
        Ok(leaf) => leaf,
        Err(status) => panic!("{} is not taken: {}", document.id, status.message()),
    }
}

/// Has a document looked at.
pub(crate) async fn propose(gateway: &Gateway, document: &Document) -> Result<v1::ProposeDocumentResponse, Status> {
    let request = v1::ProposeDocumentRequest {
        kind: document.kind().into(),
        id: document.id.clone(),
        version: document.version,
        text: document.text.clone().into_bytes(),
    };
    Ok(gateway.admin("gb-nca/operations").await.propose_document(request).await?.into_inner())
}

/// The suspension of a version, signed by a person.
pub(crate) fn suspension(world: &World, kind: DocumentKind, id: &str, version: u32, by: Person) -> v1::SuspendRequest {
    let approval = approval(world, &suspension_digest(kind, id, version), by).encode_to_vec();
    let kind = if kind == DocumentKind::Agency { "agency" } else { "agreement" };
    v1::SuspendRequest { kind: kind.into(), id: id.into(), approval, version }
}

/// Suspends; gives the entry's place.
pub(crate) async fn suspend(gateway: &Gateway, request: v1::SuspendRequest) -> Result<u64, Status> {
    Ok(gateway.admin("gb-nca/operations").await.suspend(request).await?.into_inner().leaf_index)
}

/// Compares two texts of an agreement; the first may be empty, for the version in force.
pub(crate) async fn compare(gateway: &Gateway, old: &str, new: &str) -> Result<v1::CompareAgreementResponse, Status> {
    let request = v1::CompareAgreementRequest { old_text: old.into(), new_text: new.into() };
    Ok(gateway.admin("gb-nca/operations").await.compare_agreement(request).await?.into_inner())
}

/// Holds a refusal against what it should be, with its one entry, in which no document is.
pub(crate) fn assert_refused<T: std::fmt::Debug>(
    world: &World,
    before: u64,
    answer: Result<T, Status>,
    code: Code,
    expected: &str,
) -> Status {
    let status = answer.expect_err(expected);
    assert_eq!((status.code(), reason(&status).as_str()), (code, expected), "{}", status.message());
    let left = world.journal().entries_from(before);
    let denials: Vec<_> = left.iter().filter(|seen| seen.entry.decision() == Decision::Denied).collect();
    assert_eq!(denials.iter().map(|seen| seen.entry.reason.as_str()).collect::<Vec<_>>(), [expected]);
    assert!(left.iter().all(|seen| seen.entry.document.is_none()), "a document is in the log");
    status
}

/// Waits until a feed has been decided on under a version of its agreement.
pub(crate) async fn evaluated(world: &World, agreement: &str, version: u32) {
    let id = agreement.parse().expect("an agreement's id");
    let what = format!("the evaluation of {agreement} version {version}");
    world.journal().until(&what, |state| state.feed(&id).is_some_and(|feed| feed.evaluated() >= version)).await;
}
