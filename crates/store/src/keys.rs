//! The key files: the root key and the key ring wrapped under it, in a folder of their own.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use causeway_crypto::{KeyRing, RootKey};
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::folder;

/// The gateway's own keys.
#[derive(Debug)]
pub struct Keys {
    /// Wraps the ring and the page keys. Whoever has it and the data directory can read what the gateway can.
    pub root: RootKey,
    /// Everything else: pseudonyms, message authentication, the checkpoint's signing key.
    pub ring: KeyRing,
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
            (true, true) => Ok((files.load()?, false)),
            (false, false) => Ok((files.create()?, true)),
            (true, false) if folder::beside(&files.ring).exists() => {
                files.settle_ring()?;
                Ok((files.load()?, true))
            }
            (true, false) => Err(missing(files.ring, "missing, but root.key is there: restore both from a backup")),
            (false, true) => Err(missing(files.root, "missing, but the ring is there: restore both from a backup")),
        }
    }
}

struct KeyFiles {
    root: PathBuf,
    ring: PathBuf,
}

impl KeyFiles {
    fn in_dir(dir: &Path) -> Result<Self, StoreError> {
        folder::create_private(dir).map_err(|source| StoreError::io("create the keys folder", dir, source))?;
        Ok(Self { root: dir.join("root.key"), ring: dir.join("ring") })
    }

    fn load(&self) -> Result<Keys, StoreError> {
        let root = Zeroizing::new(read_private(&self.root)?);
        let root = RootKey::try_from(root.as_slice())
            .map_err(|_| StoreError::Keys { path: self.root.clone(), what: "not a root key of 32 bytes" })?;
        let ring = KeyRing::unwrap(&root, &read_private(&self.ring)?).map_err(|_| StoreError::Keys {
            path: self.ring.clone(),
            what: "does not open under root.key: they are not of the same installation, or it is damaged",
        })?;
        Ok(Keys { root, ring })
    }

    fn create(&self) -> Result<Keys, StoreError> {
        let keys = Keys { root: RootKey::generate(), ring: KeyRing::generate() };
        let next_ring = folder::beside(&self.ring);
        // If we stop here, there is no root key, and both are made anew.
        folder::replace(&next_ring, &keys.ring.wrap(&keys.root))
            .and_then(|()| folder::replace(&self.root, keys.root.expose()))
            .map_err(|source| StoreError::io("create the keys", &self.root, source))?;
        // If we stop here, the ring is whole beside its place, and the next start puts it there.
        self.settle_ring()?;
        Ok(keys)
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
        keys.ring.checkpoint_key().public_key()
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
