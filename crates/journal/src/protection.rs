//! What persons approve by their signatures, beside documents: an erasure, and the release of an identity.

use causeway_crypto::{Digest, digest};
use causeway_model::{AgencyId, EntryId, RecordId};
use prost::Message;

use crate::v1;

/// Most records of one order: with 40 bytes each and two approvals they are within an entry's 16 KiB.
pub const MAX_ERASED_RECORDS: usize = 200;

const ERASURE_DOMAIN: &str = "causeway/v1/erasure-order";
const SEALED_BODY_DOMAIN: &str = "causeway/v1/sealed-body";
const IDENTITY_DOMAIN: &str = "causeway/v1/identity-release";

/// The digest of an order to erase records of one owner: over the owner and the records' ids in ascending order. It is signed
/// as [`crate::approval_message`] says. An order cannot be used twice, since no record can be erased twice.
pub fn erasure_digest(owner: &AgencyId, records: &[RecordId]) -> Digest {
    let mut ids: Vec<&[u8]> = records.iter().map(|id| id.as_bytes().as_slice()).collect();
    ids.sort_unstable();
    let mut parts = vec![owner.as_str().as_bytes()];
    parts.extend(ids);
    digest(ERASURE_DOMAIN, &parts)
}

/// The digest of a sealed body, over its canonical bytes: what names it in a request for the identity that it holds.
pub fn sealed_body_digest(sealed: &v1::SealedBody) -> Digest {
    digest(SEALED_BODY_DOMAIN, &[&sealed.encode_to_vec()])
}

/// The digest that two persons sign to release an identity: over the request (its entry's id), the sealed body's digest and the
/// agency that asks. It is signed as [`crate::approval_message`] says.
pub fn identity_digest(request: &EntryId, sealed_body: &Digest, requester: &AgencyId) -> Digest {
    digest(IDENTITY_DOMAIN, &[request.as_bytes(), &sealed_body.0, requester.as_str().as_bytes()])
}
