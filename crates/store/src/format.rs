//! The version that a folder says it is written in: one line in a file `format`, as `causeway journal 2`.
//!
//! A version is raised when what an older version of the software would do to the folder could do harm. An older version refuses a
//! later folder; a later version reads every earlier one.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::folder;

/// The file's name.
const FILE: &str = "format";

/// A file of more bytes says no format.
const MAX_BYTES: u64 = 64;

/// What a folder is written in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Format {
    /// What it is called, as `causeway journal`.
    pub(crate) name: &'static str,
    /// The version that a new folder is of.
    pub(crate) new: u32,
    /// The newest version that this software reads.
    pub(crate) newest: u32,
}

/// A data directory. 1 had the page keys in it; a version that knows only that one must not start without them. 2 has them in the
/// keys folder.
pub(crate) const JOURNAL: Format = Format { name: "causeway journal", new: 2, newest: 2 };

/// A keys folder, and its mirror. Folders without the file are of version 1, too: they were made before there was one. 2 has page keys
/// of several nodes, each in a file of its own; a version that knows only one file would leave the others under an old root key.
pub(crate) const KEYS: Format = Format { name: "causeway keys", new: 1, newest: 2 };

impl Format {
    /// The version that a folder says; none where it says nothing.
    ///
    /// # Errors
    /// [`StoreError::Format`] for a later version than the newest one that this software reads, and for what is no version.
    pub(crate) fn of(&self, dir: &Path) -> Result<Option<u32>, StoreError> {
        let file = dir.join(FILE);
        let failed = |source| StoreError::io("read the format file", &file, source);
        match fs::metadata(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
            Ok(about) if about.len() > MAX_BYTES => return Err(self.refused(file, None)),
            Ok(_) => {}
        }
        let text = fs::read(&file).map_err(failed)?;
        match self.version(&text) {
            Some(version) if (1..=self.newest).contains(&version) => Ok(Some(version)),
            version => Err(self.refused(file, version.filter(|version| *version > 0))),
        }
    }

    /// Says in a folder that it is of the version of a new one, durably.
    pub(crate) fn mark(&self, dir: &Path) -> Result<(), StoreError> {
        self.mark_as(dir, self.new)
    }

    /// Has a folder be of this version at least, durably: what is about to be done to it no earlier one knows.
    pub(crate) fn raise(&self, dir: &Path, version: u32) -> Result<(), StoreError> {
        if self.of(dir)?.is_none_or(|said| said < version) { self.mark_as(dir, version) } else { Ok(()) }
    }

    fn mark_as(&self, dir: &Path, version: u32) -> Result<(), StoreError> {
        let file = dir.join(FILE);
        folder::replace(&file, self.line(version).as_bytes())
            .map_err(|source| StoreError::io("write the format file", &file, source))
    }

    /// Checks what a folder says, and has it say so where it says nothing.
    pub(crate) fn settle(&self, dir: &Path) -> Result<(), StoreError> {
        if self.of(dir)?.is_none() { self.mark(dir) } else { Ok(()) }
    }

    /// The error of a folder that says nothing and is not new.
    pub(crate) fn missing(&self, dir: &Path) -> StoreError {
        self.refused(dir.join(FILE), None)
    }

    fn line(&self, version: u32) -> String {
        format!("{} {version}\n", self.name)
    }

    fn version(&self, text: &[u8]) -> Option<u32> {
        let line = std::str::from_utf8(text).ok()?.strip_suffix('\n')?;
        let number = line.strip_prefix(self.name)?.strip_prefix(' ')?;
        number.parse().ok().filter(|version: &u32| version.to_string() == number)
    }

    fn refused(&self, file: PathBuf, later: Option<u32>) -> StoreError {
        StoreError::Format { file, later, newest: self.newest }
    }
}

/// Writes the newest data directory's format file into a folder that is being made. The folder is not synced.
pub(crate) fn write_journal_format(dir: &Path) -> io::Result<()> {
    folder::write_private(&dir.join(FILE), JOURNAL.line(JOURNAL.new).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_version_is_refused_with_both_and_what_to_do_and_rubbish_is_told_from_it() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(JOURNAL.of(dir.path()).expect("read"), None);
        JOURNAL.settle(dir.path()).expect("marked");
        assert_eq!(fs::read(dir.path().join(FILE)).expect("read"), b"causeway journal 2\n");
        for (text, version) in [("causeway journal 1\n", 1), ("causeway journal 2\n", 2)] {
            fs::write(dir.path().join(FILE), text).expect("written");
            assert_eq!(JOURNAL.of(dir.path()).expect("read"), Some(version));
        }
        fs::write(dir.path().join(FILE), "causeway journal 3\n").expect("written");
        let refused = JOURNAL.of(dir.path()).expect_err("later").to_string();
        for words in ["format 3", "up to 2", env!("CARGO_PKG_VERSION"), "newer version", "docs/backup.md"] {
            assert!(refused.contains(words), "{refused}");
        }
        for rubbish in ["", "causeway journal 0\n", "causeway journal 02\n", "causeway journal 2", "causeway keys 1\n"]
        {
            fs::write(dir.path().join(FILE), rubbish).expect("written");
            let refused = JOURNAL.of(dir.path()).expect_err(rubbish);
            assert!(matches!(refused, StoreError::Format { later: None, .. }), "{refused}");
        }
    }
}
