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
