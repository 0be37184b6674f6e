//! Streams submissions to the gateway and gives each its verdict, in order, however many there are.

use causeway_gateway::client::position_of;
use causeway_proto::v1::submit_stream_response::Verdict as WireVerdict;
use causeway_proto::v1::{Receipt, Refusal, SubmitRequest, SubmitStreamRequest};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::line::Line;
use crate::output::note;
use crate::session::Session;
use crate::{Broken, Failure};
use causeway_verify::plain::plain;

/// Submissions between the reader and the connection: enough to keep it busy, few enough to hold in memory.
const AHEAD: usize = 256;

/// One submission with its place (line, row) in what it came from; or why that place holds none.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) place: u64,
    pub(crate) what: Result<SubmitRequest, Unsent>,
}

/// A place that holds no submission, so nothing was sent for it.
#[derive(Debug, Clone)]
pub(crate) struct Unsent {
    /// A stable reason code.
    pub(crate) reason: &'static str,
    /// What is wrong, without values.
    pub(crate) fault: String,
    /// The rules that it breaks, where it was read against some.
    pub(crate) broken: Vec<Broken>,
}

/// What became of one place.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) place: u64,
    pub(crate) submission_id: String,
    pub(crate) verdict: Verdict,
}

/// What became of one submission.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It is durable, now or since an earlier run.
    Accepted(Box<Receipt>),
    /// The gateway refused it.
    Refused(Refusal),
    /// It was not of the form, and was not sent.
    NotSent(Unsent),
}

/// How many of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) not_sent: u64,
}

impl Totals {
    /// All places so far.
    pub(crate) fn all(&self) -> u64 {
        self.accepted + self.refused + self.not_sent
    }

    fn count(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Accepted(_) => self.accepted += 1,
            Verdict::Refused(_) => self.refused += 1,
            Verdict::NotSent(_) => self.not_sent += 1,
        }
    }
}

impl Line {
    /// The line as a request.
    pub(crate) fn into_request(self) -> SubmitRequest {
        let (record_id, expected_version) =
            self.correction.map_or((String::new(), 0), |(id, version)| (id.to_string(), version.0));
        SubmitRequest {
            submission_id: self.submission_id.expose().to_owned(),
            record: Some(causeway_proto::v1::Record {
                kind: self.schema.kind.to_string(),
                schema_version: self.schema.version.to_string(),
                document: self.document,
            }),
            record_id,
            expected_version,
            with_inclusion_proof: false,
        }
    }
}

/// What sending all of them came to.
#[derive(Debug)]
pub(crate) struct Pushed {
    pub(crate) totals: Totals,
    /// How far the gateway had applied its log then, where it shares that with others.
    pub(crate) position: Option<String>,
}

/// Sends all of `outgoing` on one stream and calls `each` with every answer, in order.
///
/// The stream ends early where the connection does; what was acknowledged before that is durable, and the same
/// submissions can be sent again.
pub(crate) async fn push(
    session: &Session,
    outgoing: impl Iterator<Item = Outgoing> + Send + 'static,
    mut each: impl FnMut(Answer, &Totals) -> Result<(), Failure>,
) -> Result<Pushed, Failure> {
    let (requests, stream) = mpsc::channel(AHEAD);
    let (labels, mut sent) = mpsc::unbounded_channel();
    // Reading a file blocks, so it has a thread of its own; the bounded channel holds it to the connection's pace.
    let reader = tokio::task::spawn_blocking(move || read(outgoing, &requests, &labels));
    let stream = ReceiverStream::new(stream).map(|submission| SubmitStreamRequest { submission: Some(submission) });
    let mut totals = Totals::default();
    let mut tell = |answer: Answer| {
        totals.count(&answer.verdict);
        each(answer, &totals)
    };
    let mut verdicts = session.ingest().submit_stream(stream).await.map_err(|s| session.failure(s))?.into_inner();
    while let Some(response) = verdicts.message().await.map_err(|s| session.failure(s))? {
        let (place, submission_id) = unsent(&mut sent, &mut tell).await?.ok_or_else(more_verdicts)?;
        let verdict = match response.verdict {
            Some(WireVerdict::Receipt(receipt)) => Verdict::Accepted(Box::new(receipt)),
            Some(WireVerdict::Refusal(refusal)) => Verdict::Refused(refusal),
            None => return Err(Failure::does_not_hold("the gateway sent a verdict that says nothing")),
        };
        tell(Answer { place, submission_id, verdict })?;
    }
    let trailers = verdicts.trailers().await.map_err(|s| session.failure(s))?;
    let position = trailers.as_ref().and_then(position_of).map(plain);
    reader.await.expect("the reading thread does not panic");
    match unsent(&mut sent, &mut tell).await? {
        None => Ok(Pushed { totals, position }),
        Some(_) => Err(session.lost("the gateway ended the stream before all verdicts were in; run this again")),
    }
}

/// What a run that broke off leaves: said only where something was acknowledged.
pub(crate) fn again(accepted: u64, how: &str) {
    if accepted > 0 {
        note(format_args!("the {accepted} that were acknowledged are durable: {how}"));
    }
}

type Label = Result<(u64, String), (u64, Unsent)>;

fn read(
    outgoing: impl Iterator<Item = Outgoing>,
    requests: &mpsc::Sender<SubmitRequest>,
    labels: &mpsc::UnboundedSender<Label>,
) {
    for Outgoing { place, what } in outgoing {
        let label = match &what {
            Ok(request) => Ok((place, request.submission_id.clone())),
            Err(unsent) => Err((place, unsent.clone())),
        };
        // The label goes first: a verdict can only come for what has one. A closed channel means the stream has ended.
        if labels.send(label).is_err() || what.is_ok_and(|request| requests.blocking_send(request).is_err()) {
            return;
        }
    }
}

/// Tells of the places that were not sent, up to the next one that was; that one is returned.
async fn unsent(
    sent: &mut mpsc::UnboundedReceiver<Label>,
    tell: &mut impl FnMut(Answer) -> Result<(), Failure>,
) -> Result<Option<(u64, String)>, Failure> {
    while let Some(label) = sent.recv().await {
        match label {
            Ok(label) => return Ok(Some(label)),
            Err((place, unsent)) => {
                tell(Answer { place, submission_id: String::new(), verdict: Verdict::NotSent(unsent) })?;
            }
        }
    }
    Ok(None)
}

fn more_verdicts() -> Failure {
    Failure::does_not_hold("the gateway sent more verdicts than there were submissions")
}

/// The refusals of a run, by reason code, most frequent first: what is left to say when there are too many to list.
#[derive(Debug, Default)]
pub(crate) struct Reasons(Vec<(String, u64)>);

impl Reasons {
    /// Counts one refusal.
    pub(crate) fn count(&mut self, reason: &str) {
        match self.0.iter_mut().find(|(known, _)| known == reason) {
            Some((_, count)) => *count += 1,
            None => self.0.push((reason.to_owned(), 1)),
        }
    }

    /// `3 schema-violation, 1 duplicate-member`; empty where nothing was refused.
    pub(crate) fn summary(&self) -> String {
        let mut reasons: Vec<_> = self.0.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect::<Vec<_>>().join(", ")
    }
}
