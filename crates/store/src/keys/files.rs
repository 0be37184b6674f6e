//! The files `root.key` and `ring`: loading them, making them, and ending what was cut short.

use std::fs;
use std::path::{Path, PathBuf};

use causeway_crypto::{CryptoError, KeyRing, RootKey};

use crate::error::StoreError;
use crate::folder;
use crate::format::KEYS;
use crate::page_keys;
use crate::root_rotation;
use crate::root_source::{self, RootSource};
use crate::secret_file;

/// The ring's file in the keys folder.
pub(crate) const RING: &str = "ring";

/// Where the two are.
#[derive(Debug)]
pub(super) struct KeyFiles {
    dir: PathBuf,
    root: PathBuf,
    pub(super) ring: PathBuf,
}

impl KeyFiles {
    pub(super) fn in_dir(dir: &Path) -> Result<Self, StoreError> {
        folder::create_private(dir).map_err(|source| StoreError::io("create the keys folder", dir, source))?;
        KEYS.of(dir)?;
        Ok(Self { dir: dir.to_owned(), root: dir.join(root_source::FILE), ring: dir.join(RING) })
    }

    /// Ends what a stop has interrupted: a rotation that was decided goes on, any other change is taken back.
    pub(super) fn recover(&self, source: &RootSource) -> Result<(), StoreError> {
        let failed = |source| StoreError::io("recover the keys", &self.dir, source);
        if root_rotation::is_decided(&self.dir) {
            return secret_file::settle(&self.root).and_then(|()| secret_file::settle(&self.ring)).map_err(failed);
        }
        secret_file::discard(&self.ring).map_err(failed)?;
        if *source == RootSource::File { secret_file::discard(&self.root).map_err(failed) } else { Ok(()) }
    }

    /// The root key, the ring where it opens under that, and whether they were made just now.
    pub(super) fn load_or_create(
        &self,
        source: &RootSource,
        may_create: bool,
    ) -> Result<(RootKey, Option<KeyRing>, bool), StoreError> {
        let has_root = *source != RootSource::File || self.root.exists();
        match (has_root, self.ring.exists()) {
            (true, true) => {
                let root = source.read(&self.dir)?;
                let ring = self.open_ring(&root)?;
                Ok((root, ring, false))
            }
            (false, true) => {
                Err(StoreError::keys(&self.root, "missing, but the ring is there: restore both from a backup"))
            }
            (_, false) if self.dir.join(page_keys::NAME).exists() => {
                Err(StoreError::keys(&self.ring, "missing, but page-keys is there: restore the keys from their bundle"))
            }
            (_, false) if !may_create => {
                let what = "missing, but the journal is there: restore the keys from their bundle and the mirror";
                Err(StoreError::keys(&self.ring, what))
            }
            (has_root, false) => {
                let (root, ring) = self.create(source, has_root)?;
                Ok((root, Some(ring), true))
            }
        }
    }

    /// The ring, if it opens under this root key.
    pub(super) fn open_ring(&self, root: &RootKey) -> Result<Option<KeyRing>, StoreError> {
        match KeyRing::unwrap(root, &secret_file::read(&self.ring)?) {
            Ok(ring) => Ok(Some(ring)),
            Err(CryptoError::Refused) => Ok(None),
            Err(CryptoError::Unsupported(_)) => {
                Err(StoreError::keys(&self.ring, "of a newer version than this software"))
            }
            Err(_) => Err(StoreError::keys(&self.ring, "damaged: it is no key ring")),
        }
    }

    fn create(&self, source: &RootSource, has_root: bool) -> Result<(RootKey, KeyRing), StoreError> {
        let failed = |source| StoreError::io("create the keys", &self.dir, source);
        let next = folder::beside(&self.ring);
        let (root, ring) = if has_root {
            let root = source.read(&self.dir)?;
            let begun = if next.exists() { KeyRing::unwrap(&root, &secret_file::read(&next)?).ok() } else { None };
            let ring = match begun {
                Some(ring) => ring,
                // The root key that we make is made after its first ring.
                None if *source == RootSource::File => {
                    let what = "missing, but root.key is there: restore both from a backup";
                    return Err(StoreError::keys(&self.ring, what));
                }
                None => self.prepare_ring(&root).map_err(failed)?,
            };
            (root, ring)
        } else {
            let root = RootKey::generate();
            // If we stop here, there is no root key, and both are made anew.
            let ring = self.prepare_ring(&root).map_err(failed)?;
            folder::replace(&self.root, root.expose()).map_err(failed)?;
            (root, ring)
        };
        // If we stop here, the ring is whole beside its place, and the next start puts it there.
        fs::rename(&next, &self.ring).and_then(|()| folder::sync(&self.dir)).map_err(failed)?;
        Ok((root, ring))
    }
    fn prepare_ring(&self, root: &RootKey) -> std::io::Result<KeyRing> {
        let ring = KeyRing::generate();
        folder::replace(&folder::beside(&self.ring), &ring.wrap(root))?;
        Ok(ring)
    }
}
