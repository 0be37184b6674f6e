//! What an append comes to: the entry in its place, durable, applied and under a signed checkpoint.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use causeway_journal::Outcome;
use causeway_model::{FrameSeq, LeafIndex, Timestamp};
use futures_channel::oneshot;

use crate::error::AppendFailure;
use crate::shared::Shared;

/// An entry that is durable and applied.
#[derive(Debug, Clone)]
pub struct Committed {
    /// Its frame's place in the log. Whoever takes it to another node reads there what is written here, once that node
    /// [has come so far](crate::Journal::wait_for).
    pub frame: FrameSeq,
    /// Its place in the tree.
    pub leaf: LeafIndex,
    /// Its bytes: the leaf.
    pub entry: Vec<u8>,
    /// What `apply` made of it.
    pub outcome: Outcome,
    /// The signed checkpoint at the end of its frame.
    pub checkpoint: Arc<str>,
    /// The tree size of that checkpoint.
    pub tree_size: u64,
    /// The entry's time.
    pub time: Timestamp,
}

/// An append that has its place in the queue. Dropping this does not take it back.
#[derive(Debug)]
pub struct Appending {
    answer: oneshot::Receiver<Result<Committed, AppendFailure>>,
    shared: Arc<Shared>,
}

impl Appending {
    pub(crate) fn new(answer: oneshot::Receiver<Result<Committed, AppendFailure>>, shared: Arc<Shared>) -> Self {
        Self { answer, shared }
    }
}

impl Future for Appending {
    type Output = Result<Committed, AppendFailure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.answer).poll(context));
        Poll::Ready(answer.unwrap_or_else(|_| Err(stopped(&self.shared))))
    }
}

/// The failure of whoever comes after the journal has stopped or been closed.
pub(crate) fn stopped(shared: &Shared) -> AppendFailure {
    if let Some(reason) = shared.halted() {
        return AppendFailure::Halted(reason);
    }
    AppendFailure::Stopped(shared.stopped().unwrap_or_else(|| Arc::from("it has been closed")))
}
