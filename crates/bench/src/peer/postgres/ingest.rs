//! Submissions: validated by the schema that the gateway validates by, and inserted, one or up to 128 in a transaction.

use std::pin::pin;
use std::sync::Arc;

use causeway_model::{Date, SchemaId};
use causeway_proto::v1;
use causeway_proto::v1::ingest_service_server::IngestService;
use causeway_proto::v1::submit_stream_response::Verdict;
use causeway_rig::Failed;
use causeway_schema::Schemas;
use causeway_store::Clock;
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::refusal::{absent, actor, failed, malformed};
use super::store::{Actor, Store, Submission};

/// The system that submits.
const SUBMITTER: &str = "case-management";

/// Records of one transaction, at most.
const BATCH: usize = 128;

/// Transactions of one stream that are under way at a time: the next is filled and sent while the one before is synced.
const BATCHES_UNDER_WAY: usize = 4;

/// What was sent, once it is validated: a record to insert, or why not.
type Checked = Result<Submission, v1::Refusal>;

/// An answer, or what stopped it.
type Answer<T> = Result<Response<T>, Status>;

/// The service.
#[derive(Debug, Clone)]
pub(super) struct Ingest {
    store: Arc<Store>,
    schemas: Arc<Schemas>,
}

impl Ingest {
    pub(super) fn new(store: Arc<Store>, schemas: Arc<Schemas>) -> Self {
        Self { store, schemas }
    }

    /// A submission that meets the schema that it names.
    fn check(&self, request: v1::SubmitRequest, today: Date) -> Checked {
        let refusal = |reason: &str| v1::Refusal { reason: reason.into(), ..Default::default() };
        let record = request.record.ok_or_else(|| refusal("no-record"))?;
        let id = || Some(SchemaId { kind: record.kind.parse().ok()?, version: record.schema_version.parse().ok()? });
        let schema = id().and_then(|id| self.schemas.get(id)).ok_or_else(|| refusal("unknown-schema"))?;
        let document = causeway_schema::parse(&record.document).map_err(|_| refusal("not-a-record"))?;
        if !schema.validate(&document, today).is_empty() {
            return Err(refusal("schema-violation"));
        }
        Ok(Submission {
            id: causeway_crypto::random(),
            submission_id: request.submission_id,
            body: String::from_utf8(record.document).map_err(|_| refusal("not-a-record"))?,
            kind: record.kind,
            schema_version: record.schema_version,
        })
    }

    /// The verdicts on some submissions, in their order, once what is to be inserted of them is.
    async fn insert(&self, actor: &Actor, checked: Vec<Checked>) -> Result<Vec<Verdict>, Failed> {
        let submissions: Vec<&Submission> = checked.iter().filter_map(|one| one.as_ref().ok()).collect();
        let ids = if submissions.is_empty() { Vec::new() } else { self.store.insert(actor, &submissions).await? };
        let mut ids = ids.into_iter();
        let verdict = |one| match one {
            Ok(_) => Ok(Verdict::Receipt(receipt(ids.next().ok_or("a record without an id")?))),
            Err(refusal) => Ok(Verdict::Refusal(refusal)),
        };
        checked.into_iter().map(verdict).collect()
    }

    /// Validates what comes on a stream.
    async fn read(
        self,
        mut requests: Streaming<v1::SubmitStreamRequest>,
        checked: mpsc::Sender<Result<Checked, Status>>,
    ) {
        let today = Clock::system().now().date();
        loop {
            let next = match requests.message().await {
                Ok(Some(message)) => Ok(self.check(message.submission.unwrap_or_default(), today)),
                Ok(None) => return,
                Err(status) => Err(status),
            };
            if checked.send(next).await.is_err() {
                return;
            }
        }
    }

