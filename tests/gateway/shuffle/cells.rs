//! The same where a daily feed has a minimum cell, and an entry holds whole groups: neither the order of the groups nor that within
//! one says who was submitted first.

use std::collections::HashMap;

use causeway_model::{AgreementId, Date, Position};
use serde_json::json;

use super::{BOUND, DAYS, RECORDS, ascents, correlation};
use crate::feed::ALBANIA;
use crate::harness::World;
use crate::harness::calls::{items, submit};
use crate::minimum_cell::{celled, profile, quiet};

/// What persons are alike in. A day's records have these in turn, so that each group is spread over the whole day.
const GROUPS: [(&str, &str); 6] = [
    ("female", "ForcedLabour"),
    ("male", "ForcedLabour"),
    ("female", "SexualExploitation"),
    ("male", "SexualExploitation"),
    ("female", "Servitude"),
    ("male", "Servitude"),
];

#[tokio::test(flavor = "multi_thread")]
async fn order_in_a_daily_feed_of_groups_says_nothing_about_the_order_of_submission() {
    let first = Date::new(2026, 11, 23).expect("a day").start();
    let world = World::with(|setup| {
        celled(setup);
        setup.now = first.plus_seconds(9 * 3600);
    });
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let mut feed = gateway.feed("al-police/feed").await;
    let id: AgreementId = ALBANIA.parse().expect("an agreement's id");
    let (mut in_feed, mut by_id) = (Vec::new(), Vec::new());
    for day in 0..DAYS {
        let seen = day * RECORDS;
        let mut places = HashMap::new();
        for place in 0..RECORDS {
            let (gender, kind) = GROUPS[place % GROUPS.len()];
            let record =
                profile(&format!("P-{day}-{place}"), json!({ "gender": gender, "exploitation_types": [kind] }));
            let receipt = submit(&mut ingest, &format!("{day}-{place}"), &record).await.expect("accepted");
            places.insert(receipt.record_id, place);
        }
        quiet(&world, &mut ingest).await;
        assert_eq!(world.journal().positions(ALBANIA), seen as u64, "something left by day");
        world.clock().set(first.plus_seconds((day as u64 + 1) * 24 * 3600));
        world.journal().settle(ALBANIA, (seen + RECORDS) as u64).await;
        let mut batch: Vec<_> = items(&mut feed).await.into_iter().skip(seen).collect();
        assert_eq!(batch.len(), RECORDS, "the whole batch, and nothing else");
        let place = |position: u64| {
            let record =
                world.journal().read(|state| state.feed(&id)?.item(Position(position)).map(|item| item.record_id));
            places[&record.expect("it was served").to_string()]
        };
        in_feed.push(batch.iter().map(|item| place(item.position)).collect());
        batch.sort_by(|one, other| one.item_id.cmp(&other.item_id));
        by_id.push(batch.iter().map(|item| place(item.position)).collect());
    }
    gateway.stop().await;
    for (what, score) in [
        ("the order of the feed follows that of submission", correlation(&in_feed)),
        ("the order of the item ids follows that of submission", correlation(&by_id)),
        ("neighbours of the feed were submitted one after the other", ascents(&in_feed)),
    ] {
        assert!(score.abs() < BOUND, "{what}: {score} standard deviations over {in_feed:?}");
    }
}
