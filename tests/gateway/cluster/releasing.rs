//! One releaser among the nodes. Invariants: of nodes that race for a term one has it; whatever a releaser had on its way when another one's
//! term began has no effect, and is done anew, once; no record version is released to a feed twice, and none is missed.

use std::collections::BTreeMap;
use std::time::Duration;

use causeway_journal::v1::Entry;
use causeway_journal::{Outcome, REASON_TABLE_PUBLISHED, REASON_TERM_BEGUN, Term};
use causeway_model::Date;
use causeway_proto::v1;
use serde_json::json;

use super::stand::{Cluster, SYSTEM};
use crate::feed::{ALBANIA, VIET_NAM};
use crate::harness::calls::{items, submit, within};
use crate::harness::{Gateway, Seen, documents};
use crate::minimum_cell::{celled, profile};
use crate::tables::TABLE;

/// A second of the world's clock passes with each of the machine's.
const SECOND: Duration = Duration::from_secs(1);

fn number_of(term: &Term) -> u16 {
    term.node.strip_prefix("node-").and_then(|number| number.parse().ok()).expect("a node of these tests")
}

/// Waits until a node has begun a term after this one; gives the term.
async fn term_after(cluster: &Cluster, number: u64) -> Term {
    let is_later = |term: &Term| term.number > number;
    cluster.mirror(1).until("a term", |state| state.term().is_some_and(is_later)).await;
    cluster.mirror(1).read(|state| state.term().cloned()).expect("it has begun")
}

/// Lets time pass until another node has begun a term, as this node sees it; gives the term.
async fn next_releaser(cluster: &Cluster, before: &Term, seen_by: u16) -> Term {
    let mirror = cluster.mirror(seen_by);
    let later = || mirror.read(|state| state.term().filter(|term| term.number > before.number).cloned());
    let begun = async {
        loop {
            if let Some(term) = later() {
                return term;
            }
            tokio::time::sleep(SECOND).await;
            cluster.world.clock().advance(1);
        }
    };
    within("another releaser", begun).await
}

/// Submits so many routes, which both agreements grant, each at the next of these nodes.
async fn submit_at(gateways: &[&Gateway], name: &str, count: usize) {
    for index in 0..count {
        let mut ingest = gateways[index % gateways.len()].ingest(SYSTEM).await;
        submit(&mut ingest, &format!("{name}-{index}"), &documents::route()).await.expect("accepted");
    }
}

/// How often each record version was released to each feed, with effect.
fn released(cluster: &Cluster) -> BTreeMap<(String, Vec<u8>, u32), usize> {
    let mut released = BTreeMap::new();
    for seen in cluster.entries(1) {
        let Some(batch) = &seen.entry.releases else { continue };
        for (place, release) in (0..).zip(&batch.releases) {
            let is_void = match &seen.outcome {
                Outcome::Effective => false,
                Outcome::PartlyVoid(places) => places.contains(&place),
                _ => true,
            };
            if !is_void {
                let version = (batch.feed.clone(), release.record_id.clone(), release.version);
                *released.entry(version).or_default() += 1;
            }
        }
    }
    released
}

