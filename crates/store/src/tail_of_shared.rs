//! A node's way through the shared log: each frame, in order, into its own log and its state; and who waits for it is answered.

use std::error::Error;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use async_channel::{TrySendError, WeakSender};
use causeway_journal::{JournalError, Judged, PassedOver, REASON_CHECKPOINT, State, frame_id, judge, v1};
use causeway_model::FrameSeq;

use crate::building::refuse;
use crate::carried_pages::those_that_go_on;
use crate::checkpoint_timer::CheckpointTimer;
use crate::committed::stopped;
use crate::error::{AppendFailure, StoreError};
use crate::index::Index;
use crate::log::{Beside, ReadError};
use crate::node::{Node, OpenFrame, is_another, rest};
use crate::publisher::{Published, Publisher, answer_all};
use crate::sequencer::in_words;
use crate::shared::Shared;
use crate::vault::Vault;
use crate::work::{Task, Work};

/// Bytes of frames that are read at once.
const READ_BYTES: usize = 1 << 20;

/// How long to wait for a frame before looking whether there is one.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long after a failure of the shared log it is asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// How often it is looked at whether the shared log enforces what it has to, and is the one that it was.
const ASSURE_EVERY: Duration = Duration::from_secs(60);

/// How soon it is looked at where there is doubt.
const DOUBT: Duration = Duration::from_secs(1);

/// The tail's own parts.
#[derive(Debug)]
pub(crate) struct TailOfShared {
    pub(crate) node: Arc<Node>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) index: Arc<Index>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) publisher: Publisher,
    pub(crate) timer: CheckpointTimer,
    /// The framer's, which must not be kept open by this.
    pub(crate) queue: WeakSender<Work>,
}

/// Why the tail ends.
enum Ended {
    /// The own log does not take a frame, or is told to close.
    Stopped(String),
    /// The shared log is not to be followed any further.
    Halted(String),
}

impl TailOfShared {
    /// Begins to follow, and to look after the shared log.
    pub(crate) fn start(mut self) -> Result<Vec<JoinHandle<()>>, StoreError> {
        let engine = |error| StoreError::Engine(Box::new(error));
        let (node, shared) = (Arc::clone(&self.node), Arc::clone(&self.shared));
        let watch = thread::Builder::new().name("journal-assure".into()).spawn(move || watch(&node, &shared));
        let tail = thread::Builder::new().name("journal-tail".into()).spawn(move || self.run());
        Ok(vec![watch.map_err(engine)?, tail.map_err(engine)?])
    }

