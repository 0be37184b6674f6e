//! The gateway's long-lived secrets, kept together under the root key.

mod layout;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use causeway_model::AgreementId;

use crate::mac::MacKey;
use crate::pseudonym::{FeedKey, PseudonymKey};
use crate::secret::Secret;
use crate::signing::{PublicKey, SigningKey};

/// Secrets that every ring has, each 32 bytes.
const SECRETS: usize = 6;

/// Signing keys that may wait beside the current one.
const MAX_CANDIDATES: usize = 4;

/// From the ring's feed secret to the key of one feed in its first epoch.
const FEED: &str = "causeway/v1/feed";

/// From the ring's cursor secret to the key of the audit index.
const INDEX: &str = "causeway/v1/index";

/// From the ring's cursor secret to the key of the state that is kept.
const STATE: &str = "causeway/v1/state";

/// The epoch of a feed whose key is derived from the ring's feed secret; those after it have random secrets of their own.
const FIRST_EPOCH: u32 = 1;

/// The secrets that stay the same from start to start. Each is random and independent of the others, so that one can be
/// rotated, or handed over, without the rest. A ring never changes: what rotates one of its secrets gives another ring.
#[derive(Debug, Clone)]
pub struct KeyRing {
    submission: Secret,
    content: Secret,
    cursor: Secret,
    pseudonym: Secret,
    feed: Secret,
    checkpoint: Secret,
    /// Signing keys that are durable here before the log names one of them, the newest last.
    checkpoint_candidates: Vec<Secret>,
    /// The secrets of later epochs, which nothing else in the ring tells anything of.
    feed_epochs: BTreeMap<(AgreementId, u32), Secret>,
}

impl KeyRing {
    /// A ring of fresh random secrets.
    pub fn generate() -> Self {
        Self::from_secrets(std::array::from_fn(|_| Secret::generate()))
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

    /// The key of the audit index: of the hashes that stand for what entries are found by, and of its files' digests. It is
    /// derived, so that rings of every version have it, and tells nothing of the secret that it comes from.
    pub fn index_mac(&self) -> MacKey {
        MacKey::from_secret(self.cursor.derive(INDEX, &[]))
    }

    /// The key of the digests over the state that is kept beside the log. It is derived likewise.
    pub fn state_mac(&self) -> MacKey {
        MacKey::from_secret(self.cursor.derive(STATE, &[]))
    }

    /// The key of internal pseudonyms.
    pub fn pseudonym_key(&self) -> PseudonymKey {
        PseudonymKey::from_secret(self.pseudonym.clone())
    }

    /// The pseudonym key of one feed in one epoch; it tells nothing of another feed's or epoch's. None for an epoch that
    /// the ring holds no secret for, which no later ring will have either: nothing must be shown under it.
    pub fn feed_key(&self, feed: &AgreementId, epoch: u32) -> Option<FeedKey> {
        let secret = match self.feed_epochs.get(&(feed.clone(), epoch)) {
            Some(secret) => secret.clone(),
            None if epoch == FIRST_EPOCH => self.feed.derive(FEED, &[feed.as_str().as_bytes(), &epoch.to_be_bytes()]),
            None => return None,
        };
        Some(FeedKey::from_secret(secret, epoch))
    }

    /// The ring with a fresh random secret for one epoch of a feed, in place of one that it held for it.
    #[must_use]
    pub fn with_feed_secret(&self, feed: &AgreementId, epoch: u32) -> Self {
        let mut next = self.clone();
        next.feed_epochs.insert((feed.clone(), epoch), Secret::generate());
        next
    }

    /// The keys that may sign checkpoints: the current one, then the candidates. Which signs, the log says.
    pub fn checkpoint_keys(&self) -> Vec<SigningKey> {
        let secrets = std::iter::once(&self.checkpoint).chain(&self.checkpoint_candidates);
        secrets.cloned().map(SigningKey::from_secret).collect()
    }

    /// The ring with a fresh candidate, and the candidate's public half. Earlier ones that never became current stay for a
    /// while: of two rotations at once, the log decides which counts.
    #[must_use]
    pub fn with_checkpoint_candidate(&self) -> (Self, PublicKey) {
        let (candidate, mut next) = (Secret::generate(), self.clone());
        let public = SigningKey::from_secret(candidate.clone()).public_key();
        if next.checkpoint_candidates.len() == MAX_CANDIDATES {
            next.checkpoint_candidates.remove(0);
        }
        next.checkpoint_candidates.push(candidate);
        (next, public)
    }

    /// The ring with this one of its signing keys as the current one and no other. None where it holds no such key.
    #[must_use]
    pub fn with_checkpoint_only(&self, public: &PublicKey) -> Option<Self> {
        self.with_checkpoint_pair(public, None)
    }

    /// The ring with this one of its signing keys as the current one, behind it the one of before where that is to sign on for a
    /// while, and no other. None where it lacks one of them.
    #[must_use]
    pub fn with_checkpoint_pair(&self, current: &PublicKey, earlier: Option<&PublicKey>) -> Option<Self> {
        let secret = |public: &PublicKey| {
            let kept = self.checkpoint_keys().into_iter().find(|key| key.public_key() == *public)?;
            Some(Secret::new(*kept.seed()))
        };
        let checkpoint_candidates = match earlier {
            None => Vec::new(),
            Some(earlier) => vec![secret(earlier)?],
        };
        Some(Self { checkpoint: secret(current)?, checkpoint_candidates, ..self.clone() })
    }

    /// The order in which a wrapped ring holds them. A new secret goes to the end, under a new version.
    fn secrets(&self) -> [&Secret; SECRETS] {
        [&self.submission, &self.content, &self.cursor, &self.pseudonym, &self.feed, &self.checkpoint]
    }

    fn from_secrets(secrets: [Secret; SECRETS]) -> Self {
        let [submission, content, cursor, pseudonym, feed, checkpoint] = secrets;
        let (checkpoint_candidates, feed_epochs) = (Vec::new(), BTreeMap::new());
        Self { submission, content, cursor, pseudonym, feed, checkpoint, checkpoint_candidates, feed_epochs }
    }
}
