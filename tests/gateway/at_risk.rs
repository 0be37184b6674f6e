//! A person in a record is in danger: one call, and every feed has its withdrawal, which looks like any other.

use causeway_model::{Date, Timestamp};
use causeway_proto::v1;
use causeway_proto::v1::ingest_service_client::IngestServiceClient;
use prost::Message;
use tonic::{Code, Status};

use crate::feed::{ALBANIA, VIET_NAM, released_in};
use crate::harness::calls::{items, pull, reason, released, submit, withdraw};
use crate::harness::{Stated, World, documents};
use crate::holders::holders;

async fn flag(
    client: &mut IngestServiceClient<Stated>,
    submission_id: &str,
    record_id: &str,
) -> Result<v1::FlagAtRiskResponse, Status> {
    let request = v1::FlagAtRiskRequest { submission_id: submission_id.into(), record_id: record_id.into() };
    Ok(client.flag_at_risk(request).await?.into_inner())
}

fn noon(day: u8) -> Timestamp {
    Date::new(2026, 11, day).expect("a day").start().plus_seconds(12 * 3600)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flag_is_a_withdrawal_like_any_other_and_starts_the_clock() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let endangered = submit(&mut ingest, "one", &documents::profile()).await.expect("accepted");
    let other = submit(&mut ingest, "two", &documents::profile()).await.expect("accepted");
    for agreement in [ALBANIA, VIET_NAM] {
        released_in(&world, agreement, &other).await;
    }
    let mut feed = gateway.feed("al-police/feed").await;
    let start = pull(&mut feed, "", 0).await.expect("a page");
    world.clock().set(noon(22));
    let flagged = flag(&mut ingest, "flag", &endangered.record_id).await.expect("flagged");
    let [holder] = &flagged.holders[..] else { panic!("one partner has it: {:?}", flagged.holders) };
    assert_eq!((holder.agency.as_str(), holder.recalled_at_micros), ("al-police", noon(22).0));
    assert_eq!(holder.acknowledge_by_micros, noon(25).0);
    // Without waiting: both feeds have it.
    let page = pull(&mut feed, &start.next_cursor, 0).await.expect("the withdrawal");
    withdraw(&mut ingest, "gone", &other.record_id, 1).await.expect("withdrawn");
    let plain = pull(&mut feed, &page.next_cursor, 0).await.expect("the withdrawal");
    for (index, page) in [&page, &plain].into_iter().enumerate() {
        let [item] = &page.items[..] else { panic!("one item: {:?}", page.items) };
        let expected = v1::WithdrawnItem { item_id: start.items[index].item_id.clone() };
        assert_eq!(item.kind(), v1::ItemKind::Withdrawal);
        assert_eq!(item.content, Some(v1::item::Content::Withdrawn(expected)));
    }
    assert_eq!(page.items[0].encoded_len(), plain.items[0].encoded_len());
    let entry = |page: &v1::Page| page.evidence.as_ref().expect("evidence").entry.len();
    assert_eq!(entry(&page), entry(&plain), "the disclosures differ in their size");
    let all = items(&mut gateway.feed("vn-police/feed").await).await;
    assert_eq!((all.len(), all.iter().filter_map(released).count()), (4, 0));
    // The time until it was taken note of is reported for each partner.
    world.clock().set(noon(23));
    let taken = v1::AcknowledgeRequest { up_to_position: 3, ..v1::AcknowledgeRequest::default() };
    feed.acknowledge(taken).await.expect("taken note of");
    let listed = holders(&mut ingest, &endangered.record_id).await;
    let took: Vec<_> =
        listed.iter().map(|holder| (holder.agency.as_str(), holder.time_to_acknowledge_micros)).collect();
    assert_eq!(took, [("al-police", 86_400_000_000)]);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flag_happens_once_and_stands_until_it_is_lifted() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let record = submit(&mut ingest, "one", &documents::profile()).await.expect("accepted");
    let other = submit(&mut ingest, "two", &documents::profile()).await.expect("accepted");
    released_in(&world, ALBANIA, &other).await;
    let first = flag(&mut ingest, "flag", &record.record_id).await.expect("flagged").receipt.expect("a receipt");
    let again = flag(&mut ingest, "flag", &record.record_id).await.expect("safe to retry").receipt.expect("a receipt");
    assert_eq!((first.leaf_index, first.entry), (again.leaf_index, again.entry));
    for (submission, id, code, expected) in [
        ("other", record.record_id.as_str(), Code::AlreadyExists, "already-at-risk"),
        ("flag", other.record_id.as_str(), Code::AlreadyExists, "submission-id-reused"),
        ("none", "00000000000000000000000000000000", Code::NotFound, "unknown-record"),
        ("none", "record", Code::InvalidArgument, "field-malformed"),
    ] {
        let refused = flag(&mut ingest, submission, id).await.expect_err(expected);
        assert_eq!((refused.code(), reason(&refused).as_str()), (code, expected));
    }
    let mut feed = gateway.feed("al-police/feed").await;
    assert_eq!(items(&mut feed).await.iter().filter_map(released).count(), 1, "the other one alone");
    // A restart changes nothing; lifting the restriction does.
    gateway.stop().await;
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let mut feed = gateway.feed("al-police/feed").await;
    assert_eq!(items(&mut feed).await.iter().filter_map(released).count(), 1);
    let lift = v1::RestrictRequest {
        submission_id: "lift".into(),
        record_id: record.record_id.clone(),
        expected_version: 1,
        restricted: false,
    };
    ingest.restrict(lift).await.expect("lifted");
    released_in(&world, ALBANIA, &record).await;
    assert_eq!(items(&mut feed).await.iter().filter_map(released).count(), 2);
    // What has been withdrawn can be flagged: the clock of its acknowledgements starts.
    withdraw(&mut ingest, "gone", &other.record_id, 1).await.expect("withdrawn");
    flag(&mut ingest, "late", &other.record_id).await.expect("flagged");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partners_auditor_does_not_see_who_is_in_danger() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let record = submit(&mut ingest, "one", &documents::profile()).await.expect("accepted");
    released_in(&world, ALBANIA, &record).await;
    items(&mut gateway.feed("al-police/feed").await).await;
    flag(&mut ingest, "flag", &record.record_id).await.expect("flagged");
    holders(&mut ingest, &record.record_id).await;
    let explain = v1::ExplainRequest {
        record_id: record.record_id.clone(),
        agreement: ALBANIA.into(),
        ..v1::ExplainRequest::default()
    };
    let explained = ingest.explain(explain).await.expect("explained").into_inner().explanations;
    assert_eq!(
        (explained[0].shown, explained[0].granted, explained[0].reason.as_str()),
        (false, false, "victim-at-risk")
    );
    let mut auditor = gateway.audit("al-police/audit").await;
    let mut rows = auditor.query(crate::audit::everything()).await.expect("an answer").into_inner();
    let id = record.record_id.parse::<causeway_model::RecordId>().expect("an id");
    let mut seen = 0;
    while let Some(row) = rows.message().await.expect("it goes on") {
        let Some(v1::query_response::Part::Row(row)) = row.part else { continue };
        assert!(!row.entry.windows(16).any(|window| window == id.as_bytes()), "an entry names a record");
        seen += 1;
    }
    assert!(seen > 0, "its own pages");
    gateway.stop().await;
}
