//! A node's way to the shared log, which a test can shut: what the node sends waits there, and gets into the log when it is opened.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use causeway_crypto::Digest;
use causeway_journal::{decode_entry, decode_frame, v1};
use causeway_model::FrameSeq;
use causeway_store::{AppendError, Assurance, AssureError, Head, ReadError, SharedLog};

use crate::harness::calls::within;

/// How often what waits is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// One node's. A cheap clone.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Inner>);

#[derive(Default)]
struct Inner {
    held: Mutex<Held>,
    opened: Condvar,
}

#[derive(Default)]
struct Held {
    is_shut: bool,
    /// Frames that wait.
    frames: Vec<Vec<u8>>,
}

impl Gate {
    /// Passes a frame on, once it is open.
    fn pass(&self, frame: &[u8]) {
        let mut held = self.held();
        if !held.is_shut {
            return;
        }
        held.frames.push(frame.to_vec());
        while held.is_shut {
            held = self.0.opened.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// From here on nothing of the node's gets into the log.
    pub(crate) fn shut(&self) {
        self.held().is_shut = true;
    }

    /// What waits gets into the log, in whatever order.
    pub(crate) fn open(&self) {
        let mut held = self.held();
        held.is_shut = false;
        held.frames.clear();
        self.0.opened.notify_all();
    }

    /// How many entries wait that are as `wanted` says.
    pub(crate) fn waiting(&self, wanted: impl Fn(&v1::Entry) -> bool) -> usize {
        let frames = self.held().frames.clone();
        let items = frames.iter().flat_map(|frame| decode_frame(frame).expect("a frame").items);
        items.filter(|item| wanted(&decode_entry(&item.entry).expect("an entry"))).count()
    }

    /// Waits until so many such entries wait.
    pub(crate) async fn until(&self, what: &str, count: usize, wanted: impl Fn(&v1::Entry) -> bool) {
        within(what, async {
            while self.waiting(&wanted) < count {
                tokio::time::sleep(LOOK).await;
            }
        })
        .await;
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A shared log behind a gate.
pub(super) struct Gated {
    pub(super) log: Arc<dyn SharedLog>,
    pub(super) gate: Gate,
}

impl fmt::Debug for Gated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gated(..)")
    }
}

impl SharedLog for Gated {
    fn append(&self, id: &Digest, bytes: &[u8], expect: Option<FrameSeq>) -> Result<FrameSeq, AppendError> {
        self.gate.pass(bytes);
        self.log.append(id, bytes, expect)
    }

    fn read(&self, from: FrameSeq, max_bytes: usize) -> Result<Vec<(FrameSeq, Vec<u8>)>, ReadError> {
        self.log.read(from, max_bytes)
    }

    fn wait(&self, after: FrameSeq, until: Duration) -> FrameSeq {
        self.log.wait(after, until)
    }

    fn head(&self) -> Result<Head, ReadError> {
        self.log.head()
    }

    fn assure(&self) -> Result<Assurance, AssureError> {
        self.log.assure()
    }

    fn close(&self) -> Result<(), ReadError> {
        self.log.close()
    }
}
