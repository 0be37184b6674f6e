//! Random conjunctions over a random life of a gateway, read in both directions with small pages, against a plain filter over all
//! entries of the log.
//!
//! Invariants: each answer has every entry before its question that satisfies all filters, each once, in order, and no other; each
//! row is that entry's exact bytes with the outcome that the log gives it. Not failures: answers without rows.

use std::collections::BTreeMap;

use causeway_crypto::commit;
use causeway_gateway::client::Statement;
use causeway_journal::v1::{Decision, DocumentKind, Entry};
use causeway_model::{Position, RecordId};
use causeway_proto::v1;
use causeway_proto::v1::feed_service_client::FeedServiceClient;
use causeway_proto::v1::ingest_service_client::IngestServiceClient;
use serde_json::json;
use tonic::transport::Channel;

use super::{leaves, pages};
use crate::audit::everything;
use crate::feed::{ALBANIA, VIET_NAM, released_in};
use crate::harness::calls::{pull, submit, withdraw};
use crate::harness::{Gateway, World, documents};

/// Steps of the life.
const STEPS: usize = 70;

/// Questions that are asked of it.
const QUESTIONS: usize = 60;

/// Persons, as hostile as a header takes them.
const OPERATORS: [&str; 4] = ["a.clerk", "a.clerk2", "=cmd|' /C calc'!A0", "\"x\",<b>; DROP TABLE"];

/// A source of numbers that is the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides as u64).expect("small")
    }

    fn pick<'t, T: ?Sized>(&mut self, from: &[&'t T]) -> &'t T {
        from[self.roll(from.len())]
    }
}

/// A gateway in use.
struct Life {
    world: World,
    gateway: Gateway,
    dice: Dice,
    owner: Channel,
    partners: [Channel; 2],
    records: Vec<v1::Receipt>,
}

impl Life {
    async fn begin(seed: u64) -> Self {
        let world = World::new();
        let gateway = world.start().await;
        let owner = gateway.channel("gb-nca/case-management").await;
        let partners = [gateway.channel("al-police/feed").await, gateway.channel("vn-police/feed").await];
        Self { world, gateway, dice: Dice(seed), owner, partners, records: Vec::new() }
    }

    fn statement(&mut self, purposes: &[&str]) -> Statement {
        let (purpose, operator) = (self.dice.pick(purposes), self.dice.pick(&OPERATORS));
        Statement::new(purpose, operator).expect("well formed")
    }

    async fn step(&mut self, number: usize) {
        self.world.clock().advance(self.dice.roll(3) as u64 * 40);
        let stated = self.statement(&["investigation", "safeguarding", "prevention"]);
        let mut ingest = IngestServiceClient::with_interceptor(self.owner.clone(), stated);
        let name = format!("step-{number}");
        match self.dice.roll(9) {
            0..=2 => {
                let record = if self.dice.roll(2) == 0 { documents::profile() } else { documents::route() };
                self.records.push(submit(&mut ingest, &name, &record).await.expect("accepted"));
            }
            3 => {
                let faulty = documents::with(documents::profile(), json!({ "tlp": "WHITE" }));
                submit(&mut ingest, &name, &faulty).await.expect_err("no such code");
            }
            4 => {
                let version = u32::try_from(self.dice.roll(2)).expect("small") + 1;
                if let Some(record) = self.records.get(number % self.records.len().max(1)) {
                    // Refused where it has been withdrawn before, or the version is not the current one.
                    let _ = withdraw(&mut ingest, &name, &record.record_id, version).await;
                }
            }
            5 => {
                let record_id = self.records.last().map(|record| record.record_id.clone()).unwrap_or_default();
                let _ = ingest.list_holders(v1::ListHoldersRequest { record_id }).await;
            }
            _ => self.read().await,
        }
    }

    /// A partner pulls, acknowledges, or asks for what is not its own.
    async fn read(&mut self) {
        let partner = self.dice.roll(2);
        let stated = self.statement(&["investigation", "victim-identification", "prevention"]);
        let mut feed = FeedServiceClient::with_interceptor(self.partners[partner].clone(), stated);
        let (own, other) = if partner == 0 { (ALBANIA, VIET_NAM) } else { (VIET_NAM, ALBANIA) };
        match self.dice.roll(4) {
            0 => {
                let request = v1::PullRequest { agreement: other.into(), ..v1::PullRequest::default() };
                feed.pull(request).await.expect_err("another's agreement");
            }
            1 => {
                let request = v1::AcknowledgeRequest { agreement: own.into(), up_to_position: 1, ..<_>::default() };
                let _ = feed.acknowledge(request).await;
            }
            // Refused where the agreement has not the purpose.
            _ => drop(pull(&mut feed, "", 1 + u32::try_from(self.dice.roll(4)).expect("small")).await),
        }
    }
}

