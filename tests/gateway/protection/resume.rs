//! Stopped between two steps, or restored from before: the start goes on with what was ordered before it serves.

use std::collections::BTreeSet;
use std::fs;

use causeway_crypto::{Digest, RootKey, SigningKey};
use causeway_journal::{Erasure, Outcome, approval_message};
use causeway_model::{Date, RecordId};
use causeway_proto::v1;
use serde_json::json;
use tonic::Code;

use super::key_search::{Search, bodies};
use super::office::Office;
use super::{SYSTEM, refused};
use crate::clock::start_after_a_long_rest;
use crate::feed::{ALBANIA, released_in};
use crate::harness::calls::{items, released, request, send, submit};
use crate::harness::{Persist, World, copy, documents, own_log_only};
use crate::rotation::agency;

fn is_complete(world: &World, record: &str) -> bool {
    let id: RecordId = record.parse().expect("an id");
    world.journal().read(|state| matches!(state.record(&id).map(|record| record.erasure), Some(Erasure::Complete(_))))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_was_cut_short_at_any_step_is_finished_by_the_next_start() {
    for (step, persist) in
        [("erasure-ordered", Persist::Yes), ("erasure-complete", Persist::No), ("erasure-complete", Persist::Yes)]
    {
        let world = World::new();
        let gateway = world.start().await;
        let mut ingest = gateway.ingest(SYSTEM).await;
        let record = submit(&mut ingest, "one", &documents::profile()).await.expect("accepted");
        let other = submit(&mut ingest, "other", &documents::profile()).await.expect("accepted");
        released_in(&world, ALBANIA, &other).await;
        let mut office = Office::of(&world, &gateway, "gb-nca").await;
        world.faults().fail_when(persist, move |entries| entries.iter().any(|entry| entry.reason == step));
        let answer = office.erase_all(&[&record.record_id]).await;
        refused(answer, Code::Unavailable, "journal-unavailable");
        gateway.stop().await;
        // A start that cannot go on says so, and serves nothing.
        if persist == Persist::No {
            let refused = world.try_start().await.err().expect("it cannot complete what is due");
            assert!(!refused.to_string().is_empty());
        }
        world.faults().clear();
        let gateway = world.start().await;
        assert!(is_complete(&world, &record.record_id), "{step}: before anything is served");
        let all = items(&mut gateway.feed("al-police/feed").await).await;
        assert_eq!(all.iter().filter_map(released).count(), 1, "{step}: the neighbour is there");
        gateway.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_journal_orders_again_what_had_been_erased_since() {
    let mut world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let record = submit(&mut ingest, "one", &documents::profile()).await.expect("accepted");
    let other = submit(&mut ingest, "other", &documents::profile()).await.expect("accepted");
    released_in(&world, ALBANIA, &other).await;
    Office::of(&world, &gateway, "gb-nca").await.hold(&record.record_id, true).await.expect("held");
    gateway.stop().await;
    let (journal, older) = (world.path("data/journal"), world.path("older"));
    copy(&journal, &older);
    let gateway = world.start().await;
    let mut office = Office::of(&world, &gateway, "gb-nca").await;
    office.hold(&record.record_id, false).await.expect("lifted");
    // Together with one that the older copy does not know at all.
    let newer = submit(&mut gateway.ingest(SYSTEM).await, "newer", &documents::profile()).await.expect("accepted");
    office.erase_all(&[&record.record_id, &newer.record_id]).await.expect("erased");
    gateway.stop().await;

    fs::remove_dir_all(&journal).expect("owned");
    copy(&older, &journal);
    world.forget_log();
    let gateway = world.start().await;
    assert!(is_complete(&world, &record.record_id), "before anything is served");
    let orders: Vec<_> =
        world.journal().entries().into_iter().filter(|seen| seen.entry.reason == "erasure-ordered").collect();
    assert_eq!(orders.len(), 1);
    assert_eq!((&orders[0].outcome, orders[0].entry.approvals.len()), (&Outcome::Effective, 2));
    let all = items(&mut gateway.feed("al-police/feed").await).await;
    assert_eq!(all.iter().filter_map(released).count(), 1, "the neighbour is there");
    gateway.stop().await;
    // Once.
    let gateway = world.start().await;
    let again = world.journal().entries().iter().filter(|seen| seen.entry.reason == "erasure-ordered").count();
    assert_eq!(again, 1);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_cannot_be_finished_stops_neither_the_start_nor_another_erasure() {
    if !own_log_only("what its own log does not take is in the shared one") {
        return;
    }
    let world = World::new();
    let gateway = world.start().await;
    let broken = submit(&mut gateway.ingest(SYSTEM).await, "broken", &documents::profile()).await.expect("accepted");
    gateway.stop().await;
    // Each start begins a key page of its own.
    let gateway = world.start().await;
    let other = submit(&mut gateway.ingest(SYSTEM).await, "other", &documents::profile()).await.expect("accepted");
    let cut_short = || {
        world.faults().fail_when(Persist::No, |entries| entries.iter().any(|entry| entry.reason == "erasure-complete"));
    };
    cut_short();
    let answer = Office::of(&world, &gateway, "gb-nca").await.erase_all(&[&broken.record_id]).await;
    refused(answer, Code::Unavailable, "journal-unavailable");
    gateway.stop().await;
    world.faults().clear();
    // Its key page cannot be read.
    let (page, aside) = (page_anew(&world), world.path("aside"));
    fs::rename(&page, &aside).expect("owned");
    fs::create_dir(&page).expect("owned");
    let gateway = world.start().await;
    assert!(!is_complete(&world, &broken.record_id));
    cut_short();
    let answer = Office::of(&world, &gateway, "gb-nca").await.erase_all(&[&other.record_id]).await;
    refused(answer, Code::Unavailable, "journal-unavailable");
    gateway.stop().await;
    world.faults().clear();
    let gateway = world.start().await;
    assert!(!is_complete(&world, &broken.record_id));
    assert!(is_complete(&world, &other.record_id), "it is ordered after the one that fails");
    gateway.stop().await;
    fs::remove_dir(&page).expect("owned");
    fs::rename(&aside, &page).expect("owned");
    let gateway = world.start().await;
    assert!(is_complete(&world, &broken.record_id));
    gateway.stop().await;
}

/// The one key page that has been written anew.
fn page_anew(world: &World) -> std::path::PathBuf {
    let pages = fs::read_dir(world.path("data/keys/pages")).expect("there");
    let pages: Vec<_> = pages.map(|entry| entry.expect("readable").path()).collect();
    assert_eq!(pages.len(), 1);
    pages[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_restored_from_before_the_version_that_expired_destroys_what_it_holds() {
    if !own_log_only("a node gets from the shared log what its own has lost") {
        return;
    }
    let mut world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let until = |day: &str| documents::with(documents::profile(), json!({ "retain_until": day }));
    let record = submit(&mut ingest, "one", &until("2034-11-22")).await.expect("accepted");
    let other = submit(&mut ingest, "other", &documents::profile()).await.expect("accepted");
    gateway.stop().await;
    let before = Before::of(&world);
    let gateway = world.start().await;
    let sooner = v1::SubmitRequest {
        record_id: record.record_id.clone(),
        expected_version: 1,
        ..request("two", &until("2026-11-22"))
    };
    send(&mut gateway.ingest(SYSTEM).await, sooner).await.expect("corrected");
    world.clock().set(Date::new(2027, 1, 1).expect("a day").start());
    let id: RecordId = record.record_id.parse().expect("an id");
    let expired = |state: &causeway_journal::State| {
        matches!(state.record(&id).map(|record| record.erasure), Some(Erasure::Complete(_)))
    };
    world.journal().until("the expiry", expired).await;
    gateway.stop().await;
    before.restore(&mut world);
    // A copy so old that the start waits, in case it is the clock that is wrong.
    start_after_a_long_rest(&world).await.stop().await;
    not_taken(&world, Outcome::Void, record.leaf_index, other.leaf_index).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_restored_from_before_a_change_of_roster_starts_and_destroys_what_was_erased() {
    if !own_log_only("a node gets from the shared log what its own has lost") {
        return;
    }
    let mut world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let record = submit(&mut ingest, "one", &documents::profile()).await.expect("accepted");
    let other = submit(&mut ingest, "other", &documents::profile()).await.expect("accepted");
    gateway.stop().await;
    let before = Before::of(&world);
    let gateway = world.start().await;
    let mut file = agency::next(&world, "gb-nca");
    let keys: Vec<SigningKey> = file.persons.iter().map(|_| SigningKey::generate()).collect();
    for (person, key) in file.persons.iter_mut().zip(&keys) {
        person.public_key = key.public_key().0;
    }
    agency::activate(&world, &gateway, &file).await.expect("in force");
    let mut office = Office::of(&world, &gateway, "gb-nca").await;
    let plan = office.plan(&[&record.record_id]).await.expect("planned");
    let message = approval_message(&Digest(plan.digest.try_into().expect("32 bytes")));
    let signed = file.persons.iter().zip(&keys).map(|(person, key)| v1::PersonSignature {
        person: person.id.to_string(),
        signature: key.sign(&message).to_vec(),
    });
    office.erase(plan.record_ids, "", signed.collect()).await.expect("erased");
    gateway.stop().await;
    before.restore(&mut world);
    not_taken(&world, Outcome::Unapproved, record.leaf_index, other.leaf_index).await;
}

/// The journal and its keys as they were, for a restore that leaves the register of erasures as it is: as after a stop between an
/// order's registration and the destruction of the keys.
struct Before {
    journal: std::path::PathBuf,
    keys: std::path::PathBuf,
}

impl Before {
    fn of(world: &World) -> Self {
        let before = Self { journal: world.path("older-journal"), keys: world.path("older-keys") };
        copy(&world.path("data/journal"), &before.journal);
        copy(&world.path("data/keys"), &before.keys);
        before
    }

    fn restore(&self, world: &mut World) {
        let (journal, keys) = (world.path("data/journal"), world.path("data/keys"));
        let register = fs::read(keys.join("erasures")).expect("there");
        for (to, from) in [(&journal, &self.journal), (&keys, &self.keys)] {
            fs::remove_dir_all(to).expect("owned");
            copy(from, to);
        }
        fs::write(keys.join("erasures"), register).expect("owned");
        world.forget_log();
    }
}

/// The start orders the erasure again, the log does not take it, and of the record no body opens; the neighbour's does.
async fn not_taken(world: &World, outcome: Outcome, gone: u64, kept: u64) {
    let opening = |world: &World| -> BTreeSet<u64> {
        let keys = world.path("data/keys");
        let root = fs::read(keys.join("root.key")).expect("kept");
        let mut search = Search::default();
        search.keys_folder(&keys, &[RootKey::try_from(root.as_slice()).expect("a root key")]);
        search.data_dir(&world.path("data/journal"));
        let (found, all) = (search.keys(), bodies(&world.path("data/journal")));
        let entries = world.journal().entries();
        let of = |leaf: u64| {
            let number = entries[usize::try_from(leaf).expect("small")].entry.request_id.clone();
            let number = u128::from_be_bytes(number.try_into().expect("16 bytes"));
            all.iter().find(|body| body.number == number).expect("a body").opens_under(&found)
        };
        [gone, kept].into_iter().filter(|leaf| of(*leaf)).collect()
    };
    let gateway = world.start().await;
    let again = world
        .journal()
        .entries()
        .into_iter()
        .rev()
        .find(|seen| matches!(seen.entry.reason.as_str(), "erasure-ordered" | "retention-expired"));
    assert_eq!(again.expect("it is ordered again").outcome, outcome);
    let marker = submit(&mut gateway.ingest(SYSTEM).await, "marker", &documents::profile()).await.expect("it serves");
    released_in(world, ALBANIA, &marker).await;
    let all = items(&mut gateway.feed("al-police/feed").await).await;
    assert!(all.iter().filter_map(released).count() >= 1);
    gateway.stop().await;
    assert_eq!(opening(world), BTreeSet::from([kept]));
    assert!(
        World::log_lines().contains("an erasure that took place before this journal was restored is not taken again")
    );
}
