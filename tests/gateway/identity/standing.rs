//! What becomes of a request when the record leaves the partner's feed: nothing goes to the partner any more, and nothing that it is
//! told says why.

use causeway_journal::v1::Decision;
use causeway_model::{Date, EntryId};
use causeway_proto::v1;
use causeway_proto::v1::feed_service_client::FeedServiceClient;
use serde_json::{Value, json};
use tonic::Code;

use super::desk::{self, Desk};
use super::{alike, denied, person, refused};
use crate::feed::{ALBANIA, released_in};
use crate::harness::calls::{self, items, pull, reason, request, send, submit, withdraw, within};
use crate::harness::{Gateway, Setup, Stated, World, documents};

const NOWHERE: &str = "00000000000000000000000000000000";

/// A person's record that is for the Albanian police alone, in its feed: with its receipt, the pseudonym there and the position.
async fn in_feed(world: &World, gateway: &Gateway, subject: &str, members: Value) -> (v1::Receipt, String, u64) {
    let record = theirs(subject, members);
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let receipt = submit(&mut ingest, &format!("of {subject}"), &record).await.expect("accepted");
    released_in(world, ALBANIA, &receipt).await;
    let all = items(&mut gateway.feed("al-police/feed").await).await;
    let newest = all.last().expect("an item");
    let shown = calls::released(newest).expect("released");
    (receipt, shown["subject_reference"].as_str().expect("a pseudonym").to_owned(), newest.position)
}

fn theirs(subject: &str, members: Value) -> Value {
    documents::with(documents::with(person(subject), json!({ "releasable_to": ["AL"] })), members)
}

async fn approved(owner: &mut Desk<'_>, partner: &mut Desk<'_>, pseudonym: &str) -> String {
    let id = partner.request(pseudonym, 0).await.expect("requested");
    owner.approve(&id, "director").await.expect("approved");
    owner.approve(&id, "dpo").await.expect("approved");
    id
}

/// A request that is released to its owner, and what the owner hands back for the partner.
async fn released(owner: &mut Desk<'_>, partner: &mut Desk<'_>, pseudonym: &str) -> (String, v1::SealedIdentity) {
    let id = approved(owner, partner, pseudonym).await;
    let out = owner.release(&id).await.expect("released");
    let opened = owner.open(out.sealed.as_ref().expect("sealed")).expect("the owner's key opens it");
    let sealed = desk::reseal(&out, &id, &opened);
    (id, sealed)
}

async fn delivered(owner: &mut Desk<'_>, partner: &mut Desk<'_>, pseudonym: &str) -> String {
    let (id, sealed) = released(owner, partner, pseudonym).await;
    owner.deliver(&id, sealed).await.expect("delivered");
    id
}

fn correction(receipt: &v1::Receipt, record: &Value) -> v1::SubmitRequest {
    let (record_id, expected_version) = (receipt.record_id.clone(), receipt.version);
    let submission = format!("correction of {record_id}");
    v1::SubmitRequest { record_id, expected_version, ..request(&submission, record) }
}

async fn restrict(gateway: &Gateway, record_id: &str, restricted: bool) {
    let request = v1::RestrictRequest {
        submission_id: format!("restricted: {restricted}"),
        record_id: record_id.into(),
        expected_version: 1,
        restricted,
    };
    gateway.ingest("gb-nca/case-management").await.restrict(request).await.expect("recorded");
}