/// What is known of an entry, from the log itself; the person from the opening, held against the commitment in the entry.
struct Known {
    entry: Entry,
    outcome: &'static str,
    /// The clauses of what its page held.
    held: Vec<String>,
    operator: Option<String>,
}

/// A filter over all entries that knows nothing of indexes, by the words of the proto.
fn satisfies(query: &v1::QueryRequest, leaf: u64, known: &Known, of_record: Option<&[u64]>) -> bool {
    let entry = &known.entry;
    let is = |wanted: &str, found: Option<&str>| wanted.is_empty() || found == Some(wanted);
    let (actor, recipient) = (entry.actor.as_ref(), entry.recipient.as_ref());
    let operation = entry.operation().as_str_name().to_lowercase().replace("operation_", "");
    let decision = if entry.decision() == Decision::Denied { "denied" } else { "allowed" };
    let request: String = entry.request_id.iter().map(|byte| format!("{byte:02x}")).collect();
    is(&query.operation, Some(&operation))
        && is(&query.decision, Some(decision))
        && is(&query.agency, actor.map(|actor| actor.agency.as_str()))
        && is(&query.system, actor.map(|actor| actor.system.as_str()))
        && is(&query.operator_id, known.operator.as_deref())
        && is(&query.recipient, recipient.map(|to| to.agency.as_str()))
        && (query.agreement.is_empty() || names_agreement(query, known))
        && is(&query.purpose, Some(&entry.purpose_code))
        && is(&query.outcome, Some(known.outcome))
        && is(&query.reason, Some(&entry.reason))
        && is(&query.request_id, Some(&request))
        && of_record.is_none_or(|leaves| leaves.contains(&leaf))
        && entry.time_micros >= query.from_micros
        && (query.to_micros == 0 || entry.time_micros < query.to_micros)
        && leaf >= query.from_leaf_index
        && (query.to_leaf_index == 0 || leaf < query.to_leaf_index)
}

/// Whether the partner's auditor may see an entry: what the partner did, and what it received without a record's id in it.
fn is_albanias(entry: &Entry) -> bool {
    let names_records = entry.releases.is_some() || !entry.withdrawals.is_empty() || !entry.records.is_empty();
    entry.actor.as_ref().is_some_and(|actor| actor.agency == "al-police")
        || entry.recipient.as_ref().is_some_and(|to| to.agency == "al-police") && !names_records
}

fn names_agreement(query: &v1::QueryRequest, Known { entry, held, .. }: &Known) -> bool {
    let mut named: Vec<(&str, &str)> = Vec::new();
    named.extend(entry.recipient.iter().map(|to| (to.agreement.as_str(), to.clause.as_str())));
    if let Some(batch) = &entry.releases {
        named.push((&batch.feed, ""));
        named.extend(batch.releases.iter().map(|release| (batch.feed.as_str(), release.clause.as_str())));
    }
    named.extend(entry.withdrawals.iter().map(|withdrawal| (withdrawal.feed.as_str(), "")));
    named.extend(entry.page.iter().map(|page| (page.feed.as_str(), "")));
    let feed = entry.page.as_ref().map_or("", |page| &page.feed);
    named.extend(held.iter().map(|clause| (feed, clause.as_str())));
    named.extend(entry.acknowledgement.iter().map(|taken| (taken.feed.as_str(), "")));
    named.extend(entry.table.iter().map(|table| (table.agreement.as_str(), "")));
    named.extend(entry.overdue.iter().map(|overdue| (overdue.feed.as_str(), "")));
    let agreements = entry.document.iter().filter(|document| document.kind() == DocumentKind::Agreement);
    named.extend(agreements.map(|document| (document.id.as_str(), "")));
    named.iter().any(|(id, clause)| *id == query.agreement && (query.clause.is_empty() || *clause == query.clause))
}

