//! Approvals of governed documents: two persons sign a document's digest; the file is named by the digest.

use std::path::Path;

use causeway_crypto::{Digest, SigningKey};
use causeway_journal::{approval_message, document_digest, v1::Approval, v1::DocumentKind};
use causeway_model::{AgencyId, PersonId};

use super::Made;
use crate::Failure;
use crate::approvals_file::approvals_text;

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
    let approval = |(person, key): &(PersonId, SigningKey)| Approval {
        agency: document.approver.to_string(),
        person: person.to_string(),
        public_key: key.public_key().0.to_vec(),
        signature: key.sign(&message).to_vec(),
    };
    let about = format!("{} {} version {}", kind_name(document.kind), document.id, document.version);
    let text = approvals_text(&about, persons.iter().take(2).map(approval));
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
