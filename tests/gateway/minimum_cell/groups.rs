//! Groups over time: of one clause, as large as the version in force asks for, and what they were through corrections and rotations.

use causeway_model::AgreementId;
use causeway_proto::v1;
use causeway_proto::v1::item::Content;
use serde_json::json;

use super::{CELL, Received, celled, in_cells_of_two_clauses, live, next_day, positions, profile, quiet, today};
use crate::feed::ALBANIA;
use crate::governance::office::{Document, bring, evaluated};
use crate::harness::World;
use crate::harness::calls::{items, released, request, send, submit, withdraw};

const SUBMITTER: &str = "gb-nca/case-management";

fn replaced(item: &v1::Item) -> Option<&str> {
    match item.content.as_ref()? {
        Content::Released(record) => Some(record.replaces_item_id.as_str()),
        Content::Withdrawn(_) | Content::Deferred(_) => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_another_clause_joins_no_group() {
    let world = World::with(|setup| setup.agreement(ALBANIA, in_cells_of_two_clauses));
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let mut received = Received::default();
    for number in 0..CELL {
        let record = profile(&format!("S-{number}"), json!({}));
        received.submit(&mut ingest, &format!("r-{number}"), &record).await;
    }
    let mut day = today(&world);
    next_day(&world, &mut day, &mut ingest).await;
    assert_eq!(received.pull_all(&world, &gateway).await.len(), CELL);
    // It would show the same document, but the clause that comes with it says what only this one is.
    let other = |number: usize| profile(&format!("X-{number}"), json!({ "nationalities": ["XK"] }));
    received.submit(&mut ingest, "x-0", &other(0)).await;
    next_day(&world, &mut day, &mut ingest).await;
    assert_eq!(received.pull_all(&world, &gateway).await.len(), CELL, "one alone is shown under its clause");
    for number in 1..CELL {
        received.submit(&mut ingest, &format!("x-{number}"), &other(number)).await;
    }
    next_day(&world, &mut day, &mut ingest).await;
    assert_eq!(received.pull_all(&world, &gateway).await.len(), 2 * CELL);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_version_asks_for_more_persons_all_wait_for_them() {
    let world = World::with(celled);
    let mut gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let mut received = Received::default();
    for number in 0..CELL {
        let record = profile(&format!("S-{number}"), json!({}));
        received.submit(&mut ingest, &format!("r-{number}"), &record).await;
    }
    let mut day = today(&world);
    next_day(&world, &mut day, &mut ingest).await;
    assert_eq!(received.pull_all(&world, &gateway).await.len(), CELL);
    let raised = |text: &str| text.replacen("minimum_cell = 3\n", "minimum_cell = 4\n", 1);
    bring(&world, &gateway, &Document::next(&world, ALBANIA, 2, raised)).await;
    evaluated(&world, ALBANIA, 2).await;
    quiet(&world, &mut ingest).await;
    assert_eq!(live(&world), 0, "three are too few now, and are taken back");
    // They have not been forgotten, neither now nor by a restart.
    gateway.stop().await;
    gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    received.submit(&mut ingest, "four", &profile("S-4", json!({}))).await;
    next_day(&world, &mut day, &mut ingest).await;
    next_day(&world, &mut day, &mut ingest).await;
    let since = received.read_on(&world, &gateway, 0, false).await;
    assert_eq!(since.iter().filter_map(released).count(), CELL + 1, "they come back to a partner that reads on");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_names_what_was_in_a_group_before_its_correction() {
    let world = World::with(celled);
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let mut received = Received::default();
    let mut receipts = Vec::new();
    for number in 0..2 * CELL {
        let gender = if number < CELL { "female" } else { "male" };
        let record = profile(&format!("S-{number}"), json!({ "gender": gender }));
        receipts.push(received.submit(&mut ingest, &format!("r-{number}"), &record).await);
    }
    let mut day = today(&world);
    next_day(&world, &mut day, &mut ingest).await;
    assert_eq!(received.pull_all(&world, &gateway).await.len(), 2 * CELL);
    // It has left: the partner holds it. It is recalled at once, and comes again as somebody of the other group.
    let corrected = profile("S-0", json!({ "gender": "male" }));
    let mut correction = request("corrected", &corrected);
    (correction.record_id, correction.expected_version) = (receipts[0].record_id.clone(), 1);
    send(&mut ingest, correction).await.expect("accepted");
    received.note(&receipts[0].record_id, 2, &corrected);
    quiet(&world, &mut ingest).await;
    assert_eq!(live(&world), 2 * CELL - 1, "what is no more true is not shown until the day is over");
    next_day(&world, &mut day, &mut ingest).await;
    let since = received.read_on(&world, &gateway, 0, false).await;
    assert_eq!(since.len(), 2, "a recall and a release");
    assert_eq!(since.iter().filter_map(replaced).collect::<Vec<_>>(), [""], "it names what it was");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_shows_each_item_of_a_group_as_it_was() {
    let world = World::with(celled);
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let mut received = Received::default();
    // Three of two quarters are shown with their year; more of one quarter make that a group of its own.
    let dates = ["2026-01-05", "2026-01-06", "2026-05-05"].into_iter().chain(["2026-01-07"; 12]);
    let mut day = today(&world);
    for (number, date) in dates.enumerate() {
        let record = profile(&format!("S-{number}"), json!({ "referral_date": date }));
        received.submit(&mut ingest, &format!("r-{number}"), &record).await;
        if number + 1 == CELL {
            next_day(&world, &mut day, &mut ingest).await;
        }
    }
    next_day(&world, &mut day, &mut ingest).await;
    let mut before = received.pull_all(&world, &gateway).await;
    assert_eq!(before.iter().filter(|document| document["referral_date"] == "2026").count(), CELL);
    assert_eq!(before.iter().filter(|document| document["referral_date"] == "2026-Q1").count(), 12);
    let rotate = |compromised| v1::RotateKeyRequest { key: format!("feed/{ALBANIA}"), compromised };
    for compromised in [false, true] {
        let first = positions(&world);
        gateway.admin("gb-nca/operations").await.rotate_key(rotate(compromised)).await.expect("rotated");
        quiet(&world, &mut ingest).await;
        assert_eq!(positions(&world), first + before.len() as u64, "each takes one position, at once");
        let mut after: Vec<_> =
            received.read_on(&world, &gateway, 2, false).await.iter().filter_map(released).collect();
        before.sort_by_key(ToString::to_string);
        after.sort_by_key(ToString::to_string);
        assert_eq!(after, before);
    }
    let id: AgreementId = ALBANIA.parse().expect("an agreement's id");
    let open = world.journal().read(|state| state.feed(&id).expect("a feed").open_recalls().count());
    assert_eq!(open, 0, "what is shown under another key recalls nothing");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_one_item_a_page_has_the_whole_group_or_none_of_it() {
    let world = World::with(celled);
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let mut received = Received::default();
    let mut receipts = Vec::new();
    for number in 0..CELL {
        let record = profile(&format!("S-{number}"), json!({}));
        receipts.push(received.submit(&mut ingest, &format!("r-{number}"), &record).await);
    }
    let mut day = today(&world);
    next_day(&world, &mut day, &mut ingest).await;
    let all = received.read_on(&world, &gateway, 1, false).await;
    assert_eq!(all.len(), CELL);
    // Two that come later rest on those before them; once one of these goes unread, so do they.
    for number in CELL..CELL + 2 {
        received.submit(&mut ingest, &format!("r-{number}"), &profile(&format!("S-{number}"), json!({}))).await;
    }
    next_day(&world, &mut day, &mut ingest).await;
    withdraw(&mut ingest, "gone", &receipts[0].record_id, 1).await.expect("accepted");
    quiet(&world, &mut ingest).await;
    let rest = received.read_on(&world, &gateway, 1, false).await;
    assert_eq!(rest.iter().filter_map(released).count(), 2, "what has left stands for its persons");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rests_on_an_entry_that_became_too_small_is_taken_back_with_it() {
    let world = World::with(celled);
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let mut day = today(&world);
    let mut receipts = Vec::new();
    for number in 0..CELL + 2 {
        let record = profile(&format!("S-{number}"), json!({}));
        receipts.push(submit(&mut ingest, &format!("r-{number}"), &record).await.expect("accepted"));
        if number + 1 == CELL {
            next_day(&world, &mut day, &mut ingest).await;
        }
    }
    next_day(&world, &mut day, &mut ingest).await;
    assert_eq!(live(&world), CELL + 2);
    // Four persons are left of the group, but whoever reads on from the start has two after the first entry.
    withdraw(&mut ingest, "gone", &receipts[0].record_id, 1).await.expect("accepted");
    quiet(&world, &mut ingest).await;
    assert_eq!(live(&world), 0);
    assert_eq!(items(&mut gateway.feed("al-police/feed").await).await.iter().filter_map(released).count(), 0);
    next_day(&world, &mut day, &mut ingest).await;
    assert_eq!(live(&world), CELL + 1, "together they are enough");
    gateway.stop().await;
}
