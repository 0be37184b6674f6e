//! A ring's wrapped form. Version 1 holds the six secrets that every ring has; version 2 goes on with candidates of the
//! signing key and the secrets of feeds' later epochs. Both unwrap, and a wrap writes version 2.

use causeway_model::AgreementId;
use zeroize::Zeroizing;

use super::{KeyRing, MAX_CANDIDATES, SECRETS};
use crate::CryptoError;
use crate::root_key::RootKey;
use crate::secret::Secret;

/// What a wrapped ring begins with before the version of its layout; the encryption is bound to both.
const NAME: &[u8; 17] = b"causeway-key-ring";
const VERSION_1: u8 = 1;
const VERSION_2: u8 = 2;

/// Name and version.
pub(super) const HEADER_LENGTH: usize = NAME.len() + 1;
/// The six secrets.
pub(super) const PLAINTEXT_1_LENGTH: usize = SECRETS * 32;

/// The secrets of a ring: the six, then how many candidates there are (8 bits) and these, then how many epochs' secrets (32 bits) and
/// of each the length of the agreement's id (8 bits), the id, the epoch (32 bits) and the secret. Numbers are big-endian.
impl KeyRing {
    /// The ring encrypted under the root key: name and version in clear, then the secrets.
    pub fn wrap(&self, root: &RootKey) -> Vec<u8> {
        let mut wrapped = [NAME.as_slice(), &[VERSION_2]].concat();
        let sealed = root.ring_wrapping_key().seal(&wrapped, &self.plaintext());
        wrapped.extend_from_slice(&sealed);
        wrapped
    }

    /// The ring that [`KeyRing::wrap`] of this version or the one before wrapped.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] when it is no wrapped ring, [`CryptoError::Unsupported`] when it is one of another
    /// version, [`CryptoError::Refused`] when the root key is not the one it was wrapped under or a byte has changed.
    pub fn unwrap(root: &RootKey, wrapped: &[u8]) -> Result<Self, CryptoError> {
        let (header, sealed) = wrapped.split_first_chunk::<HEADER_LENGTH>().ok_or(MALFORMED)?;
        let version = match header.split_last() {
            Some((version @ (&VERSION_1 | &VERSION_2), name)) if name == NAME => *version,
            Some((_, name)) if name == NAME => return Err(CryptoError::Unsupported("key ring version")),
            _ => return Err(MALFORMED),
        };
        let plaintext = root.ring_wrapping_key().open(header, sealed)?;
        let mut rest = Rest(&plaintext);
        let ring = if version == VERSION_1 { rest.six_secrets() } else { rest.ring() };
        ring.filter(|_| rest.0.is_empty()).ok_or(MALFORMED)
    }

    fn plaintext(&self) -> Zeroizing<Vec<u8>> {
        // As long as it can become, so that no part of it is left behind where it grew.
        let capacity = PLAINTEXT_1_LENGTH
            + 5
            + self.checkpoint_candidates.len() * 32
            + self.feed_epochs.len() * (1 + 255 + 4 + 32);
        let mut plaintext = Zeroizing::new(Vec::with_capacity(capacity));
        self.secrets().iter().for_each(|secret| plaintext.extend_from_slice(secret.expose()));
        plaintext.push(u8::try_from(self.checkpoint_candidates.len()).expect("at most four candidates wait"));
        self.checkpoint_candidates.iter().for_each(|secret| plaintext.extend_from_slice(secret.expose()));
        let count = u32::try_from(self.feed_epochs.len()).expect("fewer rotations than 2^32 fit into memory");
        plaintext.extend_from_slice(&count.to_be_bytes());
        for ((feed, epoch), secret) in &self.feed_epochs {
            plaintext.push(u8::try_from(feed.as_str().len()).expect("an agreement id has at most 48 characters"));
            plaintext.extend_from_slice(feed.as_str().as_bytes());
            plaintext.extend_from_slice(&epoch.to_be_bytes());
            plaintext.extend_from_slice(secret.expose());
        }
        plaintext
    }
}

const MALFORMED: CryptoError = CryptoError::Malformed("key ring");

/// What is left to read of a plaintext.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn ring(&mut self) -> Option<KeyRing> {
        let mut ring = self.six_secrets()?;
        let [candidates] = *self.array::<1>()?;
        if usize::from(candidates) > MAX_CANDIDATES {
            return None;
        }
        for _ in 0..candidates {
            ring.checkpoint_candidates.push(self.secret()?);
        }
        for _ in 0..u32::from_be_bytes(*self.array()?) {
            let [length] = *self.array::<1>()?;
            let feed = self.bytes(usize::from(length))?;
            let feed: AgreementId = std::str::from_utf8(feed).ok()?.parse().ok()?;
            let epoch = u32::from_be_bytes(*self.array()?);
            let secret = self.secret()?;
            ring.feed_epochs.insert((feed, epoch), secret);
        }
        Some(ring)
    }

    fn six_secrets(&mut self) -> Option<KeyRing> {
        let mut secrets = Vec::with_capacity(SECRETS);
        for _ in 0..SECRETS {
            secrets.push(self.secret()?);
        }
        Some(KeyRing::from_secrets(secrets.try_into().ok()?))
    }

    fn secret(&mut self) -> Option<Secret> {
        self.array().copied().map(Secret::new)
    }

    fn array<const N: usize>(&mut self) -> Option<&[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(array)
    }

    fn bytes(&mut self, length: usize) -> Option<&[u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }
}
