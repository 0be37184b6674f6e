//! Three gateways as nodes of one log, by the way that `causeway serve` takes, and clients that speak to any of them.
//!
//! Invariants: what is acknowledged at one node is in the log once, and every node comes to it; all nodes have one root, and give a partner
//! one feed. Non-failures: a node that is stopped has what it lacks when it is back; of nodes that begin at once each comes up.

mod stand;

use crate::harness::calls::{submit, within};
use crate::harness::documents;
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
    let genesis = |reason: &str| cluster.entries(1).iter().filter(|seen| seen.entry.reason == reason).count();
    assert_eq!((genesis("genesis"), genesis("genesis-complete"), genesis("roster-stated")), (1, 1, 1), "once");
    let size = cluster.entries(1).len();
    cluster.stop(gateways).await;

    // They find what they have left, and none begins anything anew.
    let gateways = within("the second start", cluster.start_all()).await;
    cluster.are_one(&gateways).await;
    assert!(cluster.entries(2).len() >= size);
    cluster.stop(gateways).await;
}
