//! The one thread that appends: it takes what drafts there are, makes a frame of them, and answers once it is durable.
//!
//! Between two frames it looks after the keys (`maintenance`). While the disk syncs, the next drafts gather in the queue: the sync is the batching window. Only where
//! many more are on their way does a frame wait for them, and not for long (`expected`). Any error of the log stops it for good; recovery is
//! what a start does.

use std::error::Error;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use async_channel::Receiver;
use causeway_journal::{Checked, Judged, Tile, check_made, encode_frame, v1};
use causeway_model::FrameSeq;

use crate::building::{Answer, Building, Built, Offered, Request, Stamp, refuse};
use crate::committed::stopped;
use crate::error::AppendFailure;
use crate::expected;
use crate::framer::Framer;
use crate::index::Index;
use crate::key_folders::KeyFolders;
use crate::key_pages::{KeyPage, KeyPages};
use crate::keys::Keys;
use crate::log::{AppendError, Beside};
use crate::node_keys::NodeKeys;
use crate::publisher::{Published, Publisher, answer_all};
use crate::shared::Shared;
use crate::vault::Vault;
use crate::work::Work;

/// The sequencer's own parts.
#[derive(Debug)]
pub(crate) struct Sequencer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) queue: Receiver<Work>,
    pub(crate) index: Arc<Index>,
    pub(crate) pages: KeyPages,
    pub(crate) writer: Writer,
    pub(crate) keys: Arc<Keys>,
    pub(crate) folders: KeyFolders,
    pub(crate) vault: Arc<Vault>,
    pub(crate) node_keys: Option<NodeKeys>,
    pub(crate) way: Way,
    /// What did not fit into the frame before, or came while it was gathered and must wait for its end.
    pub(crate) held: Option<Work>,
}

/// In whose name frames are written.
#[derive(Debug)]
pub(crate) struct Writer {
    /// The id that a log gets which this writer begins; another node may be first.
    pub(crate) log_id: [u8; 16],
    pub(crate) stamp: Stamp,
}

/// What becomes of a frame that has been built.
#[derive(Debug)]
pub(crate) enum Way {
    /// It goes into the log of this machine, and is applied.
    Own(Box<Publisher>),
    /// It goes into the log that nodes share, and comes back from there.
    Shared(Framer),
}

/// A frame that has been checked and may be appended.
pub(crate) struct Ready {
    pub(crate) seq: FrameSeq,
    pub(crate) bytes: Vec<u8>,
    pub(crate) checked: Checked,
    pub(crate) frame: Arc<v1::Frame>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) terms: Vec<Vec<u64>>,
}

impl Sequencer {
    /// Does what has to be done once, before anything is on its way.
    pub(crate) fn begin(&mut self) {
        if matches!(self.way, Way::Own(_)) || self.shared.stopped().is_some() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        if let Err(error) = shared.at_work.during(|| self.forget_all_passed_over()) {
            tracing::error!(
                error = &error as &dyn Error,
                "keys of a frame that was passed over may be there still; the next start tries again"
            );
        }
    }

    /// Runs until the queue is closed and empty, or the log fails. After a failure every draft that is or comes is told
    /// so, and nothing is appended any more.
    pub(crate) fn run(&mut self) {
        while let Some(work) = self.held.take().or_else(|| self.queue.recv_blocking().ok()) {
            if let Some(reason) = self.shared.halted() {
                self.held = Some(work);
                self.abandon(&reason);
                return;
            }
            let shared = Arc::clone(&self.shared);
            let done = match (&self.way, work) {
                // What waits for others is not the disk's doing, and is watched by itself.
                (Way::Shared(_), work) => self.hand_over(work),
                (Way::Own(_), Work::Maintain(task)) => shared.at_work.during(|| self.maintain(task)),
                (Way::Own(_), Work::Append(request)) => {
                    shared.at_work.during(|| self.gather(request).and_then(|building| self.commit(building)))
                }
                (Way::Own(_), Work::Checkpoint) => Ok(()),
            };
            if let Err(reason) = done {
                self.abandon(&reason);
                return;
            }
        }
    }

    /// Answers whoever is in the queue when the sequencer ends by an error.
    pub(crate) fn abandon(&mut self, reason: &Arc<str>) {
        tracing::error!(%reason, "the journal has stopped");
        self.queue.close();
        let waiting = self.held.take().into_iter().chain(std::iter::from_fn(|| self.queue.try_recv().ok()));
        for work in waiting {
            // Whoever waits for a task is told by its answer's being dropped.
            if let Work::Append(request) = work {
                refuse(request.answer, stopped(&self.shared));
            }
        }
    }

    /// A frame of this draft and of those that are waiting, as far as they fit.
    pub(crate) fn gather(&mut self, first: Request) -> Result<Building, Arc<str>> {
        let (last_time, head, in_genesis) =
            self.shared.read(|state| (state.last_time(), state.head().1, !state.genesis_complete()));
        let mut building = Building::after(self.log_id(), self.writer.stamp.rules, head);
        let time = match self.shared.clock.time_of_entry(last_time) {
            Ok(time) => time,
            Err(failure) => {
                refuse(first.answer, failure);
                return Ok(building);
            }
        };
        let room = self.shared.room();
        let mut until = Instant::now() + expected::PATIENCE;
        let mut next = Some(first);
        while let Some(request) = next.take() {
            if !self.shared.gauge.admits(room, &request.prepared.entry) {
                refuse(request.answer, AppendFailure::DiskLow);
                // Most of what is on its way will be refused as well.
                until = Instant::now();
                next = self.next_waiting(&building, until);
                continue;
            }
            match building.offer(request, time, &self.writer.stamp, &mut self.pages) {
                Ok(Offered::Settled) => {}
                Ok(Offered::Full(request)) => {
                    self.held = Some(Work::Append(*request));
                    break;
                }
                Err((answer, error)) => {
                    let mut answers = building.finish().answers;
                    answers.push(answer);
                    return Err(self.fail(answers, &error));
                }
            }
            // Genesis is checked entry by entry, so that one that may not come yet takes no other with it.
            if building.is_full() || in_genesis {
                break;
            }
            next = self.next_waiting(&building, until);
        }
        Ok(building)
    }

