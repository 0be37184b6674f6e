//! The minimum cell: nobody is shown in a group smaller than the clause says, over everything that a partner has ever received.

mod drawn;
mod groups;
mod received;

use causeway_model::{AgreementId, Timestamp};
use causeway_proto::v1::ingest_service_client::IngestServiceClient;
use serde_json::{Value, json};

use crate::feed::{ALBANIA, VIET_NAM, released_in};
use crate::harness::calls::{request, send, submit, withdraw};
use crate::harness::{Setup, Stated, World, documents};
use received::Received;

/// Persons that must be alike in these tests.
const CELL: usize = 3;

/// The agreement with Albania, with daily batches and this minimum cell for profiles, whose persons are not linked then.
pub(crate) fn celled(setup: &mut Setup) {
    setup.agreement(ALBANIA, in_cells);
}

fn in_cells(text: &str) -> String {
    let starts = ["release", "link_persons", "\"subject_reference\""];
    let daily = text.lines().filter(|line| !starts.iter().any(|start| line.starts_with(start)));
    let text: String = daily.map(|line| format!("{line}\n")).collect();
    text.replacen("minimum_cell = 1\n", &format!("minimum_cell = {CELL}\n"), 1)
}

/// The same with a second clause of the same form, for nationals of Kosovo; nationalities are not shown.
fn in_cells_of_two_clauses(text: &str) -> String {
    let text = in_cells(text).replacen("\"nationalities[]\" = \"country\"\n", "", 1);
    let (head, rest) = text.split_once("[[clauses]]").expect("it has clauses");
    let (first, second) = rest.split_once("# Routes that touch").expect("it has two");
    let other = first.replacen("c3.1", "c3.9", 1).replacen("[\"AL\"]", "[\"XK\"]", 1);
    format!("{head}[[clauses]]{first}[[clauses]]{other}# Routes that touch{second}")
}

/// A profile that only Albania may be told of.
pub(crate) fn profile(subject: &str, members: Value) -> Value {
    let own = json!({ "subject_reference": subject, "nationalities": ["AL"], "releasable_to": ["AL"] });
    documents::with(documents::with(documents::profile(), own), members)
}

/// Waits until the releaser has done all that was due when this was called: the other feed takes a route of its own at once, and
/// the second one is taken in a later round than the first.
pub(crate) async fn quiet(world: &World, ingest: &mut IngestServiceClient<Stated>) {
    let only = documents::with(documents::route(), json!({ "releasable_to": ["VN"] }));
    for _ in 0..2 {
        let name = format!("quiet-{}", world.journal().size());
        let receipt = submit(ingest, &name, &only).await.expect("accepted");
        released_in(world, VIET_NAM, &receipt).await;
    }
}

pub(crate) async fn next_day(world: &World, day: &mut u64, ingest: &mut IngestServiceClient<Stated>) {
    *day += 1;
    let midnight = Timestamp((*day) * 86_400_000_000);
    world.clock().set(midnight);
    quiet(world, ingest).await;
}

fn today(world: &World) -> u64 {
    world.journal().read(|state| state.last_time().day())
}

