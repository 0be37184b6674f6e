//! The minimum cell: nobody is shown in a group smaller than the clause says, over everything that a partner has ever received.

use std::collections::{BTreeMap, BTreeSet};

use causeway_cli::certs;
use causeway_crypto::Digest;
use causeway_journal::{FeedItemKind, State, approval_message};
use causeway_model::{AgreementId, Position, Timestamp};
use causeway_proto::v1;
use causeway_proto::v1::ingest_service_client::IngestServiceClient;
use serde_json::{Value, json};

use crate::feed::{ALBANIA, VIET_NAM, released_in};
use crate::harness::calls::{items, released, request, send, submit, withdraw};
use crate::harness::{Gateway, Setup, Stated, World, documents};

/// Persons that must be alike in these tests.
const CELL: usize = 3;

/// The agreement with Albania, with daily batches and this minimum cell for profiles, whose persons are not linked then.
fn celled(setup: &mut Setup) {
    setup.agreement(ALBANIA, |text| {
        let starts = ["release", "link_persons", "\"subject_reference\""];
        let daily = text.lines().filter(|line| !starts.iter().any(|start| line.starts_with(start)));
        let text: String = daily.map(|line| format!("{line}\n")).collect();
        text.replacen("minimum_cell = 1\n", &format!("minimum_cell = {CELL}\n"), 1)
    });
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

/// What the partner has received, ever: of each document the persons that it was of.
#[derive(Default)]
struct Received {
    /// Whom each version of each record is of, as it was submitted.
    persons: BTreeMap<(String, u32), String>,
    groups: BTreeMap<String, BTreeSet<String>>,
}

impl Received {
    async fn submit(&mut self, ingest: &mut IngestServiceClient<Stated>, name: &str, record: &Value) -> v1::Receipt {
        let receipt = submit(ingest, name, record).await.expect("accepted");
        self.note(&receipt.record_id, 1, record);
        receipt
    }

    fn note(&mut self, record_id: &str, version: u32, record: &Value) {
        let person = record["subject_reference"].as_str().expect("it names its person").to_owned();
        self.persons.insert((record_id.to_owned(), version), person);
    }

    /// Takes all that the feed shows now; the documents that it shows.
    async fn pull(&mut self, world: &World, gateway: &Gateway) -> Vec<Value> {
        let id: AgreementId = ALBANIA.parse().expect("an agreement's id");
        let mut all = Vec::new();
        for item in items(&mut gateway.feed("al-police/feed").await).await {
            let Some(document) = released(&item) else { continue };
            let of = world.journal().read(|state| {
                let held = state.feed(&id).and_then(|feed| feed.item(Position(item.position))).expect("it was served");
                (held.record_id.to_string(), held.version.0)
            });
            self.groups.entry(document.to_string()).or_default().insert(self.persons[&of].clone());
            all.push(document);
        }
        all
    }

    fn smallest(&self) -> usize {
        self.groups.values().map(BTreeSet::len).min().unwrap_or(CELL)
    }
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
    assert_eq!(received.pull(&world, &gateway).await.len(), 4, "all four records of three persons");
    assert_eq!(received.smallest(), CELL);
    // A fourth person joins the cell alone.
    received.submit(&mut ingest, "four", &alike(4)).await;
    next_day(&world, &mut day, &mut ingest).await;
    assert_eq!(received.pull(&world, &gateway).await.len(), 5);
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
    let shown = received.pull(&world, &gateway).await;
    assert_eq!(shown.len(), 3);
    assert!(shown.iter().all(|document| document["referral_date"] == "2026"), "{shown:?}");
    assert_eq!(received.smallest(), CELL);
    // The recoding is in the entry, so that the positions show the same for ever.
    gateway.stop().await;
    let gateway = world.start().await;
    assert_eq!(received.pull(&world, &gateway).await, shown);
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
    assert_eq!(received.pull(&world, &gateway).await, Vec::<Value>::new(), "a group of two was shown");
    assert_eq!(live(&world), 0);
    // With one more they are enough again.
    received.submit(&mut ingest, "more", &alike(7)).await;
    next_day(&world, &mut day, &mut ingest).await;
    let shown = received.pull(&world, &gateway).await;
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

/// A source of numbers that is the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[usize::try_from(self.roll(from.len() as u64)).expect("small")]
    }
}

