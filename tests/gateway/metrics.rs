//! Metrics: what the operator's monitoring reads over plain HTTP on the loopback, and what it must not be able to read there.

mod names;
mod readiness;

use std::net::SocketAddr;

use causeway_journal::REASON_OVERDUE;
use causeway_proto::v1;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::feed::{ALBANIA, VIET_NAM, released_in};
use crate::harness::calls::{items, submit, withdraw, within};
use crate::harness::{Gateway, World, documents};

/// Sends these bytes and gives the whole answer.
pub(crate) async fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    // A server that refuses may close before it has read all.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = within("an answer", stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

pub(crate) async fn scrape(gateway: &Gateway) -> String {
    let address = gateway.metrics().expect("metrics are served");
    let answer = ask(address, "GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"), "{answer}");
    let (_, text) = answer.split_once("\r\n\r\n").expect("a body");
    assert!(text.trim_end().ends_with("# EOF"), "{text}");
    text.to_owned()
}

/// What a path says, with its status.
pub(crate) async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let answer = ask(address, &format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")).await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, body.to_owned())
}

/// The number of a series; none where it is not there.
pub(crate) fn number(text: &str, series: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map(|number| number.parse().expect("a whole number"))
}

fn of(name: &str, agreement: &str) -> String {
    format!("causeway_{name}{{agreement=\"{agreement}\"}}")
}

fn with_metrics() -> World {
    World::with(|setup| setup.configure(|config| config.metrics = Some("127.0.0.1:0".parse().expect("an address"))))
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_entries_health_and_what_is_overdue_are_shown_and_nothing_of_a_record() {
    let world = with_metrics();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let profile = submit(&mut ingest, "QZX-SUBMISSION", &documents::profile()).await.expect("accepted");
    let route = submit(&mut ingest, "two", &documents::route()).await.expect("accepted");
    for receipt in [&profile, &route] {
        released_in(&world, ALBANIA, receipt).await;
    }
    let mut feed = gateway.feed("al-police/feed").await;
    let shown = items(&mut feed).await;
    let before = scrape(&gateway).await;
    assert_eq!(number(&before, &of("feed_newest_position", ALBANIA)), Some(2));
    assert_eq!(number(&before, &of("feed_acknowledged_position", ALBANIA)), Some(0));
    assert_eq!(number(&before, &of("overdue_acknowledgements", ALBANIA)), Some(0));
    assert!(number(&before, &of("feed_newest_position", VIET_NAM)).is_some());
    assert_eq!(number(&before, "causeway_journal_entries"), Some(world.journal().size()));
    assert_eq!(number(&before, "causeway_healthy"), Some(1));

    withdraw(&mut ingest, "gone", &profile.record_id, 1).await.expect("withdrawn");
    assert_eq!(number(&scrape(&gateway).await, &of("overdue_acknowledgements", ALBANIA)), Some(0));
    world.clock().advance(72 * 3_600 + 1);
    world.journal().entry("what is overdue", |seen| seen.entry.reason == REASON_OVERDUE).await;
    let late = scrape(&gateway).await;
    assert_eq!(number(&late, &of("overdue_acknowledgements", ALBANIA)), Some(1), "{late}");
    assert_eq!(number(&late, &of("overdue_acknowledgements", VIET_NAM)), Some(0), "it never had it");
    let secrets = [profile.record_id.as_str(), "QZX-SUBMISSION", "SUBJECT-1", "test.operator", &shown[0].item_id];
    for secret in secrets {
        assert!(!secret.is_empty() && !late.contains(secret), "{secret} is in the metrics: {late}");
    }
    items(&mut feed).await;
    let acknowledge = v1::AcknowledgeRequest { up_to_position: 3, ..v1::AcknowledgeRequest::default() };
    feed.acknowledge(acknowledge).await.expect("acknowledged");
    let after = scrape(&gateway).await;
    assert_eq!(number(&after, &of("overdue_acknowledgements", ALBANIA)), Some(0));
    assert_eq!(number(&after, &of("feed_acknowledged_position", ALBANIA)), Some(3));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_else_is_served_there_and_what_is_sent_is_bounded() {
    let world = with_metrics();
    let gateway = world.start().await;
    let address = gateway.metrics().expect("metrics are served");
    let long = format!("GET /metrics HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "y".repeat(64 * 1024));
    for (request, status) in [
        ("GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", "404"),
        ("GET /metrics/../journal HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", "404"),
        ("POST /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", "405"),
        ("nonsense\r\n\r\n", "400"),
        (&long, "431"),
    ] {
        let answer = ask(address, request).await;
        // Where it closed on what it did not read, the answer may be lost with it.
        let refused = answer.is_empty() && status == "431" || answer.starts_with(&format!("HTTP/1.1 {status} "));
        assert!(refused && !answer.contains("causeway_"), "{status}: {answer}");
    }
    scrape(&gateway).await;
    gateway.stop().await;
    TcpStream::connect(address).await.expect_err("it ends with the gateway");
    // Without the setting nothing listens.
    let silent = World::new().start().await;
    assert_eq!(silent.metrics(), None);
    silent.stop().await;
}
