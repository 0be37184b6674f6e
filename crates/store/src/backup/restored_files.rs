//! The folder that a journal is restored in before it takes its place, and the files beside the log.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::folder;
use crate::format::{JOURNAL, write_journal_format};
use crate::history;

/// What is added to the name of the folder that a journal is restored to.
const WORK: &str = ".restoring";

/// The folder beside the one that is restored to, on the same volume.
#[derive(Debug)]
pub(crate) struct WorkFolder {
    path: PathBuf,
    to: PathBuf,
}

impl WorkFolder {
    /// Makes it, in place of one that an interrupted restore left.
    ///
    /// # Errors
    /// [`StoreError::Backup`] where the folder that is restored to holds anything, or what lies in this one's place is no restore.
    pub(crate) fn beside(to: &Path) -> Result<Self, StoreError> {
        if !is_empty(to)? {
            return Err(StoreError::backup(to, NOT_EMPTY));
        }
        let mut path = to.components().as_path().as_os_str().to_owned();
        path.push(WORK);
        let path = PathBuf::from(path);
        let failed = |source| StoreError::io("make the folder to restore in", &path, source);
        if fs::symlink_metadata(&path).is_ok() {
            if !is_empty(&path)? && !matches!(JOURNAL.of(&path), Ok(Some(_))) {
                return Err(StoreError::backup(
                    &path,
                    "is in the way: a journal is made there before it takes its place",
                ));
            }
            // Also an empty one, which others may be let into, or a link to elsewhere: neither is to become the journal.
            fs::remove_dir_all(&path).map_err(failed)?;
        }
        folder::create_private(&path).and_then(|()| write_journal_format(&path)).map_err(failed)?;
        Ok(Self { path, to: to.to_owned() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the checkpoints, and puts the folder in its place. If we stop before the rename, nothing is restored; after it, all is.
    pub(crate) fn settle(&self, checkpoint: &str, past: &BTreeMap<u64, String>) -> Result<(), StoreError> {
        let failed = |source| StoreError::io("put the restored journal in its place", &self.to, source);
        let kept = history::file_of(past.values().map(String::as_str));
        folder::write_private(&self.path.join(history::NAME), &kept)
            .and_then(|()| folder::write_private(&self.path.join("checkpoint"), checkpoint.as_bytes()))
            .and_then(|()| folder::sync(&self.path))
            .map_err(failed)?;
        fs::rename(&self.path, &self.to).map_err(|source| match source.kind() {
            ErrorKind::ResourceBusy | ErrorKind::CrossesDevices => {
                StoreError::backup(&self.to, "is where a volume is mounted: restore to a folder below it")
            }
            ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists => StoreError::backup(&self.to, NOT_EMPTY),
            _ => failed(source),
        })?;
        folder::sync(folder::parent_of(&self.to)).map_err(failed)
    }

    /// Takes away what does not hold.
    pub(crate) fn remove(&self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(folder = %self.path.display(), error = &error as &dyn std::error::Error, "was not removed");
        }
    }
}

const NOT_EMPTY: &str = "is not empty: a journal is restored into a folder of its own; move what is there aside, and keep it until the restored one runs";

fn is_empty(dir: &Path) -> Result<bool, StoreError> {
    match fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(source) => Err(StoreError::io("look into the folder", dir, source)),
    }
}
