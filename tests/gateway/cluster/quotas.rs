//! What is limited a day, at several nodes at once. Invariants: no more records are accepted of an agency than its day may have, and no more
//! leave under an agreement, however the nodes' frames come to lie; what is over is refused as by a gateway that is alone.

use causeway_journal::Outcome;
use causeway_journal::v1::Operation;
use causeway_proto::v1::Page;
use causeway_proto::v1::item::Content;
use futures_util::future::join_all;
use tonic::{Code, Status};

use super::stand::{Cluster, SYSTEM};
use crate::feed::ALBANIA;
use crate::harness::calls::{pull, reason, submit};
use crate::harness::documents;

const MOST: u64 = 10;

/// Submissions at each of the three nodes: all of them together are more than the day may have, and those of one are not.
const EACH: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_accept_at_once_accept_no_more_than_the_day_may_have() {
    let cluster = Cluster::with(|setup| {
        setup.configure(|config| config.limits.quotas.agency.records_per_day = MOST);
    });
    let gateways = cluster.start_all().await;
    for node in 1..=3 {
        cluster.gate(node).shut();
    }
    let each = (1..).zip(&gateways).map(|(node, gateway)| async move {
        let ingest = gateway.ingest(SYSTEM).await;
        let one = |index| {
            let mut ingest = ingest.clone();
            async move { submit(&mut ingest, &format!("{node}-{index}"), &documents::profile()).await }
        };
        join_all((0..EACH).map(one)).await
    });
    let opened = async {
        for node in 1..=3 {
            // As many frames as may be on their way: together they hold more than the day may have.
            cluster.gate(node).until("submissions", 4, |entry| entry.operation() == Operation::Collection).await;
        }
        for node in 1..=3 {
            cluster.gate(node).open();
        }
    };
    let (answers, ()) = tokio::join!(join_all(each), opened);
    let (accepted, refused): (Vec<_>, Vec<_>) = answers.into_iter().flatten().partition(Result::is_ok);
    assert_eq!(accepted.len() as u64, MOST);
    for refusal in refused.into_iter().filter_map(Result::err) {
        assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::ResourceExhausted, "records-over-limit"));
    }
    cluster.are_one(&gateways).await;
    // Once a node has seen it, it does not even try.
    let size = cluster.entries(1).len();
    for gateway in &gateways {
        let refused = submit(&mut gateway.ingest(SYSTEM).await, "late", &documents::profile()).await;
        assert_eq!(refused.map_err(|status| reason(&status)), Err("records-over-limit".to_owned()));
    }
    cluster.are_one(&gateways).await;
    let entries = cluster.entries(1);
    let collected = entries.iter().filter(|seen| seen.entry.operation() == Operation::Collection);
    let capped = collected.clone().filter(|seen| seen.outcome == Outcome::CapReached).count();
    assert_eq!(collected.clone().filter(|seen| seen.outcome.is_effective()).count() as u64, MOST);
    assert!(capped >= 2, "{capped} of them came to the log in vain");
    assert!(entries.iter().skip(size).all(|seen| seen.entry.operation() != Operation::Collection));
    // The next day they are accepted again.
    cluster.world.clock().advance(24 * 3600);
    submit(&mut gateways[2].ingest(SYSTEM).await, "late", &documents::profile()).await.expect("a new day");
    cluster.stop(gateways).await;
}

/// How many records a page shows.
fn shown(page: &Result<Page, Status>) -> usize {
    let is_shown = |content: &Option<Content>| matches!(content, Some(Content::Released(_)));
    page.as_ref().map_or(0, |page| page.items.iter().filter(|item| is_shown(&item.content)).count())
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_two_nodes_make_at_once_take_no_more_than_is_left_of_the_day() {
    let cluster = Cluster::with(|setup| {
        let quota = "[quota]\nrecords_per_day = 3\n\n[identity]";
        setup.agreement(ALBANIA, |text| text.replacen("[identity]", quota, 1));
    });
    let gateways = cluster.start_all().await;
    for index in 0..5 {
        let mut ingest = gateways[0].ingest(SYSTEM).await;
        submit(&mut ingest, &format!("one-{index}"), &documents::profile()).await.expect("accepted");
    }
    for node in 1..=3 {
        cluster.mirror(node).settle(ALBANIA, 5).await;
        cluster.gate(node).shut();
    }
    let each =
        gateways.iter().map(|gateway| async move { pull(&mut gateway.feed("al-police/feed").await, "", 100).await });
    let opened = async {
        for node in 1..=3 {
            cluster.gate(node).until("a page", 1, |entry| entry.page.is_some()).await;
        }
        for node in 1..=3 {
            cluster.gate(node).open();
        }
    };
    let (pages, ()) = tokio::join!(join_all(each), opened);
    let mut by_page: Vec<usize> = pages.iter().map(shown).collect();
    by_page.sort_unstable();
    assert_eq!(by_page, [0, 0, 3]);
    for refusal in pages.into_iter().filter_map(Result::err) {
        assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::ResourceExhausted, "quota-exceeded"));
    }
    cluster.are_one(&gateways).await;
    let pages = cluster.entries(1).into_iter().filter(|seen| seen.entry.page.is_some());
    let mut outcomes: Vec<Outcome> = pages.map(|seen| seen.outcome).collect();
    outcomes.sort_by_key(|outcome| outcome.as_str());
    assert_eq!(outcomes, [Outcome::CapReached, Outcome::CapReached, Outcome::Effective]);
    cluster.stop(gateways).await;
}
