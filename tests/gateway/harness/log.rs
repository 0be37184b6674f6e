//! The real log with a hand on it: it can be held up and made to fail, before or after what it was given is on disk; and
//! whatever it has stored is shown to the mirror.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use causeway_crypto::Digest;
use causeway_journal::{decode_entry, decode_frame, v1};
use causeway_model::FrameSeq;
use causeway_store::{AppendError, Beside, FrameLog, ReadError, SledLog};
use tokio::sync::watch;

use super::Mirror;
use super::mirror::PATIENCE;

/// Whether what failed is on disk all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Persist {
    /// It is not.
    No,
    /// It is: the engine failed after it had stored the frame.
    Yes,
}

/// Which frames fail.
type Wanted = Box<dyn FnMut(&[v1::Entry]) -> bool + Send>;

/// Makes the log fail or wait. A cheap clone; lasts over restarts until it is cleared.
#[derive(Clone, Default)]
pub(crate) struct Faults(Arc<Shared>);

#[derive(Default)]
struct Shared {
    plan: Mutex<Plan>,
    released: Condvar,
    /// Whether an append waits now.
    waiting: watch::Sender<bool>,
    /// One more than the bytes that the log's volume is said to have free; 0 where nothing is said of it.
    free: AtomicU64,
}

#[derive(Default)]
struct Plan {
    fail: Option<(Wanted, Persist)>,
    held: bool,
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faults(..)")
    }
}

impl Faults {
    /// Fails every append that comes after `after` more of them.
    pub(crate) fn fail_after(&self, after: usize, persist: Persist) {
        let mut left = after;
        self.fail_when(persist, move |_| left.checked_sub(1).map(|less| left = less).is_none());
    }

    /// Fails appends with an entry of this operation.
    pub(crate) fn fail_operation(&self, operation: v1::Operation, persist: Persist) {
        self.fail_when(persist, move |entries| entries.iter().any(|entry| entry.operation() == operation));
    }

    /// Fails appends whose entries are as `wanted` says.
    pub(crate) fn fail_when(&self, persist: Persist, wanted: impl FnMut(&[v1::Entry]) -> bool + Send + 'static) {
        self.plan().fail = Some((Box::new(wanted), persist));
    }

    /// Ends all faults.
    pub(crate) fn clear(&self) {
        self.plan().fail = None;
    }

    /// Says how many bytes are free on the log's volume.
    pub(crate) fn leave_free(&self, bytes: u64) {
        self.0.free.store(bytes.saturating_add(1), Ordering::SeqCst);
    }

    /// Holds every append back until what is returned is dropped.
    pub(crate) fn hold(&self) -> Hold {
        self.plan().held = true;
        self.0.waiting.send_replace(false);
        Hold(self.clone())
    }

    fn plan(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.0.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while held; says whether this append is to fail, and how.
    fn admit(&self, entries: &[v1::Entry]) -> Option<Persist> {
        let plan = self.plan();
        self.0.waiting.send_replace(plan.held);
        let mut plan = self.0.released.wait_while(plan, |plan| plan.held).unwrap_or_else(PoisonError::into_inner);
        let (wanted, persist) = plan.fail.as_mut()?;
        wanted(entries).then_some(*persist)
    }
}

/// Appends wait while this lives.
pub(crate) struct Hold(Faults);

impl Hold {
    /// Returns once an append waits: from then on nothing leaves the journal's queue.
    pub(crate) async fn reached(&self) {
        let mut waiting = self.0.0.waiting.subscribe();
        let reached = tokio::time::timeout(PATIENCE, waiting.wait_for(|waiting| *waiting)).await;
        reached.expect("something is appended").expect("the faults hold the sender");
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.plan().held = false;
        self.0.0.released.notify_all();
    }
}

/// The log that the gateway is given.
#[derive(Debug)]
pub(crate) struct WatchedLog {
    inner: SledLog,
    faults: Faults,
    mirror: Mirror,
}

impl WatchedLog {
    /// Over a log, from which the mirror first takes what it lacks.
    pub(crate) fn over(inner: SledLog, faults: Faults, mirror: Mirror) -> Self {
        loop {
            let frames = inner.read(mirror.head().next(), 1 << 20).expect("the log reads");
            if frames.is_empty() {
                return Self { inner, faults, mirror };
            }
            frames.iter().for_each(|(seq, bytes)| mirror.take(*seq, bytes));
        }
    }
}

impl WatchedLog {
    /// Has a frame stored, unless it is to fail, and shows it to the mirror.
    fn store(
        &self,
        bytes: &[u8],
        store: impl FnOnce(&SledLog) -> Result<FrameSeq, AppendError>,
    ) -> Result<FrameSeq, AppendError> {
        let frame = decode_frame(bytes).expect("the journal appends frames");
        let entries: Vec<v1::Entry> =
            frame.items.iter().map(|item| decode_entry(&item.entry).expect("a frame holds entries")).collect();
        match self.faults.admit(&entries) {
            None => {
                let seq = store(&self.inner)?;
                self.mirror.take(seq, bytes);
                Ok(seq)
            }
            Some(Persist::No) => Err(AppendError::Unknown("the test pulled the disk".into())),
            Some(Persist::Yes) => {
                store(&self.inner)?;
                Err(AppendError::Unknown("the test pulled the cable after the write".into()))
            }
        }
    }
}

impl FrameLog for WatchedLog {
    fn append(
        &self,
        id: &Digest,
        bytes: &[u8],
        beside: &Beside,
        expect: Option<FrameSeq>,
    ) -> Result<FrameSeq, AppendError> {
        self.store(bytes, |inner| FrameLog::append(inner, id, bytes, beside, expect))
    }

    fn append_at(&self, seq: FrameSeq, id: &Digest, bytes: &[u8], beside: &Beside) -> Result<(), AppendError> {
        self.store(bytes, |inner| inner.append_at(seq, id, bytes, beside).map(|()| seq)).map(drop)
    }

    fn read(&self, from: FrameSeq, max_bytes: usize) -> Result<Vec<(FrameSeq, Vec<u8>)>, ReadError> {
        FrameLog::read(&self.inner, from, max_bytes)
    }

    fn wait(&self, after: FrameSeq, until: Duration) -> FrameSeq {
        FrameLog::wait(&self.inner, after, until)
    }

    fn assure(&self) -> Result<(), ReadError> {
        FrameLog::assure(&self.inner)
    }

    fn key_page(&self, page: u64) -> Result<Option<Vec<u8>>, ReadError> {
        self.inner.key_page(page)
    }

    fn last_key_page(&self) -> Result<Option<u64>, ReadError> {
        self.inner.last_key_page()
    }

    fn next_key_page(&self, from: u64) -> Result<Option<u64>, ReadError> {
        self.inner.next_key_page(from)
    }

    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<Digest>>, ReadError> {
        self.inner.tile(level, index)
    }

    fn free_bytes(&self) -> Option<u64> {
        self.faults.0.free.load(Ordering::SeqCst).checked_sub(1)
    }

    fn close(&self) -> Result<(), ReadError> {
        FrameLog::close(&self.inner)
    }
}
