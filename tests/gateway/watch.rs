//! A watch and its reader: one that does not read holds the gateway up for no more than a bounded buffer, and misses nothing.

use std::time::Duration;

use causeway_model::Date;
use causeway_proto::v1;
use serde_json::json;
use tonic::Code;

use crate::feed::evidence::Partner;
use crate::feed::{ALBANIA, submit_all, verifier_key};
use crate::harness::calls::{pull, reason, released, request, submit, within};
use crate::harness::{Persist, World, documents};

/// Items of the feed: about five times what the windows of the connection and the gateway's buffer take.
const ITEMS: usize = 2_000;

/// Legs of each route: it makes an item of some six kilobytes.
const LEGS: usize = 30;

/// Calls that others make while the reader does not read.
const OTHERS: usize = 200;

fn long_route() -> serde_json::Value {
    let end = |number: usize| json!({ "country": "AL", "subdivision": if number.is_multiple_of(2) { "AL-01" } else { "AL-02" } });
    let leg = |number: usize| json!({ "seq": number + 1, "role": "Transit", "mode": "road", "from": end(number), "to": end(number + 1) });
    documents::with(documents::route(), json!({ "legs": (0..LEGS).map(leg).collect::<Vec<_>>() }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_pauses_is_waited_for_and_skipped_by_nothing() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let requests = (0..ITEMS).map(|index| request(&format!("record-{index}"), &long_route()));
    submit_all(&mut ingest, requests.collect()).await;
    world.journal().settle(ALBANIA, ITEMS as u64).await;
    let key = verifier_key(&gateway).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let from = v1::WatchRequest { limit: 20, ..v1::WatchRequest::default() };
    let mut watch = feed.watch(from).await.expect("a watch").into_inner();
    let id = ALBANIA.parse().expect("an agreement");
    let disclosed = || world.journal().read(|state| state.feed(&id).map_or(0, |feed| feed.disclosed().0));
    world.journal().until("the first page", |state| state.feed(&id).is_some_and(|feed| feed.disclosed().0 > 0)).await;
    let mut other = gateway.feed("vn-police/feed").await;
    for _ in 0..OTHERS {
        pull(&mut other, "", 1).await.expect("others go on");
    }
    let ahead = disclosed();
    assert!(ahead < ITEMS as u64 / 2, "{ahead} items have been made for a reader that reads nothing");
    // What comes meanwhile is behind what it has not read.
    let late = submit(&mut ingest, "late", &documents::route()).await.expect("accepted");
    crate::feed::released_in(&world, ALBANIA, &late).await;
    let mut partner = Partner::new("al-police", &key);
    while partner.position <= ITEMS as u64 {
        let answer = within("a page", watch.message()).await.expect("it goes on").expect("a page");
        partner.read(&answer.page.expect("a page")).expect("in order, dense and proved");
    }
    assert_eq!(partner.position, ITEMS as u64 + 1);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_carries_the_newest_position() {
    let world = World::with(|setup| setup.configure(|config| config.limits.heartbeat = Duration::from_secs(1)));
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let mut feed = gateway.feed("al-police/feed").await;
    let mut watch = feed.watch(v1::WatchRequest::default()).await.expect("a watch").into_inner();
    for positions in 0..3 {
        let heartbeat = loop {
            let answer = within("a heartbeat", watch.message()).await.expect("it goes on").expect("a page");
            let page = answer.page.expect("a page");
            if page.items.is_empty() && page.newest_position == positions {
                break page;
            }
            assert!(page.newest_position <= positions, "a position that is not there yet");
        };
        assert!(heartbeat.evidence.is_none() && !heartbeat.more);
        submit(&mut ingest, &format!("record-{positions}"), &documents::profile()).await.expect("accepted");
    }
    gateway.stop().await;
}

/// The next page of a watch, or how it ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_watch_hears_of_a_journal_that_has_stopped_and_waits_for_no_heartbeat() {
    let world = World::with(|setup| setup.configure(|config| config.limits.heartbeat = Duration::from_secs(3_600)));
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let receipt = submit(&mut ingest, "shown", &documents::profile()).await.expect("accepted");
    crate::feed::released_in(&world, ALBANIA, &receipt).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let mut watch = feed.watch(v1::WatchRequest::default()).await.expect("a watch").into_inner();
    while within("a page", page(&mut watch)).await.expect("a page").items.is_empty() {}
    world.faults().fail_after(0, Persist::No);
    submit(&mut ingest, "lost", &documents::profile()).await.expect_err("the disk fails");
    let ended = within("its end", async {
        loop {
            if let Err(status) = page(&mut watch).await {
                break status;
            }
        }
    });
    let ended = ended.await;
    assert_eq!((ended.code(), reason(&ended).as_str()), (Code::Unavailable, "journal-unavailable"));
    world.faults().clear();
    gateway.stop().await;
}

async fn page(watch: &mut tonic::Streaming<v1::WatchResponse>) -> Result<v1::Page, tonic::Status> {
    let answer = within("a page", watch.message()).await?;
    Ok(answer.expect("a watch ends with a status").page.expect("a page"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_was_opened_before_the_first_day_ends_with_the_transfer_condition() {
    let world = World::with(|setup| {
        setup.agreement(ALBANIA, |text| {
            let text = text.replacen("valid_from = 2026-01-01", "valid_from = 2026-11-22", 1);
            let until = "transfer_condition = \"s75_instrument\"\ntransfer_condition_until = 2026-11-22";
            text.replacen("transfer_condition = \"s75_instrument\"", until, 1)
        });
        setup.configure(|config| config.limits.heartbeat = Duration::from_secs(1));
    });
    let gateway = world.start().await;
    let mut feed = gateway.feed("al-police/feed").await;
    let mut watch = feed.watch(v1::WatchRequest::default()).await.expect("a watch").into_inner();
    assert_eq!(page(&mut watch).await.expect("a heartbeat").items, []);
    let midnight = |day| Date::new(2026, 11, day).expect("a day").start();
    world.clock().set(midnight(22));
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    submit(&mut ingest, "record", &documents::profile()).await.expect("accepted");
    while page(&mut watch).await.expect("it goes on").items.is_empty() {}
    // A heartbeat is longer than the time between two looks at the agreement.
    for _ in 0..2 {
        assert_eq!(page(&mut watch).await.expect("a heartbeat").items, []);
    }
    world.clock().set(midnight(23));
    let mut ended = None;
    for _ in 0..20 {
        match page(&mut watch).await {
            Ok(page) => assert!(page.items.iter().all(|item| released(item).is_none()), "a record left after that"),
            Err(status) => {
                ended = Some(status);
                break;
            }
        }
    }
    let ended = ended.expect("it goes on for twenty heartbeats");
    assert_eq!((ended.code(), reason(&ended).as_str()), (Code::PermissionDenied, "agreement-ended"));
    gateway.stop().await;
}
