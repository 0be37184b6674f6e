//! A watch and its reader: one that does not read holds the gateway up for no more than a bounded buffer, and misses nothing.

use std::time::Duration;

use causeway_proto::v1;
use serde_json::json;

use crate::feed::evidence::Partner;
use crate::feed::{ALBANIA, submit_all, verifier_key};
use crate::harness::calls::{pull, request, submit, within};
use crate::harness::{World, documents};

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
