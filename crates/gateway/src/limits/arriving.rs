//! The body of a request as it arrives: its bytes count against the party's, a stream over them is held back, and what stops coming in
//! the middle of a message is given up.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use causeway_exchange::Tallied;
use http_body::{Frame, SizeHint};
use tokio::time::Sleep;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Bytes;

use super::parties::Party;
use crate::status::Fault;

/// What has to come at least before the time begins anew: more than whoever only keeps a call open would send.
const PROGRESS_BYTES: usize = 16 * 1024;

/// The longest time for which a stream is held back at once. It keeps its debt, and waits again.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The prefix of a message of gRPC: a flag and its length.
const PREFIX_BYTES: usize = 5;

/// Whether there may be nothing on its way: between two messages of a stream there may.
#[derive(Debug, Default)]
struct Messages {
    prefix: [u8; PREFIX_BYTES],
    filled: usize,
    left: usize,
}

impl Messages {
    fn arrived(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let passed = self.left.min(bytes.len());
            self.left -= passed;
            bytes = &bytes[passed..];
            let part = (PREFIX_BYTES - self.filled).min(bytes.len());
            if self.left > 0 || part == 0 {
                continue;
            }
            self.prefix[self.filled..self.filled + part].copy_from_slice(&bytes[..part]);
            self.filled += part;
            bytes = &bytes[part..];
            if self.filled == PREFIX_BYTES {
                self.filled = 0;
                let [_, length @ ..] = self.prefix;
                self.left = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
            }
        }
    }

    fn is_between(&self) -> bool {
        self.left == 0 && self.filled == 0
    }
}

/// The body.
pub(crate) struct Arriving {
    body: Body,
    party: Party,
    streams: bool,
    messages: Messages,
    /// What has come since the deadline was set.
    progress: usize,
    deadline: Option<Pin<Box<Sleep>>>,
    held_back: Option<Pin<Box<Sleep>>>,
    over: bool,
}

impl Arriving {
    /// Of a call of this party; whether its messages make a stream.
    pub(crate) fn new(body: Body, party: Party, streams: bool) -> Self {
        let messages = Messages::default();
        Self { body, party, streams, messages, progress: 0, deadline: None, held_back: None, over: false }
    }

    fn arrived(&mut self, data: &Bytes) {
        let wait = self.party.bytes(data.len());
        if self.streams && wait > Duration::ZERO {
            self.held_back = Some(Box::pin(tokio::time::sleep(wait.min(LONGEST_WAIT))));
        }
        self.messages.arrived(data);
        self.progress += data.len();
        if self.progress >= PROGRESS_BYTES || (self.streams && self.messages.is_between()) {
            self.deadline = None;
        }
    }

    /// Nothing is there: waits no longer than it may.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Status> {
        if self.streams && self.messages.is_between() {
            return Poll::Pending;
        }
        let deadline = self.deadline.get_or_insert_with(|| {
            self.progress = 0;
            Box::pin(tokio::time::sleep(self.party.limits().body))
        });
        ready!(deadline.as_mut().poll(cx));
        self.over = true;
        self.party.tally(Tallied::TooSlow);
        Poll::Ready(Fault::TooSlow.into())
    }
}

impl http_body::Body for Arriving {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let Some(held_back) = self.held_back.as_mut() {
            ready!(held_back.as_mut().poll(cx));
            self.held_back = None;
        }
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    self.arrived(data);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Pending => self.poll_late(cx).map(|late| Some(Err(late))),
            ended => ended,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart_however_they_are_cut() {
        let message = |length: u8| [&[0, 0, 0, 0, length][..], &vec![0xff; usize::from(length)]].concat();
        let bytes = [message(3), message(0), message(200)].concat();
        let ends = [8, 13, bytes.len()];
        for cut in [1, 2, 5, 6, 8, 100] {
            let (mut messages, mut seen) = (Messages::default(), 0);
            for part in bytes.chunks(cut) {
                messages.arrived(part);
                seen += part.len();
                assert_eq!(messages.is_between(), ends.contains(&seen), "{seen} in parts of {cut}");
            }
        }
    }
}
