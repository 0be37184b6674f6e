//! Random lives of records under a minimum cell: whatever happens, and however a partner reads, it holds no group that is too small.
//!
//! Not failures: records that wait for ever, and withdrawals of what a partner never had.

use causeway_cli::certs;
use causeway_crypto::Digest;
use causeway_journal::{FeedItemKind, State, approval_message};
use causeway_model::{AgreementId, Position};
use causeway_proto::v1;
use serde_json::{Value, json};

use super::{CELL, Received, in_cells_of_two_clauses, next_day, profile, quiet, today};
use crate::feed::ALBANIA;
use crate::governance::office::{Document, bring, evaluated};
use crate::harness::calls::{request, send, withdraw};
use crate::harness::{Gateway, World};

/// Steps of one life.
const STEPS: usize = 140;

/// From this step on more persons are asked for.
const RAISED: usize = 90;

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
        "nationalities": [dice.pick(&["AL", "AL", "XK"])],
    });
    profile(&subject, members)
}

/// Everything between the first and the last step.
struct Life {
    world: World,
    gateway: Gateway,
    dice: Dice,
    day: u64,
    /// The records that are there, with their versions.
    known: Vec<(String, u32)>,
    received: Received,
    version: u32,
}

impl Life {
    async fn begin(seed: u64, quota: Option<u32>) -> Self {
        let world = World::with(|setup| {
            setup.agreement(ALBANIA, |text| {
                let quota = quota.map(|records| format!("[quota]\nrecords_per_day = {records}\n\n[identity]"));
                let text = in_cells_of_two_clauses(text);
                text.replacen("[identity]", quota.as_deref().unwrap_or("[identity]"), 1)
            });
        });
        let gateway = world.start().await;
        let day = today(&world);
        Self { world, gateway, dice: Dice(seed), day, known: Vec::new(), received: Received::default(), version: 1 }
    }

    /// Mostly a submission, else a correction, withdrawal or erasure of something that is there.
    async fn change(&mut self, number: usize) {
        let mut ingest = self.gateway.ingest("gb-nca/case-management").await;
        let what = self.dice.roll(10);
        let name = format!("step-{number}");
        if what < 6 || self.known.is_empty() {
            let record = any(&mut self.dice);
            let receipt = self.received.submit(&mut ingest, &name, &record).await;
            self.known.push((receipt.record_id, 1));
            return;
        }
        let place = usize::try_from(self.dice.roll(self.known.len() as u64)).expect("small");
        if what < 8 {
            let corrected = any(&mut self.dice);
            let (record, version) = &mut self.known[place];
            let mut correction = request(&name, &corrected);
            (correction.record_id, correction.expected_version) = (record.clone(), *version);
            send(&mut ingest, correction).await.expect("accepted");
            *version += 1;
            self.received.note(record, *version, &corrected);
            return;
        }
        let (record, version) = self.known.swap_remove(place);
        if what == 8 {
            withdraw(&mut ingest, &name, &record, version).await.expect("accepted");
        } else {
            erase(&self.world, &self.gateway, &record).await;
        }
    }

    /// What happens beside: a day passes, the partner reads on a little, the key is rotated, or the gateway is started again.
    async fn go_on(self) -> Self {
        let Self { world, mut gateway, mut dice, mut day, known, mut received, version } = self;
        let mut ingest = gateway.ingest("gb-nca/case-management").await;
        match dice.roll(14) {
            0 | 1 => next_day(&world, &mut day, &mut ingest).await,
            // Whether or not the releaser has come to everything.
            2..=5 => {
                if dice.roll(2) == 0 {
                    quiet(&world, &mut ingest).await;
                }
                if dice.roll(4) == 0 {
                    received.begin_anew();
                }
                let limit = u32::try_from(1 + dice.roll(3)).expect("small");
                received.read_on(&world, &gateway, limit, dice.roll(3) == 0).await;
            }
            6 if dice.roll(3) == 0 => {
                let request = v1::RotateKeyRequest { key: format!("feed/{ALBANIA}"), compromised: dice.roll(2) == 0 };
                gateway.admin("gb-nca/operations").await.rotate_key(request).await.expect("rotated");
            }
            7 if dice.roll(3) == 0 => {
                gateway.stop().await;
                gateway = world.start().await;
            }
            _ => {}
        }
        Self { world, gateway, dice, day, known, received, version }
    }

    async fn raise(&mut self) {
        let raised =
            |text: &str| text.replace(&format!("minimum_cell = {CELL}\n"), &format!("minimum_cell = {}\n", CELL + 1));
        self.version += 1;
        bring(&self.world, &self.gateway, &Document::next(&self.world, ALBANIA, self.version, raised)).await;
        if self.dice.roll(2) == 0 {
            evaluated(&self.world, ALBANIA, self.version).await;
        }
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
    for (seed, quota) in [(1, None), (2, Some(7)), (3, Some(2))] {
        let mut life = Life::begin(seed, quota).await;
        for number in 0..STEPS {
            life.change(number).await;
            if number == RAISED {
                life.raise().await;
            }
            life = life.go_on().await;
            let Received { groups, .. } = &life.received;
            assert!(life.received.smallest() >= CELL, "seed {seed}, step {number}: {groups:?}");
        }
        assert!(life.received.shown >= 2 * CELL, "seed {seed}: hardly anything left: {}", life.received.shown);
        life.world.journal().read(all_in_cells);
        life.gateway.stop().await;
    }
}

fn all_in_cells(state: &State) {
    let id: AgreementId = ALBANIA.parse().expect("an agreement's id");
    let feed = state.feed(&id).expect("it has items");
    for position in (1..=feed.newest().0).map(Position) {
        let item = feed.item(position).expect("dense");
        assert!(item.kind == FeedItemKind::Withdrawal || feed.cell(position).is_some(), "a release without a cell");
    }
}
