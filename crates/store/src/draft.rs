//! Drafts: entries that are to be appended, with what travels beside them, encrypted on the caller's own task.

use std::fmt;
use std::sync::Arc;

use causeway_crypto::{AeadKey, CryptoError, commit, random, sha256};
use causeway_journal::{JournalError, MAX_DOCUMENT_BYTES, MAX_FRAME_BYTES, v1};
use causeway_model::EntryId;
use prost::Message;
use zeroize::Zeroizing;

use crate::error::{AppendFailure, StoreError};

/// What a body's and an opening's encryption is bound to, each with its entry's id.
const BODY_DOMAIN: &[u8] = b"causeway/v1/body\0";
const OPENINGS_DOMAIN: &[u8] = b"causeway/v1/openings\0";

/// Room for a frame's own fields: rules version, log id, previous frame, with tags and lengths.
pub(crate) const FRAME_OVERHEAD: usize = 64;

/// Room for an item's tags, lengths, key places, nonces and tags, twice over.
const ITEM_OVERHEAD: usize = 96;

/// Room for what the sequencer fills in: time, node and software version (each at most 128 bytes).
const FILLED_IN: usize = 280;

/// An entry that is to be appended. The store fills in time, node, software version, commitments and the body's digest;
/// the entry's id is the caller's to choose, at random.
pub struct Draft {
    /// The entry.
    pub entry: v1::Entry,
    /// The texts that the entry commits to; the nonce is chosen by the store. Empty texts are not committed to.
    pub openings: Option<v1::Openings>,
    /// The record's body.
    pub body: Option<DraftBody>,
    /// The text of a governed document, at most 128 KiB.
    pub document_text: Option<Vec<u8>>,
}

impl fmt::Debug for Draft {
    /// Neither the openings, which name persons, nor a document.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("reason", &self.entry.reason).field("body", &self.body).finish_non_exhaustive()
    }
}

/// A record's body, encrypted under a key of its own.
pub struct DraftBody {
    locked: Locked,
    encapsulation: Option<Arc<[u8]>>,
}

impl DraftBody {
    /// Encrypts a body for the entry with this id. `encapsulation` is the one that its sealed half refers to.
    pub fn encrypt(body: &v1::Body, entry_id: &EntryId, encapsulation: Option<Arc<[u8]>>) -> Self {
        let plaintext = Zeroizing::new(body.encode_to_vec());
        Self { locked: Locked::seal(BODY_DOMAIN, entry_id.as_bytes(), &plaintext), encapsulation }
    }
}

impl fmt::Debug for DraftBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DraftBody({} bytes)", self.locked.ciphertext.len())
    }
}

/// A ciphertext and the key that it is under, which is still to be given its place in a key page.
pub(crate) struct Locked {
    pub(crate) key: AeadKey,
    pub(crate) ciphertext: Vec<u8>,
}

impl Locked {
    fn seal(domain: &[u8], entry_id: &[u8], plaintext: &[u8]) -> Self {
        let key = AeadKey::generate();
        let ciphertext = key.seal(&aad(domain, entry_id), plaintext);
        Self { key, ciphertext }
    }
}

impl fmt::Debug for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Locked({} bytes)", self.ciphertext.len())
    }
}

/// A draft with everything done that does not depend on its place in the log.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) entry: v1::Entry,
    pub(crate) aside: Option<Locked>,
    pub(crate) body: Option<Locked>,
    pub(crate) encapsulation: Option<Arc<[u8]>>,
    pub(crate) document_text: Vec<u8>,
    /// Upper bound of the bytes that it takes in a frame, without its entry and its encapsulation.
    pub(crate) bytes_beside: usize,
    /// The hashes of what the index finds it by; none where it is not indexed.
    pub(crate) terms: Vec<u64>,
}

impl Prepared {
    /// Commits, encrypts and measures.
    pub(crate) fn new(draft: Draft) -> Result<Self, AppendFailure> {
        let Draft { mut entry, openings, body, document_text } = draft;
        let entry_id: [u8; 16] = entry
            .entry_id
            .as_slice()
            .try_into()
            .map_err(|_| AppendFailure::Refused(JournalError::Malformed("entry id")))?;
        let aside = openings.filter(says_something).map(|openings| lock_openings(&mut entry, openings, &entry_id));
        let (body, encapsulation) = body.map(|body| (body.locked, body.encapsulation)).unzip();
        if let Some(body) = &body {
            entry.body_digest = sha256(&[&body.ciphertext]).0.to_vec();
        }
        let document_text = document_text.unwrap_or_default();
        let locked_bytes = |locked: &Option<Locked>| locked.as_ref().map_or(0, |locked| locked.ciphertext.len());
        let bytes_beside = ITEM_OVERHEAD + locked_bytes(&aside) + locked_bytes(&body) + document_text.len();
        let encapsulation = encapsulation.flatten();
        let terms = Vec::new();
        let prepared = Self { entry, aside, body, encapsulation, document_text, bytes_beside, terms };
        prepared.within_limits()?;
        Ok(prepared)
    }

