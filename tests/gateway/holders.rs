//! Who holds a record: since when, in which version, and whether what recalls it has been taken note of.

use causeway_journal::v1::Decision;
use causeway_model::{Date, Timestamp};
use causeway_proto::v1;
use causeway_proto::v1::ingest_service_client::IngestServiceClient;
use serde_json::json;
use tonic::Code;

use crate::feed::{ALBANIA, VIET_NAM, released_in};
use crate::harness::calls::{items, pull, reason, request, send, submit, withdraw};
use crate::harness::{Gateway, Stated, World, documents};

/// The hours within which a recall is to be acknowledged, where nothing is stated.
const HOURS: u64 = 72;

pub(crate) async fn holders(client: &mut IngestServiceClient<Stated>, record_id: &str) -> Vec<v1::Holder> {
    let request = v1::ListHoldersRequest { record_id: record_id.into() };
    client.list_holders(request).await.expect("the owner may ask").into_inner().holders
}

fn noon(day: u8) -> Timestamp {
    Date::new(2026, 11, day).expect("a day").start().plus_seconds(12 * 3600)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_is_listed_from_its_first_page_until_its_acknowledgement_and_after() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let first = submit(&mut ingest, "first", &documents::profile()).await.expect("accepted");
    let record = first.record_id.clone();
    for agreement in [ALBANIA, VIET_NAM] {
        released_in(&world, agreement, &first).await;
    }
    assert_eq!(holders(&mut ingest, &record).await, [], "released, and pulled by nobody");
    let mut feed = gateway.feed("al-police/feed").await;
    pull(&mut feed, "", 0).await.expect("a page");
    let held = v1::Holder {
        agency: "al-police".into(),
        agreement: ALBANIA.into(),
        disclosed_at_micros: noon(21).0,
        versions: vec![1],
        shown_version: 1,
        ..v1::Holder::default()
    };
    assert_eq!(holders(&mut ingest, &record).await, std::slice::from_ref(&held));

    // A correction recalls the version before it, until it has been taken note of.
    world.clock().set(noon(22));
    let corrected = documents::with(documents::profile(), json!({ "gender": "male" }));
    let correction =
        v1::SubmitRequest { record_id: record.clone(), expected_version: 1, ..request("second", &corrected) };
    let second = send(&mut ingest, correction).await.expect("accepted");
    released_in(&world, ALBANIA, &second).await;
    let due = v1::Holder {
        recalled_at_micros: noon(22).0,
        acknowledge_by_micros: noon(22).plus_seconds(HOURS * 3600).0,
        shown_version: 2,
        ..held.clone()
    };
    assert_eq!(holders(&mut ingest, &record).await, std::slice::from_ref(&due));
    assert_eq!(items(&mut feed).await.len(), 2);
    let due = v1::Holder { versions: vec![1, 2], ..due };
    assert_eq!(holders(&mut ingest, &record).await, std::slice::from_ref(&due), "pulling is not taking note");
    world.clock().set(Timestamp(noon(25).0 - 1));
    assert!(!holders(&mut ingest, &record).await[0].overdue, "the last moment is within its time");
    world.clock().set(noon(25));
    assert!(holders(&mut ingest, &record).await[0].overdue);
    world.clock().set(noon(26));
    assert_eq!(holders(&mut ingest, &record).await, [v1::Holder { overdue: true, ..due.clone() }]);
    let taken = v1::AcknowledgeRequest { up_to_position: 2, ..v1::AcknowledgeRequest::default() };
    feed.acknowledge(taken).await.expect("taken note of");
    let noted =
        v1::Holder { acknowledged_at_micros: noon(26).0, acknowledged_by: "test.operator".into(), ..due.clone() };
    assert_eq!(holders(&mut ingest, &record).await, [noted]);

    recalled_again(&world, gateway, &record, due).await;
}

/// A withdrawal recalls a record again; its partner stays a holder, whatever it has taken note of.
async fn recalled_again(world: &World, gateway: Gateway, record: &str, due: v1::Holder) {
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    world.clock().set(noon(27));
    withdraw(&mut ingest, "gone", record, 2).await.expect("withdrawn");
    let gone = v1::Holder {
        recalled_at_micros: noon(27).0,
        acknowledge_by_micros: noon(27).plus_seconds(HOURS * 3600).0,
        shown_version: 0,
        ..due
    };
    assert_eq!(holders(&mut ingest, record).await, std::slice::from_ref(&gone));
    gateway.stop().await;
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let mut feed = gateway.feed("al-police/feed").await;
    items(&mut feed).await;
    let taken = v1::AcknowledgeRequest { item_position: 3, ..v1::AcknowledgeRequest::default() };
    feed.acknowledge(taken).await.expect("taken note of");
    let noted = v1::Holder { acknowledged_at_micros: noon(27).0, acknowledged_by: "test.operator".into(), ..gone };
    assert_eq!(holders(&mut ingest, record).await, [noted], "one item alone does");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_holder_is_shown_is_what_its_next_pull_would_show() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let kept = documents::with(documents::profile(), json!({ "retain_until": "2026-11-22" }));
    let receipt = submit(&mut ingest, "kept", &kept).await.expect("accepted");
    released_in(&world, ALBANIA, &receipt).await;
    let mut feed = gateway.feed("al-police/feed").await;
    assert_eq!(items(&mut feed).await.len(), 1);
    assert_eq!(holders(&mut ingest, &receipt.record_id).await[0].shown_version, 1);
    // Whether the releaser has come to it or not.
    world.clock().set(noon(23));
    let held = holders(&mut ingest, &receipt.record_id).await;
    assert_eq!((held[0].versions.as_slice(), held[0].shown_version), ([1].as_slice(), 0));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_holders_leaves_an_entry_and_learns_of_its_own_records_only() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let record = submit(&mut ingest, "one", &documents::profile()).await.expect("accepted").record_id;
    let size = world.journal().size();
    holders(&mut ingest, &record).await;
    let request = v1::ListHoldersRequest { record_id: "0".repeat(32) };
    let refused = ingest.list_holders(request).await.expect_err("there is no such record");
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "unknown-record"));
    let said: Vec<_> = world.journal().entries_from(size).into_iter().map(|seen| seen.entry).collect();
    let said: Vec<_> = said.iter().filter(|entry| entry.recipient.is_none()).collect();
    let said: Vec<_> =
        said.iter().map(|entry| (entry.decision(), entry.reason.as_str(), entry.records.len())).collect();
    assert_eq!(said, [(Decision::Allowed, "holders", 1), (Decision::Denied, "unknown-record", 1)]);
    gateway.stop().await;
}