    fn run(&mut self) {
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.follow()));
        match ended.unwrap_or_else(|_| Err(Ended::Stopped("the tail of the shared log panicked".to_owned()))) {
            Ok(()) => {}
            Err(Ended::Stopped(reason)) => {
                tracing::error!(reason, "the journal has stopped");
                self.shared.stop(reason.into());
            }
            Err(Ended::Halted(reason)) => self.publisher.past.halt_by_the_shared_log(&self.shared, &reason),
        }
        self.node.end(|| stopped(&self.shared));
    }

    /// Takes frames as they come until the journal is closed.
    fn follow(&mut self) -> Result<(), Ended> {
        while !self.node.is_stopping() && self.shared.stopped().is_none() {
            let head = self.shared.read(|state| state.head().0);
            let frames = match self.node.upstream.log.read(head.next(), READ_BYTES) {
                Ok(frames) => frames,
                Err(error @ (ReadError::Hole { .. } | ReadError::Damaged(_))) => {
                    return Err(Ended::Halted(in_words(&error)));
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn Error, "the shared log cannot be read");
                    self.node.is_read(false);
                    rest(&self.node, PAUSE);
                    continue;
                }
            };
            self.node.is_read(true);
            self.say_how_far();
            if frames.is_empty() {
                self.node.upstream.log.wait(head, LOOK_EVERY);
                continue;
            }
            for (seq, bytes) in frames {
                self.take(seq, &bytes)?;
                if self.node.is_stopping() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Takes the frame that comes next. If we stop anywhere in it, the next start reads it again from the shared log or finds it in the own.
    fn take(&mut self, seq: FrameSeq, bytes: &[u8]) -> Result<(), Ended> {
        let judged = self.shared.read(|state| judge(state, seq, bytes));
        let judged = judged.map_err(|error| Ended::Halted(not_to_be_applied(seq, &error)))?;
        if let Some(reason) = self.shared.read(|state| contradicts(state, &judged)) {
            return Err(Ended::Halted(reason));
        }
        let (frame, says) = match &judged {
            Judged::Applies(checked) => (Some(checked.frame().clone()), checked.entries().iter().any(is_checkpoint)),
            Judged::PassedOver(_) => (None, false),
        };
        let key_pages = those_that_go_on(&judged, &self.vault, self.shared.log.as_ref());
        let key_pages = key_pages.map_err(|error| Ended::Stopped(in_words(&error)))?;
        let beside = Beside { key_pages, tiles: self.shared.waiting_tiles() };
        let (id, began) = (frame_id(bytes), Instant::now());
        let (shared, at_work) = (&self.shared, &self.shared.at_work);
        let stored = at_work.during(|| shared.log.append_at(seq, &id, bytes, &beside));
        stored.map_err(|error| Ended::Stopped(in_words(&error)))?;
        self.shared.appends.took(began.elapsed());
        self.shared.gauge.wrote(bytes.len());
        if let Some(frame) = frame {
            self.shared.recent.keep_frame(seq, Arc::new(frame));
        }
        let published = self.publisher.apply(judged);
        let published = published.map_err(|error| Ended::Halted(not_to_be_applied(seq, &error)))?;
        let Some(published) = published else {
            return Err(Ended::Stopped("it is halted".to_owned()));
        };
        self.answer(seq, self.node.take(&id), bytes, &published);
        if published.keys_changed {
            self.publisher.drop_other_signing_keys();
        }
        self.timer.took(says, Instant::now());
        Ok(())
    }

    /// Has the framer say how far the log goes, when it is time to.
    fn say_how_far(&mut self) {
        if self.timer.is_due(Instant::now())
            && let Some(queue) = self.queue.upgrade()
        {
            // A queue that is full has other work; the next time will do.
            let _ = queue.try_send(Work::Checkpoint);
        }
    }

    fn answer(&self, seq: FrameSeq, open: Option<OpenFrame>, bytes: &[u8], published: &Published) {
        let Published { applied, checkpoint, .. } = published;
        if let Some(why) = applied.passed_over {
            tracing::warn!(frame = seq.0, %why, own = open.is_some(), "a frame of the shared log is passed over");
            // Whoever still waited for it has never been answered: it was never applied, and its keys are nobody's.
            let Some(OpenFrame { frame, answers, .. }) = open else { return };
            self.forget(frame);
            answers.into_iter().for_each(|answer| refuse(answer, passed_over(why)));
            return;
        }
        let Some(OpenFrame { frame, answers, terms }) = open else {
            // Another node's: the index reads it from the log.
            self.index.has_grown();
            return;
        };
        self.index.offer(bytes, terms, applied);
        answer_all(answers, seq, &frame, applied, checkpoint);
    }

    /// Has the keys of a frame destroyed that left no entry. A queue that is full may wait for this thread, so another one waits for it.
    fn forget(&self, frame: Arc<v1::Frame>) {
        let Some(queue) = self.queue.upgrade().filter(|_| !frame.key_pages.is_empty()) else { return };
        let Err(TrySendError::Full(work)) = queue.try_send(Work::Maintain(Task::Forget { frame })) else { return };
        let ask = move || drop(queue.send_blocking(work));
        if let Err(error) = thread::Builder::new().name("journal-forget".into()).spawn(ask) {
            tracing::error!(%error, "no thread to have the keys of a frame destroyed that was passed over");
        }
    }
}

fn passed_over(why: PassedOver) -> AppendFailure {
    AppendFailure::NotTaken(why.to_string().into())
}

pub(crate) fn not_to_be_applied(seq: FrameSeq, error: &JournalError) -> String {
    match error {
        JournalError::UnknownRules(version) => format!(
            "frame {seq} of the shared log is of rules version {version}, which this software does not know: update this node"
        ),
        error => format!("frame {seq} of the shared log cannot be applied: {error}"),
    }
}

/// Why a frame shows that this node has another log than whoever wrote it; none where it shows nothing of the kind.
pub(crate) fn contradicts(state: &State, judged: &Judged) -> Option<String> {
    let Judged::Applies(checked) = judged else { return None };
    let (size, root) = (state.tree().size(), state.tree().root());
    // It was appended behind the very frame that it is about, so its size is another one only where something was left out or added.
    let is_other = |head: &v1::TreeHead| head.size != size || *head.root != root.0;
    let mut stated = checked.entries().iter().filter(|entry| is_checkpoint(entry));
    let other = stated.find(|entry| entry.tree_head.as_ref().is_some_and(is_other))?;
    let there = other.tree_head.as_ref().map_or(0, |head| head.size);
    let what = if there == size {
        format!("the first {size} entries have another root than they have here")
    } else {
        format!("the log has {there} entries where it has {size} here")
    };
    Some(format!(
        "node {} says that {what}: one of the two has lost or altered something; nothing is signed or disclosed until the \
         operator has found out which (docs/cluster.md)",
        other.node
    ))
}

fn is_checkpoint(entry: &v1::Entry) -> bool {
    let allowed = entry.decision() == v1::Decision::Allowed;
    allowed && entry.operation() == v1::Operation::Administration && entry.reason == REASON_CHECKPOINT
}

/// Looks every minute whether the shared log enforces what it has to, and is the one that it was; at this also where an append was
/// answered as another log would answer it.
fn watch(node: &Node, shared: &Shared) {
    let mut looked = Instant::now();
    while !node.is_stopping() && shared.stopped().is_none() {
        rest(node, DOUBT);
        let is_due = looked.elapsed() >= ASSURE_EVERY;
        if is_due {
            looked = Instant::now();
            let found = node.upstream.log.assure();
            if let Err(error) = &found {
                let error = error as &dyn Error;
                tracing::error!(error, "the shared log does not enforce what it has to, or cannot be asked");
            }
            node.note_fault(found.err().map(|error| in_words(&error)));
        }
        if !node.is_doubted() && !is_due {
            continue;
        }
        let own = shared.read(|state| (state.log_id(), state.head().0, state.head().1));
        match is_another(node.upstream.log.as_ref(), own) {
            Ok(None) => {}
            Ok(Some(reason)) => {
                tracing::error!(reason, "the journal is halted: nothing is appended or signed any more");
                shared.halt(reason.into(), None);
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "the shared log cannot be read");
            }
        }
    }
}
