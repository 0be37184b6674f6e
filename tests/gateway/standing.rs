//! How long a call may go on: a stream ends with the certificate that opened it, and not with a record that is too long. And
//! what a refusal leaves in the log: one line.

use causeway_cli::certs::{Profile, Validity};
use causeway_gateway::client::Statement;
use causeway_model::{Date, SystemId};
use causeway_proto::v1;
use causeway_proto::v1::feed_service_client::FeedServiceClient;
use causeway_proto::v1::ingest_service_client::IngestServiceClient;
use causeway_proto::v1::submit_stream_response::Verdict;
use tokio_stream::StreamExt;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

use crate::harness::calls::{raw_request, reason, request, submit, within};
use crate::harness::{Gateway, World, documents};

const SYSTEM: &str = "gb-nca/case-management";

fn statement() -> Statement {
    Statement::new("investigation", "test.operator").expect("well formed")
}

fn message(submission: v1::SubmitRequest) -> v1::SubmitStreamRequest {
    v1::SubmitStreamRequest { submission: Some(submission) }
}

/// A connection whose certificate ends on 22 November 2026, the day after every world begins.
async fn until_tomorrow(world: &World, gateway: &Gateway, name: &str) -> Channel {
    let system: SystemId = name.parse().expect("well formed");
    let day = |day| Date::new(2026, 11, day).expect("a day");
    let profile = Profile::client(&system, day(21).start());
    let profile = Profile { validity: Validity { from: day(20), until: day(22) }, ..profile };
    let issued = world.authority(system.agency.as_str()).issue(&profile).expect("any profile can be minted");
    gateway.connect_with(&issued, "until-tomorrow").await.expect("it holds today")
}

