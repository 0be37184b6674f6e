//! The gateway's long-lived secrets, kept together under the root key.

use causeway_model::AgreementId;
use zeroize::Zeroizing;

use crate::CryptoError;
use crate::mac::MacKey;
use crate::pseudonym::{FeedKey, PseudonymKey};
use crate::root_key::RootKey;
use crate::secret::Secret;
use crate::signing::SigningKey;

/// What a wrapped ring begins with, and what its encryption is bound to. The last byte is the version of the layout.
const HEADER: &[u8; 18] = b"causeway-key-ring\x01";
const SECRETS: usize = 6;
const PLAINTEXT_LENGTH: usize = SECRETS * 32;

/// From the ring's feed secret to the key of one feed in one epoch.
const FEED: &str = "causeway/v1/feed";

/// The secrets that stay the same from start to start. Each is random and independent of the others, so that one can be
/// rotated, or handed over, without the rest.
#[derive(Debug, Clone)]
pub struct KeyRing {
    submission: Secret,
    content: Secret,
    cursor: Secret,
    pseudonym: Secret,
    feed: Secret,
    checkpoint: Secret,
}

impl KeyRing {
    /// A ring of fresh random secrets.
    pub fn generate() -> Self {
        Self::from_secrets(std::array::from_fn(|_| Secret::generate()))
    }

    /// The ring encrypted under the root key: header and version in clear, then the secrets in their fixed order.
    pub fn wrap(&self, root: &RootKey) -> Vec<u8> {
        let mut plaintext = Zeroizing::new(Vec::with_capacity(PLAINTEXT_LENGTH));
        self.secrets().iter().for_each(|secret| plaintext.extend_from_slice(secret.expose()));
        let mut wrapped = HEADER.to_vec();
        wrapped.extend_from_slice(&root.ring_wrapping_key().seal(HEADER, &plaintext));
        wrapped
    }

    /// The ring that [`KeyRing::wrap`] wrapped.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] when it is no wrapped ring, [`CryptoError::Unsupported`] when it is one of another
    /// version, [`CryptoError::Refused`] when the root key is not the one it was wrapped under or a byte has changed.
    pub fn unwrap(root: &RootKey, wrapped: &[u8]) -> Result<Self, CryptoError> {
        let malformed = CryptoError::Malformed("key ring");
        let (header, sealed) = wrapped.split_first_chunk::<{ HEADER.len() }>().ok_or(malformed)?;
        if header != HEADER {
            let same_name = header[..HEADER.len() - 1] == HEADER[..HEADER.len() - 1];
            return Err(if same_name { CryptoError::Unsupported("key ring version") } else { malformed });
        }
        let plaintext = root.ring_wrapping_key().open(HEADER, sealed)?;
        let (secrets, rest) = plaintext.as_chunks::<32>();
        let secrets: &[[u8; 32]; SECRETS] = secrets.try_into().map_err(|_| malformed)?;
        if !rest.is_empty() {
            return Err(malformed);
        }
        Ok(Self::from_secrets(std::array::from_fn(|index| Secret::new(secrets[index]))))
    }

    /// The key of the codes of submission ids.
    pub fn submission_mac(&self) -> MacKey {
        MacKey::from_secret(self.submission.clone())
    }

    /// The key of the codes of submitted content.
    pub fn content_mac(&self) -> MacKey {
        MacKey::from_secret(self.content.clone())
    }

    /// The key of the codes on cursors.
    pub fn cursor_mac(&self) -> MacKey {
        MacKey::from_secret(self.cursor.clone())
    }

    /// The key of internal pseudonyms.
    pub fn pseudonym_key(&self) -> PseudonymKey {
        PseudonymKey::from_secret(self.pseudonym.clone())
    }

