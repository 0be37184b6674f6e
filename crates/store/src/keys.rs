//! The root key and the key ring: read from the keys folder or made in it, and changed while the gateway runs.

mod files;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use causeway_crypto::{KeyRing, PublicKey, RootKey, SigningKey};
use causeway_model::AgreementId;

use crate::error::StoreError;
use crate::key_folders;
use crate::root_source::RootSource;
use crate::secret_file;
use files::KeyFiles;
pub(crate) use files::RING;

/// Where the gateway's keys are.
#[derive(Debug, Clone)]
pub struct KeySettings {
    /// The keys folder: the ring, and what has no history.
    pub keys_dir: PathBuf,
    /// Where the root key comes from.
    pub root: RootSource,
    /// Where the one before comes from, if what is in the folder may still be wrapped under that one.
    pub previous_root: Option<RootSource>,
    /// Whether keys are made where there are none. New keys read nothing that others wrote, so: only for a new journal.
    pub may_create: bool,
}

/// The gateway's own keys. The root key wraps the ring and the page keys: whoever has it and the data directory can read
/// what the gateway can. The ring is everything else: pseudonyms, message authentication, the checkpoints' signing keys.
#[derive(Debug)]
pub struct Keys {
    files: KeyFiles,
    source: RootSource,
    ring: RwLock<Arc<KeyRing>>,
    /// The root key that the files are wrapped under. Held while one of them is replaced, so that no change is lost.
    root: Mutex<RootKey>,
    /// The root key that they are to be wrapped under from the next start of the journal on.
    next_root: Mutex<Option<RootKey>>,
}

impl Keys {
    /// Reads the keys; makes them where there are none and that is allowed, and says whether it did.
    ///
    /// Creation is finished by the next call when it is cut short: the root key takes its place first, the ring last.
    /// Where the ring opens only under the previous root key, starting the journal wraps everything under the new one.
    ///
    /// # Errors
    /// [`StoreError::Keys`] when a key is missing, readable by others, or does not open: nothing is made anew then,
    /// because new keys would not read what the old ones wrote.
    pub fn open(settings: &KeySettings) -> Result<(Self, bool), StoreError> {
        let files = KeyFiles::in_dir(&settings.keys_dir)?;
        // While a journal runs over these keys they are whole, and what lies beside them is its own unfinished business.
        let alone = key_folders::try_lock(&settings.keys_dir)?;
        if alone.is_some() {
            files.recover(&settings.root)?;
        }
        let (root, ring, created) = files.load_or_create(&settings.root, settings.may_create && alone.is_some())?;
        let ring = match (ring, &settings.previous_root) {
            (Some(ring), _) => (ring, root, None),
            (None, None) => return Err(StoreError::keys(&files.ring, NOT_OF_ROOT)),
            (None, Some(previous)) => {
                let previous = previous.read(&settings.keys_dir)?;
                let ring = files.open_ring(&previous)?;
                (ring.ok_or_else(|| StoreError::keys(&files.ring, NOT_OF_EITHER))?, previous, Some(root))
            }
        };
        let (ring, root, next_root) = ring;
        let keys = Self {
            files,
            source: settings.root.clone(),
            ring: RwLock::new(Arc::new(ring)),
            root: Mutex::new(root),
            next_root: Mutex::new(next_root),
        };
        Ok((keys, created))
    }

    /// As [`Keys::open`] with the root key in its file, and with new keys where there are none.
    ///
    /// # Errors
    /// As [`Keys::open`].
    pub fn load_or_create(keys_dir: &Path) -> Result<(Self, bool), StoreError> {
        let keys_dir = keys_dir.to_owned();
        Self::open(&KeySettings { keys_dir, root: RootSource::File, previous_root: None, may_create: true })
    }

    /// The ring as it is now. Ask again for each use: a rotation puts another in its place.
    pub fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a fresh random secret for one epoch of a feed into the ring, in place of one that was never used. Durable when
    /// it returns; blocks for a few syncs.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the ring's file cannot be written; the ring is then as before.
    pub fn add_feed_secret(&self, feed: &AgreementId, epoch: u32) -> Result<(), StoreError> {
        self.change(|ring| Some(ring.with_feed_secret(feed, epoch)))
    }

    /// Puts a fresh signing key beside the current one. It signs nothing before the log names it; where it never does, it
    /// makes room for later ones. Durable when it returns; blocks for a few syncs.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the ring's file cannot be written; the ring is then as before.
    pub fn add_signing_candidate(&self) -> Result<PublicKey, StoreError> {
        let mut added = None;
        self.change(|ring| {
            let (ring, public) = ring.with_checkpoint_candidate();
            added = Some(public);
            Some(ring)
        })?;
        Ok(added.expect("the change has been made"))
    }

    /// Takes every signing key out of the ring but the current one and, while it signs on, the one of before. Does nothing where
    /// it is so already, or one of them is not in the ring.
    pub(crate) fn keep_signing_keys(&self, current: &PublicKey, earlier: Option<&PublicKey>) -> Result<(), StoreError> {
        self.change(|ring| {
            let held = ring.checkpoint_keys();
            let is_so = held.iter().map(SigningKey::public_key).eq(std::iter::once(*current).chain(earlier.copied()));
            if is_so { None } else { ring.with_checkpoint_pair(current, earlier) }
        })
    }

    /// The root key that the files are wrapped under.
    pub(crate) fn root(&self) -> RootKey {
        self.held_root().clone()
    }

    /// Refuses to go on with keys that another process has changed since they were read.
    pub(crate) fn are_those_on_disk(&self) -> Result<(), StoreError> {
        match self.files.open_ring(&self.held_root())? {
            Some(_) => Ok(()),
            None => Err(StoreError::keys(&self.files.ring, "was wrapped anew since it was read: start again")),
        }
    }

    /// The root key that everything is to be wrapped under now, if it is another.
    pub(crate) fn take_next_root(&self) -> Option<RootKey> {
        self.next_root.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether the root key is in its file, where a rotation can put another.
    pub(crate) fn has_root_file(&self) -> bool {
        self.source == RootSource::File
    }

    pub(crate) fn ring_path(&self) -> &Path {
        &self.files.ring
    }

    /// The root key, held: the ring does not change until it is let go, and the root key can be replaced through it.
    pub(crate) fn held_root(&self) -> MutexGuard<'_, RootKey> {
        self.root.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes another ring of the one there is, durable before anybody sees it. None leaves it as it is.
    fn change(&self, change: impl FnOnce(&KeyRing) -> Option<KeyRing>) -> Result<(), StoreError> {
        let root = self.held_root();
        let Some(next) = change(&self.ring()) else { return Ok(()) };
        let path = &self.files.ring;
        if let Err(source) = secret_file::replace(path, &next.wrap(&root)) {
            // Whether the new one took its place before the fault, it holds the secrets of the one before.
            return Err(StoreError::io("write the key ring", path, source));
        }
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(())
    }
}

const NOT_OF_ROOT: &str = "does not open under the root key: they are not of the same installation, or it is damaged";
const NOT_OF_EITHER: &str = "opens under neither the root key nor the previous one";
