//! The threads that append a node's frames to the shared log: as many as frames may be on their way at once.
//!
//! What one lane appends keeps its order, since it sends the next frame when it has the answer to the one before. Frames of two lanes may
//! change places. So each lane fills key pages of its own: a page is stored as it was in the last frame that held it.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use async_channel::{Receiver, Sender};
use causeway_crypto::Digest;
use causeway_model::FrameSeq;

use crate::building::refuse;
use crate::error::{AppendFailure, StoreError};
use crate::key_pages::KeyPages;
use crate::log::{AppendError, EngineError};
use crate::node::{Node, rest};
use crate::node_keys::{NodeKeys, PageKeyPeers};
use crate::sequencer::in_words;
use crate::shared::Shared;

/// How long to wait before the same frame is tried again; the engine has been patient itself.
const PAUSE: Duration = Duration::from_millis(200);

/// A frame on its way, with the pages that its lane fills.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: Digest,
    pub(crate) bytes: Vec<u8>,
    pub(crate) expect: Option<FrameSeq>,
    pub(crate) pages: KeyPages,
}

/// The lanes, and what is free of them.
#[derive(Debug)]
pub(crate) struct Lanes {
    jobs: Sender<Job>,
    /// The pages of each lane that has nothing to do.
    free: Receiver<KeyPages>,
    freed: Sender<KeyPages>,
    count: usize,
    threads: Vec<JoinHandle<()>>,
}

impl Lanes {
    pub(crate) fn start(
        node: &Arc<Node>,
        shared: &Arc<Shared>,
        peers: &NodeKeys,
        pages: impl Fn() -> KeyPages,
    ) -> Result<Self, StoreError> {
        let count = node.upstream.in_flight.max(1);
        let (jobs, work) = async_channel::bounded(count);
        let (freed, free) = async_channel::bounded(count);
        let mut threads = Vec::new();
        for number in 0..count {
            let (node, shared, peers) = (Arc::clone(node), Arc::clone(shared), peers.clone());
            let lane = Lane { number, node, shared, peers, jobs: work.clone(), freed: freed.clone() };
            let thread = thread::Builder::new().name(format!("journal-lane-{number}")).spawn(move || lane.run());
            threads.push(thread.map_err(|error| StoreError::Engine(Box::new(error)))?);
            let _ = freed.try_send(pages());
        }
        Ok(Self { jobs, free, freed, count, threads })
    }

    /// Waits for a lane that has nothing to do; gives its pages.
    pub(crate) fn free(&self) -> Option<KeyPages> {
        self.free.recv_blocking().ok()
    }

    /// Waits until no lane has anything to do; gives all their pages.
    pub(crate) fn all(&self) -> Vec<KeyPages> {
        (0..self.count).map_while(|_| self.free()).collect()
    }

    /// Gives back pages of a lane that got nothing to do.
    pub(crate) fn give_back(&self, pages: KeyPages) {
        let _ = self.freed.try_send(pages);
    }

    /// Sends a frame, by the lane whose pages it comes with.
    pub(crate) fn send(&self, job: Job) {
        let _ = self.jobs.send_blocking(job);
    }

    /// Ends the threads. What is on its way is tried once more at the most.
    pub(crate) fn stop(&mut self) {
        self.jobs.close();
        for thread in self.threads.drain(..) {
            // A panic has been told of where it happened.
            let _ = thread.join();
        }
    }
}

/// One thread.
struct Lane {
    number: usize,
    node: Arc<Node>,
    shared: Arc<Shared>,
    peers: NodeKeys,
    jobs: Receiver<Job>,
    freed: Sender<KeyPages>,
}

impl Lane {
    fn run(&self) {
        if catch_unwind(AssertUnwindSafe(|| self.append_all())).is_err() {
            self.shared.stop("a thread that appends to the shared log panicked".into());
            // Nobody is to wait for what it had.
            self.freed.close();
        }
    }

    fn append_all(&self) {
        while let Ok(mut job) = self.jobs.recv_blocking() {
            if let Err(why) = self.append(&mut job) {
                // Surely not stored: who waits may try again.
                let answers = self.node.take(&job.id).map(|open| open.answers).unwrap_or_default();
                answers.into_iter().for_each(|answer| refuse(answer, AppendFailure::NotTaken(Arc::clone(&why))));
            }
            let _ = self.freed.try_send(job.pages);
        }
    }

    /// Appends a frame; the tail answers who waits for it. Whether it is stored is found out, however long that takes.
    fn append(&self, job: &mut Job) -> Result<(), Arc<str>> {
        if self.node.is_stopping() {
            return Err("the journal has been closed, and it does not answer".into());
        }
        self.share(&mut job.pages)?;
        self.node.appends(self.number, true);
        let done = self.append_until_known(job);
        self.node.appends(self.number, false);
        done
    }

    fn append_until_known(&self, job: &Job) -> Result<(), Arc<str>> {
        loop {
            match self.node.upstream.log.append(&job.id, &job.bytes, job.expect) {
                Ok(_) => return Ok(()),
                Err(AppendError::Unknown(why)) => {
                    complain(&why);
                    self.node.doubt();
                    if self.node.is_closing() {
                        // The journal is not kept open by a log that does not answer, nor by what is still to be sent to it.
                        self.node.stop();
                    }
                }
                Err(error @ (AppendError::Refused(_) | AppendError::Conflict { .. })) => {
                    self.node.doubt();
                    return Err(in_words(&error).into());
                }
            }
            if self.node.is_stopping() || self.shared.stopped().is_some() {
                // Who waits is told that nobody knows, by whoever ended it.
                return Ok(());
            }
            rest(&self.node, PAUSE);
        }
    }

    /// Page keys that no frame has used are on a majority of nodes before the first one does. Where that fails, they are tried again with
    /// the lane's next frame.
    fn share(&self, pages: &mut KeyPages) -> Result<(), Arc<str>> {
        if !pages.unshared().is_empty() {
            self.peers.share(pages.unshared()).map_err(|too_few| Arc::from(too_few.to_string()))?;
            pages.are_shared();
        }
        Ok(())
    }
}

fn complain(why: &EngineError) {
    tracing::warn!(
        why = why.as_ref() as &dyn Error,
        "it is open whether a frame is in the shared log: it is tried again"
    );
}
