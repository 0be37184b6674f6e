//! A node's way into the shared log: frames of what waits, sent without knowing what comes before them, and answered by the tail.

use std::sync::Arc;
use std::time::Duration;

use causeway_crypto::random;
use causeway_journal::{REASON_CHECKPOINT, v1};
use causeway_model::FrameSeq;
use futures_channel::oneshot;

use crate::building::{Answer, Building, Offered, Request, refuse};
use crate::committed::stopped;
use crate::draft::{Draft, Prepared};
use crate::key_pages::KeyPages;
use crate::lanes::{Job, Lanes};
use crate::node::{Node, OpenFrame};
use crate::sequencer::{Ready, Sequencer, Way};
use crate::work::Work;

/// A node's parts in it.
#[derive(Debug)]
pub(crate) struct Framer {
    pub(crate) node: Arc<Node>,
    pub(crate) lanes: Lanes,
}

/// What a frame is appended behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behind {
    /// Whatever is there by then.
    Anything,
    /// What this node has applied, and nothing else.
    OwnHead,
    /// This frame, which was the newest that this node had applied when the frame's content was made.
    Frame(FrameSeq),
}

impl Sequencer {
    /// Does one piece of a node's work.
    pub(crate) fn hand_over(&mut self, work: Work) -> Result<(), Arc<str>> {
        match work {
            Work::Append(request) => self.frame(request),
            Work::Checkpoint => {
                self.checkpoint();
                Ok(())
            }
            Work::Maintain(task) => {
                // No frame may be under way that is in a page which is written anew.
                let (mut all, is_settled) = self.settled();
                if !is_settled {
                    // Whoever asked is told by its answer's being dropped.
                    self.give_back(all);
                    return Ok(());
                }
                all.iter_mut().for_each(KeyPages::close);
                let shared = Arc::clone(&self.shared);
                let done = shared.at_work.during(|| self.maintain(task));
                self.give_back(all);
                done
            }
        }
    }

    /// Sends a frame of this draft and of those that wait.
    fn frame(&mut self, first: Request) -> Result<(), Arc<str>> {
        if let Some(reason) = self.shared.stopped() {
            refuse(first.answer, stopped(&self.shared));
            return Err(reason);
        }
        let in_genesis = self.shared.read(|state| !state.genesis_complete());
        // Genesis has one writer: each frame of it knows what it is behind.
        let behind = if in_genesis { Behind::OwnHead } else { Behind::Anything };
        let Some(pages) = self.lane(behind) else {
            refuse(first.answer, stopped(&self.shared));
            return Ok(());
        };
        self.pages = pages;
        let building = self.gather(first)?;
        self.send(building, behind);
        Ok(())
    }

    /// Says how far the log goes, unless it has gone on by the time that this gets there: then somebody says it later.
    fn checkpoint(&mut self) {
        let Some(pages) = self.lane(Behind::OwnHead) else { return };
        self.pages = pages;
        let (last_time, head, stated) = self.shared.read(|state| {
            let operator = state.operator().map(ToString::to_string).filter(|_| state.genesis_complete());
            let stated = operator.map(|operator| (operator, state.tree().size(), state.tree().root()));
            (state.last_time(), state.head().0, stated)
        });
        let mut building = Building::after(self.log_id(), self.writer.stamp.rules, None);
        if let (Some((agency, size, root)), Ok(time)) = (stated, self.shared.clock.time_of_entry(last_time)) {
            let entry = v1::Entry {
                entry_id: random::<16>().to_vec(),
                operation: v1::Operation::Administration.into(),
                decision: v1::Decision::Allowed.into(),
                reason: REASON_CHECKPOINT.into(),
                actor: Some(v1::Actor { agency, ..v1::Actor::default() }),
                tree_head: Some(v1::TreeHead { size, root: root.0.to_vec() }),
                ..v1::Entry::default()
            };
            let draft = Draft { entry, openings: None, body: None, document_text: None };
            let terms = self.index.terms_of(&draft, &self.shared);
            if let Ok(prepared) = Prepared::new(draft) {
                // Nobody waits for it.
                let (answer, _) = oneshot::channel();
                let request = Request { prepared: Prepared { terms, ..prepared }, answer };
                let offered = building.offer(request, time, &self.writer.stamp, &mut self.pages);
                debug_assert!(matches!(offered, Ok(Offered::Settled)), "it has no keys and is short");
            }
        }
        self.send(building, Behind::Frame(head));
    }

    /// Sends what has been built by the lane whose pages it has filled.
    fn send(&mut self, mut building: Building, behind: Behind) {
        let touched = self.pages.take_touched();
        let carried = touched.into_iter().map(|(number, stored, _)| v1::KeyPage { number, stored });
        building.carry(carried.collect());
        let ready = self.check(building);
        let other = self.pages.another();
        let pages = std::mem::replace(&mut self.pages, other);
        let Way::Shared(framer) = &self.way else { return };
        let Some(Ready { seq, bytes, checked, frame, answers, terms }) = ready else {
            framer.lanes.give_back(pages);
            return;
        };
        let id = checked.id();
        if let Err(open) = framer.node.expect(id, OpenFrame { frame, answers, terms }) {
            self.refuse_all(open.answers);
            framer.lanes.give_back(pages);
            return;
        }
        let expect = match behind {
            Behind::Anything => None,
            Behind::OwnHead => Some(FrameSeq(seq.0 - 1)),
            Behind::Frame(head) => Some(head),
        };
        framer.lanes.send(Job { id, bytes, expect, pages });
    }

    /// The pages of a lane that has nothing to do, when there is room for another frame.
    fn lane(&self, behind: Behind) -> Option<KeyPages> {
        let Way::Shared(framer) = &self.way else { return None };
        let goes_on = match behind {
            Behind::Anything => framer.node.wait_for_room(),
            Behind::OwnHead | Behind::Frame(_) => framer.node.wait_until_open(0),
        };
        if goes_on && self.shared.stopped().is_none() { framer.lanes.free() } else { None }
    }

    /// Waits until nothing is on its way; gives the pages of all lanes, and whether that is so: where the tail has ended, nobody knows what
    /// became of the frames that were.
    fn settled(&self) -> (Vec<KeyPages>, bool) {
        let Way::Shared(framer) = &self.way else { return (Vec::new(), false) };
        let all = framer.lanes.all();
        let is_settled = framer.node.wait_until_open(0);
        (all, is_settled)
    }

    fn give_back(&self, all: Vec<KeyPages>) {
        if let Way::Shared(framer) = &self.way {
            all.into_iter().for_each(|pages| framer.lanes.give_back(pages));
        }
    }

    fn refuse_all(&self, answers: Vec<Answer>) {
        answers.into_iter().for_each(|answer| refuse(answer, stopped(&self.shared)));
    }
}

impl Framer {
    /// Waits a while for what is on its way, then ends the lanes. The tail goes on until it is told to end.
    pub(crate) fn stop(&mut self) {
        const PATIENCE: Duration = Duration::from_secs(5);
        self.node.wait_until_settled(PATIENCE);
        self.node.stop();
        self.lanes.stop();
    }
}
