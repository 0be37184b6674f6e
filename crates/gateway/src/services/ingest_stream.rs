//! One `SubmitStream`: many submissions under way at once, so that they share commits; verdicts in the order they came.

use std::collections::VecDeque;

use causeway_exchange::{Exchange, Pressure};
use causeway_proto::v1;
use causeway_proto::v1::submit_stream_response::Verdict;
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use prost::Message;
use tokio::task::JoinHandle;
use tonic::{Status, Streaming};
use tracing::Instrument;

use crate::answers::{Gone, Sink, put};
use crate::gate::Call;
use crate::panics::At;
use crate::services::ingest::{Ingest, receipt};
use crate::shutdown::Stopping;
use crate::status::{self, Fault};
use crate::wire;

/// Bytes of submissions that one stream may have under way. While there are more, nothing is read, and flow control holds
/// the client back; so a stream holds this much and one message, whatever the window and the limit of a message are.
const PENDING_BYTES: usize = 4 << 20;

/// What one stream works with.
#[derive(Debug)]
pub(crate) struct SubmissionStream {
    exchange: Exchange,
    call: Call,
    stopping: Stopping,
    window: usize,
}

/// Submissions under way, oldest first, with the bytes of each.
#[derive(Default)]
struct Pending {
    tasks: FuturesOrdered<JoinHandle<Result<Verdict, Status>>>,
    sizes: VecDeque<usize>,
}

impl Pending {
    fn push(&mut self, bytes: usize, task: JoinHandle<Result<Verdict, Status>>) {
        self.tasks.push_back(task);
        self.sizes.push_back(bytes);
    }

    /// The next verdict; the inner none where making it panicked.
    async fn next(&mut self) -> Option<Option<Result<Verdict, Status>>> {
        let done = self.tasks.next().await?;
        self.sizes.pop_front();
        Some(done.ok())
    }

    fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    /// Whether another may be begun.
    fn has_room(&self, window: usize) -> bool {
        self.sizes.len() < window && self.sizes.iter().sum::<usize>() < PENDING_BYTES
    }
}

/// How the reading side of the stream ended.
enum End {
    /// The client has sent all it had.
    Complete,
    /// What follows cannot be read, or will not be.
    Broken(Status),
}

impl SubmissionStream {
    /// At most `window` submissions are under way on it.
    pub(crate) fn new(service: &Ingest, call: Call, window: usize) -> Self {
        let (exchange, stopping) = (service.exchange.clone(), service.stopping.clone());
        Self { exchange, call, stopping, window }
    }

    /// Reads submissions while fewer than the window are under way, and answers them in order. A message that cannot be
    /// read, a stop, or a journal that cannot be written ends the stream, after the verdicts that are due.
    pub(crate) async fn run(
        self,
        mut submissions: Streaming<v1::SubmitStreamRequest>,
        sink: Sink<v1::SubmitStreamResponse>,
    ) -> Result<(), Gone> {
        let mut pending = Pending::default();
        let mut index = 0;
        let mut end = None;
        let mut stop = Box::pin(self.stopping.wait());
        while end.is_none() || !pending.is_empty() {
            tokio::select! {
                message = submissions.message(), if end.is_none() && pending.has_room(self.window) => match message {
                    Ok(Some(message)) => pending.push(message.encoded_len(), self.begin(message)),
                    Ok(None) => end = Some(End::Complete),
                    Err(status) => end = Some(End::Broken(self.broken(status))),
                },
                Some(done) = pending.next(), if !pending.is_empty() => {
                    let done = match done {
                        Some(done) => done,
                        None => Err(self.call.panicked().await),
                    };
                    match done {
                        Ok(verdict) => {
                            put(&sink, Ok(v1::SubmitStreamResponse { index, verdict: Some(verdict) })).await?;
                            index += 1;
                        }
                        // No later submission could fare better; those under way are safe to send again.
                        Err(status) => return put(&sink, Err(status)).await,
                    }
                },
                () = &mut stop, if end.is_none() => end = Some(End::Broken(Fault::Stopping.into())),
            }
        }
        match end {
            Some(End::Broken(status)) => put(&sink, Err(status)).await,
            Some(End::Complete) | None => Ok(()),
        }
    }

    /// The end of a stream that could not be read on; a message that was none, or too long, is counted.
    fn broken(&self, status: Status) -> Status {
        status::codec_fault(&status).map_or(status, |fault| self.call.malformed(fault).into())
    }

    /// A task of its own for each submission: checking and sealing take a core's time, and there is more than one core.
    fn begin(&self, message: v1::SubmitStreamRequest) -> JoinHandle<Result<Verdict, Status>> {
        let (exchange, call) = (self.exchange.clone(), self.call.clone());
        // Taken here, so that the day's last records are those that came first.
        let room = call.record();
        let work = async move {
            call.at(At::Submission);
            let Some(request) = message.submission else {
                return Ok(Verdict::Refusal(status::malformed_verdict(call.malformed(Fault::Field("submission")))));
            };
            let proved = request.with_inclusion_proof;
            let submission = match wire::submission(request) {
                Ok(submission) => submission,
                Err(fault) => return Ok(Verdict::Refusal(status::malformed_verdict(call.malformed(fault)))),
            };
            // The day's records are used up: no later one of the stream could fare better today.
            let room = room?;
            match exchange.submit(&call.caller, submission, Pressure::Wait).await {
                Ok(accepted) => {
                    room.taken_by(&accepted);
                    receipt(&exchange, accepted, proved).await.map(Verdict::Receipt)
                }
                Err(error) => status::verdict(error).map(Verdict::Refusal),
            }
        };
        tokio::spawn(work.in_current_span())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_that_holds_its_bytes_or_its_number_reads_no_more() {
        let refused = || async { Ok(Verdict::Refusal(v1::Refusal::default())) };
        let mut pending = Pending::default();
        pending.push(PENDING_BYTES - 1, tokio::spawn(refused()));
        assert!(pending.has_room(2) && !pending.has_room(1));
        pending.push(1, tokio::spawn(refused()));
        assert!(!pending.has_room(256), "its bytes are under way");
        pending.next().await.expect("the first").expect("no panic").expect("a verdict");
        assert!(pending.has_room(256));
        pending.next().await.expect("the second").expect("no panic").expect("a verdict");
        assert!(pending.is_empty());
    }
}
