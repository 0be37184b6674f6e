//! Evidence that the journal's history was changed: the signed checkpoints that contradict each other, in files for a court, and for
//! the next start, which halts the journal again by those that halted it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use causeway_crypto::sha256;

use crate::error::StoreError;
use crate::folder;

/// The folder's name in the data directory.
const NAME: &str = "evidence";

/// The kind of what halted the journal while it ran: a start compares the journal with these, and with no others. The journal's own
/// checkpoint of that moment, which lies beside them, is of the history that was found out.
pub(crate) const CONTRADICTS: &str = "contradicts";

/// Longest file of that kind: a note with all its cosignatures is a few kilobytes.
const MAX_NOTE_BYTES: u64 = 64 * 1024;

/// The folder.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    dir: PathBuf,
    /// Held while a file is written: several witnesses may tell of one thing at once.
    writing: Arc<Mutex<()>>,
}

impl Evidence {
    pub(crate) fn in_dir(data_dir: &Path) -> Self {
        Self { dir: data_dir.join(NAME), writing: Arc::default() }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Keeps a text in a file that is named after what it holds, so that each is kept once, however often it is met.
    pub(crate) fn keep(&self, kind: &str, text: &str) -> Result<(), StoreError> {
        let digest = sha256(&[text.as_bytes()]);
        let name: String = digest.0[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let of_kind = |kind: &str| self.dir.join(format!("{kind}-{name}"));
        let path = of_kind(kind);
        let failed = |source| StoreError::io("keep evidence of a changed history", &path, source);
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        folder::create_private(&self.dir).map_err(failed)?;
        if path.exists() || of_kind(CONTRADICTS).exists() {
            return Ok(());
        }
        folder::replace(&path, text.as_bytes()).map_err(failed)
    }

    /// The notes that halted the journal, each with its file.
    ///
    /// # Errors
    /// What cannot be read; then nobody can tell whether the journal is halted.
    pub(crate) fn contradicting(&self) -> Result<Vec<(PathBuf, Arc<str>)>, StoreError> {
        let failed = |path: &Path, source| StoreError::io("read evidence of a changed history", path, source);
        let files = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            files => files.map_err(|source| failed(&self.dir, source))?,
        };
        let mut notes = Vec::new();
        for file in files {
            let path = file.map_err(|source| failed(&self.dir, source))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            // What a stop left half written is named otherwise.
            let digest = name.strip_prefix(CONTRADICTS).and_then(|name| name.strip_prefix('-'));
            if !digest.is_some_and(|digest| digest.bytes().all(|byte| byte.is_ascii_hexdigit())) {
                continue;
            }
            let length = fs::metadata(&path).map_err(|source| failed(&path, source))?.len();
            if length > MAX_NOTE_BYTES {
                return Err(StoreError::CheckpointFile { path, source: "it is too long".into() });
            }
            let note = fs::read_to_string(&path).map_err(|source| failed(&path, source))?;
            notes.push((path, note.into()));
        }
        Ok(notes)
    }
}
