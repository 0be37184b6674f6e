//! A part's bytes: sealed chunk by chunk behind the header, and opened again.

use causeway_crypto::{BackupPartKey, Digest, SealingPrivateKey, SealingPublicKey, sha256};

use super::header::{CHUNK_BYTES, CHUNK_OVERHEAD, HEADER_BYTES, Header};
use crate::error::StoreError;

/// Seals what a part holds. Gives the header's bytes, the chunks, and the digest of both together; `make` completes the header once
/// the encapsulation and the length are known.
pub(super) fn seal(
    recipient: &SealingPublicKey,
    plaintext: &[u8],
    make: impl FnOnce(Vec<u8>, u64) -> Header,
) -> (Header, Vec<u8>, Digest) {
    let (key, encapsulation) = BackupPartKey::new(recipient);
    let header = make(encapsulation, plaintext.len() as u64);
    let head = header.encode();
    let bound = sha256(&[&head]);
    let chunks = plaintext.len().div_ceil(CHUNK_BYTES);
    let mut sealed = Vec::with_capacity(plaintext.len() + chunks * CHUNK_OVERHEAD);
    for (number, chunk) in (0..).zip(plaintext.chunks(CHUNK_BYTES)) {
        sealed.extend_from_slice(&key.seal_chunk(&bound, number, chunk));
    }
    let digest = sha256(&[&head, &sealed]);
    (header, sealed, digest)
}

/// What a whole part holds.
///
/// # Errors
/// [`StoreError::Unopened`] where it is sealed to another key or was altered.
pub(super) fn open(header: &Header, part: &[u8], recipient: &SealingPrivateKey) -> Result<Vec<u8>, StoreError> {
    let cut = || StoreError::Corrupt("a part of the backup is cut off");
    let (head, sealed) = part.split_at_checked(HEADER_BYTES).ok_or_else(cut)?;
    let key = BackupPartKey::open(recipient, &header.encapsulation).map_err(StoreError::Unopened)?;
    let bound = sha256(&[head]);
    let mut plaintext = Vec::with_capacity(sealed.len());
    for (number, chunk) in (0..).zip(sealed.chunks(CHUNK_BYTES + CHUNK_OVERHEAD)) {
        plaintext.extend_from_slice(&key.open_chunk(&bound, number, chunk).map_err(StoreError::Unopened)?);
    }
    if plaintext.len() as u64 == header.length { Ok(plaintext) } else { Err(cut()) }
}
