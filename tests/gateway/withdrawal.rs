//! What leaves again: withdrawals, corrections, and what partners acknowledge of them.

use causeway_proto::v1;
use causeway_proto::v1::feed_service_client::FeedServiceClient;
use causeway_proto::v1::item::Content;
use prost::Message;
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::feed::{ALBANIA, VIET_NAM, evidence::Partner, released_in, submit_all, submit_each, verifier_key};
use crate::harness::calls::{items, pull, reason, released, request, send, submit, withdraw};
use crate::harness::{Gateway, Stated, World, documents};

/// The id of the item that an item tells to delete; none for a released one.
fn withdrawn(item: &v1::Item) -> Option<&str> {
    match item.content.as_ref()? {
        Content::Withdrawn(withdrawn) => Some(&withdrawn.item_id),
        Content::Released(_) | Content::Deferred(_) => None,
    }
}

/// The id of the item that a released one replaces.
fn replaces(item: &v1::Item) -> Option<&str> {
    match item.content.as_ref()? {
        Content::Released(released) => Some(&released.replaces_item_id),
        Content::Withdrawn(_) | Content::Deferred(_) => None,
    }
}

fn profile(members: Value) -> Value {
    documents::with(documents::profile(), members)
}

fn correction(submission_id: &str, receipt: &v1::Receipt, record: &Value) -> v1::SubmitRequest {
    let (record_id, expected_version) = (receipt.record_id.clone(), receipt.version);
    v1::SubmitRequest { record_id, expected_version, ..request(submission_id, record) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_record_is_a_withdrawal_in_each_feed_that_had_it_and_in_no_other() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let records = [
        profile(json!({})),
        profile(json!({ "releasable_to": ["AL"] })),
        profile(json!({ "releasable_to": ["VN"] })),
        profile(json!({ "releasable_to": [] })),
        documents::route(),
    ];
    let receipts = submit_each(&mut ingest, &records).await;
    let [both, albania_only, _, nobodys, last] = receipts.as_slice() else { panic!("five records, five receipts") };
    let key = verifier_key(&gateway).await;
    let mut before = Vec::new();
    for (agreement, reader) in [(ALBANIA, "al-police/feed"), (VIET_NAM, "vn-police/feed")] {
        released_in(&world, agreement, last).await;
        before.push(items(&mut gateway.feed(reader).await).await);
    }
    for (index, record) in [both, albania_only, nobodys].into_iter().enumerate() {
        withdraw(&mut ingest, &format!("withdrawal-{index}"), &record.record_id, 1).await.expect("withdrawn");
    }
    // Without waiting: the withdrawals are in the feeds when a withdrawal is answered.
    let expected: [(&[usize], usize); 2] = [(&[0, 1], 3), (&[0], 3)];
    let readers = [("al-police", "al-police/feed"), ("vn-police", "vn-police/feed")];
    for (((agency, reader), before), (gone, had)) in readers.into_iter().zip(&before).zip(expected) {
        assert_eq!(before.len(), had, "{reader}");
        let page = pull(&mut gateway.feed(reader).await, "", 100).await.expect("the feed from its start");
        Partner::new(agency, &key).read(&page).expect("the page proves itself");
        let (old, new) = page.items.split_at(had);
        let targets: Vec<&str> = gone.iter().map(|index| before[*index].item_id.as_str()).collect();
        assert_eq!(new.iter().map(withdrawn).collect::<Option<Vec<_>>>(), Some(targets), "{reader}");
        assert!(new.iter().all(|item| item.kind() == v1::ItemKind::Withdrawal));
        for (index, (now, then)) in old.iter().zip(before).enumerate() {
            assert_eq!((now.position, &now.item_id, now.kind), (then.position, &then.item_id, then.kind));
            match gone.iter().position(|at| *at == index) {
                None => assert_eq!(now, then, "what was not withdrawn is as it was"),
                Some(at) => assert_eq!(
                    now.content.as_ref().map(encoded),
                    new[at].content.as_ref().map(encoded),
                    "the old position holds what the withdrawal holds, byte for byte"
                ),
            }
        }
        let lengths: std::collections::BTreeSet<usize> = new.iter().map(Message::encoded_len).collect();
        assert_eq!(lengths.len(), 1, "withdrawals differ in their length");
    }
    gateway.stop().await;
}

fn encoded(content: &Content) -> Vec<u8> {
    let mut bytes = Vec::new();
    content.encode(&mut bytes);
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_replaces_what_was_released() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let first = submit(&mut ingest, "first", &profile(json!({ "gender": "female" }))).await.expect("accepted");
    released_in(&world, ALBANIA, &first).await;
    let second = correction("second", &first, &profile(json!({ "gender": "male" })));
    let second = send(&mut ingest, second).await.expect("the correction is accepted");
    assert_eq!((&second.record_id, second.version), (&first.record_id, 2));
    let mut feed = gateway.feed("al-police/feed").await;
    released_in(&world, ALBANIA, &second).await;
    let [old, new] = &items(&mut feed).await[..] else { panic!("two positions") };
    assert_eq!((old.kind(), withdrawn(old)), (v1::ItemKind::Release, Some(old.item_id.as_str())));
    assert_eq!((new.kind(), replaces(new)), (v1::ItemKind::Release, Some(old.item_id.as_str())));
    assert_eq!(released(new).expect("released")["gender"], "male");
    // A partner that has had the first item only, and comes back when all is over, is told to delete that one.
    let held = feed.pull(v1::PullRequest { limit: 1, ..v1::PullRequest::default() }).await.expect("the first page");
    let cursor = held.into_inner().page.expect("a page").next_cursor;
    // The record leaves: the item to delete is the one that stood for it last.
    withdraw(&mut ingest, "gone", &first.record_id, 2).await.expect("withdrawn");
    let [old, new, gone] = &items(&mut feed).await[..] else { panic!("three positions") };
    assert!([old, new, gone].iter().all(|item| withdrawn(item).is_some()));
    assert_eq!((gone.kind(), withdrawn(gone)), (v1::ItemKind::Withdrawal, Some(new.item_id.as_str())));
    let rest = pull(&mut feed, &cursor, 0).await.expect("the rest").items;
    let named: Vec<_> = rest.iter().filter_map(withdrawn).collect();
    assert_eq!(named, [old.item_id.as_str(), new.item_id.as_str()], "both are named to whoever comes back");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_that_leaves_scope_is_a_withdrawal() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let leaving = [
        json!({ "tlp": "RED" }),
        json!({ "processing_restricted": true }),
        json!({ "releasable_to": [] }),
        json!({ "nationalities": ["RO"] }),
        json!({ "is_minor": "not_sure" }),
        json!({ "info_grade": "E" }),
    ];
    let requests = (0..leaving.len()).map(|index| request(&format!("record-{index}"), &profile(json!({}))));
    let receipts = submit_all(&mut ingest, requests.collect()).await;
    world.journal().settle(ALBANIA, leaving.len() as u64).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let before = items(&mut feed).await;
    let corrections = leaving.iter().zip(&receipts).enumerate().map(|(index, (members, receipt))| {
        correction(&format!("correction-{index}"), receipt, &profile(members.clone()))
    });
    let corrected = submit_all(&mut ingest, corrections.collect()).await;
    world.journal().settle(ALBANIA, 2 * leaving.len() as u64).await;
    let after = items(&mut feed).await;
    let ids: Vec<Option<&str>> = before.iter().map(|item| Some(item.item_id.as_str())).collect();
    let (old, new) = after.split_at(before.len());
    assert_eq!(old.iter().map(withdrawn).collect::<Vec<_>>(), ids, "the old positions are served as withdrawn");
    let mut gone: Vec<_> = new.iter().map(withdrawn).collect();
    gone.sort_unstable();
    let mut ids = ids;
    ids.sort_unstable();
    assert_eq!(gone, ids, "each has its withdrawal");
    // What comes back into scope is a release like any other, with a new item id.
    let back = correction("back", &corrected[0], &profile(json!({})));
    let back = send(&mut ingest, back).await.expect("accepted");
    released_in(&world, ALBANIA, &back).await;
    let after = items(&mut feed).await;
    let newest = after.last().expect("items");
    assert_eq!((newest.position, replaces(newest)), (13, Some("")), "there is nothing left to replace");
    assert!(ids.iter().all(|id| *id != Some(newest.item_id.as_str())));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_overtakes_the_page_that_is_being_made() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let (feed, mut other) = (gateway.feed("al-police/feed").await, gateway.feed("vn-police/feed").await);
    let only_albania = profile(json!({ "releasable_to": ["AL"] }));
    // Which of the two takes its place in the log first is not the test's to say, so it tries again.
    for attempt in 0..20 {
        let record = submit(&mut ingest, &format!("record-{attempt}"), &only_albania).await.expect("accepted");
        released_in(&world, ALBANIA, &record).await;
        let (mut withdrawing, mut pulling) = (ingest.clone(), feed.clone());
        let size = world.journal().size();
        let hold = world.faults().hold();
        let id = format!("withdrawal-{attempt}");
        let withdrawn_at = tokio::spawn(async move { withdraw(&mut withdrawing, &id, &record.record_id, 1).await });
        pause(&mut other).await;
        let page = tokio::spawn(async move { pull(&mut pulling, "", 1_000).await });
        pause(&mut other).await;
        drop(hold);
        let page = page.await.expect("no panic").expect("a page");
        let withdrawn_at = withdrawn_at.await.expect("no panic").expect("withdrawn").leaf_index;
        let evidence = page.evidence.expect("evidence").inclusion_proof.expect("a proof");
        if withdrawn_at < evidence.leaf_index {
            assert!(page.items.iter().all(|item| withdrawn(item).is_some()), "a withdrawn record left");
            let disclosed = world.journal().entries_from(size).into_iter().filter(|seen| seen.entry.page.is_some());
            if disclosed.count() > 1 {
                gateway.stop().await;
                return;
            }
        }
    }
    panic!("no withdrawal came between a page and its disclosure");
}

/// Calls that need no entry, so that others may get further meanwhile.
async fn pause(feed: &mut FeedServiceClient<Stated>) {
    for _ in 0..20 {
        assert_eq!(pull(feed, "", 1).await.expect("an empty page").items, []);
    }
}

async fn acknowledge(feed: &mut FeedServiceClient<Stated>, up_to_position: u64) -> Result<u64, Status> {
    let request = v1::AcknowledgeRequest { agreement: String::new(), up_to_position, item_position: 0 };
    Ok(feed.acknowledge(request).await?.into_inner().acknowledged_position)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_is_kept_and_cannot_run_ahead() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let requests = (0..5).map(|index| request(&format!("record-{index}"), &profile(json!({}))));
    let receipts = submit_all(&mut ingest, requests.collect()).await;
    world.journal().settle(ALBANIA, 5).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let status = acknowledge(&mut feed, 0).await.expect_err("it says nothing");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "field-malformed"));
    refused(acknowledge(&mut feed, 1).await, "nothing was disclosed yet");
    pull(&mut feed, "", 3).await.expect("a page");
    refused(acknowledge(&mut feed, 4).await, "three positions were disclosed");
    assert_eq!(acknowledge(&mut feed, 3).await.expect("disclosed"), 3);
    assert_eq!(acknowledge(&mut feed, 2).await.expect("disclosed"), 3, "an acknowledgement is not taken back");
    refused(acknowledge(&mut feed, u64::MAX).await, "no feed is so long");
    gateway.stop().await;
    let gateway = world.start().await;
    let mut feed = gateway.feed("al-police/feed").await;
    assert_eq!(acknowledge(&mut feed, 1).await.expect("disclosed"), 3, "it is kept over a restart");
    refused(acknowledge(&mut feed, 4).await, "and so is what was disclosed");
    // The withdrawal of a record can be taken note of once it has been in a page.
    withdraw_first(&gateway, &receipts[0]).await;
    refused(acknowledge(&mut feed, 6).await, "the withdrawal has not been disclosed");
    assert_eq!(items(&mut feed).await.len(), 6);
    assert_eq!(acknowledge(&mut feed, 6).await.expect("disclosed"), 6);
    gateway.stop().await;
}

async fn withdraw_first(gateway: &Gateway, receipt: &v1::Receipt) {
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    withdraw(&mut ingest, "withdrawal", &receipt.record_id, 1).await.expect("withdrawn");
}

#[track_caller]
fn refused(answer: Result<u64, Status>, why: &str) {
    let status = answer.expect_err(why);
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "position-not-disclosed"), "{why}");
}