/// A conjunction of some of what an entry says, and now and then of what another says.
fn draw(dice: &mut Dice, known: &BTreeMap<u64, Known>) -> v1::QueryRequest {
    let all: Vec<(&u64, &Known)> = known.iter().collect();
    let mut model = all[dice.roll(all.len())];
    let mut query = v1::QueryRequest { newest_first: dice.roll(2) == 0, ..v1::QueryRequest::default() };
    query.limit = 2 + u32::try_from(dice.roll(16)).expect("small");
    for field in 0..12 {
        if dice.roll(4) > 0 {
            continue;
        }
        if dice.roll(12) == 0 {
            model = all[dice.roll(all.len())];
        }
        state(dice, &mut query, field, model);
    }
    // Each page's question is an entry too: most questions stay below those.
    let bounds = v1::QueryRequest { limit: query.limit, newest_first: query.newest_first, ..<_>::default() };
    if query.to_leaf_index == 0 && (query == bounds || dice.roll(4) > 0) {
        query.to_leaf_index = known.len() as u64;
    }
    query
}

fn state(dice: &mut Dice, query: &mut v1::QueryRequest, field: usize, (leaf, known): (&u64, &Known)) {
    let entry = &known.entry;
    match field {
        0 => query.operation = entry.operation().as_str_name().to_lowercase().replace("operation_", ""),
        1 => query.decision = if entry.decision() == Decision::Denied { "denied" } else { "allowed" }.into(),
        2 => {
            let Some(actor) = entry.actor.as_ref().filter(|actor| !actor.agency.is_empty()) else { return };
            query.agency.clone_from(&actor.agency);
            if dice.roll(2) == 0 {
                query.system.clone_from(&actor.system);
            }
            if dice.roll(2) == 0 {
                query.operator_id = known.operator.clone().unwrap_or_default();
            }
        }
        3 => query.recipient = entry.recipient.as_ref().map(|to| to.agency.clone()).unwrap_or_default(),
        4 => {
            query.agreement = entry.recipient.as_ref().map(|to| to.agreement.clone()).unwrap_or_default();
            if query.agreement.is_empty() {
                query.agreement = dice.pick(&[ALBANIA, VIET_NAM]).to_owned();
            }
            if dice.roll(3) == 0 {
                let released = entry.releases.as_ref().and_then(|batch| batch.releases.first());
                let released = released.map(|release| &release.clause).or_else(|| known.held.first());
                query.clause = released.cloned().unwrap_or_else(|| "c1".into());
            }
        }
        5 => query.purpose.clone_from(&entry.purpose_code),
        6 => query.outcome = known.outcome.into(),
        7 => query.reason.clone_from(&entry.reason),
        8 if dice.roll(3) == 0 => {
            query.request_id = entry.request_id.iter().map(|byte| format!("{byte:02x}")).collect()
        }
        9 => {
            query.from_micros = entry.time_micros - dice.roll(90_000_000) as u64;
            query.to_micros = entry.time_micros + dice.roll(90_000_000) as u64;
        }
        10 => {
            query.from_leaf_index = leaf.saturating_sub(dice.roll(40) as u64);
            query.to_leaf_index = leaf + 1 + dice.roll(40) as u64;
        }
        11 => {
            let record = entry.records.first().and_then(|record| RecordId::try_from(record.record_id.as_slice()).ok());
            query.record_id = record.map(|record| record.to_string()).unwrap_or_default();
            // A record's entries do not come from the index: the person is told by the opening alone.
            if let (Some(actor), 0) = (&entry.actor, dice.roll(2)) {
                query.agency.clone_from(&actor.agency);
                query.operator_id = dice.pick(&OPERATORS).to_owned();
            }
        }
        _ => {}
    }
}

async fn lived(seed: u64) -> Life {
    let mut life = Life::begin(seed).await;
    for number in 0..STEPS {
        life.step(number).await;
    }
    let mut ingest = life.gateway.ingest("gb-nca/case-management").await;
    let last = submit(&mut ingest, "last", &documents::profile()).await.expect("accepted");
    for agreement in [ALBANIA, VIET_NAM] {
        released_in(&life.world, agreement, &last).await;
    }
    life
}

/// The clauses of what a page held, by the feed as it is.
fn held(world: &World, entry: &Entry) -> Vec<String> {
    let Some(page) = &entry.page else { return Vec::new() };
    let feed = page.feed.parse().expect("an agreement's id");
    world.journal().read(|state| {
        let feed = state.feed(&feed).expect("a feed");
        let positions = (page.from_position..=page.to_position).enumerate();
        let is_put_off = |at: usize| page.deferred.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1);
        let items =
            positions.filter(|(at, _)| !is_put_off(*at)).filter_map(|(_, position)| feed.item(Position(position)));
        items.map(|item| item.terms.clause.to_string()).collect()
    })
}

