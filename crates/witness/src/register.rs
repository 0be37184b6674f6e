//! The register of the logs that the witness has ever signed for. It tells a log that is new from one whose file is gone,
//! and a witness that begins from one that has lost its memory.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::folder;

/// The file: the name of each log's own file, on a line each.
const FILE: &str = "register";

/// The first line, which says what the file is.
const HEADER: &str = "causeway witness 1";

/// The register of one state folder.
#[derive(Debug)]
pub(crate) struct Register {
    path: PathBuf,
    names: Mutex<BTreeSet<String>>,
}

impl Register {
    /// Makes an empty one.
    ///
    /// # Errors
    /// What the system said.
    pub(crate) fn create(state_dir: &Path) -> io::Result<()> {
        folder::replace(&state_dir.join(FILE), text(&BTreeSet::new()).as_bytes())
    }

    /// Whether this is the name under which the register is written before it takes its place.
    pub(crate) fn is_unfinished(name: &std::ffi::OsStr) -> bool {
        Path::new(name) == folder::beside(Path::new(FILE))
    }

    /// Whether there is one.
    pub(crate) fn exists(state_dir: &Path) -> bool {
        state_dir.join(FILE).exists()
    }

    /// Reads it.
    ///
    /// # Errors
    /// What is wrong, in words; an absent one too.
    pub(crate) fn open(state_dir: &Path) -> Result<Self, String> {
        let path = state_dir.join(FILE);
        let at = |what: &str| format!("{}: {what}", path.display());
        let bytes = folder::read(&path).map_err(|error| at(&error.to_string()))?.ok_or_else(|| {
            at("is not there: this witness holds nothing, and one that has forgotten what it signed must not sign. Mount the \
                folder's volume; for the very first start, say --begin; otherwise begin with another folder and a new key")
        })?;
        let bytes = std::str::from_utf8(&bytes).map_err(|_| at("is not text"))?;
        let mut lines = bytes.lines();
        if lines.next() != Some(HEADER) || !bytes.ends_with('\n') {
            return Err(at("is not a witness's register"));
        }
        let names = lines.map(str::to_owned).collect();
        Ok(Self { names: Mutex::new(names), path })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    /// Adds a log, durably: once this returns, the file of that name may not be missing any more.
    ///
    /// # Errors
    /// What the system said; the log may or may not be in the file then.
    pub(crate) fn add(&self, name: &str) -> io::Result<()> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.contains(name) {
            return Ok(());
        }
        let mut next = names.clone();
        next.insert(name.to_owned());
        folder::replace(&self.path, text(&next).as_bytes())?;
        *names = next;
        Ok(())
    }
}

fn text(names: &BTreeSet<String>) -> String {
    std::iter::once(HEADER).chain(names.iter().map(String::as_str)).map(|line| format!("{line}\n")).collect()
}
