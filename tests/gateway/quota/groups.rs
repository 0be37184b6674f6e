//! Groups under a minimum cell leave whole: in small pages, under a quota, and while some of a group may not leave.

use causeway_journal::v1::Decision;
use causeway_model::{Date, Timestamp};
use causeway_proto::v1;
use serde_json::json;

use super::served;
use crate::feed::ALBANIA;
use crate::feed::evidence::Partner;
use crate::feed::verifier_key;
use crate::harness::calls::{pull, reason, submit, withdraw};
use crate::harness::{Gateway, World};
use crate::holders::holders;
use crate::minimum_cell::{next_day, profile};

/// Persons that must be alike in these tests.
const CELL: usize = 3;

/// Daily batches, unlinked, with a minimum cell for profiles, and a quota.
fn world(quota: &'static str) -> World {
    World::with(|setup| {
        setup.agreement(ALBANIA, |text| {
            let kept = text.lines().filter(|line| !line.starts_with("release") && !line.starts_with("link_persons"));
            let text: String = kept.map(|line| format!("{line}\n")).collect();
            let text = text.replacen("\"subject_reference\" = \"pseudonym\"\n", "", 1);
            let text = text.replacen("minimum_cell = 1\n", &format!("minimum_cell = {CELL}\n"), 1);
            text.replacen("[identity]", &format!("{quota}\n[identity]"), 1)
        });
    })
}

/// Submits so many profiles that are alike, the last one with another member.
async fn alike(gateway: &Gateway, count: usize, last: serde_json::Value) -> Vec<v1::Receipt> {
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let mut receipts = Vec::new();
    for number in 0..count {
        let members = if number + 1 == count { last.clone() } else { json!({}) };
        let record = profile(&format!("S-{number}"), members);
        receipts.push(submit(&mut ingest, &format!("alike-{number}"), &record).await.expect("accepted"));
    }
    receipts
}

/// Midnight at the beginning of a day of November 2026.
fn midnight(day: u8) -> Timestamp {
    Date::new(2026, 11, day).expect("a day").start()
}

async fn next(world: &World, gateway: &Gateway) {
    let mut day = world.journal().read(|state| state.last_time().day());
    next_day(world, &mut day, &mut gateway.ingest("gb-nca/case-management").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_never_ends_inside_a_group() {
    let world = world("");
    let gateway = world.start().await;
    let receipts = alike(&gateway, CELL + 2, json!({})).await;
    next(&world, &gateway).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let key = verifier_key(&gateway).await;
    let mut partner = Partner::new("al-police", &key);
    let page = pull(&mut feed, "", 1).await.expect("a page");
    partner.read(&page).expect("proved");
    assert_eq!((served(&page).as_str(), page.more), ("rrrrr", false), "a part of a group left alone");
    // What has left stays in the partner's hands, whatever becomes of the others: all of them had left.
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    for (number, receipt) in receipts.iter().enumerate().skip(1) {
        withdraw(&mut ingest, &format!("gone-{number}"), &receipt.record_id, 1).await.expect("withdrawn");
    }
    let rest = pull(&mut feed, &page.next_cursor, 1).await.expect("a page");
    partner.read(&rest).expect("the cursor and the chain go on");
    assert_eq!(served(&rest), "w", "withdrawals are an entry each");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_takes_a_group_whole_or_puts_it_off_whole() {
    let world = world("[quota]\nrecords_per_day = 1\n");
    let gateway = world.start().await;
    let receipts = alike(&gateway, CELL + 1, json!({})).await;
    next(&world, &gateway).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let page = pull(&mut feed, "", 2).await.expect("a page");
    assert_eq!(served(&page), "rrrr", "while one record may leave, its group may");
    let refused = pull(&mut feed, "", 2).await.expect_err("that was more than the day's records");
    assert_eq!(reason(&refused), "quota-exceeded");
    let size = world.journal().size();
    pull(&mut feed, "", 2).await.expect_err("nothing has changed");
    let denied = world.journal().entries_from(size);
    assert!(denied.iter().all(|seen| seen.entry.decision() == Decision::Denied));
    // A withdrawal further on is told, and the group before it is put off as one.
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    withdraw(&mut ingest, "gone", &receipts[0].record_id, 1).await.expect("withdrawn");
    let page = pull(&mut feed, "", 1).await.expect("something is to be told");
    let of = |letter: char| served(&page).matches(letter).count();
    assert_eq!((of('r'), of('d'), of('w')), (0, CELL, 1), "{}", served(&page));
    world.clock().set(midnight(23));
    let page = pull(&mut feed, "", 1).await.expect("another day");
    assert_eq!(served(&page).matches('r').count(), CELL);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_leave_any_more_takes_along_a_group_that_would_be_too_small() {
    let world = world("");
    let gateway = world.start().await;
    // The last day on which the third may be kept is the one on which the group is released.
    let receipts = alike(&gateway, CELL, json!({ "retain_until": "2026-11-22" })).await;
    next(&world, &gateway).await;
    assert_eq!(world.journal().positions(ALBANIA), CELL as u64);
    world.clock().set(midnight(23));
    let mut feed = gateway.feed("al-police/feed").await;
    for _ in 0..2 {
        let page = pull(&mut feed, "", 0).await.expect("a page");
        assert!(!served(&page).contains('r'), "a group of two: {}", served(&page));
        // The releaser comes to it sooner or later.
        next(&world, &gateway).await;
    }
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    assert_eq!(holders(&mut ingest, &receipts[0].record_id).await, [], "nobody was shown anything");
    gateway.stop().await;
}
