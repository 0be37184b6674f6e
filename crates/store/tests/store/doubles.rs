//! Frame logs that fail or wait where a real one seldom does, around a real one.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use causeway_crypto::Digest;
use causeway_model::FrameSeq;
use causeway_store::{AppendError, Beside, FrameLog, ReadError, SledLog};

/// What an append comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing is stored, and an error is returned.
    NotStored,
    /// The frame is stored, and an error is returned all the same.
    Stored,
}

/// A log whose appends fail after the first few.
#[derive(Debug)]
pub(crate) struct Failing {
    pub(crate) log: SledLog,
    pub(crate) fault: Fault,
    pub(crate) good: AtomicUsize,
}

impl Failing {
    pub(crate) fn after(good: usize, fault: Fault, log: SledLog) -> Self {
        Self { log, fault, good: AtomicUsize::new(good) }
    }
}

/// A log that tells when an append has begun, and goes on when it is told to.
#[derive(Debug)]
pub(crate) struct Waiting<L> {
    log: L,
    begun: Mutex<Sender<()>>,
    go_on: Mutex<Receiver<()>>,
}

/// The other end of a [`Waiting`] log. Dropping `go_on` lets every later append through.
pub(crate) struct Hand {
    pub(crate) begun: Receiver<()>,
    pub(crate) go_on: Sender<()>,
}

impl<L: FrameLog> Waiting<L> {
    pub(crate) fn around(log: L) -> (Self, Hand) {
        let (tell, begun) = channel();
        let (go_on, told) = channel();
        (Self { log, begun: Mutex::new(tell), go_on: Mutex::new(told) }, Hand { begun, go_on })
    }
}

macro_rules! others_as_in_the_real_log {
    () => {
        fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<Digest>>, ReadError> {
            self.log.tile(level, index)
        }
        fn read(&self, from: FrameSeq, max_bytes: usize) -> Result<Vec<(FrameSeq, Vec<u8>)>, ReadError> {
            self.log.read(from, max_bytes)
        }
        beside_reading_as_in_the_real_log!();
    };
}

macro_rules! beside_reading_as_in_the_real_log {
    () => {
        fn wait(&self, after: FrameSeq, until: Duration) -> FrameSeq {
            self.log.wait(after, until)
        }
        fn assure(&self) -> Result<(), ReadError> {
            self.log.assure()
        }
        fn key_page(&self, page: u64) -> Result<Option<Vec<u8>>, ReadError> {
            self.log.key_page(page)
        }
        fn last_key_page(&self) -> Result<Option<u64>, ReadError> {
            self.log.last_key_page()
        }
        fn next_key_page(&self, from: u64) -> Result<Option<u64>, ReadError> {
            self.log.next_key_page(from)
        }
        fn close(&self) -> Result<(), ReadError> {
            self.log.close()
        }
    };
}

/// A log whose volume has as much room as is said here.
#[derive(Debug)]
pub(crate) struct Shrinking {
    pub(crate) log: SledLog,
    pub(crate) free: Arc<AtomicU64>,
}

impl FrameLog for Shrinking {
    fn append(&self, id: &Digest, bytes: &[u8], beside: &Beside, expect: Option<FrameSeq>) -> Appended {
        self.log.append(id, bytes, beside, expect)
    }
    fn free_bytes(&self) -> Option<u64> {
        Some(self.free.load(Ordering::SeqCst))
    }
    others_as_in_the_real_log!();
}

/// A log that counts the frames that are read of it, and may have lost its tiles.
#[derive(Debug)]
pub(crate) struct Counting {
    pub(crate) log: SledLog,
    pub(crate) frames: Arc<AtomicU64>,
    pub(crate) has_tiles: bool,
}

impl FrameLog for Counting {
    fn append(&self, id: &Digest, bytes: &[u8], beside: &Beside, expect: Option<FrameSeq>) -> Appended {
        self.log.append(id, bytes, beside, expect)
    }
    fn read(&self, from: FrameSeq, max_bytes: usize) -> Result<Vec<(FrameSeq, Vec<u8>)>, ReadError> {
        let read = self.log.read(from, max_bytes)?;
        self.frames.fetch_add(read.len() as u64, Ordering::SeqCst);
        Ok(read)
    }
    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<Digest>>, ReadError> {
        if self.has_tiles { self.log.tile(level, index) } else { Ok(None) }
    }
    beside_reading_as_in_the_real_log!();
}

impl FrameLog for Failing {
    fn append(&self, id: &Digest, bytes: &[u8], beside: &Beside, expect: Option<FrameSeq>) -> Appended {
        let spend = |good: usize| good.checked_sub(1);
        if self.good.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend).is_ok() {
            return self.log.append(id, bytes, beside, expect);
        }
        if self.fault == Fault::Stored {
            self.log.append(id, bytes, beside, expect)?;
        }
        Err(AppendError::Unknown("injected".into()))
    }
    others_as_in_the_real_log!();
}

type Appended = Result<FrameSeq, AppendError>;

impl<L: FrameLog> FrameLog for Waiting<L> {
    fn append(&self, id: &Digest, bytes: &[u8], beside: &Beside, expect: Option<FrameSeq>) -> Appended {
        let _ = self.begun.lock().expect("not poisoned").send(());
        let _ = self.go_on.lock().expect("not poisoned").recv();
        self.log.append(id, bytes, beside, expect)
    }
    others_as_in_the_real_log!();
}
