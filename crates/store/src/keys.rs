//! The key files: the root key and the key ring wrapped under it, in a folder of their own.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use causeway_crypto::{KeyRing, PublicKey, RootKey};
use causeway_model::AgreementId;
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::folder;

/// The gateway's own keys. The root key wraps the ring and the page keys: whoever has it and the data directory can read
/// what the gateway can. The ring is everything else: pseudonyms, message authentication, the checkpoints' signing keys.
#[derive(Debug)]
pub struct Keys {
    files: KeyFiles,
    root: RootKey,
    ring: RwLock<Arc<KeyRing>>,
    /// Held while the ring's file is replaced, so that no change is lost to another.
    changing: Mutex<()>,
}

impl Keys {
    /// Reads `root.key` and `ring` from a folder; makes both where neither is there, and says whether it did.
    ///
    /// Creation is finished by the next call when it is cut short: the root key takes its place first, the ring last.
    ///
    /// # Errors
    /// [`StoreError::Keys`] when one of the two is missing, readable by others, or does not open: nothing is made anew
    /// then, because new keys would not read what the old ones wrote.
    pub fn load_or_create(keys_dir: &Path) -> Result<(Self, bool), StoreError> {
        let files = KeyFiles::in_dir(keys_dir)?;
        match (files.root.exists(), files.ring.exists()) {
            (true, true) => Ok((Self::load(files)?, false)),
            (false, false) => Ok((Self::create(files)?, true)),
            (true, false) if folder::beside(&files.ring).exists() => {
                files.settle_ring()?;
                Ok((Self::load(files)?, true))
            }
            (true, false) => Err(missing(files.ring, "missing, but root.key is there: restore both from a backup")),
            (false, true) => Err(missing(files.root, "missing, but the ring is there: restore both from a backup")),
        }
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

    /// Puts a fresh signing key beside the current one, in place of one that never became current. It signs nothing
    /// before the log names it, so one rotation at a time. Durable when it returns; blocks for a few syncs.
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

    pub(crate) fn root(&self) -> &RootKey {
        &self.root
    }

    /// Makes another ring of the one there is, durable before anybody sees it. None leaves it as it is.
    fn change(&self, change: impl FnOnce(&KeyRing) -> Option<KeyRing>) -> Result<(), StoreError> {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(next) = change(&self.ring()) else { return Ok(()) };
        folder::replace(&self.files.ring, &next.wrap(&self.root))
            .map_err(|source| StoreError::io("write the key ring", &self.files.ring, source))?;
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(())
    }

    fn load(files: KeyFiles) -> Result<Self, StoreError> {
        let root = Zeroizing::new(read_private(&files.root)?);
        let root = RootKey::try_from(root.as_slice())
            .map_err(|_| StoreError::Keys { path: files.root.clone(), what: "not a root key of 32 bytes" })?;
        let ring = KeyRing::unwrap(&root, &read_private(&files.ring)?).map_err(|_| StoreError::Keys {
            path: files.ring.clone(),
            what: "does not open under root.key: they are not of the same installation, or it is damaged",
        })?;
        Ok(Self::of(files, root, ring))
    }

    fn create(files: KeyFiles) -> Result<Self, StoreError> {
        let (root, ring) = (RootKey::generate(), KeyRing::generate());
        let next_ring = folder::beside(&files.ring);
        // If we stop here, there is no root key, and both are made anew.
        folder::replace(&next_ring, &ring.wrap(&root))
            .and_then(|()| folder::replace(&files.root, root.expose()))
            .map_err(|source| StoreError::io("create the keys", &files.root, source))?;
        // If we stop here, the ring is whole beside its place, and the next start puts it there.
        files.settle_ring()?;
        Ok(Self::of(files, root, ring))
    }

    fn of(files: KeyFiles, root: RootKey, ring: KeyRing) -> Self {
        Self { files, root, ring: RwLock::new(Arc::new(ring)), changing: Mutex::new(()) }
    }
}

#[derive(Debug)]
struct KeyFiles {
    root: PathBuf,
    ring: PathBuf,
}

impl KeyFiles {
    fn in_dir(dir: &Path) -> Result<Self, StoreError> {
        folder::create_private(dir).map_err(|source| StoreError::io("create the keys folder", dir, source))?;
        Ok(Self { root: dir.join("root.key"), ring: dir.join("ring") })
    }

