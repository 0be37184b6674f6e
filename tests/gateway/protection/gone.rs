//! Erased is gone: every byte of the data directory, of its copies from before and after and of the keys folder is searched for what
//! the record said, and every key that any of them gives is tried on every body.

use std::collections::BTreeSet;
use std::fs;

use causeway_crypto::RootKey;
use causeway_proto::v1;
use serde_json::{Value, json};

use super::SYSTEM;
use super::key_search::{Search, bodies};
use super::office::Office;
use super::resume::copy;
use crate::canary::scanner::Canaries;
use crate::feed::{ALBANIA, released_in};
use crate::harness::calls::{request, send, submit};
use crate::harness::{World, documents};

fn marked(canaries: &mut Canaries) -> Value {
    let members = json!({
        "subject_reference": canaries.word(),
        "given_name": canaries.word(),
        "family_name": canaries.word(),
        "email": format!("{}@example.org", canaries.word()),
        "phones": [canaries.phone()],
        "narrative": { "account": canaries.word() },
    });
    documents::with(documents::profile(), members)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_erased_record_can_be_read_from_anything_that_is_kept() {
    let world = World::new();
    let mut canaries = Canaries::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let record = submit(&mut ingest, "one", &marked(&mut canaries)).await.expect("accepted");
    let correction = v1::SubmitRequest {
        record_id: record.record_id.clone(),
        expected_version: 1,
        ..request("two", &marked(&mut canaries))
    };
    let second = send(&mut ingest, correction).await.expect("corrected");
    let other = submit(&mut ingest, "other", &marked(&mut canaries)).await.expect("accepted");
    released_in(&world, ALBANIA, &other).await;
    gateway.stop().await;
    let (journal, keys) = (world.path("data/journal"), world.path("data/keys"));
    let before = world.path("before");
    copy(&journal, &before);
    let gone = numbers(&world, &[record.leaf_index, second.leaf_index]);
    let kept = numbers(&world, &[other.leaf_index]);
    let root = fs::read(keys.join("root.key")).expect("kept");
    let roots = [RootKey::try_from(root.as_slice()).expect("a root key")];
    // The control: what this search finds before.
    let mut control = Search::default();
    control.keys_folder(&keys, &roots);
    let searched = world.path("searched");
    copy(&journal, &searched);
    control.data_dir(&searched);
    let found = control.keys();
    let all = bodies(&searched);
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|body| body.opens_under(&found)), "before, every body opens");

    let gateway = world.start().await;
    let mut office = Office::of(&world, &gateway, "gb-nca").await;
    office.erase_all(&[&record.record_id]).await.expect("erased");
    let running = world.path("running");
    copy(&journal, &running);
    gateway.stop().await;
    let after = world.path("after");
    copy(&journal, &after);
    for folder in ["data", "before", "running", "after"] {
        let (leaks, files) = canaries.find_below(&world.path(folder));
        assert_eq!((leaks, files > 0), (Vec::new(), true), "{folder}");
    }
    let mut search = Search::default();
    search.keys_folder(&keys, &roots);
    for copy in [&before, &running, &after] {
        search.data_dir(copy);
    }
    let found = search.keys();
    for copy in [&before, &running, &after] {
        let (mut closed, mut open) = (0, 0);
        for body in bodies(copy) {
            assert_ne!(body.opens_under(&found), gone.contains(&body.number), "in {}", copy.display());
            closed += usize::from(gone.contains(&body.number));
            open += usize::from(kept.contains(&body.number));
        }
        assert_eq!((closed, open), (2, 1), "{}", copy.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_that_comes_while_its_record_is_erased_leaves_nothing_that_opens() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let mut other = gateway.feed("vn-police/feed").await;
    let mut office = Office::of(&world, &gateway, "gb-nca").await;
    // Which of the two takes its place in the log first is not the test's to say, so it tries again.
    let mut late = None;
    for attempt in 0..20 {
        let record = submit(&mut ingest, &format!("r-{attempt}"), &documents::profile()).await.expect("accepted");
        released_in(&world, ALBANIA, &record).await;
        let plan = office.plan(&[&record.record_id]).await.expect("planned");
        let correction = v1::SubmitRequest {
            record_id: record.record_id.clone(),
            expected_version: 1,
            ..request(&format!("c-{attempt}"), &documents::profile())
        };
        let approvals = office.both(&plan.digest);
        let hold = world.faults().hold();
        let erasing = office.erase(plan.record_ids, "", approvals);
        let mut correcting = ingest.clone();
        let correcting = async move {
            hold.reached().await;
            let sent = tokio::spawn(async move { send(&mut correcting, correction).await });
            for _ in 0..20 {
                // Empty pages need no entry, so the correction gets further meanwhile.
                let page = v1::PullRequest { cursor: String::new(), limit: 1, ..v1::PullRequest::default() };
                drop(tokio::time::timeout(std::time::Duration::from_millis(1), other.pull(page)).await);
            }
            drop(hold);
            (sent.await.expect("no panic"), other)
        };
        let (erased, (answer, feed)) = tokio::join!(erasing, correcting);
        other = feed;
        erased.expect("erased");
        let lost = world.journal().entries().into_iter().find(|seen| seen.outcome == causeway_journal::Outcome::Erased);
        if let Some(lost) = lost {
            super::refused(answer, tonic::Code::AlreadyExists, "record-erased");
            late = Some((lost.leaf, record.leaf_index));
            break;
        }
    }
    let (late, first) = late.expect("no correction came between an order and its check");
    gateway.stop().await;
    let gone = numbers(&world, &[late, first]);
    let keys = world.path("data/keys");
    let root = fs::read(keys.join("root.key")).expect("kept");
    let roots = [RootKey::try_from(root.as_slice()).expect("a root key")];
    let mut search = Search::default();
    search.keys_folder(&keys, &roots);
    search.data_dir(&world.path("data/journal"));
    let found = search.keys();
    let all = bodies(&world.path("data/journal"));
    assert_eq!(all.iter().filter(|body| gone.contains(&body.number)).count(), 2);
    assert!(all.iter().filter(|body| gone.contains(&body.number)).all(|body| !body.opens_under(&found)));
}

/// What the search calls the bodies beside these entries: their entries' request ids.
fn numbers(world: &World, leaves: &[u64]) -> BTreeSet<u128> {
    let entries = world.journal().entries();
    let of = |leaf: &u64| entries.iter().find(|seen| seen.leaf == *leaf).expect("in the log").entry.request_id.clone();
    leaves.iter().map(|leaf| u128::from_be_bytes(of(leaf).try_into().expect("16 bytes"))).collect()
}
