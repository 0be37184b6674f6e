//! Stopped between two steps, or restored from before: the start goes on with what was ordered before it serves.

use std::fs;
use std::path::Path;

use causeway_journal::{Erasure, Outcome};
use causeway_model::RecordId;
use tonic::Code;

use super::office::Office;
use super::{SYSTEM, refused};
use crate::feed::{ALBANIA, released_in};
use crate::harness::calls::{items, released, submit};
use crate::harness::{Persist, World, documents};

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

pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("writable");
    fs::set_permissions(to, fs::metadata(from).expect("there").permissions()).expect("owned");
    for entry in fs::read_dir(from).expect("there") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}
