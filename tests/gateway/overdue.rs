//! Recalls that nobody acknowledges in time: one entry for each, once, and a line in the log that names no record.

use causeway_journal::REASON_OVERDUE;
use causeway_model::Timestamp;
use causeway_proto::v1;
use serde_json::json;

use crate::feed::{ALBANIA, released_in};
use crate::harness::World;
use crate::harness::calls::{items, submit, withdraw};
use crate::minimum_cell::{profile, quiet};

#[tokio::test(flavor = "multi_thread")]
async fn a_recall_that_is_not_acknowledged_in_time_is_noted_once() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let seen = submit(&mut ingest, "seen", &profile("S-1", json!({}))).await.expect("accepted");
    released_in(&world, ALBANIA, &seen).await;
    let mut feed = gateway.feed("al-police/feed").await;
    assert_eq!(items(&mut feed).await.len(), 1);
    // What has never left needs nobody's acknowledgement.
    let unseen = submit(&mut ingest, "unseen", &profile("S-2", json!({}))).await.expect("accepted");
    released_in(&world, ALBANIA, &unseen).await;
    for receipt in [&seen, &unseen] {
        withdraw(&mut ingest, &format!("gone-{}", receipt.record_id), &receipt.record_id, 1).await.expect("accepted");
    }
    let recalled = world.journal().read(|state| state.last_time());
    let overdue = || {
        let all = world.journal().entries().into_iter();
        let noted: Vec<_> =
            all.filter(|seen| seen.entry.reason == REASON_OVERDUE).map(|seen| seen.entry.overdue).collect();
        noted.into_iter().flatten().map(|overdue| overdue.positions).collect::<Vec<_>>()
    };
    world.clock().set(Timestamp(recalled.plus_seconds(72 * 3600).0 - 1_000_000));
    quiet(&world, &mut ingest).await;
    assert_eq!(overdue(), Vec::<Vec<u64>>::new(), "72 hours are not over");
    world.clock().set(recalled.plus_seconds(72 * 3600));
    quiet(&world, &mut ingest).await;
    quiet(&world, &mut ingest).await;
    assert_eq!(overdue(), [[3]], "the recall of what was seen, and only once");
    // Not again after a restart, nor once it is acknowledged.
    gateway.stop().await;
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    quiet(&world, &mut ingest).await;
    assert_eq!(overdue(), [[3]]);
    let mut feed = gateway.feed("al-police/feed").await;
    let newest = items(&mut feed).await.last().expect("items").position;
    let request = v1::AcknowledgeRequest { agreement: String::new(), up_to_position: newest, item_position: 0 };
    feed.acknowledge(request).await.expect("taken note of");
    let lines = World::log_lines();
    assert!(lines.contains("has not acknowledged recalls in time"), "no line says so");
    assert!(!lines.contains(&seen.record_id), "a line names the record");
    gateway.stop().await;
}