fn any(dice: &mut Dice) -> Value {
    let subject = format!("P-{}", dice.roll(9));
    let members = json!({
        "gender": dice.pick(&["female", "male"]), "age_band": dice.pick(&["18-20", "21-23", "48+"]),
        "referral_date": dice.pick(&["2025-02-03", "2026-05-06"]),
        "exploitation_types": [dice.pick(&["ForcedLabour", "SexualExploitation"])],
    });
    profile(&subject, members)
}

/// One step: mostly a submission, else a correction, withdrawal or erasure of something that is there.
async fn step(
    (world, gateway): (&World, &Gateway),
    dice: &mut Dice,
    number: usize,
    known: &mut Vec<(String, u32)>,
    received: &mut Received,
) {
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let what = dice.roll(10);
    let name = format!("step-{number}");
    if what < 6 || known.is_empty() {
        let receipt = received.submit(&mut ingest, &name, &any(dice)).await;
        known.push((receipt.record_id, 1));
        return;
    }
    let place = usize::try_from(dice.roll(known.len() as u64)).expect("small");
    if what < 8 {
        let corrected = any(dice);
        let mut correction = request(&name, &corrected);
        (correction.record_id, correction.expected_version) = known[place].clone();
        send(&mut ingest, correction).await.expect("accepted");
        known[place].1 += 1;
        received.note(&known[place].0, known[place].1, &corrected);
        return;
    }
    let (record, version) = known.swap_remove(place);
    if what == 8 {
        withdraw(&mut ingest, &name, &record, version).await.expect("accepted");
    } else {
        erase(world, gateway, &record).await;
    }
}

async fn erase(world: &World, gateway: &Gateway, record: &str) {
    let mut office = gateway.protection("gb-nca/protection").await;
    let request = v1::PlanErasureRequest { record_ids: vec![record.to_owned()], subject_reference: String::new() };
    let plan = office.plan_erasure(request).await.expect("a plan").into_inner();
    let message = approval_message(&Digest(plan.digest.as_slice().try_into().expect("32 bytes")));
    let approvals = ["director", "dpo"].map(|person| {
        let (agency, named) = ("gb-nca".parse().expect("well formed"), person.parse().expect("well formed"));
        let key = certs::person_key(&world.path("certs-dev"), &agency, &named).expect("issued with the world");
        v1::PersonSignature { person: person.into(), signature: key.sign(&message).to_vec() }
    });
    let request = v1::EraseRequest {
        record_ids: plan.record_ids,
        subject_reference: String::new(),
        approvals: approvals.to_vec(),
    };
    office.erase(request).await.expect("erased");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_partner_ever_holds_a_group_that_is_too_small() {
    for seed in [1, 2] {
        let world = World::with(celled);
        let mut dice = Dice(seed);
        let (mut known, mut received) = (Vec::new(), Received::default());
        let mut gateway = world.start().await;
        let mut day = today(&world);
        let mut most = 0;
        for number in 0..120 {
            step((&world, &gateway), &mut dice, number, &mut known, &mut received).await;
            match dice.roll(12) {
                0 | 1 => {
                    let mut ingest = gateway.ingest("gb-nca/case-management").await;
                    next_day(&world, &mut day, &mut ingest).await;
                }
                2 | 3 => {
                    let mut ingest = gateway.ingest("gb-nca/case-management").await;
                    quiet(&world, &mut ingest).await;
                    most = most.max(received.pull(&world, &gateway).await.len());
                    assert!(received.smallest() >= CELL, "seed {seed}, step {number}: {:?}", received.groups);
                }
                4 if dice.roll(3) == 0 => {
                    gateway.stop().await;
                    gateway = world.start().await;
                }
                _ => {}
            }
        }
        assert!(most >= CELL, "seed {seed}: hardly anything left: {most}");
        world.journal().read(counted_once);
        gateway.stop().await;
    }
}

/// Each entry's releases name cells that stand for enough persons once it is applied.
fn counted_once(state: &State) {
    let id: AgreementId = ALBANIA.parse().expect("an agreement's id");
    let feed = state.feed(&id).expect("it has items");
    let mut released = BTreeSet::new();
    for position in (1..=feed.newest().0).map(Position) {
        let item = feed.item(position).expect("dense");
        if item.kind == FeedItemKind::Release {
            assert!(feed.cell(position).is_some(), "a release without a cell");
            released.insert(item.record_id);
        }
    }
    assert!(!released.is_empty());
}
