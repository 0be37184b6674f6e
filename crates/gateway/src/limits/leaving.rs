//! The body of an answer as its peer takes it: in small parts, so that what is not taken is seen, and with the call's place among those
//! of its party, which is free when the answer is over.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use http_body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Bytes;

use super::link::Mark;
use super::parties::{Party, Place};

/// The part of an answer that is handed on at once.
const PART_BYTES: usize = 32 * 1024;

/// The leaves to make large pages, of one call: each is given back when its page has been taken.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pages(Arc<Mutex<VecDeque<OwnedSemaphorePermit>>>);

impl Pages {
    /// A page is made and will be taken; a small one holds up nobody.
    pub(crate) fn made(&self, leave: OwnedSemaphorePermit, bytes: usize) {
        if bytes > PART_BYTES {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(leave);
        }
    }

    fn taken(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    }
}

/// The body.
pub(crate) struct Leaving {
    body: Body,
    party: Party,
    mark: Mark,
    pages: Pages,
    left: Bytes,
    is_large: bool,
    _place: Place,
}

impl Leaving {
    pub(crate) fn new(body: Body, party: Party, mark: Mark, pages: Pages, place: Place) -> Self {
        Self { body, party, mark, pages, left: Bytes::new(), is_large: false, _place: place }
    }

    fn next_part(&mut self) -> Bytes {
        self.mark.offered(self.party.passed());
        let part = self.left.len().min(PART_BYTES);
        self.left.split_to(part)
    }
}

impl http_body::Body for Leaving {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        // Whoever asks for more has sent what it was given.
        self.mark.taken();
        if !self.left.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(self.next_part()))));
        }
        if std::mem::take(&mut self.is_large) {
            self.pages.taken();
        }
        let frame = match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => frame,
            other => return other,
        };
        Poll::Ready(Some(Ok(match frame.into_data() {
            Ok(data) if !data.is_empty() => {
                self.is_large = data.len() > PART_BYTES;
                self.left = data;
                Frame::data(self.next_part())
            }
            Ok(data) => Frame::data(data),
            Err(frame) => frame,
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, left) = (self.body.size_hint(), self.left.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(left));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(left));
        }
        hint
    }
}
