//! One `SubmitStream`: many submissions under way at once, so that they share commits; verdicts in the order they came.

use std::collections::VecDeque;

use causeway_exchange::{BegunSubmission, Error, Exchange, Pressure, RECORDS_OVER_LIMIT};
use causeway_proto::v1;
use causeway_proto::v1::submit_stream_response::Verdict;
use causeway_store::Expected;
use futures_util::stream::FuturesOrdered;
use futures_util::{FutureExt, StreamExt};
use prost::Message;
use tokio::task::JoinHandle;
use tonic::{Status, Streaming};
use tracing::Instrument;

use crate::answers::{Gone, Sink, put};
use crate::gate::Call;
use crate::limits::Room;
use crate::panics::{At, contained};
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

/// Submissions that are begun by one task, since they came together: a task of its own for each would cost more than some of its work.
const TOGETHER: usize = 16;

/// Bytes of submissions from which on a task has enough: large ones are not worked through one after the other on one core.
const TOGETHER_BYTES: usize = 64 << 10;

/// What became of one submission; none where it panicked.
type Done = Option<Result<Verdict, Status>>;

/// Submissions under way, oldest first.
#[derive(Default)]
struct Pending {
    tasks: FuturesOrdered<JoinHandle<Vec<Done>>>,
    /// How many submissions, of how many bytes, each task has.
    sizes: VecDeque<(usize, usize)>,
}

impl Pending {
    fn push(&mut self, size: (usize, usize), task: JoinHandle<Vec<Done>>) {
        self.tasks.push_back(task);
        self.sizes.push_back(size);
    }

    /// What became of the oldest that came together.
    async fn next(&mut self) -> Option<Vec<Done>> {
        let done = self.tasks.next().await?;
        self.sizes.pop_front();
        Some(done.unwrap_or_else(|_| vec![None]))
    }

    fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    /// Whether another may be begun, beside so many of so many bytes that are about to be.
    fn has_room(&self, window: usize, (count, bytes): (usize, usize)) -> bool {
        let sum = |of: fn(&(usize, usize)) -> usize| self.sizes.iter().map(of).sum::<usize>();
        sum(|size| size.0) + count < window && sum(|size| size.1) + bytes < PENDING_BYTES
    }
}

/// Messages that came together, and their bytes.
#[derive(Default)]
struct Arrived {
    messages: Vec<v1::SubmitStreamRequest>,
    bytes: usize,
}

impl Arrived {
    fn push(&mut self, message: v1::SubmitStreamRequest) {
        self.bytes += message.encoded_len();
        self.messages.push(message);
    }

    fn size(&self) -> (usize, usize) {
        (self.messages.len(), self.bytes)
    }

