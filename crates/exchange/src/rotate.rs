//! Rotation: a key's next epoch begins, live. What begins it is an entry; what the new key is made of is durable before that.

use causeway_journal::{
    ACTION_COMPROMISED, ACTION_ROTATED, KEY_CHECKPOINT_SIGNING, KEY_FEED_PREFIX, KEY_PAGES, KEY_ROOT, Outcome,
    REASON_KEY_ROTATED, v1,
};
use causeway_model::{AgreementId, LeafIndex};
use causeway_store::StoreError;
use futures_channel::oneshot;

use crate::draft::Said;
use crate::{Caller, Class, Error, Exchange};

/// A rotation that has been recorded.
#[derive(Debug, Clone)]
pub struct Rotation {
    /// The epoch that began.
    pub epoch: u32,
    /// The entry that says so.
    pub leaf: LeafIndex,
    /// The key that verifies checkpoints from here on, where the signing key was rotated.
    pub verifier_key: Option<String>,
}

/// Which key.
enum Key {
    Feed(AgreementId),
    CheckpointSigning,
    Pages,
    Root,
}

impl Exchange {
    /// Begins the next epoch of a key, by the name that key entries give it. With `compromised` the earlier key may be known to
    /// others: a feed then shows no old pseudonym beside a new one.
    ///
    /// Once begun, it has to run to its end: whoever waits for it may go, but must not take it along.
    ///
    /// # Errors
    /// `Invalid` for a key that there is not; `Denied` for an agency that does not operate the gateway; `Conflict` while another
    /// key is being rotated, and for a key of the ring that several nodes have; `Unavailable` where the keys or the journal cannot be
    /// written.
    pub async fn rotate_key(&self, caller: &Caller, name: &str, compromised: bool) -> Result<Rotation, Error> {
        // One at a time: what a rotation adds to the ring takes the place of what an unfinished one left there.
        let Some(_alone) = self.administering().try_lock() else {
            let message = "another key is being rotated, or a document brought into force, at this moment; try again";
            let refusal = Error::new(Class::Conflict, "rotation-under-way", message);
            return Err(self.refuse(caller, v1::Operation::Key, refusal).await);
        };
        let named = self.only_operator(caller).and_then(|()| self.key_named(name));
        let key = match named.and_then(|key| self.here_alone(key)) {
            Ok(key) => key,
            Err(refusal) => return Err(self.refuse(caller, v1::Operation::Key, refusal).await),
        };
        let epoch = self.journal().read(|state| state.key(name).map_or(1, |key| key.epoch)) + 1;
        let public_key = self.make_key(&key, epoch).await.map_err(keys_failed)?;
        let mut draft = Said::allowed(v1::Operation::Key, REASON_KEY_ROTATED).by(caller);
        draft.entry.key_change = Some(v1::KeyChange {
            key: name.to_owned(),
            epoch,
            public_key,
            action: if compromised { ACTION_COMPROMISED } else { ACTION_ROTATED }.to_owned(),
        });
        let committed = self.record(draft).await?;
        match committed.outcome {
            Outcome::Effective => {}
            Outcome::Void => {
                let message = "another rotation of this key came first; look which epoch it has and decide again";
                return Err(Error::new(Class::Conflict, "rotation-lost", message));
            }
            _ => return Err(Error::internal("apply gave an outcome that no rotation can have")),
        }
        let signs = matches!(key, Key::CheckpointSigning);
        let verifier_key = signs.then(|| self.journal().verifier_key().to_string());
        Ok(Rotation { epoch, leaf: committed.leaf, verifier_key })
    }

    /// Administration is for systems of the agency that operates the gateway, whatever roles another agency's file states.
    pub(crate) fn only_operator(&self, caller: &Caller) -> Result<(), Error> {
        if caller.system.agency == self.operator() {
            return Ok(());
        }
        Err(Error::new(Class::Denied, "not-the-operator", "this is for the agency that operates the gateway"))
    }

    /// What a rotation puts into the ring stays at the node that did it: the others could not go on under the new key.
    fn here_alone(&self, key: Key) -> Result<Key, Error> {
        let is_of_the_ring = matches!(key, Key::Feed(_) | Key::CheckpointSigning);
        if is_of_the_ring && self.journal().read(|state| state.roster().count() > 1) {
            let message = "the roster has several nodes, and the others would not have the new key: rotate it while one node is alone on \
                           the roster, and give its ring to the others (docs/cluster.md)";
            return Err(Error::new(Class::Conflict, "ring-of-several-nodes", message));
        }
        Ok(key)
    }

    fn key_named(&self, name: &str) -> Result<Key, Error> {
        let unknown = || {
            let message = "there is no such key: checkpoint-signing, pages, root, or feed/ and an agreement in force";
            Error::invalid("unknown-key", message)
        };
        match name {
            KEY_CHECKPOINT_SIGNING => Ok(Key::CheckpointSigning),
            KEY_PAGES => Ok(Key::Pages),
            KEY_ROOT => Ok(Key::Root),
            _ => {
                let feed: AgreementId =
                    name.strip_prefix(KEY_FEED_PREFIX).and_then(|id| id.parse().ok()).ok_or_else(unknown)?;
                let is_known = self.journal().read(|state| state.feed(&feed).is_some());
                if is_known { Ok(Key::Feed(feed)) } else { Err(unknown()) }
            }
        }
    }

    /// Makes what the next epoch of a key needs, durable when this returns; gives its public half, where it has one.
    async fn make_key(&self, key: &Key, epoch: u32) -> Result<Vec<u8>, StoreError> {
        let keys = self.shared_keys();
        match key {
            Key::Feed(feed) => {
                let feed = feed.clone();
                aside(move || keys.add_feed_secret(&feed, epoch)).await?.map(|()| Vec::new())
            }
            Key::CheckpointSigning => {
                aside(move || keys.add_signing_candidate()).await?.map(|public| public.0.to_vec())
            }
            Key::Pages => self.journal().rotate_page_keys().await.map(|_pages| Vec::new()),
            Key::Root => self.journal().rotate_root().await.map(|()| Vec::new()),
        }
    }
}

fn keys_failed(error: StoreError) -> Error {
    let message = "the keys cannot be written: the rotation has not begun, or is finished by doing it again";
    Error::new(Class::Unavailable, "keys-unavailable", message).because(error)
}

/// Does what blocks for a few syncs on a thread of its own.
async fn aside<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> Result<R, StoreError> {
    let (answer, answered) = oneshot::channel();
    std::thread::Builder::new()
        .name("key-rotation".into())
        .spawn(move || {
            // Whoever asked may have gone; then nobody misses the answer.
            let _ = answer.send(work());
        })
        .map_err(|error| StoreError::Engine(Box::new(error)))?;
    answered.await.map_err(|_| StoreError::Closed)
}
