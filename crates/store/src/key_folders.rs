//! The keys folder and its mirror: where everything is that has no history, so that what is destroyed there is gone.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::folder;
use crate::format::KEYS;

/// The keys folder and, where there is one, the folder on another volume that gets the same writes. What has no history is
/// `page-keys`, `pages/` and `erasures`; the mirror holds nothing else.
#[derive(Debug, Clone)]
pub(crate) struct KeyFolders {
    primary: PathBuf,
    mirror: Option<PathBuf>,
}

impl KeyFolders {
    /// Makes the folders where they are absent, and checks that they are of a format that this version reads. Neither may be the other, nor the data directory: a copy of that one
    /// must not hold what is destroyed here.
    pub(crate) fn prepare(primary: &Path, mirror: Option<&Path>, data_dir: &Path) -> Result<Self, StoreError> {
        let mut real = Vec::new();
        for path in [Some(data_dir), Some(primary), mirror].into_iter().flatten() {
            let failed = |source| StoreError::io("create the folder", path, source);
            folder::create_private(path).map_err(failed)?;
            let path_itself = fs::canonicalize(path).map_err(failed)?;
            if real.contains(&path_itself) {
                return Err(StoreError::keys(path, "journal, keys and the keys' mirror must be in three folders"));
            }
            real.push(path_itself);
        }
        for path in [Some(primary), mirror].into_iter().flatten() {
            KEYS.settle(path)?;
        }
        Ok(Self { primary: primary.to_owned(), mirror: mirror.map(Path::to_owned) })
    }

    /// The same folders, as they are: nothing is made, checked or locked.
    pub(crate) fn as_they_are(primary: &Path, mirror: Option<&Path>) -> Self {
        Self { primary: primary.to_owned(), mirror: mirror.map(Path::to_owned) }
    }

    pub(crate) fn primary(&self) -> &Path {
        &self.primary
    }

    /// The keys folder, then the mirror.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(self.primary()).chain(self.mirror())
    }

    pub(crate) fn mirror(&self) -> Option<&Path> {
        self.mirror.as_deref()
    }

    /// Where a file is, in the keys folder first and then in the mirror: the order of every write.
    pub(crate) fn paths(&self, name: &str) -> Vec<PathBuf> {
        std::iter::once(&self.primary).chain(&self.mirror).map(|folder| folder.join(name)).collect()
    }

    /// Keeps every other process away from the keys folder until the file is dropped: two that gave out slots of one file
    /// would overwrite each other's.
    pub(crate) fn lock(&self) -> Result<File, StoreError> {
        try_lock(&self.primary)?.ok_or_else(|| StoreError::Locked { path: self.primary.clone() })
    }
}

/// The keys folder's lock; none while another process, or a journal of this one, has it.
pub(crate) fn try_lock(keys_dir: &Path) -> Result<Option<File>, StoreError> {
    let path = keys_dir.join("lock");
    let file = folder::open_private(&path).map_err(|source| StoreError::io("open the lock file", &path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(StoreError::io("lock", &path, source)),
    }
}
