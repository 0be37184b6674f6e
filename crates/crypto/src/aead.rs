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

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal")).collect()
    }

    /// McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B, test case 16: the set that NIST took over.
    #[test]
    fn encryption_is_that_of_the_gcm_vectors() {
        let half = bytes("feffe9928665731c6d6a8f9467308308");
        let key = AeadKey::new([half.clone(), half].concat().try_into().expect("32 bytes"));
        let nonce = bytes("cafebabefacedbaddecaf888");
        let aad = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let plaintext = bytes(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525\
             b16aedf5aa0de657ba637b39",
        );
        let expected = bytes(
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838\
             c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
        );
        let sealed = key.seal_with_nonce(nonce.as_slice().try_into().expect("12 bytes"), &aad, &plaintext);
        assert_eq!(sealed[..12], nonce);
        assert_eq!(sealed[12..], expected);
        assert_eq!(*key.open(&aad, &sealed).expect("it was sealed under this key"), plaintext);
    }

    #[test]
    fn what_was_altered_cut_or_sealed_otherwise_is_refused() {
        let key = AeadKey::generate();
        let sealed = key.seal(b"page 7", b"secret");
        assert_eq!(sealed.len(), 12 + 6 + 16);
        assert_eq!(key.open(b"page 8", &sealed).err(), Some(CryptoError::Refused));
        assert_eq!(AeadKey::generate().open(b"page 7", &sealed).err(), Some(CryptoError::Refused));
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert_eq!(key.open(b"page 7", &altered).err(), Some(CryptoError::Refused), "byte {at}");
            assert_eq!(key.open(b"page 7", &sealed[..at]).err(), Some(CryptoError::Refused), "cut at {at}");
        }
    }

    #[test]
    fn sealing_twice_gives_two_nonces() {
        let key = AeadKey::generate();
        assert_ne!(key.seal(b"", b"same")[..12], key.seal(b"", b"same")[..12]);
    }
}
