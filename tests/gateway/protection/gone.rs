//! Erased is gone: every byte of the data directory, of its copies from before and after, of the keys folder and of its mirror is
//! searched for what the record said, and every key that any of them gives, or a bundle of the keys that was made before, is tried on
//! every body: both versions of the record, and its identity as it was delivered to a partner.

use std::collections::BTreeSet;
use std::fs;

use causeway_crypto::{RootKey, SealingPrivateKey};
use causeway_proto::v1;
use causeway_store::RootSource;
use serde_json::{Value, json};

use super::SYSTEM;
use super::key_search::{Search, bodies};
use super::office::Office;
use crate::canary::scanner::Canaries;
use crate::feed::{ALBANIA, released_in};
use crate::harness::calls::{items, released, request, send, submit};
use crate::harness::{Gateway, World, copy, documents};
use crate::identity::desk::{self, Desk};

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

/// Has the newest released record of the partner's feed identified and sealed to the partner; gives the entry of the delivery.
async fn delivered(world: &World, gateway: &Gateway, record_id: &str) -> u64 {
    let (mut owner, mut partner) =
        (Desk::of(world, gateway, "gb-nca").await, Desk::of(world, gateway, "al-police").await);
    let shown = items(&mut gateway.feed("al-police/feed").await).await;
    let newest = released(shown.last().expect("an item")).expect("released");
    let pseudonym = newest["subject_reference"].as_str().expect("a pseudonym");
    let id = partner.request(pseudonym, 0).await.expect("requested");
    assert_eq!(owner.row(&id).await.record_id, record_id);
    for person in ["director", "dpo"] {
        owner.approve(&id, person).await.expect("approved");
    }
    let out = owner.release(&id).await.expect("released");
    let opened = owner.open(out.sealed.as_ref().expect("sealed")).expect("the owner's key opens it");
    owner.deliver(&id, desk::reseal(&out, &id, &opened)).await.expect("delivered")
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_erased_record_can_be_read_from_anything_that_is_kept() {
    let mut world = World::new();
    let mirror = world.path("mirror");
    world.config().keys.mirror_dir = Some(mirror.clone());
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
    released_in(&world, ALBANIA, &second).await;
    let delivery = delivered(&world, &gateway, &record.record_id).await;
    let other = submit(&mut ingest, "other", &marked(&mut canaries)).await.expect("accepted");
    released_in(&world, ALBANIA, &other).await;
    gateway.stop().await;
    let (journal, keys) = (world.path("data/journal"), world.path("data/keys"));
    let before = world.path("before");
    copy(&journal, &before);
    let gone = numbers(&world, &[record.leaf_index, second.leaf_index, delivery]);
    let kept = numbers(&world, &[other.leaf_index]);
    let root = fs::read(keys.join("root.key")).expect("kept");
    let roots = [RootKey::try_from(root.as_slice()).expect("a root key")];
    let (bundled, recipient) = (world.path("bundled"), SealingPrivateKey::generate());
    let bundle = causeway_store::seal_keys(&keys, &RootSource::File, &recipient.public_key()).expect("sealed");
    causeway_store::open_keys(&bundle, &recipient, &bundled).expect("opened");
    // The control: what this search finds before, in the keys folder and in the mirror alone.
    let searched = world.path("searched");
    copy(&journal, &searched);
    for folder in [&keys, &mirror] {
        let mut control = Search::default();
        control.keys_folder(folder, &roots);
        control.data_dir(&searched);
        let found = control.keys();
        let all = bodies(&searched);
        assert_eq!(all.len(), 4);
        assert!(all.iter().all(|body| body.opens_under(&found)), "before, every body opens");
    }

    let gateway = world.start().await;
    let mut office = Office::of(&world, &gateway, "gb-nca").await;
    office.erase_all(&[&record.record_id]).await.expect("erased");
    let running = world.path("running");
    copy(&journal, &running);
    gateway.stop().await;
    let after = world.path("after");
    copy(&journal, &after);
    // Apart from the copy that the engine opens below: what it wrote, as it is.
    let unopened = world.path("unopened");
    copy(&running, &unopened);
    for folder in ["data", "mirror", "before", "running", "after"] {
        let (leaks, files) = canaries.find_below(&world.path(folder));
        assert_eq!((leaks, files > 0), (Vec::new(), true), "{folder}");
    }
    let mut search = Search::default();
    search.keys_folder(&keys, &roots);
    search.keys_folder(&mirror, &roots);
    search.ring(&bundled, &roots);
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
        assert_eq!((closed, open), (3, 1), "{}", copy.display());
    }
    // No key lies open in the log either, and the same search finds one that is put there.
    let all = bodies(&after);
    let opens = |key: &&[u8; 32]| all.iter().any(|body| body.opens_under(&BTreeSet::from([**key])));
    let planted = [&[7; 5], found.iter().find(opens).expect("the kept record's").as_slice()].concat();
    let with_key = world.path("with-key");
    fs::create_dir(&with_key).expect("writable");
    fs::write(with_key.join("planted"), planted).expect("writable");
    for (folder, opened) in [(&unopened, 0), (&with_key, 1)] {
        let mut raw = Search::default();
        raw.raw_bytes(folder);
        let windows = raw.keys();
        assert_eq!(all.iter().filter(|body| body.opens_under(&windows)).count(), opened);
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