    /// Bytes that its encapsulation takes in a frame that does not have it yet.
    pub(crate) fn encapsulation_bytes(&self) -> usize {
        self.encapsulation.as_ref().map_or(0, |encapsulation| encapsulation.len() + 6)
    }

    fn within_limits(&self) -> Result<(), AppendFailure> {
        if self.document_text.len() > MAX_DOCUMENT_BYTES {
            return Err(AppendFailure::TooLarge("the document's text"));
        }
        let entry = self.entry.encoded_len() + FILLED_IN;
        if FRAME_OVERHEAD + entry + self.bytes_beside + self.encapsulation_bytes() > MAX_FRAME_BYTES {
            return Err(AppendFailure::TooLarge("the entry with what travels beside it"));
        }
        Ok(())
    }
}

/// Reads a body back.
pub(crate) fn open_body(key: &AeadKey, entry_id: &[u8], ciphertext: &[u8]) -> Result<v1::Body, StoreError> {
    decode(key.open(&aad(BODY_DOMAIN, entry_id), ciphertext), "a body does not decode")
}

/// The bytes that a body is, which are wiped when they are let go.
pub(crate) fn open_body_bytes(
    key: &AeadKey,
    entry_id: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    key.open(&aad(BODY_DOMAIN, entry_id), ciphertext).map_err(StoreError::Unopened)
}

/// Reads openings back.
pub(crate) fn open_openings(key: &AeadKey, entry_id: &[u8], ciphertext: &[u8]) -> Result<v1::Openings, StoreError> {
    decode(key.open(&aad(OPENINGS_DOMAIN, entry_id), ciphertext), "openings do not decode")
}

fn decode<M: Message + Default>(
    opened: Result<Zeroizing<Vec<u8>>, CryptoError>,
    what: &'static str,
) -> Result<M, StoreError> {
    M::decode(opened.map_err(StoreError::Unopened)?.as_slice()).map_err(|_| StoreError::Corrupt(what))
}

fn says_something(openings: &v1::Openings) -> bool {
    let v1::Openings { nonce: _, purpose_text, operator, source_address, case_reference } = openings;
    [purpose_text, operator, source_address, case_reference].iter().any(|text| !text.is_empty())
}

/// Puts the commitments into the entry, and encrypts their openings. A field's commitment carries its name in the proto.
fn lock_openings(entry: &mut v1::Entry, mut openings: v1::Openings, entry_id: &[u8]) -> Locked {
    let nonce: [u8; 32] = random();
    let committed = |field: &str, text: &str| {
        if text.is_empty() { Vec::new() } else { commit(&nonce, field, text).to_vec() }
    };
    entry.commitments = Some(v1::Commitments {
        purpose_text: committed("purpose_text", &openings.purpose_text),
        operator: committed("operator", &openings.operator),
        source_address: committed("source_address", &openings.source_address),
        case_reference: committed("case_reference", &openings.case_reference),
    });
    openings.nonce = nonce.to_vec();
    Locked::seal(OPENINGS_DOMAIN, entry_id, &Zeroizing::new(openings.encode_to_vec()))
}

fn aad(domain: &[u8], entry_id: &[u8]) -> Vec<u8> {
    [domain, entry_id].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(openings: v1::Openings) -> Draft {
        let entry = v1::Entry { entry_id: vec![3; 16], ..v1::Entry::default() };
        Draft { entry, openings: Some(openings), body: None, document_text: None }
    }

    #[test]
    fn only_texts_that_are_there_are_committed_to() {
        let openings = v1::Openings { operator: "a.clerk".into(), ..v1::Openings::default() };
        let prepared = Prepared::new(draft(openings)).expect("within limits");
        let commitments = prepared.entry.commitments.expect("made");
        assert!(commitments.purpose_text.is_empty());
        let aside = prepared.aside.expect("made");
        let opened = open_openings(&aside.key, &[3; 16], &aside.ciphertext).expect("opens");
        let nonce = opened.nonce.as_slice().try_into().expect("32 bytes");
        assert_eq!(commitments.operator, commit(nonce, "operator", "a.clerk"));
        assert!(open_openings(&aside.key, &[4; 16], &aside.ciphertext).is_err(), "bound to its entry");
        assert!(open_body(&aside.key, &[3; 16], &aside.ciphertext).is_err(), "bound to what it is");
        assert!(Prepared::new(draft(v1::Openings::default())).expect("within limits").aside.is_none());
    }

    #[test]
    fn what_no_frame_can_hold_is_refused_at_once() {
        let mut draft = draft(v1::Openings::default());
        let body = v1::Body { classified: vec![0; MAX_FRAME_BYTES], ..v1::Body::default() };
        draft.body = Some(DraftBody::encrypt(&body, &EntryId::from_bytes([3; 16]), None));
        assert!(matches!(Prepared::new(draft), Err(AppendFailure::TooLarge(_))));
    }
}