/// Whether an effective entry says that the identity left to its owner, or to the partner.
fn has_left(world: &World, id: &str) -> (bool, bool) {
    let id: EntryId = id.parse().expect("a request's id");
    world.journal().read(|state| {
        let identity = state.identity(&id).expect("it was asked for");
        (identity.released.is_some(), identity.collected.is_some())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_goes_to_a_partner_only_while_its_feed_shows_the_record() {
    let world = World::new();
    let gateway = world.start().await;
    let (mut owner, mut partner) =
        (Desk::of(&world, &gateway, "gb-nca").await, Desk::of(&world, &gateway, "al-police").await);
    let (receipt, pseudonym, _) = in_feed(&world, &gateway, "SUBJECT-A", json!({})).await;
    let in_hand = delivered(&mut owner, &mut partner, &pseudonym).await;
    let (half, sealed) = released(&mut owner, &mut partner, &pseudonym).await;
    let waiting = approved(&mut owner, &mut partner, &pseudonym).await;

    // Corrected, it is for nobody; and once more, for this partner again.
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let nobodys = theirs("SUBJECT-A", json!({ "releasable_to": [] }));
    let second = send(&mut ingest, correction(&receipt, &nobodys)).await.expect("corrected");
    let before = world.journal().size();
    refused(owner.release(&waiting).await, Code::AlreadyExists, "record-not-in-feed");
    assert_eq!(denied(&world, before, "record-not-in-feed").records.len(), 1, "its owner's auditor finds it");
    refused(owner.deliver(&half, sealed.clone()).await, Code::AlreadyExists, "record-not-in-feed");
    let there = refused(partner.collect(&in_hand).await, Code::NotFound, "unknown-identity-request");
    alike(there, refused(partner.collect(NOWHERE).await, Code::NotFound, "unknown-identity-request"));

    let again = v1::SubmitRequest {
        record_id: receipt.record_id.clone(),
        expected_version: second.version,
        ..request("for the partner again", &theirs("SUBJECT-A", json!({})))
    };
    let third = send(&mut ingest, again).await.expect("corrected");
    released_in(&world, ALBANIA, &third).await;
    owner.release(&waiting).await.expect("released");
    owner.deliver(&half, sealed).await.expect("delivered");
    partner.collect(&in_hand).await.expect("collected");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_decision_is_made_again_when_an_identity_is_released() {
    let world = World::new();
    let gateway = world.start().await;
    let (mut owner, mut partner) =
        (Desk::of(&world, &gateway, "gb-nca").await, Desk::of(&world, &gateway, "al-police").await);
    let mut other = gateway.feed("vn-police/feed").await;
    let briefly = json!({ "retain_until": "2026-11-23" });
    let (_, pseudonym, _) = in_feed(&world, &gateway, "SUBJECT-A", briefly).await;
    let id = approved(&mut owner, &mut partner, &pseudonym).await;
    // Held up, neither the releaser nor an erasure has done anything yet when the last day is over.
    let hold = world.faults().hold();
    world.clock().set(Date::new(2026, 11, 24).expect("a day").start());
    let releasing = owner.release(&id);
    let letting_go = async {
        hold.reached().await;
        pause(&mut other).await;
        drop(hold);
    };
    let (answer, ()) = tokio::join!(releasing, letting_go);
    let told = reason(&answer.expect_err("its last day is over"));
    assert!(["record-not-in-feed", "record-erased"].contains(&told.as_str()), "{told}");
    assert_eq!(has_left(&world, &id), (false, false), "not even for a moment");
    gateway.stop().await;
}

/// Calls that need no entry, so that others may get further meanwhile.
async fn pause(feed: &mut FeedServiceClient<Stated>) {
    for _ in 0..20 {
        assert_eq!(pull(feed, "", 1).await.expect("an empty page").items, []);
    }
}

/// Whom an agreement without a reason for it does not let go to the partner's own country.
fn protects_nationals(setup: &mut Setup) {
    setup.agreement(ALBANIA, |text| {
        let text = text.replace("to_source_country = true\n", "").replace("monthly_cap = 10", "monthly_cap = 100");
        let reason = text.lines().find(|line| line.starts_with("to_source_country_reason")).expect("its reason");
        text.replace(&format!("{reason}\n"), "").replace("nationalities = [\"AL\"]", "nationalities = [\"AL\", \"VN\"]")
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_found_to_be_from_the_partners_country_goes_there_no_more() {
    let world = World::with(protects_nationals);
    let gateway = world.start().await;
    let (mut owner, mut partner) =
        (Desk::of(&world, &gateway, "gb-nca").await, Desk::of(&world, &gateway, "al-police").await);
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let (receipt, pseudonym, _) = in_feed(&world, &gateway, "SUBJECT-A", json!({ "nationalities": ["VN"] })).await;
    let in_hand = delivered(&mut owner, &mut partner, &pseudonym).await;
    let waiting = approved(&mut owner, &mut partner, &pseudonym).await;
    let born_there = theirs("SUBJECT-A", json!({ "nationalities": ["VN"], "birth_country": "AL" }));
    let second = send(&mut ingest, correction(&receipt, &born_there)).await.expect("corrected");
    released_in(&world, ALBANIA, &second).await;
    refused(owner.release(&waiting).await, Code::PermissionDenied, "identity-to-source-country");
    refused(partner.collect(&in_hand).await, Code::NotFound, "unknown-identity-request");
    assert_eq!((has_left(&world, &waiting).0, has_left(&world, &in_hand).1), (false, false));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_overtakes_the_identity_that_is_being_handed_over() {
    let world = World::with(protects_nationals);
    let gateway = world.start().await;
    let (mut owner, mut partner) =
        (Desk::of(&world, &gateway, "gb-nca").await, Desk::of(&world, &gateway, "al-police").await);
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let mut other = gateway.feed("vn-police/feed").await;
    let (mut at_release, mut at_collection) = (false, false);
    // Which of the two takes its place in the log first is not the test's to say, so it tries again.
    for attempt in 0..20 {
        let to_collect = attempt % 2 == 0;
        if if to_collect { at_collection } else { at_release } {
            continue;
        }
        let (subject, elsewhere) = (format!("SUBJECT-{attempt}"), json!({ "nationalities": ["VN"] }));
        let (receipt, pseudonym, _) = in_feed(&world, &gateway, &subject, elsewhere).await;
        let id = match to_collect {
            true => delivered(&mut owner, &mut partner, &pseudonym).await,
            false => approved(&mut owner, &mut partner, &pseudonym).await,
        };
        let nobodys = theirs(&subject, json!({ "nationalities": ["VN"], "releasable_to": [] }));
        let wanted = correction(&receipt, &nobodys);
        let hold = world.faults().hold();
        let correcting = send(&mut ingest, wanted);
        let handing = async {
            hold.reached().await;
            let let_go = async {
                pause(&mut other).await;
                drop(hold);
            };
            match to_collect {
                true => tokio::join!(partner.collect(&id), let_go).0.map(drop),
                false => tokio::join!(owner.release(&id), let_go).0.map(drop),
            }
        };
        let (corrected, answer) = tokio::join!(correcting, handing);
        let corrected_at = corrected.expect("corrected").leaf_index;
        let (step, told) = match to_collect {
            true => ("identity-collected", "unknown-identity-request"),
            false => ("identity-released", "record-not-in-feed"),
        };
        let since = world.journal().entries_from(corrected_at);
        if !since.iter().any(|seen| seen.entry.reason == step) {
            // It came first and left, or it came late and was refused before it was recorded.
            continue;
        }
        let status = answer.expect_err("the record had left the feed");
        assert_eq!(reason(&status), told);
        let denials =
            since.iter().filter(|seen| seen.entry.decision() == Decision::Denied && seen.entry.reason == told);
        assert_eq!(denials.count(), 1, "an entry says that it did not leave");
        if to_collect { at_collection = true } else { at_release = true }
    }
    assert!(at_release && at_collection, "no correction came between: {at_release} {at_collection}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_partner_is_told_of_its_requests_does_not_follow_the_record() {
    let world = World::new();
    let gateway = world.start().await;
    let (mut owner, mut partner) =
        (Desk::of(&world, &gateway, "gb-nca").await, Desk::of(&world, &gateway, "al-police").await);
    let mut records = Vec::new();
    for subject in ["LEFT ALONE", "WITHDRAWN", "RESTRICTED", "ERASED"] {
        let (receipt, pseudonym, _) = in_feed(&world, &gateway, subject, json!({})).await;
        let collected = delivered(&mut owner, &mut partner, &pseudonym).await;
        partner.collect(&collected).await.expect("collected");
        let asked = partner.request(&pseudonym, 0).await.expect("requested");
        records.push((receipt, collected, asked));
    }
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    withdraw(&mut ingest, "gone", &records[1].0.record_id, 1).await.expect("withdrawn");
    restrict(&gateway, &records[2].0.record_id, true).await;
    owner.erase(&records[3].0.record_id).await;

    // What was collected stays an answer for good, and what waits goes on waiting.
    let first = refused(partner.collect(&records[0].1).await, Code::AlreadyExists, "identity-already-done");
    for (_, collected, asked) in &records {
        let again = refused(partner.collect(collected).await, Code::AlreadyExists, "identity-already-done");
        alike(first.clone(), again);
        assert_eq!(partner.row(asked).await.state(), v1::IdentityState::Requested);
    }
    assert_eq!(partner.rows(true).await.len(), 4, "all four wait, as far as the partner knows");
    assert_eq!(owner.row(&records[3].2).await.state(), v1::IdentityState::Expired, "the owner knows better");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_about_a_person_is_not_listed_once_the_record_is_erased() {
    let world = World::new();
    let gateway = world.start().await;
    let (mut owner, mut partner) =
        (Desk::of(&world, &gateway, "gb-nca").await, Desk::of(&world, &gateway, "al-police").await);
    let (receipt, pseudonym, _) = in_feed(&world, &gateway, "SUBJECT-A", json!({})).await;
    let asked = partner.request(&pseudonym, 0).await.expect("requested");
    owner.refuse(&asked, "the person asked us not to").await.expect("refused");
    let before = partner.row(&asked).await;
    let row = owner.row(&asked).await;
    assert_eq!((row.case_reference.as_str(), row.refusal.as_str()), ("CASE-7", "the person asked us not to"));
    owner.erase(&receipt.record_id).await;
    let row = owner.row(&asked).await;
    assert_eq!((&row.record_id, row.state()), (&receipt.record_id, v1::IdentityState::Refused));
    assert_eq!((row.purpose_text.as_str(), row.case_reference.as_str(), row.refusal.as_str()), ("", "", ""));
    assert_eq!(partner.row(&asked).await, before, "the partner is not told of the erasure");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_has_its_feed_searched_once_at_a_time_and_holds_up_nobody() {
    let world = World::new();
    let gateway = world.start().await;
    let (_, pseudonym, position) = in_feed(&world, &gateway, "SUBJECT-A", json!({})).await;
    let mut partner = Desk::of(&world, &gateway, "al-police").await;
    let (mut second, mut third) =
        (Desk::of(&world, &gateway, "al-police").await, Desk::of(&world, &gateway, "al-police").await);
    let mut other = Desk::of(&world, &gateway, "vn-police").await;
    let hold = world.faults().hold();
    // The first is under way until its answer is recorded, and that waits.
    let first = partner.request(&pseudonym, 0);
    let meanwhile = async {
        hold.reached().await;
        let at_once = within("a refusal", second.request(&pseudonym, 0)).await;
        refused(at_once, Code::ResourceExhausted, "identity-search-under-way");
        let let_go = async {
            let again = within("a refusal", second.request(&pseudonym, 0)).await;
            refused(again, Code::ResourceExhausted, "identity-search-under-way");
            drop(hold);
        };
        // Neither one position nor another agency's search waits for it.
        tokio::join!(third.request(&pseudonym, position), other.request(&pseudonym, 0), let_go)
    };
    let (first, (at_position, others, ())) = tokio::join!(first, meanwhile);
    first.expect("requested");
    at_position.expect("requested");
    refused(others, Code::PermissionDenied, "identity-not-agreed");
    second.request(&pseudonym, 0).await.expect("the way is free again");
    gateway.stop().await;
}
