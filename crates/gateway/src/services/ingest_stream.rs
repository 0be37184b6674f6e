//! One `SubmitStream`: many submissions under way at once, so that they share commits; verdicts in the order they came.

use causeway_exchange::{Exchange, Pressure};
use causeway_proto::v1;
use causeway_proto::v1::submit_stream_response::Verdict;
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use tokio::task::JoinHandle;
use tonic::{Status, Streaming};
use tracing::Instrument;

use crate::answers::{Gone, Sink, put};
use crate::gate::Call;
use crate::services::ingest::{Ingest, receipt};
use crate::shutdown::Stopping;
use crate::status::{self, Fault};
use crate::wire;

/// What one stream works with.
#[derive(Debug)]
pub(crate) struct SubmissionStream {
    exchange: Exchange,
    call: Call,
    stopping: Stopping,
    window: usize,
}

/// Submissions under way, oldest first.
type Pending = FuturesOrdered<JoinHandle<Result<Verdict, Status>>>;

/// How the reading side of the stream ended.
enum End {
    /// The client has sent all it had.
    Complete,
    /// What follows cannot be read, or will not be.
    Broken(Status),
}

impl SubmissionStream {
    pub(crate) fn new(service: &Ingest, call: Call) -> Self {
        let Ingest { exchange, stopping, stream_window } = service.clone();
        Self { exchange, call, stopping, window: stream_window }
    }

    /// Reads submissions while fewer than the window are under way, and answers them in order. A message that cannot be
    /// read, a stop, or a journal that cannot be written ends the stream, after the verdicts that are due.
    pub(crate) async fn run(
        self,
        mut submissions: Streaming<v1::SubmitStreamRequest>,
        sink: Sink<v1::SubmitStreamResponse>,
    ) -> Result<(), Gone> {
        let mut pending = Pending::new();
        let mut index = 0;
        let mut end = None;
        let mut stop = Box::pin(self.stopping.wait());
        while end.is_none() || !pending.is_empty() {
            tokio::select! {
                message = submissions.message(), if end.is_none() && pending.len() < self.window => match message {
                    Ok(Some(message)) => pending.push_back(self.begin(message)),
                    Ok(None) => end = Some(End::Complete),
                    Err(status) => end = Some(End::Broken(status::of_broken_stream(status))),
                },
                Some(done) = pending.next(), if !pending.is_empty() => {
                    match done.unwrap_or_else(|_panicked| Err(Fault::Bug.into())) {
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

    /// A task of its own for each submission: checking and sealing take a core's time, and there is more than one core.
    fn begin(&self, message: v1::SubmitStreamRequest) -> JoinHandle<Result<Verdict, Status>> {
        let (exchange, call) = (self.exchange.clone(), self.call.clone());
        let work = async move {
            let Some(request) = message.submission else {
                return Ok(Verdict::Refusal(status::malformed_verdict(call.malformed(Fault::Field("submission")))));
            };
            let proved = request.with_inclusion_proof;
            let submission = match wire::submission(request) {
                Ok(submission) => submission,
                Err(fault) => return Ok(Verdict::Refusal(status::malformed_verdict(call.malformed(fault)))),
            };
            match exchange.submit(&call.caller, submission, Pressure::Wait).await {
                Ok(accepted) => receipt(&exchange, accepted, proved).await.map(Verdict::Receipt),
                Err(error) => status::verdict(error).map(Verdict::Refusal),
            }
        };
        tokio::spawn(work.in_current_span())
    }
}