    fn is_enough(&self) -> bool {
        self.messages.len() >= TOGETHER || self.bytes >= TOGETHER_BYTES
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
                message = submissions.message(), if end.is_none() && pending.has_room(self.window, (0, 0)) => {
                    let arrived;
                    (arrived, end) = self.gather(message, &mut submissions, &pending);
                    if !arrived.messages.is_empty() {
                        pending.push(arrived.size(), self.begin(arrived.messages));
                    }
                },
                Some(all) = pending.next(), if !pending.is_empty() => for done in all {
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

    /// A message, and those after it that are there already, as far as there is room; and how the stream ended, where it has.
    fn gather(
        &self,
        mut next: Result<Option<v1::SubmitStreamRequest>, Status>,
        submissions: &mut Streaming<v1::SubmitStreamRequest>,
        pending: &Pending,
    ) -> (Arrived, Option<End>) {
        let mut arrived = Arrived::default();
        loop {
            match next {
                Ok(Some(message)) => arrived.push(message),
                Ok(None) => return (arrived, Some(End::Complete)),
                Err(status) => return (arrived, Some(End::Broken(self.broken(status)))),
            }
            if arrived.is_enough() || !pending.has_room(self.window, arrived.size()) {
                return (arrived, None);
            }
            next = match submissions.message().now_or_never() {
                Some(next) => next,
                None => return (arrived, None),
            };
        }
    }

    /// A task for what came together: checking and sealing take a core's time, and there is more than one core. The room for all of it
    /// is taken here, so that the day's last records are those that came first.
    fn begin(&self, messages: Vec<v1::SubmitStreamRequest>) -> JoinHandle<Vec<Done>> {
        let rooms: Vec<_> = messages.iter().map(|_| self.call.record()).collect();
        let together = Together { exchange: self.exchange.clone(), call: self.call.clone() };
        let expected = self.exchange.expect(messages.len());
        let task = async move { together.through(messages.into_iter().zip(rooms), expected).await };
        tokio::spawn(task.in_current_span())
    }
}

/// What a task of a stream works with.
struct Together {
    exchange: Exchange,
    call: Call,
}

/// One submission, once it waits for nothing but its commit.
enum Begun {
    Verdict(Result<Verdict, Status>),
    Submission { begun: BegunSubmission, room: Room, proved: bool },
}

impl Together {
    /// Begins all of them before the first is waited for.
    async fn through(
        &self,
        submissions: impl Iterator<Item = (v1::SubmitStreamRequest, Result<Room, Status>)>,
        mut expected: Expected,
    ) -> Vec<Done> {
        let mut begun = Vec::with_capacity(TOGETHER);
        for (message, room) in submissions {
            begun.push(contained(self.begin(message, room)).await.ok());
            expected.one_less();
        }
        let mut done = Vec::with_capacity(begun.len());
        for begun in begun {
            done.push(match begun {
                Some(begun) => contained(self.finish(begun)).await.ok(),
                None => None,
            });
        }
        done
    }

    async fn begin(&self, message: v1::SubmitStreamRequest, room: Result<Room, Status>) -> Begun {
        let call = &self.call;
        call.at(At::Submission);
        let refused = |fault| Begun::Verdict(Ok(Verdict::Refusal(status::malformed_verdict(call.malformed(fault)))));
        let Some(request) = message.submission else { return refused(Fault::Field("submission")) };
        let proved = request.with_inclusion_proof;
        let submission = match wire::submission(request) {
            Ok(submission) => call.limited(submission),
            Err(fault) => return refused(fault),
        };
        // The day's records are used up: no later one of the stream could fare better today.
        let room = match room {
            Ok(room) => room,
            Err(over) => return Begun::Verdict(Err(over)),
        };
        match self.exchange.begin_submission(&call.caller, submission, Pressure::Wait).await {
            Ok(begun) => Begun::Submission { begun, room, proved },
            Err(error) => Begun::Verdict(verdict_of(error)),
        }
    }

    async fn finish(&self, begun: Begun) -> Result<Verdict, Status> {
        let (begun, room, proved) = match begun {
            Begun::Verdict(verdict) => return verdict,
            Begun::Submission { begun, room, proved } => (begun, room, proved),
        };
        match self.exchange.finish_submission(&self.call.caller, begun).await {
            Ok(accepted) => {
                room.taken_by(&accepted);
                receipt(&self.exchange, accepted, proved).await.map(Verdict::Receipt)
            }
            Err(error) => verdict_of(error),
        }
    }
}

/// What a submission is told that was not accepted. Where other nodes were first to use up the day's records, no later one of the stream
/// could fare better today.
fn verdict_of(error: Error) -> Result<Verdict, Status> {
    if error.reason == RECORDS_OVER_LIMIT {
        Err(status::of(error))
    } else {
        status::verdict(error).map(Verdict::Refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_that_holds_its_bytes_or_its_number_reads_no_more() {
        let refused = |count: usize| async move {
            (0..count).map(|_| Some(Ok(Verdict::Refusal(v1::Refusal::default())))).collect::<Vec<_>>()
        };
        let mut pending = Pending::default();
        pending.push((1, PENDING_BYTES - 1), tokio::spawn(refused(1)));
        assert!(pending.has_room(2, (0, 0)) && !pending.has_room(1, (0, 0)));
        assert!(!pending.has_room(2, (1, 0)) && !pending.has_room(2, (0, 1)), "what is about to be begun counts");
        pending.push((2, 1), tokio::spawn(refused(2)));
        assert!(!pending.has_room(256, (0, 0)), "its bytes are under way");
        assert_eq!(pending.next().await.expect("the first").len(), 1);
        assert!(pending.has_room(256, (0, 0)));
        assert_eq!(pending.next().await.expect("the others").len(), 2);
        assert!(pending.is_empty());
    }

    #[test]
    fn small_submissions_share_a_task_and_large_ones_have_their_own() {
        let message = |bytes: usize| v1::SubmitStreamRequest {
            submission: Some(v1::SubmitRequest { submission_id: "x".repeat(bytes), ..Default::default() }),
        };
        let tasks_of = |bytes: usize| {
            let mut arrived = Arrived::default();
            while !arrived.is_enough() {
                arrived.push(message(bytes));
            }
            arrived.messages.len()
        };
        assert_eq!([1_300, 4_000, 30_000, 100_000].map(tasks_of), [16, 16, 3, 1]);
    }
}
