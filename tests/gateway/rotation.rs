//! Keys rotated, one by one, while records flow: nothing is lost, every chain and proof holds, and a restart changes nothing.

pub(crate) mod agency;

use std::collections::BTreeMap;

use causeway_journal::VerifierKey;
use causeway_proto::v1;
use causeway_proto::v1::admin_service_client::AdminServiceClient;
use causeway_proto::v1::feed_service_client::FeedServiceClient;
use causeway_proto::v1::item::Content;
use serde_json::json;
use tonic::{Code, Status};

use crate::feed::{ALBANIA, evidence::Partner, released_in, submit_all, verifier_key};
use crate::harness::calls::{items, pull_all, reason, released, request, submit};
use crate::harness::{Gateway, Stated, World, documents};

async fn rotate(gateway: &Gateway, key: &str, compromised: bool) -> Result<v1::RotateKeyResponse, Status> {
    let request = v1::RotateKeyRequest { key: key.into(), compromised };
    Ok(gateway.admin("gb-nca/operations").await.rotate_key(request).await?.into_inner())
}

fn feed_key() -> String {
    format!("feed/{ALBANIA}")
}

/// A person's record, or a route: the first are linked in the partner's feed, the second are not.
fn record(number: usize) -> v1::SubmitRequest {
    let record = match number % 3 {
        0 => documents::with(documents::route(), json!({ "route_reference": format!("ROUTE-{number}") })),
        _ => documents::with(documents::profile(), json!({ "subject_reference": format!("SUBJECT-{}", number / 2) })),
    };
    request(&format!("record-{number}"), &record)
}

fn record_of(item: &v1::Item) -> Option<&v1::ReleasedRecord> {
    match item.content.as_ref()? {
        Content::Released(record) => Some(record),
        Content::Withdrawn(_) | Content::Deferred(_) => None,
    }
}

/// The pseudonym that an item shows.
fn pseudonym(item: &v1::Item) -> String {
    let document = released(item).expect("a released item");
    let shown = document.get("subject_reference").or_else(|| document.get("route_reference"));
    shown.and_then(|value| value.as_str()).expect("a pseudonym").to_owned()
}

/// Every item, from pages that prove themselves.
async fn proved(feed: &mut FeedServiceClient<Stated>, key: &str) -> Vec<v1::Item> {
    let mut partner = Partner::new("al-police", key);
    let mut all = Vec::new();
    for page in pull_all(feed).await {
        partner.read(&page).expect("the page proves itself");
        all.extend(page.items);
    }
    all
}

