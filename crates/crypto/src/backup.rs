//! Sealing the parts of a backup: each under a key of its own, in chunks that open in their own place only.

use std::fmt;

use zeroize::Zeroizing;

use crate::aead::AeadKey;
use crate::digest::Digest;
use crate::encapsulated::{decapsulate, encapsulate};
use crate::sealing::{SealingPrivateKey, SealingPublicKey};
use crate::{BACKUP_ENCAPSULATION_BYTES, CryptoError};

/// HPKE's `info`, which neither a sealed record nor a bundle of keys has, and the exporter's context.
const PART: &[u8] = b"causeway/v1/backup-part";

/// What a chunk's encryption is bound to, with the digest of its part's header and its number.
const CHUNK: &[u8] = b"causeway/v1/backup-chunk\0";

/// The key of one part of a backup. The header that its chunks are bound to says how many bytes they hold together, so that one
/// that is missing, moved, or of another part or backup is found out.
pub struct BackupPartKey(AeadKey);

impl BackupPartKey {
    /// A fresh key for the recipient, with its encapsulation of [`BACKUP_ENCAPSULATION_BYTES`].
    pub fn new(recipient: &SealingPublicKey) -> (Self, Vec<u8>) {
        let (encapsulation, key) = encapsulate(recipient, PART);
        (Self(key), encapsulation)
    }

    /// The key that an encapsulation holds for this recipient. To another one a key comes out that opens nothing.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] or [`CryptoError::Refused`] for what is no encapsulation.
    pub fn open(recipient: &SealingPrivateKey, encapsulation: &[u8]) -> Result<Self, CryptoError> {
        debug_assert_eq!(encapsulation.len(), BACKUP_ENCAPSULATION_BYTES);
        decapsulate(recipient, encapsulation, PART).map(Self)
    }

    /// Seals the chunk with this number: 28 bytes are added. `header` is the digest of the part's header.
    pub fn seal_chunk(&self, header: &Digest, number: u64, plaintext: &[u8]) -> Vec<u8> {
        self.0.seal(&aad(header, number), plaintext)
    }

    /// Opens the chunk with this number.
    ///
    /// # Errors
    /// [`CryptoError::Refused`] when it is altered, of another place or part, or sealed to another key.
    pub fn open_chunk(&self, header: &Digest, number: u64, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.0.open(&aad(header, number), sealed)
    }
}

impl fmt::Debug for BackupPartKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackupPartKey(..)")
    }
}

fn aad(header: &Digest, number: u64) -> Vec<u8> {
    [CHUNK, header.as_bytes(), &number.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sha256;

    #[test]
    fn a_chunk_opens_in_its_own_place_and_for_its_recipient_only() {
        let recipient = SealingPrivateKey::generate();
        let (key, encapsulation) = BackupPartKey::new(&recipient.public_key());
        assert_eq!(encapsulation.len(), BACKUP_ENCAPSULATION_BYTES);
        let (header, other) = (sha256(&[b"header"]), sha256(&[b"another"]));
        let sealed = key.seal_chunk(&header, 3, b"frames");
        assert_eq!(sealed.len(), 6 + 28);
        let opened = BackupPartKey::open(&recipient, &encapsulation).expect("an encapsulation");
        assert_eq!(opened.open_chunk(&header, 3, &sealed).expect("opens").as_slice(), b"frames");
        assert!(opened.open_chunk(&header, 4, &sealed).is_err(), "another place");
        assert!(opened.open_chunk(&other, 3, &sealed).is_err(), "another part");
        let stranger = BackupPartKey::open(&SealingPrivateKey::generate(), &encapsulation).expect("an encapsulation");
        assert!(stranger.open_chunk(&header, 3, &sealed).is_err(), "another recipient");
        let bundle = decapsulate(&recipient, &encapsulation, b"causeway/v1/key-bundle").expect("an encapsulation");
        assert!(bundle.open(&aad(&header, 3), &sealed).is_err(), "a key for something else");
        assert_eq!(format!("{key:?}"), "BackupPartKey(..)");
    }
}
