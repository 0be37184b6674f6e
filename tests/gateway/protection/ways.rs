//! Every way of reading a feed shows the same: pages of any size, and watches, alone or several at once, which share what they make. It
//! does whatever has been done to the records: corrected, withdrawn, restricted, flagged, erased.

use std::collections::BTreeSet;

use causeway_proto::v1;
use causeway_proto::v1::ingest_service_client::IngestServiceClient;
use futures_util::future::join_all;
use serde_json::json;

use super::office::Office;
use super::{SYSTEM, restrict};
use crate::feed::evidence::Partner;
use crate::feed::records::Seeded;
use crate::feed::{ALBANIA, released_in, submit_all, verifier_key};
use crate::harness::calls::{pull, released, request, send, submit, withdraw, within};
use crate::harness::{Gateway, Stated, World, documents};

const ROUNDS: usize = 5;
/// Records of a round.
const RECORDS: usize = 40;
const READER: &str = "al-police/feed";

/// The whole feed, page by page, each checked.
async fn by_pages(gateway: &Gateway, key: &str, limit: u32) -> Vec<v1::Item> {
    let (mut feed, mut partner) = (gateway.feed(READER).await, Partner::new("al-police", key));
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = pull(&mut feed, &cursor, limit).await.expect("a page");
        partner.read(&page).expect("in order, dense and proved");
        cursor = page.next_cursor;
        items.extend(page.items);
        if !page.more {
            return items;
        }
    }
}

/// The same by a watch from the start, up to a position.
async fn by_watch(gateway: &Gateway, key: &str, limit: u32, to: u64) -> Vec<v1::Item> {
    let (mut feed, mut partner) = (gateway.feed(READER).await, Partner::new("al-police", key));
    let from = v1::WatchRequest { limit, ..v1::WatchRequest::default() };
    let (mut watch, mut items) = (feed.watch(from).await.expect("a watch").into_inner(), Vec::new());
    while partner.position < to {
        let answer = within("a page", watch.message()).await.expect("it goes on").expect("a page");
        let page = answer.page.expect("a page");
        partner.read(&page).expect("in order, dense and proved");
        items.extend(page.items);
    }
    items
}

/// The feed as all ways show it, while nothing moves in between.
async fn read(world: &World, gateway: &Gateway, key: &str) -> Vec<v1::Item> {
    loop {
        let before = world.journal().positions(ALBANIA);
        let expected = by_pages(gateway, key, 7).await;
        let watches = join_all([100, 3, 1_000, 100].map(|limit| by_watch(gateway, key, limit, before))).await;
        let pages = join_all([1_000, 33].map(|limit| by_pages(gateway, key, limit))).await;
        let last = by_watch(gateway, key, 50, before).await;
        if world.journal().positions(ALBANIA) != before || expected.len() as u64 != before {
            continue;
        }
        for read in watches.iter().chain(&pages).chain([&last]) {
            assert_eq!(read.len(), expected.len());
            for (read, expected) in read.iter().zip(&expected) {
                assert!(read == expected, "position {} is shown in two ways", expected.position);
            }
        }
        return expected;
    }
}

/// Something is done to every third record; what cannot be, as changing what is withdrawn, is refused.
async fn change(ingest: &mut IngestServiceClient<Stated>, round: usize, records: &[String]) {
    for (index, id) in records.iter().enumerate().skip(round % 3).step_by(3) {
        let act = format!("act-{round}-{index}");
        match (index / 3 + round) % 5 {
            0 => drop(withdraw(ingest, &act, id, 1).await),
            1 => drop(restrict(ingest, &act, id, 1, true).await),
            2 => drop(restrict(ingest, &act, id, 1, false).await),
            3 => {
                let flag = v1::FlagAtRiskRequest { submission_id: act, record_id: id.clone() };
                drop(ingest.flag_at_risk(flag).await);
            }
            _ => {
                let corrected = documents::with(documents::profile(), json!({ "tlp": "GREEN" }));
                let of = v1::SubmitRequest { record_id: id.clone(), expected_version: 1, ..request(&act, &corrected) };
                drop(send(ingest, of).await);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_who_read_a_feed_are_shown_the_same_whatever_was_done_to_its_records() {
    let world = World::new();
    let gateway = world.start().await;
    let key = verifier_key(&gateway).await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let mut office = Office::of(&world, &gateway, "gb-nca").await;
    let (mut seeded, mut records, mut before) = (Seeded::new(7), Vec::new(), Vec::<v1::Item>::new());
    let (mut gone, mut corrected) = (0, BTreeSet::new());
    for round in 0..ROUNDS {
        let drawn = (0..RECORDS).map(|_| seeded.record()).chain((0..RECORDS / 4).map(|_| documents::profile()));
        let requests = drawn.enumerate().map(|(index, record)| request(&format!("{round}-{index}"), &record));
        let receipts = submit_all(&mut ingest, requests.collect()).await;
        records.extend(receipts.into_iter().map(|receipt| receipt.record_id));
        change(&mut ingest, round, &records).await;
        let erased = records.swap_remove(records.len() - 1 - round);
        office.erase_all(&[&erased]).await.expect("erased");
        for marker in 0..2 {
            let name = format!("marker-{round}-{marker}");
            let receipt = submit(&mut ingest, &name, &documents::profile()).await.expect("accepted");
            released_in(&world, ALBANIA, &receipt).await;
        }
        let items = read(&world, &gateway, &key).await;
        for (was, is) in before.iter().zip(&items) {
            assert_eq!((was.position, &was.item_id), (is.position, &is.item_id));
            assert!(was == is || released(is).is_none(), "position {} shows something third", is.position);
            gone += usize::from(was != is);
        }
        corrected.extend(items.iter().filter_map(|item| match &item.content {
            Some(v1::item::Content::Released(record)) if !record.replaces_item_id.is_empty() => Some(item.position),
            _ => None,
        }));
        before = items;
    }
    let shown = before.iter().filter_map(released).count();
    assert!(shown > 40 && gone > 10 && corrected.len() > 3, "{shown} shown, {gone} gone, {} new", corrected.len());
    gateway.stop().await;
}
