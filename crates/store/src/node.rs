//! A node: one of several journals over one shared log. What its threads look at together, and what it is started with.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_channel::WeakSender;
use causeway_crypto::Digest;
use causeway_journal::v1;
use causeway_model::FrameSeq;

use crate::at_work::STALL;
use crate::building::{Answer, refuse};
use crate::error::AppendFailure;
use crate::shared_log::SharedLog;
use crate::work::Work;

/// Most frames that are on their way or come back: what is written waits in the queue then, and frames get larger.
const MOST_OPEN: usize = 16;

/// The log that nodes share, and how this one takes part in it.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// The log. Whoever opened it closes it, after the journal.
    pub log: Arc<dyn SharedLog>,
    /// Frames that may be on their way at once, 1 at least. Each fills key pages of its own.
    pub in_flight: usize,
    /// Frames after which the nodes' roots are compared; a minute after the last time they are in any case.
    pub checkpoint_frames: u64,
}

/// What the threads of a node look at together.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) upstream: Upstream,
    open: Mutex<Open>,
    settled: Condvar,
    stopping: AtomicBool,
    /// Since when each lane has waited for the shared log, and since when it could not be read.
    away: Mutex<Away>,
    fault: Mutex<Option<Arc<str>>>,
    /// Whether a lane has been answered as a log answers that is another one.
    doubted: AtomicBool,
    /// Where the framer's work comes from: closed once the journal is being closed.
    queue: WeakSender<Work>,
}

#[derive(Debug, Default)]
struct Away {
    lanes: Vec<Option<Instant>>,
    reading: Option<Instant>,
}

#[derive(Debug, Default)]
struct Open {
    frames: HashMap<Digest, OpenFrame>,
    /// Nothing is answered any more by the tail.
    ended: bool,
}

/// A frame of this node that has not come back, and who waits for it.
#[derive(Debug)]
pub(crate) struct OpenFrame {
    pub(crate) frame: Arc<v1::Frame>,
    pub(crate) answers: Vec<Answer>,
    /// Of each entry, for the index.
    pub(crate) terms: Vec<Vec<u64>>,
}

impl Node {
    pub(crate) fn new(upstream: Upstream, queue: WeakSender<Work>) -> Self {
        Self {
            upstream,
            open: Mutex::default(),
            settled: Condvar::new(),
            stopping: AtomicBool::new(false),
            away: Mutex::default(),
            fault: Mutex::default(),
            doubted: AtomicBool::new(false),
            queue,
        }
    }

    /// Notes a frame before it is sent. It is given back where the tail has ended: nobody would answer it.
    pub(crate) fn expect(&self, id: Digest, frame: OpenFrame) -> Result<(), OpenFrame> {
        let mut open = self.open();
        if open.ended {
            return Err(frame);
        }
        open.frames.insert(id, frame);
        Ok(())
    }

    /// Who waits for a frame, once.
    pub(crate) fn take(&self, id: &Digest) -> Option<OpenFrame> {
        let taken = self.open().frames.remove(id);
        self.settled.notify_all();
        taken
    }

    /// Tells everybody who waits for a frame that has not come back, and who comes later.
    pub(crate) fn end(&self, failure: impl Fn() -> AppendFailure) {
        let mut open = self.open();
        open.ended = true;
        let frames: Vec<_> = open.frames.drain().collect();
        drop(open);
        self.settled.notify_all();
        frames.into_iter().flat_map(|(_, open)| open.answers).for_each(|answer| refuse(answer, failure()));
    }

    /// Waits until at most so many frames are open, or the tail has ended; says whether it goes on.
    pub(crate) fn wait_until_open(&self, most: usize) -> bool {
        let waits = |open: &mut Open| open.frames.len() > most && !open.ended;
        let waited = self.settled.wait_while(self.open(), waits);
        !waited.unwrap_or_else(PoisonError::into_inner).ended
    }

    /// Waits until no frame is open, or so long.
    pub(crate) fn wait_until_settled(&self, at_most: Duration) {
        let waits = |open: &mut Open| !open.frames.is_empty() && !open.ended;
        let waited = self.settled.wait_timeout_while(self.open(), at_most, waits);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits until another frame may be sent, or the tail has ended; says whether it goes on.
    pub(crate) fn wait_for_room(&self) -> bool {
        self.wait_until_open(MOST_OPEN - 1)
    }

    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.settled.notify_all();
    }

