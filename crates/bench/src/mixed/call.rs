//! One call of the mix, as its caller makes it.

use std::time::{Duration, Instant};

use causeway_gateway::client::{Clients, Refusal};
use causeway_proto::v1;
use causeway_rig::Failed;

use crate::pull::Reader;

/// Rows of an answer, at most.
const ROWS: u32 = 100;

/// What is called for, made before the clock runs.
#[derive(Debug)]
pub(super) enum Work {
    Submit(v1::SubmitRequest),
    /// The page behind this cursor.
    Pull(String),
    /// Who saw this record.
    Ask(String),
}

/// Who calls.
#[derive(Debug, Clone)]
pub(super) enum Caller {
    System(Clients),
    Partner(Reader),
    Auditor(Clients),
}

/// What came of a call.
#[derive(Debug)]
pub(super) struct Called {
    /// When it was done.
    pub(super) at: Instant,
    /// From the moment at which it was due.
    pub(super) taken: Duration,
    pub(super) answer: Answer,
}

/// What was answered.
#[derive(Debug)]
pub(super) enum Answer {
    /// The record has this entry.
    Entry(u64),
    Done,
    /// The caller is to come back later.
    Refused,
}

impl Caller {
    /// Makes a call that was due at a moment.
    pub(super) async fn call(&self, work: Work, due: Instant) -> Result<Called, Failed> {
        let answer = self.answer(work).await?;
        let at = Instant::now();
        Ok(Called { at, taken: at - due, answer })
    }

    async fn answer(&self, work: Work) -> Result<Answer, Failed> {
        match (self, work) {
            (Self::System(clients), Work::Submit(request)) => submit(clients, request).await,
            (Self::Partner(reader), Work::Pull(cursor)) => match reader.page_or_refusal(cursor).await? {
                Ok(page) if page.items.is_empty() => Err("a page without items".into()),
                Ok(_) => Ok(Answer::Done),
                Err(refusal) => refused(refusal),
            },
            (Self::Auditor(clients), Work::Ask(record_id)) => ask(clients, record_id).await,
            (caller, work) => Err(format!("{caller:?} is not who does {work:?}").into()),
        }
    }
}

async fn submit(clients: &Clients, request: v1::SubmitRequest) -> Result<Answer, Failed> {
    match clients.ingest().submit(request).await {
        Ok(answer) => Ok(Answer::Entry(answer.into_inner().receipt.ok_or("no receipt")?.leaf_index)),
        Err(status) => refused(Refusal::from(status)),
    }
}

async fn ask(clients: &Clients, record_id: String) -> Result<Answer, Failed> {
    let question = v1::QueryRequest { record_id, limit: ROWS, ..Default::default() };
    let mut answer = match clients.audit().query(question).await {
        Ok(answer) => answer.into_inner(),
        Err(status) => return refused(Refusal::from(status)),
    };
    let mut has_ended = false;
    // On past its end, so that the gateway counts it as read.
    while let Some(part) = answer.message().await? {
        has_ended |= matches!(part.part, Some(v1::query_response::Part::End(_)));
    }
    if has_ended { Ok(Answer::Done) } else { Err("an answer without its end".into()) }
}

/// Whoever is told when to come back is part of a busy gateway; every other refusal is a fault.
fn refused(refusal: Refusal) -> Result<Answer, Failed> {
    if refusal.retry_after.is_some() { Ok(Answer::Refused) } else { Err(refusal.message.into()) }
}