/// Waits until all that is live in the feed is shown under this epoch.
async fn renewed(world: &World, epoch: u32, live: usize) {
    let feed = ALBANIA.parse().expect("an agreement's id");
    let what = format!("{live} live items under epoch {epoch}");
    let all = |state: &causeway_journal::State| {
        let Some(feed) = state.feed(&feed).filter(|feed| feed.epoch().number == epoch) else { return false };
        let first = feed.epoch().first;
        let records: Vec<_> = feed.live_records().collect();
        records.len() == live && records.iter().all(|record| feed.live(record).is_some_and(|at| at >= first))
    };
    world.journal().until(&what, all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planned_rotation_of_a_feed_shows_both_pseudonyms_while_records_flow() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    submit_all(&mut ingest, (0..60).map(record).collect()).await;
    world.journal().settle(ALBANIA, 60).await;
    let key = verifier_key(&gateway).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let before: BTreeMap<String, String> =
        proved(&mut feed, &key).await.iter().map(|item| (item.item_id.clone(), pseudonym(item))).collect();
    assert!(before.values().all(|shown| shown.starts_with("p1-")));

    let mut more = ingest.clone();
    let flowing = tokio::spawn(async move { submit_all(&mut more, (60..160).map(record).collect()).await.len() });
    let rotated = rotate(&gateway, &feed_key(), false).await.expect("rotated");
    assert_eq!((rotated.epoch, rotated.verifier_key.as_str()), (2, ""));
    assert_eq!(flowing.await.expect("no panic"), 100);
    renewed(&world, 2, 160).await;

    let after = proved(&mut feed, &key).await;
    assert_eq!(live(&after).count(), 160, "nothing is lost, and nothing is there twice");
    let mut changed = 0;
    for item in live(&after) {
        let shown = record_of(item).expect("released");
        assert!(pseudonym(item).starts_with("p2-"));
        match before.get(&shown.replaces_item_id) {
            Some(earlier) => {
                let change = v1::PseudonymChange { previous: earlier.clone(), current: pseudonym(item) };
                assert_eq!(shown.pseudonym_changes, [change], "old and new stand side by side");
                changed += 1;
            }
            // What came between the two readings may have had a position under the old key as well.
            None => assert!(shown.pseudonym_changes.iter().all(|change| change.current == pseudonym(item))),
        }
    }
    assert_eq!(changed, 60);
    // One person's records are still one person's.
    let persons: std::collections::BTreeSet<String> = after
        .iter()
        .filter(|item| record_of(item).is_some_and(|record| record.kind == "victim-profile"))
        .map(pseudonym)
        .collect();
    let submitted: std::collections::BTreeSet<usize> =
        (0..160).filter(|number| number % 3 != 0).map(|number| number / 2).collect();
    assert_eq!(persons.len(), submitted.len());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_compromise_nothing_old_stands_beside_what_is_new_and_a_restart_goes_on() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    submit_all(&mut ingest, (0..30).map(record).collect()).await;
    world.journal().settle(ALBANIA, 30).await;
    rotate(&gateway, &feed_key(), true).await.expect("rotated");
    // Stopped wherever the releaser is: the next start goes on with what is still shown under the old key.
    gateway.stop().await;
    let gateway = world.start().await;
    renewed(&world, 2, 30).await;
    let key = verifier_key(&gateway).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let all = proved(&mut feed, &key).await;
    let second: BTreeMap<String, String> = live(&all).map(|item| (item.item_id.clone(), pseudonym(item))).collect();
    assert_eq!(second.len(), 30);
    for item in live(&all) {
        let shown = record_of(item).expect("released");
        assert!(pseudonym(item).starts_with("p2-") && !shown.replaces_item_id.is_empty());
        assert_eq!(shown.pseudonym_changes, [], "an old pseudonym stands beside a new one");
    }
    // The second key is known to nobody, so that the third may say what it called things.
    rotate(&gateway, &feed_key(), false).await.expect("rotated");
    renewed(&world, 3, 30).await;
    let all = proved(&mut feed, &key).await;
    assert_eq!(live(&all).count(), 30);
    for item in live(&all) {
        let shown = record_of(item).expect("released");
        let change =
            v1::PseudonymChange { previous: second[&shown.replaces_item_id].clone(), current: pseudonym(item) };
        assert_eq!(shown.pseudonym_changes, [change]);
    }
    gateway.stop().await;
}

fn live(items: &[v1::Item]) -> impl Iterator<Item = &v1::Item> {
    items.iter().filter(|item| record_of(item).is_some())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_signing_key_changes_and_earlier_proofs_hold_under_the_earlier_key() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let early = submit(&mut ingest, "early", &documents::profile()).await.expect("accepted");
    let first: VerifierKey = verifier_key(&gateway).await.parse().expect("a key");
    let mut more = ingest.clone();
    let flowing = tokio::spawn(async move { submit_all(&mut more, (0..60).map(record).collect()).await });
    let rotated = rotate(&gateway, "checkpoint-signing", false).await.expect("rotated");
    let second: VerifierKey = rotated.verifier_key.parse().expect("a key");
    assert_ne!(first, second);
    for receipt in flowing.await.expect("no panic") {
        let by = [&first, &second].map(|key| causeway_journal::note::verify(&receipt.checkpoint, key).is_ok());
        assert!(by == [true, false] || by == [true, true], "from the rotation on by both, for the overlap");
    }
    assert_eq!(verifier_key(&gateway).await, rotated.verifier_key);
    let late = submit(&mut ingest, "late", &documents::profile()).await.expect("accepted");
    gateway.stop().await;
    let gateway = world.start().await;
    assert_eq!(verifier_key(&gateway).await, rotated.verifier_key, "it is the key after a restart");
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let latest = submit(&mut ingest, "latest", &documents::profile()).await.expect("accepted");
    let verifies = |receipt: &v1::Receipt, key| causeway_journal::note::verify(&receipt.checkpoint, key).is_ok();
    assert!(verifies(&early, &first) && !verifies(&early, &second));
    for receipt in [&late, &latest] {
        assert!(verifies(receipt, &second), "the new key verifies it");
        assert!(verifies(receipt, &first), "and whoever pinned the old one reads on");
    }
    // One policy file with both keys verifies all of them, whenever they were signed.
    let both = causeway_journal::Policy::parse(&format!("log {first}\nlog {second}\nquorum none\n")).expect("a policy");
    assert!([&early, &late, &latest].iter().all(|receipt| both.check(&receipt.checkpoint).is_ok()));
    rotate(&gateway, "checkpoint-signing", true).await.expect("rotated");
    let after = submit(&mut ingest, "after a compromise", &documents::profile()).await.expect("accepted");
    assert!(!verifies(&after, &first) && !verifies(&after, &second), "what somebody else may have signs nothing");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn page_keys_and_the_root_key_change_under_what_is_read_and_written() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    submit_all(&mut ingest, (0..150).map(record).collect()).await;
    world.journal().settle(ALBANIA, 150).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let before = items(&mut feed).await;
    let root = std::fs::read(world.path("data/keys/root.key")).expect("the root key");
    let mut more = ingest.clone();
    let flowing = tokio::spawn(async move { submit_all(&mut more, (150..210).map(record).collect()).await.len() });
    for key in ["pages", "root", "pages"] {
        rotate(&gateway, key, false).await.expect(key);
    }
    assert_eq!(flowing.await.expect("no panic"), 60);
    world.journal().settle(ALBANIA, 210).await;
    assert_ne!(std::fs::read(world.path("data/keys/root.key")).expect("the root key"), root);
    assert_eq!(items(&mut feed).await[..150], before[..], "all is read as it was");
    gateway.stop().await;
    let gateway = world.start().await;
    let mut feed = gateway.feed("al-police/feed").await;
    assert_eq!(items(&mut feed).await[..150], before[..], "after a restart too");
    let epochs = world.journal().read(|state| ["pages", "root"].map(|key| state.key(key).map(|key| key.epoch)));
    assert_eq!(epochs, [Some(3), Some(2)]);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_key_showed_is_not_shown_under_another_and_comes_back_under_the_next() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    submit_all(&mut ingest, (0..6).map(record).collect()).await;
    world.journal().settle(ALBANIA, 6).await;
    let ring = std::fs::read(world.path("data/keys/ring")).expect("the ring");
    rotate(&gateway, &feed_key(), false).await.expect("rotated");
    renewed(&world, 2, 6).await;
    gateway.stop().await;
    // A ring from before the rotation: it opens, and lacks the feed's second secret.
    std::fs::write(world.path("data/keys/ring"), ring).expect("writable");
    let gateway = world.start().await;
    let mut feed = gateway.feed("al-police/feed").await;
    let status = crate::harness::calls::pull(&mut feed, "", 0).await.expect_err("nothing is shown");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DataLoss, "feed-key-missing"));
    assert!(World::log_lines().contains("the key ring has no secret for this epoch of the feed"));
    rotate(&gateway, &feed_key(), true).await.expect("rotated");
    renewed(&world, 3, 6).await;
    let key = verifier_key(&gateway).await;
    let all = proved(&mut feed, &key).await;
    assert_eq!(all.iter().filter(|item| record_of(item).is_some()).count(), 6);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_rotation_at_a_time_of_keys_that_there_are_by_the_operator() {
    let world = World::with(|setup| {
        // Another agency's file states the role, too: it does not operate the gateway for that.
        setup.edit("config/agencies/al-police.toml", |text| {
            format!("{text}\n[[systems]]\nname = \"operations\"\nroles = [\"operator\"]\n")
        });
    });
    let gateway = world.start().await;
    let before = world.journal().size();
    let hold = world.faults().hold();
    let start = |mut admin: AdminServiceClient<Stated>| {
        let request = v1::RotateKeyRequest { key: feed_key(), compromised: false };
        tokio::spawn(async move { admin.rotate_key(request).await.map(drop) })
    };
    let one = start(gateway.admin("gb-nca/operations").await);
    let other = start(gateway.admin("gb-nca/operations").await);
    // Both are under way, or wait to be, before anything can be recorded.
    for _ in 0..50 {
        tokio::task::yield_now().await;
        gateway.feed("vn-police/feed").await;
    }
    drop(hold);
    let answers = [one.await.expect("no panic"), other.await.expect("no panic")];
    let lost: Vec<&Status> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert_eq!(lost.len(), 1, "{answers:?}");
    assert_eq!((lost[0].code(), reason(lost[0]).as_str()), (Code::AlreadyExists, "rotation-under-way"));
    let left = world.journal().entries_from(before);
    assert_eq!(left.iter().filter(|seen| seen.entry.key_change.is_some()).count(), 1);
    assert_eq!(left.iter().filter(|seen| seen.entry.reason == "rotation-under-way").count(), 1);

    for key in ["", "feed/ISA-XX-2026-001", "feed/", "pages/", "ring"] {
        let before = world.journal().size();
        let status = rotate(&gateway, key, false).await.expect_err("no such key");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "unknown-key"), "{key}");
        assert_eq!(world.journal().entries_from(before).len(), 1);
    }
    let mut theirs = gateway.admin("al-police/operations").await;
    let request = v1::RotateKeyRequest { key: "root".into(), compromised: false };
    let status = theirs.rotate_key(request).await.expect_err("another agency");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "not-the-operator"));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_is_asked_for_by_the_new_pseudonym_after_a_rotation() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let receipt = submit(&mut ingest, "one", &documents::profile()).await.expect("accepted");
    released_in(&world, ALBANIA, &receipt).await;
    let mut feed = gateway.feed("al-police/feed").await;
    let old = pseudonym(&items(&mut feed).await[0]);
    rotate(&gateway, &feed_key(), false).await.expect("rotated");
    renewed(&world, 2, 1).await;
    let new = pseudonym(items(&mut feed).await.last().expect("an item"));
    let mut partner = crate::identity::desk::Desk::of(&world, &gateway, "al-police").await;
    assert_eq!(reason(&partner.request(&old, 0).await.expect_err("replaced")), "unknown-pseudonym");
    partner.request(&new, 0).await.expect("requested");
    gateway.stop().await;
}
