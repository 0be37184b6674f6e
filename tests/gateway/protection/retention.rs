//! Retention under a clock that the test moves: what is listed, what the next day erases, and what a hold keeps.

use causeway_journal::Erasure;
use causeway_model::{Date, RecordId};
use causeway_proto::v1;
use serde_json::json;

use super::SYSTEM;
use super::office::Office;
use crate::feed::{ALBANIA, released_in};
use crate::harness::calls::{items, released, submit};
use crate::harness::{World, documents};

#[tokio::test(flavor = "multi_thread")]
async fn what_expires_is_listed_and_erased_on_the_next_day_and_a_hold_keeps_it() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let until = |members| documents::with(documents::profile(), members);
    let records = [
        until(json!({ "retain_until": "2026-11-22" })),
        until(json!({ "retain_until": "2026-11-22" })),
        until(json!({ "retain_until": "2027-11-22", "retention_review_due": "2026-11-25" })),
        until(json!({})),
    ];
    let mut ids = Vec::new();
    for (index, record) in records.iter().enumerate() {
        let receipt = submit(&mut ingest, &format!("record-{index}"), record).await.expect("accepted");
        released_in(&world, ALBANIA, &receipt).await;
        ids.push(receipt.record_id);
    }
    let mut office = Office::of(&world, &gateway, "gb-nca").await;
    office.hold(&ids[1], true).await.expect("held");
    let listed = |list: v1::ListRetentionResponse| {
        let rows = list.rows.into_iter().map(|row| (row.record_id.clone(), row.reason(), row.date));
        (rows.collect::<Vec<_>>(), list.without_date)
    };
    let ask = |days| v1::ListRetentionRequest { review_within_days: days };
    let today = office.client.list_retention(ask(0)).await.expect("a list").into_inner();
    assert_eq!(listed(today), (vec![], 1), "its last day is one of its days, and nothing is due");
    let ahead = office.client.list_retention(ask(30)).await.expect("a list").into_inner();
    let review = (ids[2].clone(), v1::RetentionReason::ReviewDue, "2026-11-25".to_owned());
    assert_eq!(listed(ahead), (vec![review], 1));
    let theirs = Office::of(&world, &gateway, "al-police").await.client.list_retention(ask(30)).await.expect("a list");
    assert_eq!(listed(theirs.into_inner()), (vec![], 0), "another agency's records are not theirs to see");
    super::refused(office.client.list_retention(ask(367)).await, tonic::Code::InvalidArgument, "review-too-far");
    let run = office.client.run_retention(v1::RunRetentionRequest {}).await.expect("run").into_inner();
    assert_eq!((run.record_ids.len(), run.held), (0, 0));

    world.clock().set(Date::new(2026, 11, 23).expect("a day").start());
    let first: RecordId = ids[0].parse().expect("an id");
    let is_complete = |state: &causeway_journal::State| {
        state.record(&first).is_some_and(|record| matches!(record.erasure, Erasure::Complete(_)))
    };
    world.journal().until("the expiry of the first", is_complete).await;
    let list = office.client.list_retention(ask(0)).await.expect("a list").into_inner();
    let held = (ids[1].clone(), v1::RetentionReason::Held, "2026-11-22".to_owned());
    assert_eq!(listed(list), (vec![held], 1));
    office.hold(&ids[1], false).await.expect("lifted");
    let run = office.client.run_retention(v1::RunRetentionRequest {}).await.expect("run").into_inner();
    assert_eq!((run.record_ids, run.held), (vec![ids[1].clone()], 0));
    // Each has one withdrawal, whether the review or the expiry came first.
    let all = items(&mut gateway.feed("al-police/feed").await).await;
    assert_eq!((all.len(), all.iter().filter_map(released).count()), (6, 2));
    gateway.stop().await;
}