fn positions(world: &World) -> u64 {
    world.journal().positions(ALBANIA)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_waits_until_enough_persons_are_like_it_and_a_restart_forgets_none() {
    let world = World::with(celled);
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let alike = |number: usize| profile(&format!("S-{number}"), json!({ "gender": "female" }));
    let mut received = Received::default();
    received.submit(&mut ingest, "one", &alike(1)).await;
    received.submit(&mut ingest, "two", &alike(2)).await;
    // The same person once more makes nobody less recognisable.
    received.submit(&mut ingest, "again", &alike(1)).await;
    let mut day = today(&world);
    for _ in 0..2 {
        next_day(&world, &mut day, &mut ingest).await;
        assert_eq!(positions(&world), 0, "two persons are not {CELL}");
    }
    gateway.stop().await;
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    received.submit(&mut ingest, "three", &alike(3)).await;
    quiet(&world, &mut ingest).await;
    assert_eq!(positions(&world), 0, "it came before its period was over");
    next_day(&world, &mut day, &mut ingest).await;
    assert_eq!(received.pull_all(&world, &gateway).await.len(), 4, "all four records of three persons");
    assert_eq!(received.smallest(), CELL);
    // A fourth person joins the cell alone.
    received.submit(&mut ingest, "four", &alike(4)).await;
    next_day(&world, &mut day, &mut ingest).await;
    assert_eq!(received.pull_all(&world, &gateway).await.len(), 5);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_recoding_makes_a_batch_alike_and_sensitive_values_stay() {
    let world = World::with(celled);
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let mut received = Received::default();
    for (number, quarter) in ["2026-01-05", "2026-05-05", "2026-08-05"].into_iter().enumerate() {
        let record = profile(&format!("S-{number}"), json!({ "referral_date": quarter }));
        received.submit(&mut ingest, &format!("r-{number}"), &record).await;
    }
    // What it is disclosed for is not made coarser: it stays alone, and waits.
    let other = profile("S-9", json!({ "exploitation_types": ["Servitude"] }));
    received.submit(&mut ingest, "other", &other).await;
    let mut day = today(&world);
    next_day(&world, &mut day, &mut ingest).await;
    let shown = received.pull_all(&world, &gateway).await;
    assert_eq!(shown.len(), 3);
    assert!(shown.iter().all(|document| document["referral_date"] == "2026"), "{shown:?}");
    assert_eq!(received.smallest(), CELL);
    // The recoding is in the entry, so that the positions show the same for ever.
    gateway.stop().await;
    let gateway = world.start().await;
    assert_eq!(received.pull_all(&world, &gateway).await, shown);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_too_small_before_it_left_is_taken_back_and_waits() {
    let world = World::with(celled);
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let alike = |number: usize| profile(&format!("S-{number}"), json!({ "gender": "male" }));
    let (mut receipts, mut received) = (Vec::new(), Received::default());
    for number in 0..CELL {
        receipts.push(received.submit(&mut ingest, &format!("r-{number}"), &alike(number)).await);
    }
    let mut day = today(&world);
    next_day(&world, &mut day, &mut ingest).await;
    assert_eq!(positions(&world), CELL as u64);
    // Nobody has pulled. One is corrected away, and the two that are left are too few.
    let corrected = profile("S-0", json!({ "gender": "female" }));
    let mut correction = request("corrected", &corrected);
    (correction.record_id, correction.expected_version) = (receipts[0].record_id.clone(), 1);
    send(&mut ingest, correction).await.expect("accepted");
    received.note(&receipts[0].record_id, 2, &corrected);
    quiet(&world, &mut ingest).await;
    assert_eq!(received.pull_all(&world, &gateway).await, Vec::<Value>::new(), "a group of two was shown");
    assert_eq!(live(&world), 0);
    // With one more they are enough again.
    received.submit(&mut ingest, "more", &alike(7)).await;
    next_day(&world, &mut day, &mut ingest).await;
    let shown = received.pull_all(&world, &gateway).await;
    let males = shown.iter().filter(|document| document["gender"] == "male").count();
    assert!(shown.len() == CELL + 1 || males == CELL, "{shown:?}");
    assert!(received.smallest() >= CELL);
    // What has left stays when another is withdrawn.
    let before = live(&world);
    withdraw(&mut ingest, "gone", &receipts[1].record_id, 1).await.expect("accepted");
    quiet(&world, &mut ingest).await;
    assert_eq!(live(&world), before - 1);
    gateway.stop().await;
}

fn live(world: &World) -> usize {
    let id: AgreementId = ALBANIA.parse().expect("an agreement's id");
    world.journal().read(|state| state.feed(&id).map_or(0, |feed| feed.live_records().count()))
}