fn assert_lapsed(status: &Status) {
    assert_eq!((status.code(), reason(status).as_str()), (Code::Unauthenticated, "identity-lapsed"), "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_is_cut_when_its_certificate_ends() {
    let world = World::new();
    let gateway = world.start().await;
    let channel = until_tomorrow(&world, &gateway, "al-police/feed").await;
    let mut feed = FeedServiceClient::with_interceptor(channel, statement());
    let mut pages = feed.watch(v1::WatchRequest::default()).await.expect("the watch opens").into_inner();
    world.clock().advance(3 * 86_400);
    let status = within("the end of the watch", pages.message()).await.expect_err("it is cut");
    assert_lapsed(&status);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_health_watch_is_cut_when_its_certificate_ends() {
    let world = World::new();
    let gateway = world.start().await;
    let channel = until_tomorrow(&world, &gateway, "al-police/feed").await;
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.expect("the connection stands");
    let path = PathAndQuery::from_static("/grpc.health.v1.Health/Watch");
    let codec = ProstCodec::<(), ()>::default();
    let answer = client.server_streaming(tonic::Request::new(()), path, codec).await.expect("the watch opens");
    let mut states = answer.into_inner();
    within("the first state", states.message()).await.expect("it holds today").expect("a state");
    world.clock().advance(3 * 86_400);
    let status = within("the end of the watch", states.message()).await.expect_err("it is cut");
    assert_lapsed(&status);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submitting_stream_is_cut_when_its_certificate_ends() {
    let world = World::new();
    let gateway = world.start().await;
    let channel = until_tomorrow(&world, &gateway, SYSTEM).await;
    let mut ingest = IngestServiceClient::with_interceptor(channel, statement());
    let first = tokio_stream::once(message(request("1", &documents::profile())));
    let sent = first.chain(tokio_stream::pending());
    let mut verdicts = ingest.submit_stream(sent).await.expect("the stream opens").into_inner();
    let verdict = within("a verdict", verdicts.message()).await.expect("it holds today").expect("a verdict");
    assert!(matches!(verdict.verdict, Some(Verdict::Receipt(_))), "{verdict:?}");
    world.clock().advance(3 * 86_400);
    let status = within("the end of the stream", verdicts.message()).await.expect_err("it is cut");
    assert_lapsed(&status);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_is_cut_when_its_agreement_ends_and_can_be_opened_again_for_withdrawals() {
    let world = World::with(|setup| {
        setup.agreement("ISA-AL-2026-014", |text| text.replace("2028-12-31", "2026-11-22"));
    });
    let gateway = world.start().await;
    let receipt = submit(&mut gateway.ingest(SYSTEM).await, "1", &documents::route()).await.expect("accepted");
    let mut feed = gateway.feed("al-police/feed").await;
    let mut pages = feed.watch(v1::WatchRequest::default()).await.expect("the watch opens").into_inner();
    let first = within("the release", pages.message()).await.expect("in force").expect("a page").page.expect("a page");
    assert!(matches!(first.items[0].content, Some(v1::item::Content::Released(_))), "{receipt:?}");
    world.clock().advance(2 * 86_400);
    let end = async {
        loop {
            if let Err(status) = pages.message().await {
                return status;
            }
        }
    };
    let status = within("the end of the watch", end).await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "agreement-ended"), "{status:?}");
    let mut pages = feed.watch(v1::WatchRequest::default()).await.expect("it opens again").into_inner();
    let page =
        within("what was released", pages.message()).await.expect("served").expect("a page").page.expect("a page");
    assert!(page.items.iter().all(|item| matches!(item.content, Some(v1::item::Content::Withdrawn(_)))), "{page:?}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_before_an_agreements_first_day_is_released_on_it() {
    let world = World::with(|setup| {
        setup.agreement("ISA-AL-2026-014", |text| text.replace("valid_from = 2026-01-01", "valid_from = 2026-11-22"));
    });
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    submit(&mut ingest, "before", &documents::route()).await.expect("accepted");
    let mut feed = gateway.feed("al-police/feed").await;
    world.clock().advance(86_400);
    submit(&mut ingest, "on-the-day", &documents::route()).await.expect("accepted");
    let mut pages = feed.watch(v1::WatchRequest::default()).await.expect("the watch opens").into_inner();
    let both = async {
        let mut seen = 0;
        while seen < 2 {
            let answer = pages.message().await.expect("served").expect("a page");
            seen += answer.page.expect("a page").items.len();
        }
    };
    within("both records", both).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_many_times_too_long_is_a_verdict_and_the_stream_goes_on() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let long = |id: &str| raw_request(id, "victim-profile", vec![b' '; 1_000_000]);
    let mut messages = Vec::new();
    // More of them than a stream holds at a time.
    for number in 0..8 {
        messages.push(message(long(&format!("long {number}"))));
        messages.push(message(request(&format!("good {number}"), &documents::profile())));
    }
    let answer = ingest.submit_stream(tokio_stream::iter(messages)).await.expect("the stream opens");
    let mut verdicts = answer.into_inner();
    for number in 0..8 {
        let mut next = async || {
            let next = within("a verdict", verdicts.message()).await;
            next.expect("the stream goes on").expect("a verdict for each").verdict.expect("a verdict")
        };
        let Verdict::Refusal(refusal) = next().await else { panic!("{number}: it was accepted") };
        assert_eq!(refusal.reason, "too-large", "{number}");
        assert!(matches!(next().await, Verdict::Receipt(_)), "the good one after {number}");
    }
    assert!(verdicts.message().await.expect("the stream ends well").is_none());
    let status = ingest.submit(long("alone")).await.expect_err("as a call too");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::OutOfRange, "too-large"));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_role_is_one_line_and_names_what_the_method_needs() {
    let world = World::new();
    let gateway = world.start().await;
    let mut feed = gateway.feed(SYSTEM).await;
    let status = feed.pull(v1::PullRequest::default()).await.expect_err("it submits only");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "role-missing"));
    assert!(status.message().contains("`reader`"), "{}", status.message());
    let id = status.metadata().get("causeway-request-id").expect("every answer has it").to_str().expect("ASCII");
    let lines = World::log_lines();
    let about: Vec<&str> = lines.lines().filter(|line| line.contains(id)).collect();
    assert_eq!(about.len(), 1, "{about:#?}");
    assert!(about[0].contains("\"INFO\"") && about[0].contains("role-missing"), "{about:?}");

    let mut ingest = gateway.ingest(SYSTEM).await;
    let accepted = ingest.submit(request("one", &documents::profile())).await.expect("accepted");
    let id = accepted.metadata().get("causeway-request-id").expect("every answer has it").to_str().expect("ASCII");
    submit(&mut ingest, "two", &documents::route()).await.expect("the first call is over");
    let lines = World::log_lines();
    let finished = |line: &&str| line.contains(id) && line.contains("call finished");
    let finished: Vec<&str> = lines.lines().filter(finished).collect();
    assert_eq!(finished.len(), 1, "{finished:?}");
    assert!(finished[0].contains("\"DEBUG\"") && finished[0].contains("IngestService/Submit"), "{finished:?}");
    gateway.stop().await;
}