/// What a partner gets of each node is the same, and has so many items, each once.
async fn feeds_are_one(gateways: &[Gateway], system: &str, count: usize) {
    let mut of_all: Vec<Vec<v1::Item>> = Vec::new();
    for gateway in gateways {
        let mut feed = gateway.feed(system).await;
        of_all.push(items(&mut feed).await);
    }
    assert_eq!(of_all[0].len(), count, "{system}");
    assert!(of_all.iter().all(|items| *items == of_all[0]), "{system}: the nodes do not give one feed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_releaser_had_on_its_way_is_void_and_done_once_by_the_next() {
    let cluster = Cluster::new();
    let gateways = cluster.start_all().await;
    let first = term_after(&cluster, 0).await;
    let old = number_of(&first);
    submit_at(&gateways.iter().collect::<Vec<_>>(), "before", 6).await;
    for feed in [ALBANIA, VIET_NAM] {
        cluster.mirror(1).settle(feed, 6).await;
    }

    // The releaser decides, and nothing of it gets into the log.
    let gate = cluster.gate(old);
    gate.shut();
    let others: Vec<&Gateway> = (1..).zip(&gateways).filter(|(node, _)| *node != old).map(|(_, node)| node).collect();
    submit_at(&others, "meanwhile", 5).await;
    gate.until("releases that wait", 1, |entry| entry.releases.is_some()).await;
    let second = next_releaser(&cluster, &first, 1).await;
    assert_ne!(number_of(&second), old, "a node that cannot write begins no term");
    for feed in [ALBANIA, VIET_NAM] {
        cluster.mirror(number_of(&second)).settle(feed, 11).await;
    }

    // It comes back, with what it had decided.
    gate.open();
    let is_late = |seen: &Seen| {
        seen.leaf > second.leaf.0 && seen.entry.releaser_term == first.number && seen.entry.releases.is_some()
    };
    let late = cluster.mirror(old).entry("what the old releaser wrote", is_late).await;
    assert_eq!(late.outcome, Outcome::Void);
    submit_at(&gateways.iter().collect::<Vec<_>>(), "after", 3).await;
    for feed in [ALBANIA, VIET_NAM] {
        cluster.mirror(1).settle(feed, 14).await;
    }
    cluster.are_one(&gateways).await;
    let released = released(&cluster);
    assert_eq!(released.len(), 28, "each of 14 records in both feeds");
    assert!(released.values().all(|times| *times == 1), "{released:?}");
    feeds_are_one(&gateways, "al-police/feed", 14).await;
    feeds_are_one(&gateways, "vn-police/feed", 14).await;
    cluster.stop(gateways).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_periods_batch_and_its_table_are_made_once_where_the_releaser_changes_at_its_end() {
    let cluster = Cluster::with(|setup| {
        celled(setup);
        setup.agreement(ALBANIA, |text| format!("{text}{TABLE}"));
        setup.now = Date::new(2026, 11, 30).expect("a day").start().plus_seconds(23 * 3600);
    });
    let gateways = cluster.start_all().await;
    let first = term_after(&cluster, 0).await;
    let old = number_of(&first);
    let mut ingest = gateways[0].ingest(SYSTEM).await;
    for (number, day) in ["2026-01-05", "2026-05-05", "2026-08-05"].into_iter().enumerate() {
        let record = profile(&format!("S-{number}"), json!({ "referral_date": day }));
        submit(&mut ingest, &format!("r-{number}"), &record).await.expect("accepted");
    }
    // Once the other feed has what came later, all of these have been looked at.
    let only = documents::with(documents::route(), json!({ "releasable_to": ["VN"] }));
    submit(&mut ingest, "later", &only).await.expect("accepted");
    cluster.mirror(old).settle(VIET_NAM, 1).await;

    let gate = cluster.gate(old);
    gate.shut();
    cluster.world.clock().set(Date::new(2026, 12, 1).expect("a day").start());
    let is_batch = |entry: &Entry| entry.releases.as_ref().is_some_and(|batch| !batch.recoding.is_empty());
    gate.until("a batch that waits", 1, is_batch).await;
    let second = next_releaser(&cluster, &first, 1).await;
    let is_table = |seen: &Seen| seen.entry.reason == REASON_TABLE_PUBLISHED;
    let table = cluster.mirror(1).entry("a table", is_table).await;
    assert_eq!((table.outcome, table.entry.releaser_term), (Outcome::Effective, second.number));
    gate.open();
    let is_late = |seen: &Seen| seen.entry.releaser_term == first.number && is_batch(&seen.entry);
    let late = cluster.mirror(old).entry("what the old releaser wrote", is_late).await;
    assert_eq!(late.outcome, Outcome::Void);
    submit(&mut ingest, "last", &only).await.expect("accepted");
    cluster.mirror(1).settle(VIET_NAM, 2).await;
    cluster.are_one(&gateways).await;
    assert_eq!(cluster.entries(1).into_iter().filter(is_table).count(), 1);
    let released = released(&cluster);
    assert_eq!(released.len(), 5, "three persons, and the other feed's two routes");
    assert!(released.values().all(|times| *times == 1), "{released:?}");
    feeds_are_one(&gateways, "al-police/feed", 3).await;
    cluster.stop(gateways).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_releaser_goes_on_where_one_has_stopped_and_a_term_has_one_node() {
    let cluster = Cluster::new();
    let mut gateways: Vec<Option<Gateway>> = cluster.start_all().await.into_iter().map(Some).collect();
    let mut number = 0;
    let mut submitted = 0;
    for round in 0..2 {
        let term = term_after(&cluster, number).await;
        let holder = usize::from(number_of(&term)) - 1;
        let running: Vec<&Gateway> = gateways.iter().flatten().collect();
        submit_at(&running, &format!("round-{round}"), 3).await;
        submitted += 3;
        // It may have released some of these, or none.
        gateways[holder].take().expect("it runs").stop().await;
        let left = 1 + gateways.iter().position(Option::is_some).expect("one is left");
        let witness = cluster.mirror(u16::try_from(left).expect("few"));
        next_releaser(&cluster, &term, u16::try_from(left).expect("few")).await;
        for feed in [ALBANIA, VIET_NAM] {
            witness.settle(feed, submitted).await;
        }
        let again = cluster.start(u16::try_from(holder + 1).expect("few")).await;
        gateways[holder] = Some(again);
        number = witness.read(|state| state.term().map(|term| term.number)).expect("a term") - 1;
    }
    let gateways: Vec<Gateway> = gateways.into_iter().flatten().collect();
    cluster.are_one(&gateways).await;
    let begun: Vec<_> = cluster.entries(1).into_iter().filter(|seen| seen.entry.reason == REASON_TERM_BEGUN).collect();
    let mut terms: BTreeMap<u64, usize> = BTreeMap::new();
    for seen in begun.iter().filter(|seen| seen.outcome.is_effective()) {
        *terms.entry(seen.entry.releaser_term).or_default() += 1;
    }
    assert!(terms.len() >= 3 && terms.values().all(|times| *times == 1), "{terms:?}");
    let released = released(&cluster);
    assert_eq!(released.len() as u64, 2 * submitted);
    assert!(released.values().all(|times| *times == 1), "{released:?}");
    // While nothing happens, nobody writes that it is still the releaser.
    let size = cluster.entries(1).len();
    for _ in 0..9 {
        tokio::time::sleep(SECOND).await;
        cluster.world.clock().advance(1);
    }
    let grown: Vec<String> = cluster.entries(1).into_iter().skip(size).map(|seen| seen.entry.reason).collect();
    assert!(!grown.iter().any(|reason| reason == REASON_TERM_BEGUN), "{grown:?}");
    cluster.stop(gateways).await;
}
