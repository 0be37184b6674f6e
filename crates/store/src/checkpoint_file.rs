//! The newest signed checkpoint in a file of its own, by which the next start sees that the log has not shrunk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use causeway_journal::{Checkpoint, VerifierKey, checkpoint};

use crate::error::StoreError;
use crate::folder;
use crate::keys::Keys;
use crate::past::Past;
use crate::shared::Shared;

/// The file is written at most this often, and this long after the last entry at the latest.
const PERIOD: Duration = Duration::from_secs(1);

/// Checkpoint notes are a few hundred bytes; a longer file is something else.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// The file.
#[derive(Debug, Clone)]
pub(crate) struct CheckpointFile {
    path: PathBuf,
    keys: Arc<Keys>,
    origin: Arc<str>,
    /// What was read from the file or written to it last. Held while the newest checkpoint is asked for and written, so that an
    /// older one never takes its place.
    last: Arc<Mutex<Option<Arc<str>>>>,
}

/// A checkpoint that a key of the ring has signed.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) note: Arc<str>,
    pub(crate) checkpoint: Checkpoint,
    /// The keys that have.
    pub(crate) keys: Vec<VerifierKey>,
}

impl CheckpointFile {
    pub(crate) fn in_dir(data_dir: &Path, keys: &Arc<Keys>, origin: &str) -> Self {
        Self { path: data_dir.join("checkpoint"), keys: Arc::clone(keys), origin: origin.into(), last: Arc::default() }
    }

    /// The checkpoint that the file holds, signed by any key of the ring; none before the first was written.
    pub(crate) fn read(&self) -> Result<Option<Signed>, StoreError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(note) = self.note()? else { return Ok(None) };
        let signed = self.verify(&note)?;
        *last = Some(note);
        Ok(Some(signed))
    }

    /// Verifies a note by the keys of the ring.
    pub(crate) fn verify(&self, note: &Arc<str>) -> Result<Signed, StoreError> {
        let mut refused = self.refused("there is no key to verify it with".into());
        let mut signed: Option<Signed> = None;
        for key in self.keys.ring().checkpoint_keys() {
            let key = VerifierKey::new(&self.origin, key.public_key())
                .map_err(|error| StoreError::Engine(Box::new(error)))?;
            match (checkpoint::verify(note, &key, &self.origin), &mut signed) {
                (Ok(_), Some(signed)) => signed.keys.push(key),
                (Ok(checkpoint), None) => signed = Some(Signed { note: Arc::clone(note), checkpoint, keys: vec![key] }),
                (Err(error), _) => refused = self.refused(Box::new(error)),
            }
        }
        signed.ok_or(refused)
    }

    /// Puts the newest note in its place, durably.
    ///
    /// What is in the file is looked at first: a checkpoint of this journal's own key that the journal has not put there and that is
    /// none of its history was put there by a copy of it that has gone on, or by whoever restored this one. That is given back,
    /// and stays in the file.
    pub(crate) fn write(
        &self,
        newest: impl FnOnce() -> Arc<str>,
        is_history: impl FnOnce(&Checkpoint) -> bool,
    ) -> Result<Option<Signed>, StoreError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let in_file = self.note()?;
        let is_as_left = in_file.is_some() && in_file == *last;
        if let Some(found) = in_file.filter(|_| !is_as_left) {
            match self.verify(&found) {
                Ok(signed) if !is_history(&signed.checkpoint) => return Ok(Some(signed)),
                Ok(_) => {
                    tracing::warn!(file = %self.path.display(), "an older checkpoint was put in the place of the newest");
                }
                Err(_) => {
                    tracing::warn!(file = %self.path.display(), "something else was put in the place of the newest checkpoint");
                }
            }
        }
        let note = newest();
        if is_as_left && Some(&note) == last.as_ref() {
            return Ok(None);
        }
        folder::replace(&self.path, note.as_bytes())
            .map_err(|source| StoreError::io("write the checkpoint file", &self.path, source))?;
        *last = Some(note);
        Ok(None)
    }

    fn note(&self) -> Result<Option<Arc<str>>, StoreError> {
        let failed = |source| StoreError::io("read the checkpoint file", &self.path, source);
        match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
            Ok(about) if about.len() > MAX_FILE_BYTES => return Err(self.refused("it is too long".into())),
            Ok(_) => {}
        }
        let bytes = fs::read(&self.path).map_err(failed)?;
        let note = String::from_utf8(bytes).map_err(|_| self.refused("it is not text".into()))?;
        Ok(Some(note.into()))
    }

    fn refused(&self, source: crate::EngineError) -> StoreError {
        StoreError::CheckpointFile { path: self.path.clone(), source }
    }
}

/// The thread that keeps the file up to date while the journal runs.
#[derive(Debug)]
pub(crate) struct Keeper {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: JoinHandle<()>,
}

impl Keeper {
    pub(crate) fn start(past: Past, shared: Arc<Shared>) -> Result<Self, StoreError> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let theirs = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || keep(&past, &shared, &theirs))
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

fn keep(past: &Past, shared: &Shared, (stopped, wake): &(Mutex<bool>, Condvar)) {
    loop {
        let guard = stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = wake.wait_timeout_while(guard, PERIOD, |stopped| !*stopped);
        let (guard, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if *guard {
            return;
        }
        drop(guard);
        if let Err(error) = past.keep_newest(shared) {
            tracing::error!(error = &error as &dyn std::error::Error, "the checkpoint was not kept");
        }
    }
}