    fn settle_ring(&self) -> Result<(), StoreError> {
        fs::rename(folder::beside(&self.ring), &self.ring)
            .and_then(|()| folder::sync(folder::parent_of(&self.ring)))
            .map_err(|source| StoreError::io("create the keys", &self.ring, source))
    }
}

fn read_private(path: &Path) -> Result<Vec<u8>, StoreError> {
    let failed = |source: io::Error| StoreError::io("read the key file", path, source);
    if fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
        let what = "readable or writable by others: set its mode to 0600 and consider the key known";
        return Err(StoreError::Keys { path: path.to_owned(), what });
    }
    fs::read(path).map_err(failed)
}

fn missing(path: PathBuf, what: &'static str) -> StoreError {
    StoreError::Keys { path, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signing_key(keys: &Keys) -> causeway_crypto::PublicKey {
        keys.ring().checkpoint_keys()[0].public_key()
    }

    #[test]
    fn keys_are_made_once_private_and_read_again() {
        let outer = tempfile::tempdir().expect("a folder");
        let dir = outer.path().join("keys");
        let (made, created) = Keys::load_or_create(&dir).expect("made");
        assert!(created);
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&dir), mode(&dir.join("root.key")), mode(&dir.join("ring"))), (0o700, 0o600, 0o600));
        let (read, created) = Keys::load_or_create(&dir).expect("read");
        assert!(!created);
        assert_eq!(signing_key(&made), signing_key(&read));
    }

    #[test]
    fn what_is_added_to_the_ring_is_there_after_a_start() {
        let outer = tempfile::tempdir().expect("a folder");
        let (keys, _) = Keys::load_or_create(outer.path()).expect("made");
        let feed = "ISA-AL-2026-014".parse().expect("an agreement id");
        let shown = |keys: &Keys| {
            let key = keys.ring().feed_key(&feed, 2).expect("begun");
            key.pseudonym(&causeway_crypto::InternalPseudonym([7; 32]), None)
        };
        keys.add_feed_secret(&feed, 2).expect("added");
        let candidate = keys.add_signing_candidate().expect("added");
        let (again, _) = Keys::load_or_create(outer.path()).expect("read");
        assert_eq!(shown(&keys), shown(&again));
        let publics: Vec<_> = again.ring().checkpoint_keys().iter().map(|key| key.public_key()).collect();
        assert_eq!(publics, [signing_key(&keys), candidate]);
    }

    #[test]
    fn a_creation_cut_short_is_finished_and_a_lost_key_is_not_replaced() {
        let outer = tempfile::tempdir().expect("a folder");
        let dir = outer.path();
        let (made, _) = Keys::load_or_create(dir).expect("made");
        fs::rename(dir.join("ring"), dir.join("ring.new")).expect("renamed");
        let (finished, _) = Keys::load_or_create(dir).expect("finished");
        assert_eq!(signing_key(&made), signing_key(&finished));

        fs::rename(dir.join("ring"), dir.join("elsewhere")).expect("renamed");
        assert!(matches!(Keys::load_or_create(dir), Err(StoreError::Keys { .. })), "no new ring under an old root");
        fs::rename(dir.join("elsewhere"), dir.join("ring")).expect("renamed");
        fs::rename(dir.join("root.key"), dir.join("elsewhere")).expect("renamed");
        assert!(matches!(Keys::load_or_create(dir), Err(StoreError::Keys { .. })), "no new root beside an old ring");
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let outer = tempfile::tempdir().expect("a folder");
        Keys::load_or_create(outer.path()).expect("made");
        let root = outer.path().join("root.key");
        fs::set_permissions(&root, fs::Permissions::from_mode(0o640)).expect("set");
        assert!(matches!(Keys::load_or_create(outer.path()), Err(StoreError::Keys { .. })));
    }
}
