//! Approvals of governed documents: two persons sign a document's digest; the file is named by the digest.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use causeway_crypto::{Digest, SigningKey};
use causeway_journal::{approval_message, document_digest, v1::DocumentKind};
use causeway_model::{AgencyId, PersonId};
use serde::Serialize;

use super::Made;
use crate::Failure;

/// A governed document as it will stand in the journal: its text is the file's exact bytes.
#[derive(Debug)]
pub(super) struct Governed {
    pub(super) kind: DocumentKind,
    pub(super) id: String,
    pub(super) version: u32,
    pub(super) text: Vec<u8>,
    /// Whose two persons approve it.
    pub(super) approver: AgencyId,
}

impl Governed {
    pub(super) fn digest(&self) -> Digest {
        document_digest(self.kind, &self.id, self.version, &self.text)
    }
}

#[derive(Serialize)]
struct ApprovalFile {
    approval: Vec<ApprovalRow>,
}

#[derive(Serialize)]
struct ApprovalRow {
    agency: String,
    person: String,
    public_key: String,
    signature: String,
}

/// Signs `document` with the approver's first two persons and writes `<digest>.toml`.
pub(super) fn write(
    path: &Path,
    document: &Governed,
    persons: &[(PersonId, SigningKey)],
    made: &mut Made,
) -> Result<(), Failure> {
    if persons.len() < 2 {
        let fault = format!("agency {} needs two persons on its roster to approve documents", document.approver);
        return Err(Failure::content(path, fault));
    }
    let digest = document.digest();
    let message = approval_message(&digest);
    let row = |(person, key): &(PersonId, SigningKey)| ApprovalRow {
        agency: document.approver.to_string(),
        person: person.to_string(),
        public_key: STANDARD.encode(key.public_key().0),
        signature: STANDARD.encode(key.sign(&message)),
    };
    let file = ApprovalFile { approval: persons.iter().take(2).map(row).collect() };
    let body = toml::to_string(&file).expect("a list of tables of texts is TOML");
    let text = format!("# {} {} version {}\n\n{body}", kind_name(document.kind), document.id, document.version);
    made.public(path.join(format!("{digest}.toml")), &text)
}

fn kind_name(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Agency => "agency file",
        DocumentKind::Agreement => "agreement",
        DocumentKind::Schema => "schema",
        DocumentKind::CodeList => "code list",
        DocumentKind::Unspecified => "document",
    }
}