    /// Inserts what has been validated, as much of it as is there, and answers in order.
    async fn write(
        self,
        actor: Actor,
        checked: mpsc::Receiver<Result<Checked, Status>>,
        answers: mpsc::Sender<Result<v1::SubmitStreamResponse, Status>>,
    ) {
        let batches = stream::unfold(checked, async |mut checked| {
            let mut batch = Vec::with_capacity(BATCH);
            (checked.recv_many(&mut batch, BATCH).await > 0).then_some((batch, checked))
        });
        let inserted = batches.map(async |batch| {
            let batch = batch.into_iter().collect::<Result<Vec<_>, _>>()?;
            self.insert(&actor, batch).await.map_err(failed)
        });
        let (mut inserted, mut index) = (pin!(inserted.buffered(BATCHES_UNDER_WAY)), 0);
        while let Some(verdicts) = inserted.next().await {
            let verdicts =
                verdicts.map_or_else(|status| vec![Err(status)], |verdicts| verdicts.into_iter().map(Ok).collect());
            for verdict in verdicts {
                let answer = verdict.map(|verdict| v1::SubmitStreamResponse { index, verdict: Some(verdict) });
                let is_last = answer.is_err();
                if answers.send(answer).await.is_err() || is_last {
                    return;
                }
                index += 1;
            }
        }
    }
}

#[tonic::async_trait]
impl IngestService for Ingest {
    type SubmitStreamStream = ReceiverStream<Result<v1::SubmitStreamResponse, Status>>;

    async fn submit(&self, request: Request<v1::SubmitRequest>) -> Answer<v1::SubmitResponse> {
        let actor = actor(&request, SUBMITTER)?;
        let checked = self.check(request.into_inner(), Clock::system().now().date());
        let verdicts = self.insert(&actor, vec![checked]).await.map_err(failed)?;
        match verdicts.into_iter().next() {
            Some(Verdict::Receipt(receipt)) => Ok(Response::new(v1::SubmitResponse { receipt: Some(receipt) })),
            Some(Verdict::Refusal(refusal)) => Err(malformed(refusal.reason)),
            None => Err(failed("no verdict")),
        }
    }

    async fn submit_stream(
        &self,
        request: Request<Streaming<v1::SubmitStreamRequest>>,
    ) -> Answer<Self::SubmitStreamStream> {
        let actor = actor(&request, SUBMITTER)?;
        let (checked, waiting) = mpsc::channel(2 * BATCH);
        let (answers, answered) = mpsc::channel(2 * BATCH);
        tokio::spawn(self.clone().read(request.into_inner(), checked));
        tokio::spawn(self.clone().write(actor, waiting, answers));
        Ok(Response::new(ReceiverStream::new(answered)))
    }

    async fn withdraw(&self, _: Request<v1::WithdrawRequest>) -> Answer<v1::WithdrawResponse> {
        absent()
    }

    async fn validate(&self, _: Request<v1::ValidateRequest>) -> Answer<v1::ValidateResponse> {
        absent()
    }

    async fn get_receipt(&self, _: Request<v1::GetReceiptRequest>) -> Answer<v1::GetReceiptResponse> {
        absent()
    }

    async fn list_schemas(&self, _: Request<v1::ListSchemasRequest>) -> Answer<v1::ListSchemasResponse> {
        absent()
    }

    async fn get_schema(&self, _: Request<v1::GetSchemaRequest>) -> Answer<v1::GetSchemaResponse> {
        absent()
    }

    async fn restrict(&self, _: Request<v1::RestrictRequest>) -> Answer<v1::RestrictResponse> {
        absent()
    }

    async fn list_holders(&self, _: Request<v1::ListHoldersRequest>) -> Answer<v1::ListHoldersResponse> {
        absent()
    }

    async fn flag_at_risk(&self, _: Request<v1::FlagAtRiskRequest>) -> Answer<v1::FlagAtRiskResponse> {
        absent()
    }

    async fn explain(&self, _: Request<v1::ExplainRequest>) -> Answer<v1::ExplainResponse> {
        absent()
    }
}

/// As much of a receipt as there is: the record's id.
fn receipt(id: [u8; 16]) -> v1::Receipt {
    v1::Receipt { record_id: hexadecimal(&id), version: 1, ..Default::default() }
}

/// Two digits a byte.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
