//! Input that is wrong in every way that we could think of: each gets a clear error of its own, what is good around it is
//! accepted, and nothing is lost. (Cursors, wrong ones and other partners', are in `cursors`.)

use causeway_proto::v1;
use causeway_proto::v1::submit_stream_response::Verdict;
use serde_json::{Value, json};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::harness::calls::{raw_request, reason, request, send, submit};
use crate::harness::{World, documents};

const SYSTEM: &str = "gb-nca/case-management";

/// A submission that is wrong, and how the gateway says so.
struct Bad {
    what: &'static str,
    request: v1::SubmitRequest,
    code: Code,
    reason: &'static str,
}

fn bad(what: &'static str, request: v1::SubmitRequest, reason: &'static str) -> Bad {
    let code = if reason == "too-large" { Code::OutOfRange } else { Code::InvalidArgument };
    Bad { what, request, code, reason }
}

/// A profile's text with one part of it replaced.
fn text(from: &str, to: &str) -> Vec<u8> {
    let text = documents::profile().to_string();
    assert!(text.contains(from), "{from} is in {text}");
    text.replacen(from, to, 1).into_bytes()
}

fn profile(document: Vec<u8>) -> v1::SubmitRequest {
    raw_request("wrong", "victim-profile", document)
}

fn changed(members: Value) -> v1::SubmitRequest {
    request("wrong", &documents::with(documents::profile(), members))
}

fn documents_that_are_none() -> Vec<Bad> {
    let whole = documents::profile().to_string();
    let mut not_utf8 = whole.clone().into_bytes();
    not_utf8[10] = 0xff;
    let oversized = text(":\"SUBJECT-1\"", &format!(":\"{}\"", "x".repeat(128 * 1024)));
    let wide = format!("{{\"a\":[{}1]}}", "1,".repeat(60_000));
    let many = format!("[{}{{}}]", "{\"a\":1},".repeat(14_000));
    vec![
        bad("nothing", profile(Vec::new()), "malformed-json"),
        bad("half of it", profile(whole.as_bytes()[..whole.len() / 2].to_vec()), "malformed-json"),
        bad("two of them", profile(format!("{whole}{whole}").into_bytes()), "malformed-json"),
        bad("not JSON", profile(b"<profile/>".to_vec()), "malformed-json"),
        bad("a comma too many", profile(text("}", ",}")), "malformed-json"),
        bad("a number that JSON does not know", profile(text("\"SUBJECT-1\"", "NaN")), "malformed-json"),
        bad("half a surrogate pair", profile(text("SUBJECT-1", "\\ud800")), "malformed-json"),
        bad("an array", profile(b"[1,1]".to_vec()), "not-an-object"),
        bad("values without end", profile(wide.into_bytes()), "too-many-values"),
        bad("small objects without end", profile(many.into_bytes()), "too-many-values"),
        bad("a text", profile(b"\"profile\"".to_vec()), "not-an-object"),
        bad("over 128 KiB", profile(oversized), "too-large"),
        bad("17 levels", profile(text("\"SUBJECT-1\"", &format!("{}{}", "[".repeat(16), "]".repeat(16)))), "too-deep"),
        bad("levels without end", profile("[".repeat(120_000).into_bytes()), "too-deep"),
        bad("objects without end", profile("{\"a\":".repeat(20_000).into_bytes()), "too-deep"),
        bad("a byte that is not UTF-8", profile(not_utf8), "not-utf8"),
        bad("a member twice", profile(text("{", "{\"tlp\":\"RED\",")), "duplicate-member"),
        bad("a member twice, once escaped", profile(text("{", "{\"\\u0074lp\":\"RED\",")), "duplicate-member"),
        bad("a member twice, further in", profile(text("\"SUBJECT-1\"", "{\"a\":1,\"a\":1}")), "duplicate-member"),
        bad("a number beyond all", profile(text("\"SUBJECT-1\"", "1e999")), "number-out-of-range"),
    ]
}

fn records_that_are_wrong() -> Vec<Bad> {
    let schema = |kind: &str, version: &str| {
        let mut wrong = request("wrong", &documents::profile());
        let record = wrong.record.as_mut().expect("set");
        (record.kind, record.schema_version) = (kind.into(), version.into());
        wrong
    };
    let with = |change: fn(&mut v1::SubmitRequest)| {
        let mut wrong = request("wrong", &documents::profile());
        change(&mut wrong);
        wrong
    };
    vec![
        bad("an unknown field", changed(json!({"surprise": 1})), "schema-violation"),
        bad("a number out of range", changed(json!({"number_of_children": 31})), "schema-violation"),
        bad("a number below zero", changed(json!({"number_of_children": -1})), "schema-violation"),
        bad("a fraction of a child", changed(json!({"number_of_children": 1.5})), "schema-violation"),
        bad("a value of another type", changed(json!({"nationalities": "AL"})), "schema-violation"),
        bad("no value", changed(json!({"tlp": ""})), "schema-violation"),
        bad("a text over its length", changed(json!({"given_name": "x".repeat(10_000)})), "schema-violation"),
        bad("a date that there is not", changed(json!({"referral_date": "2026-02-30"})), "schema-violation"),
        bad("an empty object", profile(b"{}".to_vec()), "schema-violation"),
        bad("a profile called a route", schema("trafficking-route", "1.0"), "schema-violation"),
        bad("a version not in force", schema("victim-profile", "1.9"), "unknown-schema"),
        bad("a kind that there is not", schema("passport", "1.0"), "field-malformed"),
        bad("no kind", schema("", "1.0"), "field-malformed"),
        bad("a version that is none", schema("victim-profile", "newest"), "field-malformed"),
        bad("no record", with(|wrong| wrong.record = None), "field-malformed"),
        bad("no submission id", with(|wrong| wrong.submission_id.clear()), "field-malformed"),
        bad("a submission id of 65 characters", with(|wrong| wrong.submission_id = "x".repeat(65)), "field-malformed"),
        bad("a record id that is none", with(|wrong| wrong.record_id = "../../etc".into()), "field-malformed"),
        bad("an expected version without a record", with(|wrong| wrong.expected_version = 1), "field-malformed"),
    ]
}

