//! Cursors: bound to a feed, unforgeable, good for ever; and a watch that goes on from one.

use std::fs;
use std::time::Duration;

use causeway_proto::v1;
use prost::Message;
use tonic::{Code, Status};

use crate::clock::start_after_a_long_rest;
use crate::feed::{ALBANIA, VIET_NAM, evidence::Partner, released_in, submit_all, verifier_key};
use crate::harness::calls::{pull, reason, request, submit, without_request_id};
use crate::harness::{Gateway, World, copy, documents, own_log_only};

/// How long a test waits for an answer of a watch. Only what hangs takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Submits so many records that both partners get, and waits until they have.
async fn fill(world: &World, gateway: &Gateway, prefix: &str, count: usize) {
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let requests = (0..count).map(|index| request(&format!("{prefix}-{index}"), &documents::profile()));
    let receipts = submit_all(&mut ingest, requests.collect()).await;
    let newest = receipts.iter().max_by_key(|receipt| receipt.leaf_index).expect("at least one");
    for agreement in [ALBANIA, VIET_NAM] {
        released_in(world, agreement, newest).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_is_not_of_this_feed_is_refused() {
    let world = World::new();
    let gateway = world.start().await;
    fill(&world, &gateway, "record", 6).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let good = pull(&mut feed, "", 3).await.expect("a page").next_cursor;
    let others = pull(&mut gateway.feed("vn-police/feed").await, "", 3).await.expect("a page").next_cursor;
    assert_ne!(good, others);
    let mut wrong: Vec<String> = vec![
        others,
        "x".into(),
        "1.3.".into(),
        "1.3".into(),
        "..".into(),
        " ".into(),
        format!("{good} "),
        format!("{good}0"),
        good.to_uppercase(),
        good.replacen(".3.", ".2.", 1),
        good.replacen(".3.", ".03.", 1),
        good.replacen(".3.", ".+3.", 1),
        good.replacen("1.", "2.", 1),
        "1.3.".to_owned() + &"0".repeat(64),
        "\u{1F511}".repeat(20),
        "9".repeat(10_000),
    ];
    wrong.retain(|cursor| *cursor != good);
    for at in (0..good.len()).step_by(7) {
        let mut forged = good.clone().into_bytes();
        forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
        wrong.push(String::from_utf8(forged).expect("ASCII"));
    }
    let mut messages = std::collections::BTreeSet::new();
    for cursor in &wrong {
        let status = pull(&mut feed, cursor, 3).await.expect_err(cursor);
        let shown = &cursor[..cursor.len().min(80)];
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "cursor-invalid"), "{shown}");
        messages.insert(without_request_id(&status));
    }
    assert_eq!(messages.len(), 1, "a refusal tells how a cursor was wrong");
    assert_eq!(pull(&mut feed, &good, 3).await.expect("the true one").items[0].position, 4);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_reads_the_same_again_and_after_a_restart() {
    let world = World::new();
    let gateway = world.start().await;
    fill(&world, &gateway, "record", 6).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let first = pull(&mut feed, "", 2).await.expect("a page");
    let second = pull(&mut feed, &first.next_cursor, 2).await.expect("a page");
    let again = pull(&mut feed, &first.next_cursor, 2).await.expect("the page again");
    assert_eq!(bare(&second), bare(&again));
    assert_ne!(second.evidence, again.evidence, "each reading is a disclosure of its own");
    let key = verifier_key(&gateway).await;
    gateway.stop().await;

    let gateway = world.start().await;
    let mut feed = gateway.feed("al-police/feed").await;
    let later = pull(&mut feed, &first.next_cursor, 2).await.expect("the cursor outlives the gateway");
    assert_eq!(bare(&second), bare(&later));
    let mut partner = Partner::new("al-police", &key);
    for page in [&first, &later] {
        partner.read(page).expect("the chain and the key are those of before the restart");
    }
    fill(&world, &gateway, "more", 2).await;
    let rest = pull(&mut feed, &later.next_cursor, 100).await.expect("the rest");
    assert_eq!(rest.items.iter().map(|item| item.position).collect::<Vec<_>>(), [5, 6, 7, 8]);
    gateway.stop().await;
}

/// The page without what is of one reading only.
fn bare(page: &v1::Page) -> v1::Page {
    v1::Page { digest_salt: Vec::new(), evidence: None, ..page.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_ahead_of_the_feed_tells_of_a_lost_journal() {
    if !own_log_only("a node gets from the shared log what its own has lost") {
        return;
    }
    let world = World::new();
    let gateway = world.start().await;
    fill(&world, &gateway, "record", 3).await;
    gateway.stop().await;
    let (journal, older) = (world.path("data/journal"), world.path("older"));
    copy(&journal, &older);
    let gateway = world.start().await;
    fill(&world, &gateway, "later", 1).await;
    let ahead = pull(&mut gateway.feed("al-police/feed").await, "", 0).await.expect("a page").next_cursor;
    gateway.stop().await;
    // The same keys over a journal that has less: what a restored copy is.
    fs::remove_dir_all(&journal).expect("removed");
    fs::rename(&older, &journal).expect("put back");
    let gateway = world.start().await;
    let mut feed = gateway.feed("al-police/feed").await;
    let status = pull(&mut feed, &ahead, 0).await.expect_err("ahead");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DataLoss, "cursor-ahead"));
    assert_eq!(pull(&mut feed, "", 0).await.expect("from the start").items.len(), 3);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_never_expires_and_a_lost_reply_loses_nothing() {
    let world = World::with(|setup| {
        setup.agreement(ALBANIA, |text| text.replace("2028-12-31", "2026-11-25"));
    });
    let gateway = world.start().await;
    fill(&world, &gateway, "record", 4).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let first = pull(&mut feed, "", 2).await.expect("a page");
    // The reply is lost: the same cursor gives what it held.
    let lost = pull(&mut feed, &first.next_cursor, 2).await.expect("a page");
    let again = pull(&mut feed, &first.next_cursor, 2).await.expect("a page");
    assert_eq!(bare(&lost), bare(&again));
    gateway.stop().await;
    // Long after the agreement has ended: positions and ids are what they were, and withdrawals are served.
    world.clock().set(causeway_model::Date::new(2026, 12, 31).expect("a day").start());
    let gateway = start_after_a_long_rest(&world).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let later = pull(&mut feed, &first.next_cursor, 2).await.expect("the cursor is good for ever");
    let ids = |page: &v1::Page| -> Vec<_> {
        page.items.iter().map(|item| (item.position, item.item_id.clone(), item.kind)).collect()
    };
    assert_eq!(ids(&later), ids(&lost));
    let gone = |item: &v1::Item| match &item.content {
        Some(v1::item::Content::Withdrawn(gone)) => gone.item_id == item.item_id,
        _ => false,
    };
    assert!(later.items.iter().all(gone));
    gateway.stop().await;
}

async fn next(stream: &mut tonic::Streaming<v1::WatchResponse>) -> Result<v1::Page, Status> {
    let answer = tokio::time::timeout(PATIENCE, stream.message()).await.expect("the watch answers");
    let response = answer?.expect("a watch ends with a status");
    Ok(response.page.expect("an answer of a watch holds its page"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_goes_on_live_and_shows_that_it_lives() {
    let world = World::with(|setup| setup.configure(|config| config.limits.heartbeat = Duration::from_secs(1)));
    let gateway = world.start().await;
    fill(&world, &gateway, "record", 5).await;
    let key = verifier_key(&gateway).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let first = pull(&mut feed, "", 2).await.expect("a page");
    let mut partner = Partner::new("al-police", &key);
    partner.read(&first).expect("proved");
    let from = v1::WatchRequest { cursor: first.next_cursor, limit: 2, ..v1::WatchRequest::default() };
    let mut watch = feed.watch(from).await.expect("a watch").into_inner();
    while partner.position < 5 {
        let page = next(&mut watch).await.expect("what was there before");
        partner.read(&page).expect("proved");
        assert!((1..=2).contains(&page.items.len()));
    }
    let heartbeat = next(&mut watch).await.expect("an empty page");
    assert!(heartbeat.items.is_empty());
    partner.read(&heartbeat).expect("an empty page goes on from where the reader is");
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    for live in 6..9 {
        submit(&mut ingest, &format!("live-{live}"), &documents::profile()).await.expect("accepted");
        while partner.position < live {
            partner.read(&next(&mut watch).await.expect("what comes")).expect("proved");
        }
    }
    // What a watch has shown can be read again by its cursors, and is the same.
    let again = pull(&mut feed, "", 100).await.expect("a page");
    Partner::new("al-police", &key).read(&again).expect("proved");
    assert_eq!(again.items.len(), 8);
    gateway.stop().await;
    let ended = loop {
        match next(&mut watch).await {
            Ok(page) => assert!(page.items.is_empty(), "{} bytes after the stop", page.encoded_len()),
            Err(status) => break status,
        }
    };
    assert_eq!(ended.code(), Code::Unavailable, "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_from_a_wrong_cursor_ends_at_once() {
    let world = World::new();
    let gateway = world.start().await;
    let mut feed = gateway.feed("al-police/feed").await;
    let from = v1::WatchRequest { cursor: "1.0.zz".into(), ..v1::WatchRequest::default() };
    let status = match feed.watch(from).await {
        Ok(stream) => next(&mut stream.into_inner()).await.expect_err("refused"),
        Err(status) => status,
    };
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "cursor-invalid"));
    gateway.stop().await;
}
