//! The answers of a stream: made by a task, one at a time as the client takes them, and cut where the peer may not go on.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::sync::{mpsc, oneshot};
use tonic::Status;
use tracing::Instrument;

use crate::cut_off::cut_off;
use crate::gate::Call;
use crate::panics::{At, contained};

/// Where a task puts its answers.
pub(crate) type Sink<T> = mpsc::Sender<Result<T, Status>>;

/// The client has gone, or has been cut.
#[derive(Debug)]
pub(crate) struct Gone;

/// Puts an answer, waiting until the client takes those before it.
pub(crate) async fn put<T>(sink: &Sink<T>, answer: Result<T, Status>) -> Result<(), Gone> {
    sink.send(answer).await.map_err(|_| Gone)
}

/// The stream that is sent.
#[derive(Debug)]
pub(crate) struct Answers<T> {
    ready: mpsc::Receiver<Result<T, Status>>,
    cut: Option<oneshot::Receiver<Status>>,
    over: bool,
}

impl<T: Send + 'static> Answers<T> {
    /// Runs `make` beside a watch on the peer's standing: see [`Answers::until`].
    pub(crate) fn from<F>(call: &Call, ahead: usize, make: impl FnOnce(Sink<T>) -> F) -> Self
    where
        F: Future<Output = Result<(), Gone>> + Send + 'static,
    {
        let standing = call.standing.clone();
        Self::until(call, async move { standing.lost().await }, ahead, make)
    }

    /// Runs `make` until `lost` says why the peer may not go on. Then `make` is dropped where it stands, and the stream ends
    /// with the reason at once, ahead of the at most `ahead` answers that the client has not taken. So it does where `make` panics, and where
    /// the log that nodes share does not answer: no part of an answer passes for the whole.
    pub(crate) fn until<F>(
        call: &Call,
        lost: impl Future<Output = Status> + Send + 'static,
        ahead: usize,
        make: impl FnOnce(Sink<T>) -> F,
    ) -> Self
    where
        F: Future<Output = Result<(), Gone>> + Send + 'static,
    {
        let (sink, ready) = mpsc::channel(ahead);
        let (cutter, cut) = oneshot::channel();
        let made = make(sink);
        let call = call.clone();
        let task = async move {
            let made = async {
                call.at(At::Answers);
                made.await
            };
            let status = tokio::select! {
                // The client's going is not a fault: there is nobody left to tell.
                made = contained(made) => match made {
                    Ok(_) => return,
                    Err(_) => call.panicked().await,
                },
                status = lost => status,
                left_open = cut_off(&call.standing.basis.exchange) => left_open,
            };
            let _ = cutter.send(status);
        };
        tokio::spawn(task.in_current_span());
        Self { ready, cut: Some(cut), over: false }
    }
}

impl<T> Stream for Answers<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let Some(cut) = self.cut.as_mut() {
            match Pin::new(cut).poll(cx) {
                Poll::Ready(Ok(status)) => {
                    self.over = true;
                    return Poll::Ready(Some(Err(status)));
                }
                Poll::Ready(Err(_)) => self.cut = None,
                Poll::Pending => {}
            }
        }
        let next = self.ready.poll_recv(cx);
        // Where no more comes and nobody has said yet how it ended, it has not ended well until the word is there.
        if matches!(next, Poll::Ready(None)) && self.cut.is_some() {
            return Poll::Pending;
        }
        if let Poll::Ready(Some(Err(_)) | None) = next {
            self.over = true;
        }
        next
    }
}
