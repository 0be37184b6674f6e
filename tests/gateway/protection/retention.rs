//! Retention under a clock that the test moves: what is listed, what the next day erases, and what a hold keeps.

use causeway_exchange::Condition;
use causeway_journal::{Erasure, State};
use causeway_model::{Date, RecordId};
use causeway_proto::v1;
use serde_json::json;

use super::office::Office;
use super::{SYSTEM, denied, refused, restrict};
use crate::clock::seen;
use crate::feed::{ALBANIA, released_in};
use crate::harness::calls::{items, released, submit};
use crate::harness::{Gateway, World, documents};

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
    assert_eq!(listed(today), (vec![], 1), "nothing is due");
    let ahead = office.client.list_retention(ask(30)).await.expect("a list").into_inner();
    let review = (ids[2].clone(), v1::RetentionReason::ReviewDue, "2026-11-25".to_owned());
    assert_eq!(listed(ahead), (vec![review], 1));
    let theirs = Office::of(&world, &gateway, "al-police").await.client.list_retention(ask(30)).await.expect("a list");
    assert_eq!(listed(theirs.into_inner()), (vec![], 0), "another agency's records are not theirs to see");
    super::refused(office.client.list_retention(ask(367)).await, tonic::Code::InvalidArgument, "review-too-far");
    // The last day itself is still one of its days.
    world.clock().set(Date::new(2026, 11, 22).expect("a day").start());
    let last_day = office.client.list_retention(ask(0)).await.expect("a list").into_inner();
    assert_eq!(listed(last_day), (vec![], 1));
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

#[tokio::test(flavor = "multi_thread")]
async fn a_restriction_keeps_what_has_expired_as_a_hold_does() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let over = documents::with(documents::profile(), json!({ "retain_until": "2026-11-22" }));
    let kept = submit(&mut ingest, "kept", &over).await.expect("accepted").record_id;
    let other = submit(&mut ingest, "other", &over).await.expect("accepted").record_id;
    restrict(&mut ingest, "r", &kept, 1, true).await.expect("restricted");
    world.clock().set(Date::new(2026, 11, 23).expect("a day").start());
    world.journal().until("the expiry of the other", |state| erasure(state, &other) != Erasure::None).await;
    let mut office = Office::of(&world, &gateway, "gb-nca").await;
    let run = office.client.run_retention(v1::RunRetentionRequest {}).await.expect("run").into_inner();
    assert_eq!((run.record_ids.len(), run.held), (0, 1));
    let ask = v1::ListRetentionRequest { review_within_days: 0 };
    let rows = office.client.list_retention(ask).await.expect("a list").into_inner().rows;
    let listed: Vec<_> = rows.iter().map(|row| (&row.record_id, row.reason())).collect();
    assert_eq!(listed, [(&kept, v1::RetentionReason::Held)]);
    assert_eq!(world.journal().read(|state| erasure(state, &kept)), Erasure::None);
    restrict(&mut ingest, "f", &kept, 1, false).await.expect("freed");
    let run = office.client.run_retention(v1::RunRetentionRequest {}).await.expect("run").into_inner();
    assert_eq!((run.record_ids, run.held), (vec![kept], 0));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_put_forward_erases_nothing_until_it_has_run_for_a_day() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let until = documents::with(documents::profile(), json!({ "retain_until": "2026-12-10" }));
    let record = submit(&mut ingest, "one", &until).await.expect("accepted").record_id;
    world.clock().put(Date::new(2026, 12, 12).expect("a day").start());
    // Nothing at all is written before it has run on for ten minutes.
    seen(&gateway, Condition::ClockAhead).await;
    world.clock().advance(600);
    not_trusted(&world, &gateway).await;
    world.clock().advance(23 * 3600);
    not_trusted(&world, &gateway).await;
    gateway.stop().await;
    // What was entered under the wrong clock does not speak for it.
    let gateway = world.start().await;
    not_trusted(&world, &gateway).await;
    assert_eq!(world.journal().read(|state| erasure(state, &record)), Erasure::None);
    world.clock().advance(24 * 3600);
    world.journal().until("its expiry", |state| erasure(state, &record) != Erasure::None).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_believes_its_clock_where_the_journal_is_of_the_last_week() {
    for (day, is_believed) in [(27, true), (30, false)] {
        let world = World::new();
        let gateway = world.start().await;
        let over = documents::with(documents::profile(), json!({ "retain_until": "2026-11-22" }));
        let record = submit(&mut gateway.ingest(SYSTEM).await, "one", &over).await.expect("accepted").record_id;
        gateway.stop().await;
        world.clock().set(Date::new(2026, 11, day).expect("a day").start());
        let gateway = world.start().await;
        if !is_believed {
            not_trusted(&world, &gateway).await;
            assert_eq!(world.journal().read(|state| erasure(state, &record)), Erasure::None);
            world.clock().advance(24 * 3600);
        }
        world.journal().until("its expiry", |state| erasure(state, &record) != Erasure::None).await;
        gateway.stop().await;
    }
}

async fn not_trusted(world: &World, gateway: &Gateway) {
    let mut office = Office::of(world, gateway, "gb-nca").await;
    let before = world.journal().size();
    refused(
        office.client.run_retention(v1::RunRetentionRequest {}).await,
        tonic::Code::Unavailable,
        "clock-not-trusted",
    );
    denied(world, before, "clock-not-trusted");
}

fn erasure(state: &State, record: &str) -> Erasure {
    let id: RecordId = record.parse().expect("an id");
    state.record(&id).expect("it was submitted").erasure
}
