//! What a position shows is frozen when it is released: whatever comes into force later, it shows the same, or a withdrawal's bytes
//! where that may no longer leave.

pub(crate) mod office;

use std::time::Duration;

use causeway_journal::v1::Decision;
use causeway_proto::v1;
use causeway_proto::v1::item::Content;
use tonic::Code;

use crate::feed::evidence::Partner;
use crate::feed::{ALBANIA, VIET_NAM, released_in, submit_all, verifier_key};
use crate::harness::calls::{items, pull, reason, released, request, send, submit, within};
use crate::harness::{Gateway, World, documents};
use office::{activate, amend, suspend};

/// Submits so many profiles that both partners get, and waits until they have.
async fn fill(world: &World, gateway: &Gateway, count: usize) {
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let requests = (0..count).map(|index| request(&format!("record-{index}"), &documents::profile()));
    let receipts = submit_all(&mut ingest, requests.collect()).await;
    let newest = receipts.iter().max_by_key(|receipt| receipt.leaf_index).expect("at least one");
    for agreement in [ALBANIA, VIET_NAM] {
        released_in(world, agreement, newest).await;
    }
}

fn record(item: &v1::Item) -> &v1::ReleasedRecord {
    match &item.content {
        Some(Content::Released(record)) => record,
        other => panic!("not released: {other:?}"),
    }
}