    /// The next draft that waits, or comes by then where a frame of so many should have more. A task that comes before it is held, and
    /// ends the frame. Where a log is shared, the round trip of the frames before is wait enough.
    fn next_waiting(&mut self, building: &Building, until: Instant) -> Option<Request> {
        let takes_no_more = matches!(self.way, Way::Shared(_)) || building.is_almost_full();
        let is_enough = || takes_no_more || building.len() >= self.shared.on_their_way.worth_waiting_for();
        match expected::next(&self.queue, is_enough, until) {
            Some(Work::Append(request)) => Some(request),
            task => {
                self.held = task;
                None
            }
        }
    }

    /// Makes a frame durable, applies it and answers its drafts.
    fn commit(&mut self, building: Building) -> Result<(), Arc<str>> {
        let Some(Ready { seq, bytes, checked, frame, answers, terms }) = self.check(building) else {
            return Ok(());
        };
        // If we stop here, nothing has happened.
        let (beside, pages) = self.beside();
        let head = FrameSeq(seq.0 - 1);
        let began = Instant::now();
        match self.shared.log.append(&checked.id(), &bytes, &beside, Some(head)) {
            Ok(at) if at == seq => self.shared.appends.took(began.elapsed()),
            Ok(at) => return Err(self.fail(answers, &AppendError::Conflict { head: at })),
            Err(error) => return Err(self.fail(answers, &error)),
        }
        self.shared.gauge.wrote(bytes.len());
        // If we stop here, the frame is in the log, and the next start applies it.
        self.keep_recent(seq, &frame, pages);
        let Way::Own(publisher) = &mut self.way else { return Ok(()) };
        let Published { applied, checkpoint, keys_changed } = match publisher.apply(Judged::Applies(Box::new(checked)))
        {
            Ok(Some(published)) => published,
            // It was halted meanwhile: what is in the log is applied, and nothing more is signed.
            Ok(None) => return Err(self.refuse_halted(answers)),
            Err(error) => return Err(self.fail(answers, &error)),
        };
        self.index.offer(&bytes, terms, &applied);
        answer_all(answers, seq, &frame, &applied, &checkpoint);
        if let (true, Way::Own(publisher)) = (keys_changed, &self.way) {
            publisher.drop_other_signing_keys();
        }
        Ok(())
    }

    /// The log's own id, or the one that it would get here.
    pub(crate) fn log_id(&self) -> [u8; 16] {
        self.shared.read(|state| state.log_id()).unwrap_or(self.writer.log_id)
    }

    /// The frame in its final bytes; none where no draft is in it or the rules refuse it, which its drafts are then told.
    pub(crate) fn check(&self, building: Building) -> Option<Ready> {
        if building.is_empty() {
            return None;
        }
        let Built { frame, entries, answers, terms } = building.finish();
        let frame = Arc::new(frame);
        let checked = encode_frame(&frame).and_then(|bytes| {
            let (seq, checked) = self.shared.read(|state| {
                let seq = state.head().0.next();
                (seq, check_made(state, seq, &frame, entries, &bytes))
            });
            Ok((seq, checked?, bytes))
        });
        match checked {
            Ok((seq, checked, bytes)) => Some(Ready { seq, bytes, checked, frame, answers, terms }),
            Err(error) => {
                answers.into_iter().for_each(|answer| refuse(answer, AppendFailure::Refused(error.clone())));
                None
            }
        }
    }

    fn beside(&mut self) -> (Beside, Vec<(u64, KeyPage)>) {
        let mut key_pages = Vec::new();
        let mut pages = Vec::new();
        for (number, stored, page) in self.pages.take_touched() {
            key_pages.push((number, stored));
            pages.push((number, page));
        }
        let tiles: Vec<Tile> = self.shared.waiting_tiles();
        (Beside { key_pages, tiles }, pages)
    }

    /// Keeps what was just written at hand, since it is what is asked for first.
    fn keep_recent(&self, seq: FrameSeq, frame: &Arc<v1::Frame>, pages: Vec<(u64, KeyPage)>) {
        for (number, page) in pages {
            self.shared.recent.keep_page(number, Arc::new(page));
        }
        self.shared.recent.keep_frame(seq, Arc::clone(frame));
    }

    fn refuse_halted(&self, answers: Vec<Answer>) -> Arc<str> {
        answers.into_iter().for_each(|answer| refuse(answer, stopped(&self.shared)));
        self.shared.stop("it is halted".into())
    }

    /// Records why nothing is appended any more, before anybody is told.
    pub(crate) fn fail(&self, answers: Vec<Answer>, error: &dyn Error) -> Arc<str> {
        let reason = self.shared.stop(in_words(error).into());
        answers.into_iter().for_each(|answer| refuse(answer, AppendFailure::Stopped(Arc::clone(&reason))));
        reason
    }
}

/// An error with every cause, in one line.
pub(crate) fn in_words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(words, ": {error}");
        cause = error.source();
    }
    words
}
