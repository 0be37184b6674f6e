//! What narrows and what erases, ordered at one node and in force at all.

use causeway_journal::Erasure;
use causeway_journal::v1::DocumentKind;
use causeway_model::RecordId;
use causeway_proto::v1::RotateKeyRequest;
use tonic::Code;

use super::stand::{Cluster, SYSTEM};
use crate::feed::{ALBANIA, VIET_NAM};
use crate::governance::office::{NCA, suspend, suspension};
use crate::harness::calls::{items, released, submit, within};
use crate::harness::documents;
use crate::protection::office::Office;

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_is_ordered_at_one_node_is_complete_once_all_have_destroyed_their_keys() {
    let cluster = Cluster::new();
    let mut gateways = cluster.start_all().await;
    let mut ingest = gateways[1].ingest(SYSTEM).await;
    let gone = submit(&mut ingest, "gone", &documents::profile()).await.expect("accepted").record_id;
    let kept = submit(&mut ingest, "kept", &documents::profile()).await.expect("accepted").record_id;
    cluster.mirror(1).settle(ALBANIA, 2).await;
    let mut office = Office::of(&cluster.world, &gateways[0], "gb-nca").await;
    within("the erasure", office.erase_all(&[&gone])).await.expect("erased");
    let erasure = |node: u16, record: &str| {
        let record: RecordId = record.parse().expect("an id");
        cluster.mirror(node).read(|state| state.record(&record).expect("known").erasure)
    };
    cluster.are_one(&gateways).await;
    for node in 1..=3 {
        assert!(matches!(erasure(node, &gone), Erasure::Complete(_)), "node {node}");
        assert_eq!(erasure(node, &kept), Erasure::None);
        let attested = cluster.entries(node).into_iter().filter(|seen| seen.entry.reason == "erasure-attested");
        assert_eq!(attested.filter(|seen| seen.outcome.is_effective()).count(), 3, "node {node}");
    }
    for gateway in &gateways {
        let shown = items(&mut gateway.feed("al-police/feed").await).await;
        assert_eq!(shown.iter().filter(|item| released(item).is_some()).count(), 1, "what was kept");
    }

    // A node that is away holds the next one back, and completes it when it is back.
    gateways.remove(2).stop().await;
    let mut office = Office::of(&cluster.world, &gateways[0], "gb-nca").await;
    let waits = within("the answer", office.erase_all(&[&kept])).await.expect_err("one node is away");
    assert_eq!(crate::harness::calls::reason(&waits), "erasure-waits-for-nodes", "{}", waits.message());
    gateways.push(within("its start", cluster.start(3)).await);
    let kept: RecordId = kept.parse().expect("an id");
    let complete =
        |state: &causeway_journal::State| matches!(state.record(&kept).expect("known").erasure, Erasure::Complete(_));
    for node in 1..=3 {
        cluster.mirror(node).until("the completion", complete).await;
    }
    cluster.are_one(&gateways).await;
    cluster.stop(gateways).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_that_is_suspended_at_one_node_shows_nothing_at_another() {
    let cluster = Cluster::new();
    let gateways = cluster.start_all().await;
    submit(&mut gateways[0].ingest(SYSTEM).await, "one", &documents::profile()).await.expect("accepted");
    for node in 1..=3 {
        cluster.mirror(node).settle(ALBANIA, 1).await;
        cluster.mirror(node).settle(VIET_NAM, 1).await;
    }
    for gateway in &gateways {
        let shown = items(&mut gateway.feed("al-police/feed").await).await;
        assert!(shown.iter().any(|item| released(item).is_some()), "the control");
    }
    let order = suspension(&cluster.world, DocumentKind::Agreement, ALBANIA, 1, NCA[0]);
    suspend(&gateways[0], order).await.expect("suspended");
    cluster.are_one(&gateways).await;
    for gateway in &gateways {
        let shown = items(&mut gateway.feed("al-police/feed").await).await;
        assert!(shown.iter().all(|item| released(item).is_none()), "{shown:?}");
        let other = items(&mut gateway.feed("vn-police/feed").await).await;
        assert!(other.iter().any(|item| released(item).is_some()), "another agreement goes on");
    }
    cluster.stop(gateways).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_the_ring_is_not_rotated_where_other_nodes_have_that_ring_too() {
    let cluster = Cluster::new();
    let gateways = cluster.start_all().await;
    let mut keys = gateways[0].admin("gb-nca/operations").await;
    for key in ["checkpoint-signing".to_owned(), format!("feed/{ALBANIA}")] {
        let request = RotateKeyRequest { key, compromised: true };
        let refused = keys.rotate_key(request).await.expect_err("the others would not have the new one");
        assert_eq!(refused.code(), Code::AlreadyExists, "{refused:?}");
        assert!(refused.message().contains("roster"), "{refused:?}");
    }
    let page_keys = RotateKeyRequest { key: "pages".to_owned(), compromised: false };
    keys.rotate_key(page_keys).await.expect("each node has its own");
    cluster.are_one(&gateways).await;
    cluster.stop(gateways).await;
}
