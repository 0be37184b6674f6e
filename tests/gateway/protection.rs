//! A record's protection through the wire: restricted and freed, held, expired, erased by record and by person; every refusal with
//! its entry; what a stop or a restore leaves undone is done before anything is served; and nothing of it can be read again.

mod erasure;
mod gone;
#[path = "../../crates/store/tests/store/key_search.rs"]
pub(crate) mod key_search;
mod lost;
mod nodes;
pub(crate) mod office;
mod proofs;
mod resume;
mod retention;
mod ways;

use causeway_journal::v1::Decision;
use causeway_model::Date;
use causeway_proto::v1;
use serde_json::json;
use tonic::{Code, Status};

use crate::feed::{ALBANIA, VIET_NAM, released_in};
use crate::harness::calls::{items, reason, released, request, send, submit, withdraw};
use crate::harness::{Setup, Stated, World, documents};
use causeway_proto::v1::ingest_service_client::IngestServiceClient;

const SYSTEM: &str = "gb-nca/case-management";

/// The status that a call was refused with, which must be this one.
#[track_caller]
fn refused<T: std::fmt::Debug>(answer: Result<T, Status>, code: Code, expected: &str) {
    let status = answer.expect_err(expected);
    assert_eq!((status.code(), reason(&status).as_str()), (code, expected), "{}", status.message());
}

/// The denials since `before`: exactly one, with this reason.
#[track_caller]
fn denied(world: &World, before: u64, expected: &str) {
    let left = world.journal().entries_from(before);
    let denials: Vec<_> = left.iter().filter(|seen| seen.entry.decision() == Decision::Denied).collect();
    let reasons: Vec<_> = denials.iter().map(|seen| seen.entry.reason.as_str()).collect();
    assert_eq!(reasons, [expected]);
}

async fn restrict(
    ingest: &mut IngestServiceClient<Stated>,
    id: &str,
    record_id: &str,
    expected_version: u32,
    restricted: bool,
) -> Result<v1::Receipt, Status> {
    let (submission_id, record_id) = (id.into(), record_id.into());
    let request = v1::RestrictRequest { submission_id, record_id, expected_version, restricted };
    Ok(ingest.restrict(request).await?.into_inner().receipt.expect("an answer holds its receipt"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restricted_record_leaves_feeds_and_comes_back_when_that_ends() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let record = submit(&mut ingest, "one", &documents::profile()).await.expect("accepted");
    for agreement in [ALBANIA, VIET_NAM] {
        released_in(&world, agreement, &record).await;
    }
    let done = restrict(&mut ingest, "restrict", &record.record_id, 1, true).await.expect("restricted");
    assert_eq!((&done.record_id, done.version), (&record.record_id, 1));
    let again = restrict(&mut ingest, "restrict", &record.record_id, 1, true).await.expect("the same receipt");
    assert_eq!(again.leaf_index, done.leaf_index);
    refused(
        restrict(&mut ingest, "restrict", &record.record_id, 1, false).await,
        Code::AlreadyExists,
        "submission-id-reused",
    );
    refused(restrict(&mut ingest, "moved", &record.record_id, 7, true).await, Code::AlreadyExists, "version-moved");
    refused(restrict(&mut ingest, "none", &"0".repeat(32), 1, true).await, Code::NotFound, "unknown-record");
    for reader in ["al-police/feed", "vn-police/feed"] {
        let all = items(&mut gateway.feed(reader).await).await;
        assert_eq!((all.len(), all.iter().filter_map(released).count()), (2, 0), "{reader}");
    }
    // Put right while it is restricted: it stays withheld.
    let corrected = documents::with(documents::profile(), json!({"gender": "female"}));
    let correction =
        v1::SubmitRequest { record_id: record.record_id.clone(), expected_version: 1, ..request("two", &corrected) };
    let second = send(&mut ingest, correction).await.expect("a correction of a restricted record is taken");
    let behind = submit(&mut ingest, "behind", &documents::profile()).await.expect("accepted");
    released_in(&world, ALBANIA, &behind).await;
    assert_eq!(world.journal().positions(ALBANIA), 3, "the correction was not released");

    restrict(&mut ingest, "free", &record.record_id, 2, false).await.expect("freed");
    released_in(&world, ALBANIA, &second).await;
    let all = items(&mut gateway.feed("al-police/feed").await).await;
    assert_eq!(released(all.last().expect("items")).expect("released")["gender"], "female");
    assert_eq!(all.len(), 4);
    withdraw(&mut ingest, "gone", &record.record_id, 2).await.expect("withdrawn");
    refused(restrict(&mut ingest, "late", &record.record_id, 2, true).await, Code::AlreadyExists, "already-withdrawn");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freed_record_waits_for_the_batch_of_the_day_on_which_it_was_freed() {
    let world = World::with(|setup: &mut Setup| {
        setup.agreement(ALBANIA, |text| {
            let stays = |line: &&str| !line.starts_with("release = ") && !line.starts_with("release_reason = ");
            text.lines().filter(stays).map(|line| format!("{line}\n")).collect()
        });
    });
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let mut ids = Vec::new();
    for name in ["freed-tomorrow", "freed-today", "never-restricted"] {
        ids.push(submit(&mut ingest, name, &documents::profile()).await.expect("accepted").record_id);
    }
    restrict(&mut ingest, "r-0", &ids[0], 1, true).await.expect("restricted");
    restrict(&mut ingest, "r-1", &ids[1], 1, true).await.expect("restricted");
    restrict(&mut ingest, "f-1", &ids[1], 1, false).await.expect("freed");
    world.clock().set(Date::new(2026, 11, 22).expect("a day").start());
    world.journal().settle(ALBANIA, 2).await;
    restrict(&mut ingest, "f-0", &ids[0], 1, false).await.expect("freed");
    // The other agreement releases at once: when it has the newest record, the releaser has considered all of them.
    let marker = submit(&mut ingest, "marker", &documents::profile()).await.expect("accepted");
    released_in(&world, VIET_NAM, &marker).await;
    assert_eq!(world.journal().positions(ALBANIA), 2, "it left on the day on which it was freed, or twice");
    gateway.stop().await;
    // A start on that day comes by its first entry again.
    let gateway = world.start().await;
    let marker = submit(&mut gateway.ingest(SYSTEM).await, "another", &documents::profile()).await.expect("accepted");
    released_in(&world, VIET_NAM, &marker).await;
    assert_eq!(world.journal().positions(ALBANIA), 2, "it left on the day on which it was freed, or twice");
    world.clock().set(Date::new(2026, 11, 23).expect("a day").start());
    world.journal().settle(ALBANIA, 5).await;
    assert_eq!(items(&mut gateway.feed("al-police/feed").await).await.iter().filter_map(released).count(), 5);
    gateway.stop().await;
}