    /// The pseudonym key of one feed in one epoch. It tells nothing of another feed's or epoch's.
    pub fn feed_key(&self, feed: &AgreementId, epoch: u32) -> FeedKey {
        let secret = self.feed.derive(FEED, &[feed.as_str().as_bytes(), &epoch.to_be_bytes()]);
        FeedKey::from_secret(secret, epoch)
    }

    /// The key that signs checkpoints.
    pub fn checkpoint_key(&self) -> SigningKey {
        SigningKey::from_secret(self.checkpoint.clone())
    }

    /// The order in which a wrapped ring holds them. A new secret goes to the end, under a new version.
    fn secrets(&self) -> [&Secret; SECRETS] {
        [&self.submission, &self.content, &self.cursor, &self.pseudonym, &self.feed, &self.checkpoint]
    }

    fn from_secrets(secrets: [Secret; SECRETS]) -> Self {
        let [submission, content, cursor, pseudonym, feed, checkpoint] = secrets;
        Self { submission, content, cursor, pseudonym, feed, checkpoint }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(left: &KeyRing, right: &KeyRing) -> bool {
        left.secrets().iter().zip(right.secrets()).all(|(left, right)| left.expose() == right.expose())
    }

    #[test]
    fn a_wrapped_ring_unwraps_to_the_same_secrets() {
        let (root, ring) = (RootKey::generate(), KeyRing::generate());
        let wrapped = ring.wrap(&root);
        assert_eq!(wrapped.len(), HEADER.len() + 12 + PLAINTEXT_LENGTH + 16);
        let again = KeyRing::unwrap(&root, &wrapped).expect("it was wrapped under this root key");
        assert!(same(&ring, &again));
        assert!(!same(&ring, &KeyRing::generate()));
    }

    #[test]
    fn a_ring_does_not_unwrap_under_another_root_key() {
        let wrapped = KeyRing::generate().wrap(&RootKey::generate());
        assert_eq!(KeyRing::unwrap(&RootKey::generate(), &wrapped).err(), Some(CryptoError::Refused));
    }

    #[test]
    fn every_flipped_byte_and_every_cut_of_a_wrapped_ring_is_refused() {
        let root = RootKey::generate();
        let wrapped = KeyRing::generate().wrap(&root);
        for at in 0..wrapped.len() {
            let mut altered = wrapped.clone();
            altered[at] ^= 0x10;
            assert!(KeyRing::unwrap(&root, &altered).is_err(), "byte {at}");
            assert!(KeyRing::unwrap(&root, &wrapped[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_ring_of_another_version_or_size_is_named_as_such() {
        let root = RootKey::generate();
        let mut later = KeyRing::generate().wrap(&root);
        later[HEADER.len() - 1] = 2;
        assert_eq!(KeyRing::unwrap(&root, &later).err(), Some(CryptoError::Unsupported("key ring version")));
        for length in [0, 32, PLAINTEXT_LENGTH - 1, PLAINTEXT_LENGTH + 1, PLAINTEXT_LENGTH + 32] {
            let wrapped = [HEADER.as_slice(), &root.ring_wrapping_key().seal(HEADER, &vec![0; length])].concat();
            assert_eq!(KeyRing::unwrap(&root, &wrapped).err(), Some(CryptoError::Malformed("key ring")), "{length}");
        }
    }

    #[test]
    fn no_two_uses_share_a_key() {
        let ring = KeyRing::generate();
        let macs = [ring.submission_mac(), ring.content_mac(), ring.cursor_mac()].map(|key| key.tag("d", &[b"x"]));
        assert!(macs[0] != macs[1] && macs[1] != macs[2] && macs[0] != macs[2]);
    }

    #[test]
    fn debug_prints_nothing_of_a_ring() {
        let ring = KeyRing::from_secrets(std::array::from_fn(|_| Secret::new([0xa7; 32])));
        let printed = format!("{ring:?} {:?} {:?}", ring.pseudonym_key(), ring.cursor_mac());
        assert!(!printed.contains("167") && !printed.contains("a7"), "{printed}");
    }
}
