//! No identifier leaks: values that stand nowhere else go in through every door, and are then looked for in everything
//! that the gateway gives, says and keeps.

mod process;
mod protection;
mod records;
pub(crate) mod scanner;

use std::fs;

use causeway_gateway::client::Statement;
use causeway_proto::v1;
use causeway_proto::v1::audit_service_client::AuditServiceClient;
use causeway_proto::v1::feed_service_client::FeedServiceClient;
use causeway_proto::v1::ingest_service_client::IngestServiceClient;
use causeway_proto::v1::submit_stream_response::Verdict;
use prost::Message;
use serde_json::Value;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::feed::{ALBANIA, VIET_NAM, released_in};
use crate::harness::calls::{raw_request, request};
use crate::harness::{Reach, Stated, World, documents};
use scanner::Canaries;

type Ingest = IngestServiceClient<Stated>;

/// What is looked through as it comes: answers, and errors with all that travels with them.
struct Watch {
    canaries: Canaries,
    answers: usize,
    refusals: usize,
}

impl Watch {
    fn answer<M: Message>(&mut self, what: &str, answer: M) -> M {
        self.canaries.assert_none_in(what, &answer.encode_to_vec());
        self.answers += 1;
        answer
    }

    fn refusal(&mut self, what: &str, status: &Status) {
        self.canaries.assert_none_in(what, status.message().as_bytes());
        self.canaries.assert_none_in(what, status.details());
        self.canaries.assert_none_in(what, format!("{status:?}").as_bytes());
        self.refusals += 1;
    }

    fn refused<T>(&mut self, what: &str, code: Code, answer: Result<T, Status>) {
        let status = answer.err().unwrap_or_else(|| panic!("{what} is taken"));
        assert_eq!(status.code(), code, "{what}: {status:?}");
        self.refusal(what, &status);
    }

