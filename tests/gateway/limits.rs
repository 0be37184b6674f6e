//! What one party may have, seen from outside: over it calls are refused with a reason and a delay, streams are held back, everything is
//! summed up, and nobody else notices.

mod abuse;
mod handshakes;
mod noisy;
mod panics;

use std::time::Duration;

use causeway_gateway::config::Limits;
use causeway_journal::v1::Decision;
use causeway_proto::v1;
use causeway_proto::v1::feed_service_client::FeedServiceClient;
use causeway_proto::v1::submit_stream_response::Verdict;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::harness::calls::{raw_request, reason, request, send, submit};
use crate::harness::{Stated, World, documents};
use crate::metrics::{number, scrape};

const SUBMITTER: &str = "gb-nca/case-management";
const READER: &str = "al-police/feed";

/// A world with other limits, whose metrics are served.
fn limited(change: impl Fn(&mut Limits) + 'static) -> World {
    World::with(|setup| {
        setup.configure(move |config| {
            config.metrics = Some("127.0.0.1:0".parse().expect("an address"));
            change(&mut config.limits);
        });
    })
}

/// What a refusal says: its reason, and when to come again.
fn told(status: &Status) -> (String, Duration) {
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    let details = status.get_error_details();
    let retry = details.retry_info().and_then(|info| info.retry_delay).expect("a delay");
    assert!(retry > Duration::ZERO, "{status:?}");
    (reason(status), retry)
}

async fn pull(feed: &mut FeedServiceClient<Stated>) -> Result<(), Status> {
    feed.pull(v1::PullRequest::default()).await.map(drop)
}

/// Waits for the summary of what was over a limit.
async fn summed_up(world: &World, reason: &str) -> causeway_journal::v1::Entry {
    world.clock().advance(61);
    world.journal().entry("the summary", |seen| seen.entry.reason == reason).await.entry
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_over_an_agencys_rate_are_refused_with_a_delay_and_summed_up() {
    let world = limited(|limits| {
        let own = limits.quotas.agency;
        let few = causeway_gateway::config::Quota { requests_per_second: 5, ..own };
        limits.quotas.agencies.insert("al-police".parse().expect("an id"), few);
    });
    let gateway = world.start().await;
    let mut feed = gateway.feed(READER).await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let mut refused = Vec::new();
    for _ in 0..200 {
        match pull(&mut feed).await {
            Ok(()) => {}
            Err(status) => refused.push(status),
        }
        if refused.len() > 3 {
            break;
        }
    }
    assert!(refused.len() > 3, "a fast client is over five a second");
    for status in &refused {
        let (reason, retry) = told(status);
        assert_eq!(reason, "requests-over-limit");
        assert!(retry <= Duration::from_millis(250), "{retry:?}");
        assert!(status.message().contains("requests"), "{}", status.message());
    }
    for number in 0..20 {
        submit(&mut ingest, &format!("other {number}"), &documents::route()).await.expect("nobody else's matter");
    }
    let text = scrape(&gateway).await;
    let series = "causeway_over_limit_total{agency=\"al-police\",reason=\"requests-over-limit\"}";
    assert_eq!(number(&text, series), Some(refused.len() as u64));
    let entry = summed_up(&world, "over-limit").await;
    let actor = entry.actor.clone().expect("a system");
    assert_eq!(
        (entry.count, actor.agency.as_str(), actor.system.as_str()),
        (refused.len() as u64, "al-police", "feed")
    );
    assert_eq!(entry.decision(), Decision::Denied);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_at_a_time_and_connections_at_a_time_are_counted_and_given_back() {
    let world = limited(|limits| {
        limits.quotas.system.calls = 2;
        limits.quotas.system.connections = 3;
    });
    let gateway = world.start().await;
    let mut feed = gateway.feed(READER).await;
    let first = feed.watch(v1::WatchRequest::default()).await.expect("one").into_inner();
    let _second = feed.watch(v1::WatchRequest::default()).await.expect("two").into_inner();
    assert_eq!(told(&pull(&mut feed).await.expect_err("three")).0, "calls-over-limit");
    drop(first);
    let free = async {
        while pull(&mut feed).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    crate::harness::calls::within("a place that was given back", free).await;

    let _others = [gateway.channel(READER).await, gateway.channel(READER).await];
    let mut over = crate::harness::raw_h2::Raw::open(&world, gateway.address(), READER, &[]).await;
    over.ended().await;
    gateway.channel(SUBMITTER).await;
    assert_eq!(summed_up(&world, "over-limit").await.decision(), Decision::Denied);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_over_the_rate_hold_a_stream_back_and_refuse_a_call() {
    let world = limited(|limits| limits.quotas.system.bytes_per_second = 16 * 1024);
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    // What six seconds allow: it has come when it is known to be too much, and the next has to wait for it.
    let large = raw_request("large", "victim-profile", vec![b' '; 96 * 1024]);
    assert_eq!(reason(&send(&mut ingest, large).await.expect_err("it is no record")), "malformed-json");
    let (reason, retry) = told(&submit(&mut ingest, "a call", &documents::route()).await.expect_err("over"));
    assert_eq!(reason, "bytes-over-limit");
    assert!(retry <= Duration::from_secs(6), "{retry:?}");
    let messages: Vec<_> = (0..10)
        .map(|number| request(&format!("S-{number}"), &documents::profile()))
        .map(|submission| v1::SubmitStreamRequest { submission: Some(submission) })
        .collect();
    let answer = ingest.submit_stream(tokio_stream::iter(messages)).await.expect("a stream waits by itself");
    let (mut verdicts, mut accepted) = (answer.into_inner(), 0);
    while let Some(verdict) = verdicts.message().await.expect("it is held back, and not refused") {
        assert!(matches!(verdict.verdict, Some(Verdict::Receipt(_))), "{verdict:?}");
        accepted += 1;
    }
    assert_eq!(accepted, 10);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_days_records_outlive_a_restart_and_end_at_midnight() {
    let world = limited(|limits| limits.quotas.agency.records_per_day = 3);
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    submit(&mut ingest, "1", &documents::profile()).await.expect("accepted");
    submit(&mut ingest, "1", &documents::profile()).await.expect("the same again takes no room");
    submit(&mut ingest, "wrong", &serde_json::json!({})).await.expect_err("what is refused takes no room");
    submit(&mut ingest, "2", &documents::profile()).await.expect("accepted");
    gateway.stop().await;

    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let messages = ["3", "4", "5"].map(|id| request(id, &documents::profile()));
    let messages = messages.map(|submission| v1::SubmitStreamRequest { submission: Some(submission) });
    let mut verdicts = ingest.submit_stream(tokio_stream::iter(messages)).await.expect("it opens").into_inner();
    let mut accepted = 0;
    let ended = loop {
        match verdicts.message().await {
            Ok(Some(verdict)) => accepted += usize::from(matches!(verdict.verdict, Some(Verdict::Receipt(_)))),
            Ok(None) => panic!("the stream cannot end well"),
            Err(status) => break status,
        }
    };
    let (reason, retry) = told(&ended);
    assert_eq!((accepted, reason.as_str()), (1, "records-over-limit"));
    assert_eq!(retry, Duration::from_secs(12 * 3600), "the world's clock stands at noon");
    let status = submit(&mut ingest, "6", &documents::route()).await.expect_err("used up");
    assert_eq!(told(&status).0, "records-over-limit");
    world.clock().advance(12 * 3600);
    submit(&mut ingest, "6", &documents::route()).await.expect("another day");
    gateway.stop().await;
}
