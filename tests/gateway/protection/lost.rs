//! What came to the journal and took no effect: its body's key is destroyed, though whoever sent it has gone.

use std::fs;

use causeway_crypto::RootKey;
use causeway_journal::Erasure;
use causeway_model::{Date, RecordId};
use causeway_proto::v1;
use serde_json::json;

use super::SYSTEM;
use super::key_search::{Search, bodies};
use crate::harness::calls::{request, send, submit};
use crate::harness::{World, copy, documents};

#[tokio::test(flavor = "multi_thread")]
async fn the_keeper_destroys_what_lost_to_another_while_its_caller_has_gone() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let mut other = gateway.feed("vn-police/feed").await;
    let over = documents::with(documents::profile(), json!({ "retain_until": "2026-11-22" }));
    let expires = submit(&mut ingest, "expires", &over).await.expect("accepted").record_id;
    let mut lost = None;
    // Which of the two is checked before the other takes effect is not the test's to say, so it tries again.
    for attempt in 0..20 {
        let record = submit(&mut ingest, &format!("r-{attempt}"), &documents::profile()).await.expect("accepted");
        let corrects = |which: &str| v1::SubmitRequest {
            record_id: record.record_id.clone(),
            expected_version: 1,
            ..request(&format!("{which}-{attempt}"), &documents::profile())
        };
        let hold = world.faults().hold();
        let (mut one, mut two) = (ingest.clone(), ingest.clone());
        let (first, second) = (corrects("first"), corrects("second"));
        let first = tokio::spawn(async move { send(&mut one, first).await });
        hold.reached().await;
        let second = tokio::spawn(async move { send(&mut two, second).await });
        for _ in 0..20 {
            // Empty pages need no entry, so the correction gets further meanwhile.
            let page = v1::PullRequest { cursor: String::new(), limit: 1, ..v1::PullRequest::default() };
            drop(tokio::time::timeout(std::time::Duration::from_millis(1), other.pull(page)).await);
        }
        second.abort();
        drop(hold);
        drop(first.await.expect("no panic"));
        // What is submitted behind them comes after them.
        submit(&mut ingest, &format!("behind-{attempt}"), &documents::profile()).await.expect("accepted");
        lost = world
            .journal()
            .entries()
            .into_iter()
            .find(|seen| seen.outcome == causeway_journal::Outcome::VersionMoved && seen.entry.retention.is_some());
        if lost.is_some() {
            break;
        }
    }
    let lost = lost.expect("no correction came between another and its check");
    // The keeper goes through what lost before it looks at what has expired.
    world.clock().set(Date::new(2026, 11, 23).expect("a day").start());
    let id: RecordId = expires.parse().expect("an id");
    let is_erased = |state: &causeway_journal::State| {
        state.record(&id).is_some_and(|record| matches!(record.erasure, Erasure::Complete(_)))
    };
    world.journal().until("the expiry", is_erased).await;
    let running = world.path("running");
    copy(&world.path("data"), &running);
    gateway.stop().await;
    let root = fs::read(running.join("keys/root.key")).expect("kept");
    let mut search = Search::default();
    search.keys_folder(&running.join("keys"), &[RootKey::try_from(root.as_slice()).expect("a root key")]);
    search.data_dir(&running.join("journal"));
    let found = search.keys();
    let number = u128::from_be_bytes(lost.entry.request_id.try_into().expect("16 bytes"));
    let all = bodies(&running.join("journal"));
    let body = all.iter().find(|body| body.number == number).expect("it came with a body");
    assert!(!body.opens_under(&found), "it opens");
    assert!(all.iter().any(|body| body.opens_under(&found)), "the others do");
}