/// Waits until everything has been decided under a version.
async fn evaluated(world: &World, agreement: &str, version: u32) {
    let id = agreement.parse().expect("an agreement");
    let what = format!("the evaluation under version {version}");
    world.journal().until(&what, |state| state.feed(&id).is_some_and(|feed| feed.evaluated() == version)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_leaves_a_clause_alone_changes_nothing_of_what_is_there() {
    let world = World::new();
    let gateway = world.start().await;
    fill(&world, &gateway, 3).await;
    let mut feed = gateway.feed("vn-police/feed").await;
    let before = pull(&mut feed, "", 2).await.expect("a page");
    amend(&world, &gateway, VIET_NAM, 2, |text| text.replacen("\"frequency\" = \"exact\"\n", "", 1)).await;
    let again = pull(&mut feed, "", 2).await.expect("a page");
    assert_eq!(again.items, before.items, "a later version reads an earlier position otherwise");
    assert_eq!((before.agreement_version, again.agreement_version), (1, 2));
    evaluated(&world, VIET_NAM, 2).await;
    assert_eq!(pull(&mut feed, "", 2).await.expect("a page").items, before.items, "nor when all has been decided");
    gateway.stop().await;
    let gateway = world.start().await;
    let after = pull(&mut gateway.feed("vn-police/feed").await, "", 2).await.expect("a page");
    assert_eq!(after.items, before.items, "nor after a restart");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_grants_more_shows_it_in_new_positions_and_the_cursor_goes_on() {
    let world = World::new();
    let gateway = world.start().await;
    fill(&world, &gateway, 3).await;
    let mut feed = gateway.feed("vn-police/feed").await;
    let before = pull(&mut feed, "", 3).await.expect("a page");
    amend(&world, &gateway, VIET_NAM, 2, |text| {
        let text =
            text.replacen("\"gender\" = \"female-male\"", "\"gender\" = \"female-male\"\n\"nrm_route\" = \"exact\"", 1);
        text.replacen("onward_transfer = \"forbidden\"", "onward_transfer = \"with_originator_authorisation\"", 1)
    })
    .await;
    let key = verifier_key(&gateway).await;
    let mut partner = Partner::new("vn-police", &key);
    partner.read(&before).expect("proved");
    evaluated(&world, VIET_NAM, 2).await;
    let again = pull(&mut feed, "", 3).await.expect("a page");
    for (now, then) in again.items.iter().zip(&before.items) {
        assert_eq!((now.position, &now.item_id, now.kind), (then.position, &then.item_id, then.kind));
        let gone = matches!(&now.content, Some(Content::Withdrawn(gone)) if gone.item_id == then.item_id);
        assert!(gone || now == then, "an earlier position shows something else: {now:?}");
        assert_eq!(record(then).onward_transfer, "forbidden");
    }
    let rest = pull(&mut feed, &before.next_cursor, 100).await.expect("the rest");
    partner.read(&rest).expect("the cursor and the chain go on over the versions");
    let shown: Vec<_> = rest.items.iter().filter(|item| released(item).is_some()).map(record).collect();
    assert_eq!(shown.len(), 3, "each is released anew");
    assert!(shown.iter().all(|record| record.onward_transfer == "with_originator_authorisation"));
    for then in &before.items {
        let ends = |item: &v1::Item| match &item.content {
            Some(Content::Released(record)) => record.replaces_item_id == then.item_id,
            Some(Content::Withdrawn(gone)) => gone.item_id == then.item_id,
            _ => false,
        };
        assert!(rest.items.iter().any(ends), "nothing says that an earlier item no longer holds");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_grants_less_gates_at_once() {
    let world = World::new();
    let gateway = world.start().await;
    fill(&world, &gateway, 3).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let before = items(&mut feed).await;
    let narrowing: [fn(&str) -> String; 4] = [
        |text| text.replacen("\"with_originator_authorisation\"", "\"forbidden\"", 1),
        |text| text.replacen("\"gender\" = \"female-male\"\n", "", 1),
        |text| text.replacen("\"referral_date\" = \"quarter\"", "\"referral_date\" = \"year\"", 1),
        |text| text.replacen("nationalities = [\"AL\"]", "nationalities = [\"XK\"]", 1),
    ];
    for (change, version) in narrowing.into_iter().zip(2..) {
        amend(&world, &gateway, ALBANIA, version, change).await;
        let page = pull(&mut feed, "", u32::try_from(before.len()).expect("few")).await.expect("a page");
        for (now, then) in page.items.iter().zip(&before) {
            assert_eq!((now.position, &now.item_id, now.kind), (then.position, &then.item_id, then.kind));
            let expected = v1::WithdrawnItem { item_id: then.item_id.clone() };
            assert_eq!(now.content, Some(Content::Withdrawn(expected)), "version {version}");
        }
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_schema_version_shows_in_later_items_only() {
    let world = World::new();
    let gateway = world.start().await;
    fill(&world, &gateway, 2).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let before = items(&mut feed).await;
    let text = std::fs::read_to_string(world.path("config/schemas/victim-profile-1.1.json")).expect("the schema");
    let text = text.replacen("schema/victim-profile/1.1", "schema/victim-profile/1.2", 1);
    activate(&world, &gateway, ("schema", "victim-profile/1.2", 1), &text).await.expect("in force");
    assert_eq!(items(&mut feed).await, before, "an item is shown by the schema of its release");
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let later = submit(&mut ingest, "later", &documents::profile()).await.expect("accepted");
    released_in(&world, ALBANIA, &later).await;
    let after = items(&mut feed).await;
    assert_eq!(after[..before.len()], before[..]);
    let versions: Vec<&str> = after.iter().map(|item| record(item).schema_version.as_str()).collect();
    assert_eq!(versions, ["1.1", "1.1", "1.2"]);
    gateway.stop().await;
    let gateway = world.start().await;
    assert_eq!(items(&mut gateway.feed("al-police/feed").await).await, after, "a restart changes nothing");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_agreement_serves_withdrawals_alone_and_can_be_acknowledged() {
    let world = World::new();
    let gateway = world.start().await;
    fill(&world, &gateway, 3).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let mut other = gateway.feed("vn-police/feed").await;
    let untouched = items(&mut other).await;
    let before = items(&mut feed).await;
    let mut watch = feed.watch(v1::WatchRequest::default()).await.expect("a watch").into_inner();
    watch.message().await.expect("a page").expect("the page");
    suspend(&world, &gateway, ("agreement", ALBANIA, 1)).await.expect("suspended");
    let page = pull(&mut feed, "", 3).await.expect("an ex-partner may still pull");
    for (now, then) in page.items.iter().zip(&before) {
        assert_eq!((now.position, &now.item_id, now.kind), (then.position, &then.item_id, then.kind));
        assert!(matches!(&now.content, Some(Content::Withdrawn(gone)) if gone.item_id == then.item_id));
    }
    let cut = within("the end of the watch", async {
        loop {
            match watch.message().await {
                Ok(Some(answer)) => {
                    let page = answer.page.expect("a page");
                    assert!(page.items.iter().all(|item| released(item).is_none()), "a record left after that");
                }
                Ok(None) => panic!("a watch ends with a status"),
                Err(status) => return status,
            }
        }
    });
    let cut = cut.await;
    assert_eq!((cut.code(), reason(&cut).as_str()), (Code::PermissionDenied, "agreement-ended"));
    let taken = v1::AcknowledgeRequest { up_to_position: 3, ..v1::AcknowledgeRequest::default() };
    assert_eq!(feed.acknowledge(taken).await.expect("taken note of").into_inner().acknowledged_position, 3);
    // A watch that is opened now goes on, for the withdrawals.
    let mut watch = feed.watch(v1::WatchRequest::default()).await.expect("a watch").into_inner();
    let page = within("a page", watch.message()).await.expect("a page").expect("the page").page.expect("a page");
    assert!(page.items.iter().all(|item| released(item).is_none()));
    tokio::time::timeout(Duration::from_millis(1), watch.message()).await.ok();
    assert_eq!(items(&mut other).await, untouched, "another partner's agreement goes on");
    let before = world.journal().size();
    let numbers = v1::CountRequest { table: "t1".into(), ..v1::CountRequest::default() };
    let refused = feed.count(numbers).await.expect_err("it gives out no numbers");
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "agreement-not-in-force"));
    let denied = world.journal().entries_from(before);
    let denied = denied.iter().filter(|seen| seen.entry.decision() == Decision::Denied);
    assert_eq!(denied.map(|seen| seen.entry.reason.as_str()).collect::<Vec<_>>(), ["agreement-not-in-force"]);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_item_can_be_acknowledged_by_itself() {
    let world = World::new();
    let gateway = world.start().await;
    fill(&world, &gateway, 4).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let acknowledge = |up_to_position, item_position| v1::AcknowledgeRequest {
        agreement: String::new(),
        up_to_position,
        item_position,
    };
    pull(&mut feed, "", 3).await.expect("a page");
    for (up_to, item, expected) in
        [(0, 0, "field-malformed"), (1, 1, "field-malformed"), (0, 4, "position-not-disclosed")]
    {
        let refused = feed.acknowledge(acknowledge(up_to, item)).await.expect_err("refused");
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, expected), "{up_to}, {item}");
    }
    for _ in 0..2 {
        let taken = feed.acknowledge(acknowledge(0, 2)).await.expect("taken note of").into_inner();
        assert_eq!(taken.acknowledged_position, 0, "one item is not all up to it");
    }
    let id = ALBANIA.parse().expect("an agreement");
    let taken = |position| {
        world.journal().read(|state| {
            let feed = state.feed(&id).expect("it has items");
            feed.acknowledged_at(causeway_model::Position(position)).is_some()
        })
    };
    assert_eq!([taken(1), taken(2), taken(3)], [false, true, false]);
    assert_eq!(feed.acknowledge(acknowledge(3, 0)).await.expect("all").into_inner().acknowledged_position, 3);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_childs_profile_is_as_coarse_as_can_be_and_never_linked() {
    let world = World::with(|setup| {
        setup.agreement(ALBANIA, |text| {
            let children = "children = true\nchildren_reason = \"reception of unaccompanied minors on return\"\n";
            text.replacen("minimum_cell = 1\n", &format!("minimum_cell = 1\n{children}"), 1)
        });
    });
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let child = documents::with(
        documents::profile(),
        serde_json::json!({ "is_minor": "yes", "age_band": "9-17", "referral_date": "2026-02-03", "gender": "female" }),
    );
    send(&mut ingest, request("child", &child)).await.expect("accepted");
    let second = send(&mut ingest, request("child again", &child)).await.expect("accepted");
    released_in(&world, ALBANIA, &second).await;
    let shown: Vec<_> = items(&mut gateway.feed("al-police/feed").await).await.iter().filter_map(released).collect();
    assert_eq!(shown.len(), 2);
    assert_eq!((&shown[0]["age_band"], &shown[0]["referral_date"]), (&"child".into(), &"2026".into()));
    assert_ne!(shown[0]["subject_reference"], shown[1]["subject_reference"], "a child's records are linked");
    gateway.stop().await;
}