    /// Whether the journal is being closed: what waits in the queue is still sent, as long as the shared log answers.
    pub(crate) fn is_closing(&self) -> bool {
        self.queue.upgrade().is_none_or(|queue| queue.is_closed())
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Notes that a lane waits for the shared log to take its frame, or does not any more.
    pub(crate) fn appends(&self, lane: usize, does: bool) {
        let mut away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        if away.lanes.len() <= lane {
            away.lanes.resize(lane + 1, None);
        }
        if let Some(since) = away.lanes.get_mut(lane) {
            *since = does.then(|| since.unwrap_or_else(Instant::now));
        }
    }

    /// Notes whether the shared log could be read.
    pub(crate) fn is_read(&self, is: bool) {
        let mut away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        away.reading = (!is).then(|| away.reading.unwrap_or_else(Instant::now));
    }

    /// Whether the shared log has not answered for so long that nothing more is taken until it does. An election is over before.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.is_cut_off_at(Instant::now())
    }

    fn is_cut_off_at(&self, now: Instant) -> bool {
        let away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        let mut since = away.lanes.iter().chain([&away.reading]).flatten();
        since.any(|since| now.saturating_duration_since(*since) >= STALL)
    }

    /// Has it looked at soon whether the shared log is the one that it was.
    pub(crate) fn doubt(&self) {
        self.doubted.store(true, Ordering::SeqCst);
    }

    /// Whether it is to be looked at, once.
    pub(crate) fn is_doubted(&self) -> bool {
        self.doubted.swap(false, Ordering::SeqCst)
    }

    pub(crate) fn note_fault(&self, fault: Option<String>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault.map(Arc::from);
    }

    pub(crate) fn fault(&self) -> Option<Arc<str>> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sleeps, but not beyond the moment in which a node is to stop.
pub(crate) fn rest(node: &Node, duration: Duration) {
    let until = Instant::now() + duration;
    while !node.is_stopping() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left.min(Duration::from_millis(50)));
    }
}

/// Why a shared log is not the one that a node has been following; none where it is.
pub(crate) fn is_another(
    log: &dyn SharedLog,
    own: (Option<[u8; 16]>, FrameSeq, Option<Digest>),
) -> Result<Option<String>, crate::log::ReadError> {
    use crate::log::ReadError::Damaged;
    let (own_log, own_last, own_newest) = own;
    let head = match log.head() {
        Err(Damaged(what)) => return Ok(Some(format!("the shared log is not what it was: {what}"))),
        head => head?,
    };
    if own_log.is_none() {
        return Ok(None);
    }
    if head.log.is_none() {
        return Ok(Some("the shared log is empty, and this node has followed one that was not".to_owned()));
    }
    if head.log != own_log {
        return Ok(Some("the shared log is another journal's".to_owned()));
    }
    if head.last < own_last {
        let (last, own) = (head.last, own_last);
        return Ok(Some(format!("the shared log ends at frame {last}, and this node has followed it to frame {own}")));
    }
    let there = log.read(own_last, 1)?;
    let is_same = there.first().is_none_or(|(seq, bytes)| {
        *seq == own_last && own_newest.is_none_or(|newest| causeway_journal::frame_id(bytes) == newest)
    });
    Ok((!is_same).then(|| format!("the shared log has another frame {own_last} than this node")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sled_log::SledLog;

    #[test]
    fn only_what_does_not_answer_for_long_is_away_and_it_is_back_with_its_answer() {
        let dir = tempfile::tempdir().expect("a folder");
        let log = Arc::new(SledLog::open(dir.path()).expect("opens"));
        let (queue, _work) = async_channel::bounded(1);
        let node = Node::new(Upstream { log, in_flight: 2, checkpoint_frames: 1 }, queue.downgrade());
        let later = || Instant::now() + STALL;
        assert!(!node.is_cut_off_at(later()), "nothing is under way");
        node.appends(1, true);
        assert!(!node.is_cut_off() && node.is_cut_off_at(later()));
        node.appends(0, true);
        node.appends(0, false);
        assert!(node.is_cut_off_at(later()), "another lane waits still");
        node.appends(1, false);
        assert!(!node.is_cut_off_at(later()));
        node.is_read(false);
        assert!(node.is_cut_off_at(later()));
        node.is_read(true);
        assert!(!node.is_cut_off_at(later()), "also where there is nothing new");
    }
}