/// Everything that the log says now, with the persons who acted.
async fn known(life: &Life) -> BTreeMap<u64, Known> {
    let mut auditor = life.gateway.audit("gb-nca/audit").await;
    let asked = v1::QueryRequest { with_openings: true, ..everything() };
    let answer = pages(&mut auditor, asked).await.expect("an answer");
    let opened: BTreeMap<u64, v1::OpenedTexts> =
        answer.into_iter().flat_map(|page| page.rows).filter_map(|row| Some((row.leaf_index, row.opened?))).collect();
    let mut known = BTreeMap::new();
    for seen in life.world.journal().entries() {
        let operator = seen.entry.commitments.as_ref().map(|made| match opened.get(&seen.leaf) {
            Some(texts) => {
                let nonce: [u8; 32] = texts.nonce.as_slice().try_into().expect("32 bytes");
                assert_eq!(commit(&nonce, "operator", &texts.operator_id), *made.operator, "leaf {}", seen.leaf);
                texts.operator_id.clone()
            }
            // What has been asked since: by this test alone.
            None => "test.operator".to_owned(),
        });
        known.insert(
            seen.leaf,
            Known { held: held(&life.world, &seen.entry), entry: seen.entry, outcome: seen.outcome.as_str(), operator },
        );
    }
    known
}

#[tokio::test(flavor = "multi_thread")]
async fn every_conjunction_gives_what_a_plain_filter_gives() {
    for seed in [7, 0x5eed] {
        let life = lived(seed).await;
        let known = known(&life).await;
        // The partner's auditor sees a few entries of many: each of its answers reads on over what it may not see.
        let mut auditors = [life.gateway.audit("gb-nca/audit").await, life.gateway.audit("al-police/audit").await];
        let mut dice = Dice(seed ^ 0xa0d1);
        let (mut full, mut paged) = (0, 0);
        for number in 0..QUESTIONS {
            let query = draw(&mut dice, &known);
            let partner = number % 3 == 0;
            let answer = pages(&mut auditors[usize::from(partner)], query.clone()).await.expect("an answer");
            assert!(answer.iter().all(|page| page.rows.len() <= query.limit as usize));
            assert!(answer.iter().rev().skip(1).all(|page| page.rows.len() == query.limit as usize));
            let asked = answer[0].begin.asked_leaf_index;
            let record = query.record_id.parse::<RecordId>().ok();
            let of_record: Option<Vec<u64>> = record.map(|record| {
                life.world.journal().read(|state| state.subject(&record).iter().map(|leaf| leaf.0).collect())
            });
            let journal = life.world.journal().entries();
            let mut expected = Vec::new();
            for seen in journal.iter().filter(|seen| seen.leaf < asked) {
                let now = Known {
                    entry: seen.entry.clone(),
                    outcome: seen.outcome.as_str(),
                    held: held(&life.world, &seen.entry),
                    operator: match known.get(&seen.leaf) {
                        Some(known) => known.operator.clone(),
                        None => seen.entry.commitments.as_ref().map(|_| "test.operator".to_owned()),
                    },
                };
                // Of others' persons it is told nothing, and no record's id is its to ask for.
                let asks_for_own =
                    query.record_id.is_empty() && (query.operator_id.is_empty() || query.agency == "al-police");
                let may_see = !partner || (is_albanias(&seen.entry) && asks_for_own);
                if may_see && satisfies(&query, seen.leaf, &now, of_record.as_deref()) {
                    expected.push(seen.leaf);
                }
            }
            if query.newest_first {
                expected.reverse();
            }
            assert_eq!(leaves(&answer), expected, "seed {seed}, question {number}: {query:?}");
            for row in answer.iter().flat_map(|page| &page.rows) {
                let seen = &journal[usize::try_from(row.leaf_index).expect("small")];
                assert_eq!((&row.entry, row.outcome.as_str()), (&seen.bytes, seen.outcome.as_str()));
            }
            full += usize::from(!expected.is_empty());
            paged += usize::from(answer.len() > 2);
        }
        assert!(full * 3 > QUESTIONS && paged > 2, "{full} answers with rows, {paged} of several pages");
        life.gateway.stop().await;
    }
}
