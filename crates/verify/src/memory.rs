//! What a verifier remembers between runs: the newest checkpoint of each log that it verified, so that a log which is cut back, or
//! shows somebody else another history, is found by whoever saw it before.

use std::path::{Path, PathBuf};

use causeway_crypto::{Digest, sha256};
use causeway_journal::{Checkpoint, note::MAX_NOTE_BYTES};

use crate::trust::Trust;
use crate::{VerifyError, files};

/// A folder with one file for each log.
#[derive(Debug, Clone)]
pub struct Memory {
    folder: PathBuf,
}

/// A checkpoint that was verified before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// The signed note.
    pub note: String,
    /// What it says.
    pub checkpoint: Checkpoint,
}

impl Memory {
    /// In this folder, which may be absent.
    pub fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The newest checkpoint of a log that was verified before; none before the first.
    ///
    /// # Errors
    /// A file that cannot be read, or that holds what none of the keys signed.
    pub fn recall(&self, origin: &str, trust: &Trust) -> Result<Option<Remembered>, VerifyError> {
        let path = self.path(origin);
        let Some(bytes) = files::read_if_there(&path, MAX_NOTE_BYTES)? else { return Ok(None) };
        let not_signed = |what: String| VerifyError::at(path.display(), format_args!("what was remembered: {what}"));
        let note = String::from_utf8(bytes).map_err(|_| not_signed("it is not text".into()))?;
        let checkpoint = trust.check(&note).map_err(|error| not_signed(error.to_string()))?.checkpoint;
        Ok(Some(Remembered { note, checkpoint }))
    }

    /// Remembers a checkpoint in the place of an earlier one of its log.
    ///
    /// # Errors
    /// What the system said.
    pub fn remember(&self, note: &str, checkpoint: &Checkpoint) -> Result<(), VerifyError> {
        let path = self.path(&checkpoint.origin);
        files::write(&path, note.as_bytes())?;
        files::sync_folder_of(&path)
    }

    fn path(&self, origin: &str) -> PathBuf {
        self.folder.join(format!("{}.checkpoint", sha256(&[origin.as_bytes()])))
    }
}

/// Writes two signed checkpoints that contradict each other, to be shown to others: the one that was known and the one that was found.
/// Gives their paths. What was written before under the same names is the same.
///
/// # Errors
/// What the system said.
pub fn write_evidence(folder: &Path, known: &str, found: &str) -> Result<[PathBuf; 2], VerifyError> {
    let Digest(both) = sha256(&[known.as_bytes(), b"\0", found.as_bytes()]);
    let name = crate::hex::hex(&both[..8]);
    let paths = ["known", "found"].map(|which| folder.join(format!("evidence-{name}-{which}.note")));
    for (path, note) in paths.iter().zip([known, found]) {
        files::write(path, note.as_bytes())?;
    }
    files::sync_folder_of(&paths[0])?;
    Ok(paths)
}
