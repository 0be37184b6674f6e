//! Governed documents and published tables: the digests that stand for them, and what a person signs to approve.

use causeway_crypto::{Digest, digest};

use crate::v1;

/// The domain of approvals: a signature in it can stand for nothing else.
pub const APPROVAL_DOMAIN: &str = "causeway/v1/approval";

const DIGEST_DOMAIN: &str = "causeway/v1/document";
const SUSPENSION_DOMAIN: &str = "causeway/v1/suspension";
const TABLE_DOMAIN: &str = "causeway/v1/table";

/// The digest of a document: over its kind (the number of [`v1::DocumentKind`], 32-bit big-endian), its id, its version
/// (32-bit big-endian) and its exact text.
pub fn document_digest(kind: v1::DocumentKind, id: &str, version: u32, text: &[u8]) -> Digest {
    let kind = i32::from(kind).to_be_bytes();
    digest(DIGEST_DOMAIN, &[&kind, id.as_bytes(), &version.to_be_bytes(), text])
}

/// The digest that one person signs to suspend the version in force of an agency or an agreement: over kind, id and version, as in
/// [`document_digest`]. A later version is not touched by it.
pub fn suspension_digest(kind: v1::DocumentKind, id: &str, version: u32) -> Digest {
    let kind = i32::from(kind).to_be_bytes();
    digest(SUSPENSION_DOMAIN, &[&kind, id.as_bytes(), &version.to_be_bytes()])
}

/// The digest of a published table's text.
pub fn table_digest(text: &[u8]) -> Digest {
    digest(TABLE_DOMAIN, &[text])
}

/// What a person signs to approve the document with this digest: the length of the domain (64-bit big-endian), the
/// domain, and the 32 bytes of the digest.
pub fn approval_message(document: &Digest) -> Vec<u8> {
    let length = APPROVAL_DOMAIN.len() as u64;
    [&length.to_be_bytes(), APPROVAL_DOMAIN.as_bytes(), &document.0].concat()
}