fn everything() -> Vec<Bad> {
    documents_that_are_none().into_iter().chain(records_that_are_wrong()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_gets_its_own_error_and_the_next_call_goes_well() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    for (number, Bad { what, request, code, reason: expected }) in everything().into_iter().enumerate() {
        let status = send(&mut ingest, request).await.expect_err(what);
        assert_eq!((status.code(), reason(&status).as_str()), (code, expected), "{what}: {}", status.message());
        assert!(!status.message().is_empty() && status.message().len() < 300, "{what}: {}", status.message());
        submit(&mut ingest, &format!("good {number}"), &documents::profile()).await.expect(what);
    }
    assert_eq!(world.journal().read(|state| state.records().count()), everything().len());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_around_each() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let mut messages = Vec::new();
    for (number, Bad { request: wrong, .. }) in everything().into_iter().enumerate() {
        let good = request(&format!("good {number}"), &documents::route());
        messages.extend([wrong, good].map(|submission| v1::SubmitStreamRequest { submission: Some(submission) }));
    }
    messages.push(v1::SubmitStreamRequest { submission: None });
    let answer = ingest.submit_stream(tokio_stream::iter(messages)).await.expect("the stream opens");
    let mut verdicts = answer.into_inner();
    let mut index = 0;
    let mut next = async || {
        let verdict = verdicts.message().await.expect("the stream goes on").expect("a verdict for each");
        assert_eq!(verdict.index, index);
        index += 1;
        verdict.verdict.expect("a verdict")
    };
    for Bad { what, reason: expected, .. } in everything() {
        let Verdict::Refusal(refusal) = next().await else { panic!("{what} was accepted") };
        assert_eq!(refusal.reason, expected, "{what}: {}", refusal.message);
        assert!(matches!(next().await, Verdict::Receipt(_)), "the good one after {what}");
    }
    let Verdict::Refusal(refusal) = next().await else { panic!("an empty message was accepted") };
    assert_eq!(refusal.reason, "field-malformed");
    assert!(verdicts.message().await.expect("the stream ends well").is_none());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_over_the_limit_is_refused_before_it_is_read() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let huge = || profile(vec![b' '; 3 << 20]);
    let status = send(&mut ingest, huge()).await.expect_err("over the limit");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::OutOfRange, "message-too-long"));
    submit(&mut ingest, "after", &documents::profile()).await.expect("the connection goes on");

    // In a stream nothing after it can be read; what came before it has its verdict, and can be sent again safely.
    let messages = [request("1", &documents::profile()), request("2", &documents::route()), huge()];
    let messages = messages.map(|submission| v1::SubmitStreamRequest { submission: Some(submission) });
    let answer = ingest.submit_stream(tokio_stream::iter(messages)).await.expect("the stream opens");
    let mut verdicts = answer.into_inner();
    for _ in 0..2 {
        let verdict = verdicts.message().await.expect("what was good stands").expect("a verdict");
        assert!(matches!(verdict.verdict, Some(Verdict::Receipt(_))), "{verdict:?}");
    }
    let status = verdicts.message().await.expect_err("the stream cannot go on");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::OutOfRange, "message-too-long"));
    submit(&mut ingest, "after the stream", &documents::profile()).await.expect("the connection goes on");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_request_are_refused_on_every_method() {
    let world = World::new();
    let gateway = world.start().await;
    let stated = [("causeway-purpose", "lawfulness"), ("causeway-operator", "test.operator")];
    // One field, number 1, as a number: no request of these has that.
    let wrong = v1::GetInclusionProofRequest { leaf_index: 7, tree_size: 0 };
    for (system, method) in [
        (SYSTEM, "IngestService/Submit"),
        (SYSTEM, "IngestService/Validate"),
        (SYSTEM, "IngestService/Withdraw"),
        (SYSTEM, "IngestService/GetReceipt"),
        (SYSTEM, "IngestService/GetSchema"),
        ("al-police/feed", "FeedService/Pull"),
        ("al-police/feed", "FeedService/Watch"),
        ("al-police/feed", "FeedService/Acknowledge"),
        ("gb-nca/audit", "AuditService/Query"),
    ] {
        let mut client = tonic::client::Grpc::new(gateway.channel(system).await);
        client.ready().await.expect("the connection stands");
        let mut request = Request::new(tokio_stream::once(wrong));
        for (name, value) in stated {
            request.metadata_mut().insert(name, value.parse().expect("ASCII"));
        }
        let path: PathAndQuery = format!("/causeway.v1.{method}").parse().expect("a path");
        let codec = ProstCodec::<v1::GetInclusionProofRequest, ()>::default();
        let status: Status = client.streaming(request, path, codec).await.map(drop).expect_err(method);
        let told = (status.code(), reason(&status));
        assert_eq!(told, (Code::InvalidArgument, "request-malformed".to_owned()), "{method}: {status:?}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_over_the_limit_are_refused_and_the_gateway_goes_on() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let mut wanted = Request::new(v1::ListSchemasRequest {});
    wanted.metadata_mut().insert("causeway-extra", "x".repeat(20 * 1024).parse().expect("ASCII"));
    ingest.list_schemas(wanted).await.expect_err("over the limit");
    submit(&mut gateway.ingest(SYSTEM).await, "after", &documents::profile()).await.expect("the gateway goes on");
    gateway.stop().await;
}
