//! Shared logs that do what servers seldom do: answer nothing, forget ids, lose frames, hold what is no frame.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use causeway_crypto::Digest;
use causeway_journal::{decode_frame, frame_id};
use causeway_model::FrameSeq;
use causeway_store::{AppendError, Assurance, AssureError, Head, ReadError, SharedLog};

/// What the next append comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is stored, and nobody is told.
    StoredUnknown,
    /// It is not stored, and nobody is told.
    LostUnknown,
    /// It is surely not stored.
    Refused,
    /// It is stored only when it is let go.
    Held,
}

/// A log in memory, for any number of nodes.
#[derive(Debug, Default, Clone)]
pub(crate) struct Memory {
    inner: Arc<(Mutex<Inner>, Condvar)>,
}

#[derive(Debug, Default)]
struct Inner {
    frames: Vec<Vec<u8>>,
    next: Vec<Next>,
    held: bool,
    hole: Option<FrameSeq>,
    silent: bool,
    fault: bool,
}

impl Memory {
    fn with<R>(&self, change: impl FnOnce(&mut Inner) -> R) -> R {
        let done = change(&mut self.inner.0.lock().expect("not poisoned"));
        self.inner.1.notify_all();
        done
    }

    /// What the next appends come to, one after the other.
    pub(crate) fn then(&self, next: &[Next]) {
        self.with(|inner| inner.next = next.iter().rev().copied().collect());
    }

    /// Lets what is held go.
    pub(crate) fn let_go(&self) {
        self.with(|inner| inner.held = false);
    }

    /// Puts anything behind the newest frame, as a server that has forgotten an id does, or a stranger.
    pub(crate) fn push(&self, bytes: Vec<u8>) {
        self.with(|inner| inner.frames.push(bytes));
    }

    pub(crate) fn frames(&self) -> Vec<Vec<u8>> {
        self.with(|inner| inner.frames.clone())
    }

    pub(crate) fn lose(&self, at: FrameSeq) {
        self.with(|inner| inner.hole = Some(at));
    }

    pub(crate) fn cut(&self, to: usize) {
        self.with(|inner| inner.frames.truncate(to));
    }

    pub(crate) fn is_silent(&self, silent: bool) {
        self.with(|inner| inner.silent = silent);
    }

    pub(crate) fn has_a_fault(&self) {
        self.with(|inner| inner.fault = true);
    }
}

impl SharedLog for Memory {
    fn append(&self, id: &Digest, bytes: &[u8], expect: Option<FrameSeq>) -> Result<FrameSeq, AppendError> {
        let unknown = || AppendError::Unknown("nobody answers".into());
        if self.with(|inner| inner.silent) {
            std::thread::sleep(Duration::from_millis(5));
            return Err(unknown());
        }
        let next = self.with(|inner| {
            let next = inner.next.pop();
            inner.held |= next == Some(Next::Held);
            next
        });
        match next {
            Some(Next::LostUnknown) => return Err(unknown()),
            Some(Next::Refused) => return Err(AppendError::Refused("it is full".into())),
            Some(Next::Held) => {
                let inner = self.inner.0.lock().expect("not poisoned");
                drop(self.inner.1.wait_while(inner, |inner| inner.held).expect("not poisoned"));
            }
            Some(Next::StoredUnknown) | None => {}
        }
        let stored = self.with(|inner| {
            let there = inner.frames.iter().position(|frame| frame_id(frame) == *id);
            if let Some(index) = there {
                return Ok(FrameSeq(index as u64 + 1));
            }
            let head = FrameSeq(inner.frames.len() as u64);
            if expect.is_some_and(|expected| expected != head) {
                return Err(AppendError::Conflict { head });
            }
            inner.frames.push(bytes.to_vec());
            Ok(head.next())
        });
        if next == Some(Next::StoredUnknown) { Err(unknown()) } else { stored }
    }

    fn read(&self, from: FrameSeq, _max_bytes: usize) -> Result<Vec<(FrameSeq, Vec<u8>)>, ReadError> {
        self.with(|inner| {
            if inner.silent {
                return Err(ReadError::Engine("nobody answers".into()));
            }
            if inner.hole.is_some_and(|hole| from >= hole) {
                return Err(ReadError::Hole { at: from, what: "nobody has it" });
            }
            let frames = (1..).map(FrameSeq).zip(inner.frames.iter().cloned());
            Ok(frames.filter(|(seq, _)| *seq >= from).take(3).collect())
        })
    }

    fn wait(&self, after: FrameSeq, until: Duration) -> FrameSeq {
        let inner = self.inner.0.lock().expect("not poisoned");
        let nothing = |inner: &mut Inner| inner.frames.len() as u64 <= after.0;
        let (inner, _) = self.inner.1.wait_timeout_while(inner, until, nothing).expect("not poisoned");
        FrameSeq(inner.frames.len() as u64)
    }

    fn head(&self) -> Result<Head, ReadError> {
        self.with(|inner| {
            let first = inner.frames.first().and_then(|frame| decode_frame(frame).ok());
            let log = first.map(|frame| frame.log_id.try_into().expect("16 bytes"));
            Ok(Head { log, last: FrameSeq(inner.frames.len() as u64) })
        })
    }

    fn assure(&self) -> Result<Assurance, AssureError> {
        self.with(|inner| match inner.fault {
            true => Err(AssureError::Faults(vec!["it may be deleted".to_owned()])),
            false => Ok(Assurance {
                head: FrameSeq(inner.frames.len() as u64),
                checked: vec!["memory".to_owned()],
                away: Vec::new(),
                bytes: 0,
                max_bytes: None,
            }),
        })
    }

    fn close(&self) -> Result<(), ReadError> {
        Ok(())
    }
}
