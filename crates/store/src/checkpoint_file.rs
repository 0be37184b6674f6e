//! The newest signed checkpoint in a file of its own, by which the next start sees that the log has not shrunk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use causeway_crypto::Digest;
use causeway_journal::{Checkpoint, VerifierKey, checkpoint};

use crate::error::StoreError;
use crate::folder;
use crate::shared::Shared;

/// The file is written at most this often, and this long after the last entry at the latest.
const PERIOD: Duration = Duration::from_secs(1);

/// Checkpoint notes are a few hundred bytes; a longer file is something else.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// The file.
#[derive(Debug, Clone)]
pub(crate) struct CheckpointFile {
    path: PathBuf,
    /// Held while the newest checkpoint is asked for and written, so that an older one never takes its place.
    writing: Arc<Mutex<()>>,
}

impl CheckpointFile {
    pub(crate) fn in_dir(data_dir: &Path) -> Self {
        Self { path: data_dir.join("checkpoint"), writing: Arc::default() }
    }

    /// The checkpoint that the file holds, signed by any of these keys; none before the first was written.
    pub(crate) fn read(&self, keys: &[VerifierKey], origin: &str) -> Result<Option<Checkpoint>, StoreError> {
        let failed = |source| StoreError::io("read the checkpoint file", &self.path, source);
        match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
            Ok(about) if about.len() > MAX_FILE_BYTES => return Err(self.refused("it is too long".into())),
            Ok(_) => {}
        }
        let bytes = fs::read(&self.path).map_err(failed)?;
        let note = String::from_utf8(bytes).map_err(|_| self.refused("it is not text".into()))?;
        let mut refused = self.refused("there is no key to verify it with".into());
        for key in keys {
            match checkpoint::verify(&note, key, origin) {
                Ok(checkpoint) => return Ok(Some(checkpoint)),
                Err(error) => refused = self.refused(Box::new(error)),
            }
        }
        Err(refused)
    }

    /// Puts the newest note in its place, durably, and returns it.
    pub(crate) fn write(&self, newest: impl FnOnce() -> Arc<str>) -> Result<Arc<str>, StoreError> {
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let note = newest();
        folder::replace(&self.path, note.as_bytes())
            .map_err(|source| StoreError::io("write the checkpoint file", &self.path, source))?;
        Ok(note)
    }

    fn refused(&self, source: crate::EngineError) -> StoreError {
        StoreError::CheckpointFile { path: self.path.clone(), source }
    }
}

/// Compares a log that is being replayed with the checkpoint that was signed of it.
#[derive(Debug)]
pub(crate) struct Comparison {
    signed: Option<Checkpoint>,
    met: bool,
}

impl Comparison {
    pub(crate) fn with(signed: Option<Checkpoint>) -> Self {
        let met = signed.as_ref().is_none_or(|signed| signed.size == 0);
        Self { signed, met }
    }

    /// Looks at the tree as it was at the end of a frame: checkpoints are taken only there.
    pub(crate) fn look(&mut self, size: u64, root: Digest) {
        self.met |= self.signed.as_ref().is_some_and(|signed| signed.size == size && signed.root == root);
    }

    /// Whether the log, which ends at `size`, has been what was signed.
    pub(crate) fn conclude(self, size: u64) -> Result<(), StoreError> {
        match self.signed {
            Some(signed) if !self.met => Err(StoreError::RolledBack { signed_size: signed.size, found_size: size }),
            _ => Ok(()),
        }
    }
}

/// The thread that keeps the file up to date while the journal runs.
#[derive(Debug)]
pub(crate) struct Keeper {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: JoinHandle<()>,
}

impl Keeper {
    pub(crate) fn start(file: CheckpointFile, shared: Arc<Shared>) -> Result<Self, StoreError> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let theirs = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || keep(&file, &shared, &theirs))
            .map_err(|error| StoreError::Engine(Box::new(error)))?;
        Ok(Self { stop, thread })
    }

    /// Stops the thread. The newest checkpoint may not be in the file yet.
    pub(crate) fn stop(self) {
        let (stopped, wake) = &*self.stop;
        *stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        wake.notify_all();
        if self.thread.join().is_err() {
            tracing::error!("the checkpoint thread panicked");
        }
    }
}

fn keep(file: &CheckpointFile, shared: &Shared, (stopped, wake): &(Mutex<bool>, Condvar)) {
    let mut written: Option<Arc<str>> = None;
    loop {
        let guard = stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = wake.wait_timeout_while(guard, PERIOD, |stopped| !*stopped);
        let (guard, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if *guard {
            return;
        }
        drop(guard);
        if written.as_ref() != Some(&shared.checkpoint()) {
            match file.write(|| shared.checkpoint()) {
                Ok(newest) => written = Some(newest),
                Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "the checkpoint was not kept"),
            }
        }
    }
}
