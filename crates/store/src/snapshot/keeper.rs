//! The thread that keeps the state on the disk while the journal runs, and once more when it is closed. Whatever fails here makes the
//! next start slower and stops nothing.

use std::collections::BTreeMap;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use causeway_crypto::Digest;

use super::{Snapshots, ends_frame, is_beginning};
use crate::error::StoreError;
use crate::history::History;
use crate::room::Room;
use crate::shared::Shared;

/// Entries after which the state is kept again: replaying as many takes two to three seconds. Once the log is sixteen times as long it is
/// a sixteenth of it, so that what is written of the state stays in proportion to what is written of the log.
pub(crate) const EVERY: u64 = 500_000;

/// Entries for which closing keeps the state again, if they are more than a sixty-fourth of the log: replaying fewer takes less than
/// keeping it.
const AT_CLOSING: u64 = 50_000;

/// How often the thread looks at how much has come.
const PERIOD: Duration = Duration::from_secs(1);

/// How long after a failure the same is tried again.
const PAUSE: Duration = Duration::from_secs(60);

/// The thread.
#[derive(Debug)]
pub(crate) struct SnapshotKeeper {
    stop: Arc<Stop>,
    thread: JoinHandle<Work>,
}

#[derive(Debug, Default)]
struct Stop {
    asked: AtomicBool,
    sleep: (Mutex<()>, Condvar),
}

/// What it works with.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) snapshots: Snapshots,
    pub(crate) shared: Arc<Shared>,
    pub(crate) history: Arc<History>,
    /// Entries after which the state is kept again.
    pub(crate) every: u64,
    /// Entries that are in the state that is kept.
    pub(crate) kept: u64,
    /// See [`super::Loaded::met`].
    pub(crate) met: BTreeMap<u64, Digest>,
}

impl SnapshotKeeper {
    pub(crate) fn start(work: Work) -> Result<Self, StoreError> {
        let stop = Arc::new(Stop::default());
        let theirs = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("journal-state".into())
            .spawn(move || work.run(&theirs))
            .map_err(|error| StoreError::Engine(Box::new(error)))?;
        Ok(Self { stop, thread })
    }

    /// Ends the thread, and keeps the state once more where that spares the next start something. To be called when nothing is
    /// appended any more, and before the log is closed.
    pub(crate) fn stop(self) {
        {
            let _guard = self.stop.sleep.0.lock().unwrap_or_else(PoisonError::into_inner);
            self.stop.asked.store(true, Ordering::SeqCst);
        }
        self.stop.sleep.1.notify_all();
        match self.thread.join() {
            Ok(mut work) if work.is_due_at_closing() => work.try_to_keep(&mut || Ok(())),
            Ok(_) => {}
            Err(_) => tracing::error!("the thread that keeps the state panicked; the next start takes longer"),
        }
    }
}

impl Stop {
    /// Sleeps, until the thread is to stop at the latest; says whether it is.
    fn sleeps(&self, period: Duration) -> bool {
        let guard = self.sleep.0.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = || self.asked.load(Ordering::SeqCst);
        drop(self.sleep.1.wait_timeout_while(guard, period, |()| !asked()));
        asked()
    }

    fn unless_asked(&self) -> Result<(), StoreError> {
        if self.asked.load(Ordering::SeqCst) { Err(StoreError::Closed) } else { Ok(()) }
    }
}

impl Work {
    fn run(mut self, stop: &Stop) -> Self {
        let mut period = PERIOD;
        while !stop.sleeps(period) {
            period = PERIOD;
            if self.is_due() {
                let before = self.kept;
                self.try_to_keep(&mut || {
                    thread::yield_now();
                    stop.unless_asked()
                });
                if self.kept == before {
                    period = PAUSE;
                }
            }
        }
        self
    }

    fn new_entries(&self) -> (u64, u64) {
        let size = self.shared.read(|state| state.tree().size());
        (size.saturating_sub(self.kept), size)
    }

    fn is_due(&self) -> bool {
        let (new, size) = self.new_entries();
        new >= self.every.max(size / 16)
    }

    fn is_due_at_closing(&self) -> bool {
        let (new, size) = self.new_entries();
        new > (size / 64).min(AT_CLOSING)
    }

    fn try_to_keep(&mut self, pace: &mut dyn FnMut() -> Result<(), StoreError>) {
        match catch_unwind(AssertUnwindSafe(|| self.keep(pace))) {
            Ok(Ok(()) | Err(StoreError::Closed)) => {}
            Ok(Err(error)) => {
                let error = &error as &dyn Error;
                tracing::error!(error, "the state was not kept; until it is, a start takes longer");
            }
            Err(_) => tracing::error!("keeping the state panicked; until it is kept, a start takes longer"),
        }
    }

    /// Keeps the state of now, unless the journal has stopped: what it came to may then be half a frame.
    fn keep(&mut self, pace: &mut dyn FnMut() -> Result<(), StoreError>) -> Result<(), StoreError> {
        if self.shared.room().0 != Room::Ample {
            return Ok(());
        }
        let Some(frozen) = self.shared.frozen() else { return Ok(()) };
        self.look_back();
        let size = frozen.snapshot.tree().size();
        let met = self.met.range(..=size).map(|(size, root)| (*size, *root)).collect();
        let bytes = self.snapshots.keep(&frozen, &met, pace)?;
        tracing::debug!(entries = size, bytes, "the state is kept");
        self.kept = size;
        Ok(())
    }

    /// Compares what has been kept of signed checkpoints since with the log, so that the next start need not. What is none of its
    /// history is left to that start.
    fn look_back(&mut self) {
        let mut new = self.history.roots();
        new.retain(|size, root| self.met.get(size) != Some(root));
        let tree = self.shared.read(|state| state.tree().clone());
        let full = |level, index| self.shared.tile_nodes(level, index);
        for (size, root) in new {
            let ends_frame = self.shared.read(|state| ends_frame(state, size));
            if ends_frame && is_beginning(size, root, &tree, &full) {
                self.met.insert(size, root);
            }
        }
    }
}
