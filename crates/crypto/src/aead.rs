//! Authenticated encryption under a key of one's own: AES-256-GCM (NIST SP 800-38D) with random nonces.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, MAX_TAG_LEN, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::CryptoError;
use crate::secret::{Secret, random};

/// An AES-256-GCM key. Nonces are random, so one key seals at most 2^32 times (SP 800-38D section 8.3); all keys of the
/// gateway are per record, per key page or for a handful of pages.
#[derive(Debug, Clone)]
pub struct AeadKey(Secret);

impl AeadKey {
    /// The key that these bytes are.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// A fresh random key.
    pub fn generate() -> Self {
        Self(Secret::generate())
    }

    pub(crate) fn from_secret(secret: Secret) -> Self {
        Self(secret)
    }

    /// The key's bytes, for wrapping it under another key.
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// Encrypts: 12 bytes of random nonce, the ciphertext, 16 bytes of tag. `aad` is authenticated, not included.
    pub fn seal(&self, aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        self.seal_with_nonce(random(), aad, plaintext)
    }

    fn seal_with_nonce(&self, nonce: [u8; NONCE_LEN], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(NONCE_LEN + plaintext.len() + MAX_TAG_LEN);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let tag = self
            .ring_key()
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut sealed[NONCE_LEN..])
            .expect("a plaintext in memory is shorter than GCM's 64 GiB");
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// Decrypts what [`AeadKey::seal`] made under the same key and `aad`.
    ///
    /// # Errors
    /// [`CryptoError::Refused`] for anything else, however short.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(CryptoError::Refused)?;
        let mut plaintext = Zeroizing::new(ciphertext.to_vec());
        let length = self
            .ring_key()
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), &mut plaintext)
            .map_err(|_| CryptoError::Refused)?
            .len();
        plaintext.truncate(length);
        Ok(plaintext)
    }

    fn ring_key(&self) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, self.expose()).expect("AES-256 keys are 32 bytes"))
    }
}