    /// What every call states: a purpose with its text, and an operator, both unique.
    fn statement(&mut self, code: &str) -> Statement {
        let (text, operator) = (self.canaries.word(), self.canaries.word());
        Statement::new(&format!("{code}: {text}"), &operator).expect("well formed")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_is_found_anywhere() {
    let world = World::new();
    let gateway = world.start().await;
    let mut watch = Watch { canaries: Canaries::new(), answers: 0, refusals: 0 };
    let channel = gateway.channel("gb-nca/case-management").await;
    let stated = watch.statement("investigation");
    let mut ingest = IngestServiceClient::with_interceptor(channel.clone(), stated);
    let accepted = accepted(&mut watch, &mut ingest).await;
    rejected(&mut watch, &mut ingest, &channel).await;
    streamed(&mut watch, &mut ingest).await;
    let last = submit(&mut watch, &mut ingest, &documents::profile()).await;
    for agreement in [ALBANIA, VIET_NAM] {
        released_in(&world, agreement, &last).await;
    }
    for reader in ["al-police/feed", "vn-police/feed"] {
        feeds(&mut watch, &gateway, reader).await;
    }
    let receipt = &accepted[0];
    let submission_id = watch.canaries.word();
    let (record_id, expected_version) = (receipt.record_id.clone(), receipt.version);
    let withdrawal = v1::WithdrawRequest { submission_id, record_id, expected_version, with_inclusion_proof: true };
    let withdrawn = ingest.withdraw(withdrawal).await.expect("withdrawn").into_inner();
    watch.answer("the receipt of a withdrawal", withdrawn);
    feeds(&mut watch, &gateway, "al-police/feed").await;
    protection::protected(&mut watch, &world, &gateway, &mut ingest).await;
    feeds(&mut watch, &gateway, "al-police/feed").await;
    audit(&mut watch, &gateway, &receipt.record_id).await;
    for seen in world.journal().entries() {
        watch.canaries.assert_none_in(&format!("entry {}", seen.leaf), &seen.bytes);
    }
    // While it runs, and again when everything is on disk.
    assert_none_kept(&watch.canaries, &world);
    gateway.stop().await;
    assert_none_kept(&watch.canaries, &world);
    protection::backed_up(&watch, &world);
    assert!(watch.answers >= 20 && watch.refusals >= 25, "{} and {}", watch.answers, watch.refusals);
    // The same search finds what is really there: one value put into a copy of what was searched.
    let planted = world.path("data/journal/planted");
    let mut bytes = fs::read(world.path("data/keys/page-keys")).expect("kept");
    bytes.extend_from_slice(watch.canaries.word().to_lowercase().as_bytes());
    fs::write(&planted, bytes).expect("writable");
    assert_eq!(watch.canaries.find_below(&world.path("data")).0.len(), 1);
    let mut lines = World::log_lines();
    lines.push_str(&watch.canaries.phone());
    assert!(watch.canaries.find(lines.as_bytes()).is_some());
}

/// Neither a file of the gateway's, nor its log.
fn assert_none_kept(canaries: &Canaries, world: &World) {
    let (found, files) = canaries.find_below(&world.path("data"));
    assert_eq!(found, Vec::<String>::new());
    assert!(files >= 6, "{files} files are too few to be a journal and its keys");
    let lines = World::log_lines();
    assert!(lines.contains("request_id"), "the lines of calls are captured");
    canaries.assert_none_in("the log", lines.as_bytes());
}

async fn submit(watch: &mut Watch, ingest: &mut Ingest, record: &Value) -> v1::Receipt {
    let request = v1::SubmitRequest { with_inclusion_proof: true, ..request(&watch.canaries.word(), record) };
    let answer = ingest.submit(request).await.expect("accepted").into_inner();
    watch.answer("a receipt", answer).receipt.expect("a receipt")
}

/// Records of both kinds with a canary in every field that takes one, and a correction of the first.
async fn accepted(watch: &mut Watch, ingest: &mut Ingest) -> Vec<v1::Receipt> {
    let mut receipts = Vec::new();
    for make in [records::profile, records::route, records::profile, records::route] {
        let record = make(&mut watch.canaries);
        let validate = v1::ValidateRequest { record: request("", &record).record };
        let violations = watch.answer("a validation", ingest.validate(validate).await.expect("checked").into_inner());
        assert_eq!(violations.violations, [], "the record would be refused, and test nothing");
        receipts.push(submit(watch, ingest, &record).await);
    }
    let (record, id) = (records::profile(&mut watch.canaries), watch.canaries.word());
    let (record_id, expected_version) = (receipts[0].record_id.clone(), receipts[0].version);
    let corrected = v1::SubmitRequest { record_id, expected_version, ..request(&id, &record) };
    let answer = ingest.submit(corrected.clone()).await.expect("accepted").into_inner();
    receipts[0] = watch.answer("a correction's receipt", answer).receipt.expect("a receipt");
    let answer = ingest.submit(corrected).await.expect("known").into_inner();
    watch.answer("the receipt given again", answer);
    let answer = ingest.get_receipt(v1::GetReceiptRequest { submission_id: id.clone() }).await.expect("known");
    watch.answer("the receipt asked for", answer.into_inner());
    watch.refused("other content", Code::AlreadyExists, ingest.submit(request(&id, &documents::route())).await);
    receipts
}

/// Records and requests that are refused, with a canary wherever the fault is.
async fn rejected(watch: &mut Watch, ingest: &mut Ingest, channel: &Channel) {
    for (what, kind, document) in records::faulty(&mut watch.canaries) {
        let id = watch.canaries.word();
        let answer = ingest.submit(raw_request(&id, kind, document.clone())).await;
        let status = answer.err().unwrap_or_else(|| panic!("{what} is accepted"));
        watch.refusal(what, &status);
        let validate = v1::ValidateRequest { record: raw_request("", kind, document).record };
        match ingest.validate(validate).await {
            Ok(answer) => assert!(!watch.answer(what, answer.into_inner()).violations.is_empty(), "{what}"),
            Err(status) => watch.refusal(what, &status),
        }
    }
    let word = watch.canaries.word();
    let good = request(&watch.canaries.word(), &documents::profile());
    let record = || good.record.clone().expect("a record");
    let other_kind = v1::Record { kind: word.clone(), ..record() };
    let other_version = v1::Record { schema_version: word.clone(), ..record() };
    for (what, request) in [
        ("an unknown kind", v1::SubmitRequest { record: Some(other_kind), ..good.clone() }),
        ("an unknown version", v1::SubmitRequest { record: Some(other_version), ..good.clone() }),
        ("a record id that is none", v1::SubmitRequest { record_id: word.clone(), ..good.clone() }),
        ("a submission id too long", v1::SubmitRequest { submission_id: word.repeat(5), ..good.clone() }),
    ] {
        watch.refused(what, Code::InvalidArgument, ingest.submit(request).await);
    }
    let unknown = v1::GetReceiptRequest { submission_id: watch.canaries.word() };
    watch.refused("an unknown submission", Code::NotFound, ingest.get_receipt(unknown).await);
    // What a call states, where it is not of its form.
    for (purpose, operator) in [(word.to_lowercase(), word.clone()), (String::new(), word.clone())] {
        let mut client = IngestServiceClient::new(channel.clone());
        let mut request = tonic::Request::new(good.clone());
        request.metadata_mut().insert("causeway-purpose", purpose.parse().expect("ASCII"));
        request.metadata_mut().insert("causeway-operator", operator.parse().expect("ASCII"));
        watch.refused("a purpose that is none", Code::InvalidArgument, client.submit(request).await);
    }
}

/// The same faults on a stream, between records that are good.
async fn streamed(watch: &mut Watch, ingest: &mut Ingest) {
    let mut requests = Vec::new();
    for (_, kind, document) in records::faulty(&mut watch.canaries) {
        if document.len() < 128 * 1024 {
            requests.push(raw_request(&watch.canaries.word(), kind, document));
        }
        let good = records::profile(&mut watch.canaries);
        requests.push(request(&watch.canaries.word(), &good));
    }
    let (sent, stream) = (requests.len(), requests.into_iter());
    let stream = stream.map(|submission| v1::SubmitStreamRequest { submission: Some(submission) });
    let mut verdicts = ingest.submit_stream(tokio_stream::iter(stream)).await.expect("a stream").into_inner();
    let (mut receipts, mut refusals) = (0, 0);
    while let Some(verdict) = verdicts.message().await.expect("the stream goes on") {
        match watch.answer("a verdict", verdict).verdict.expect("a verdict says something") {
            Verdict::Receipt(_) => receipts += 1,
            Verdict::Refusal(_) => refusals += 1,
        }
    }
    assert_eq!(receipts + refusals, sent);
    assert!(receipts >= 8 && refusals >= 8, "{receipts} and {refusals}");
}

/// Every page of a feed, and what is refused there.
async fn feeds(watch: &mut Watch, gateway: &Reach, reader: &str) {
    let stated = watch.statement("investigation");
    let mut feed = FeedServiceClient::with_interceptor(gateway.channel(reader).await, stated);
    let mut cursor = String::new();
    let mut count = 0;
    loop {
        let pull = v1::PullRequest { agreement: String::new(), cursor, limit: 5 };
        let page = feed.pull(pull).await.expect("a page").into_inner();
        let page = watch.answer("a page", page).page.expect("a page");
        count += page.items.len();
        cursor = page.next_cursor;
        if !page.more {
            break;
        }
    }
    assert!(count >= 5, "{reader} has too few items to show anything: {count}");
    let cursor = watch.canaries.word();
    let wrong = v1::PullRequest { cursor, ..v1::PullRequest::default() };
    watch.refused("a wrong cursor", Code::InvalidArgument, feed.pull(wrong).await);
    let agreement = watch.canaries.word().to_uppercase();
    let unknown = v1::PullRequest { agreement: agreement.clone(), ..v1::PullRequest::default() };
    watch.refused("an unknown agreement", Code::NotFound, feed.pull(unknown).await);
    let malformed = v1::AcknowledgeRequest { agreement: agreement.to_lowercase(), up_to_position: 1, item_position: 0 };
    watch.refused("a malformed agreement", Code::InvalidArgument, feed.acknowledge(malformed).await);
}

/// Everything that an auditor can ask.
async fn audit(watch: &mut Watch, gateway: &Reach, record_id: &str) {
    let stated = watch.statement("integrity");
    let mut auditor = AuditServiceClient::with_interceptor(gateway.channel("gb-nca/audit").await, stated);
    for record_id in ["", record_id] {
        let query = v1::QueryRequest {
            record_id: record_id.into(),
            limit: 10_000,
            to_leaf_index: u64::MAX,
            with_items: true,
            prove: true,
            ..v1::QueryRequest::default()
        };
        let mut answer = auditor.query(query).await.expect("an answer").into_inner();
        while let Some(part) = answer.message().await.expect("the answer goes on") {
            watch.answer("a row", part);
        }
    }
    let checkpoint = auditor.get_checkpoint(v1::GetCheckpointRequest::default()).await.expect("a checkpoint");
    watch.answer("a checkpoint", checkpoint.into_inner());
    let proof = auditor
        .get_inclusion_proof(v1::GetInclusionProofRequest { leaf_index: 12, tree_size: 0 })
        .await
        .expect("a proof");
    watch.answer("a proof", proof.into_inner());
    for query in [
        v1::QueryRequest { record_id: watch.canaries.word(), ..v1::QueryRequest::default() },
        v1::QueryRequest { agency: watch.canaries.word(), ..v1::QueryRequest::default() },
        v1::QueryRequest { agreement: watch.canaries.word(), ..v1::QueryRequest::default() },
        v1::QueryRequest {
            agreement: "ISA-AL-2026-014".into(),
            pseudonym: watch.canaries.word(),
            ..v1::QueryRequest::default()
        },
    ] {
        watch.refused("a malformed query", Code::InvalidArgument, auditor.query(query).await);
    }
}
