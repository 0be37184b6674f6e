//! Three gateways as nodes of one log, by the way that `causeway serve` takes, and clients that speak to any of them.
//!
//! Invariants: what is acknowledged at one node is in the log once, and every node comes to it; all nodes have one root, and give a partner
//! one feed. Non-failures: a node that is stopped has what it lacks when it is back; of nodes that begin at once each comes up.

mod cut_off;
mod gate;
mod positions;
mod protection;
mod quotas;
mod releasing;
mod stand;

use causeway_journal::v1::Operation;
use futures_util::future::join_all;

use crate::feed::{ALBANIA, VIET_NAM};
use crate::harness::calls::{items, submit, withdraw, within};
use crate::harness::{Gateway, documents};
use stand::{Cluster, SYSTEM};

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_begin_an_empty_log_at_once_all_come_up_and_have_one_journal() {
    let cluster = Cluster::new();
    let gateways = cluster.start_all().await;
    for (number, gateway) in (1..).zip(&gateways) {
        let mut ingest = gateway.ingest(SYSTEM).await;
        let receipt = submit(&mut ingest, &format!("at-{number}"), &documents::profile()).await.expect("accepted");
        assert!(!receipt.record_id.is_empty());
    }
    cluster.are_one(&gateways).await;
    // What two nodes do at once may be there twice, and counts once.
    let counts = |reason: &str| {
        let entries = cluster.entries(1);
        entries.iter().filter(|seen| seen.entry.reason == reason && seen.outcome.is_effective()).count()
    };
    assert_eq!(["genesis", "genesis-complete", "roster-stated"].map(counts), [1; 3]);
    let size = cluster.entries(1).len();
    cluster.stop(gateways).await;

    // They find what they have left, and none begins anything anew.
    let gateways = within("the second start", cluster.start_all()).await;
    cluster.are_one(&gateways).await;
    assert!(cluster.entries(2).len() >= size);
    cluster.stop(gateways).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_that_is_repeated_at_other_nodes_is_accepted_once() {
    let cluster = Cluster::new();
    let gateways = cluster.start_all().await;
    for round in 0..5 {
        let (id, record) = (format!("same-{round}"), documents::profile());
        let (id, record) = (&id, &record);
        let receipts = join_all(gateways.iter().map(|gateway| async move {
            let mut ingest = gateway.ingest(SYSTEM).await;
            let first = submit(&mut ingest, id, record).await.expect("accepted");
            (first, submit(&mut ingest, id, record).await.expect("again"))
        }));
        let receipts = receipts.await;
        let records: Vec<&str> =
            receipts.iter().flat_map(|(first, again)| [first.record_id.as_str(), again.record_id.as_str()]).collect();
        assert!(records.iter().all(|record| *record == records[0]), "{records:?}");
    }
    cluster.are_one(&gateways).await;
    let effective = |node: u16| {
        let entries = cluster.entries(node);
        let submissions = entries.iter().filter(|seen| seen.entry.operation() == Operation::Collection);
        submissions.filter(|seen| seen.outcome.is_effective()).count()
    };
    assert_eq!([1, 2, 3].map(effective), [5; 3]);
    cluster.stop(gateways).await;
}

/// A feed as its partner gets it: position, item and content of each.
async fn feed_at(gateway: &Gateway, system: &str) -> Vec<(u64, String, String)> {
    let items = items(&mut gateway.feed(system).await).await;
    items.into_iter().map(|item| (item.position, item.item_id, format!("{:?}", item.content))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_gets_one_feed_from_whichever_node_and_a_node_that_was_away_gives_it_too() {
    let cluster = Cluster::new();
    let mut gateways = cluster.start_all().await;
    let mut receipts = Vec::new();
    for round in 0..6 {
        let mut ingest = gateways[round % 3].ingest(SYSTEM).await;
        receipts.push(submit(&mut ingest, &format!("each-{round}"), &documents::profile()).await.expect("accepted"));
    }
    cluster.mirror(1).settle(ALBANIA, 6).await;
    cluster.mirror(1).settle(VIET_NAM, 6).await;
    gateways.remove(2).stop().await;
    withdraw(&mut gateways[0].ingest(SYSTEM).await, "withdrawn", &receipts[0].record_id, 1).await.expect("withdrawn");
    cluster.mirror(1).settle(ALBANIA, 7).await;
    cluster.mirror(1).settle(VIET_NAM, 7).await;

    gateways.push(within("the start of the node that was away", cluster.start(3)).await);
    cluster.are_one(&gateways).await;
    for system in ["al-police/feed", "vn-police/feed"] {
        let feeds = join_all(gateways.iter().map(|gateway| feed_at(gateway, system))).await;
        assert_eq!(feeds[0].len(), 7, "{system}");
        assert!(feeds.iter().all(|feed| *feed == feeds[0]), "{system}: {feeds:#?}");
    }
    cluster.stop(gateways).await;
}
