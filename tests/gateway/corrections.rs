//! Changing what was submitted: corrections at the expected version, withdrawals, and nobody else's records.

use causeway_journal::v1::Decision;
use causeway_proto::v1;
use serde_json::json;
use tonic::{Code, Status};

use crate::harness::calls::{reason, request, send, submit, withdraw};
use crate::harness::{World, documents};

const SYSTEM: &str = "gb-nca/case-management";

/// A correction of a record at a version.
fn correction(id: &str, record_id: &str, expected_version: u32) -> v1::SubmitRequest {
    let record = documents::with(documents::profile(), json!({"gender": "female"}));
    v1::SubmitRequest { record_id: record_id.into(), expected_version, ..request(id, &record) }
}

/// A world in which the Albanian police submit records of their own as well.
pub(crate) fn with_two_submitters() -> World {
    World::with(|setup| {
        setup.edit("config/agencies/al-police.toml", |text| {
            format!("{text}\n[[systems]]\nname = \"intake\"\nroles = [\"submitter\"]\n")
        });
    })
}

fn told(status: &Status) -> (Code, String, String) {
    (status.code(), reason(status), status.message().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_makes_the_next_version_of_the_same_record() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let first = submit(&mut ingest, "new", &documents::profile()).await.expect("accepted");
    let second = send(&mut ingest, correction("corrected", &first.record_id, 1)).await.expect("accepted");
    assert_eq!((&second.record_id, second.version), (&first.record_id, 2));
    let third = send(&mut ingest, correction("corrected again", &first.record_id, 2)).await.expect("accepted");
    assert_eq!(third.version, 3);
    let again = send(&mut ingest, correction("corrected", &first.record_id, 1)).await.expect("the same act again");
    assert_eq!((again.leaf_index, again.version), (second.leaf_index, 2));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_has_moved_is_a_conflict_and_recorded() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let first = submit(&mut ingest, "new", &documents::profile()).await.expect("accepted");
    send(&mut ingest, correction("corrected", &first.record_id, 1)).await.expect("accepted");
    for (id, version) in [("too late", 1), ("too early", 3)] {
        let before = world.journal().size();
        let status = send(&mut ingest, correction(id, &first.record_id, version)).await.expect_err("moved");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "version-moved"), "{id}");
        let left = world.journal().entries_from(before);
        let denied = left.iter().filter(|seen| seen.entry.decision() == Decision::Denied);
        assert_eq!(denied.count(), 1, "{id}: {left:?}");
    }
    let status = withdraw(&mut ingest, "withdrawn at the old one", &first.record_id, 1).await.expect_err("moved");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "version-moved"));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_corrections_of_one_version_one_wins() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let first = submit(&mut ingest, "new", &documents::profile()).await.expect("accepted");
    let hold = world.faults().hold();
    let rivals: Vec<_> = (0..8)
        .map(|n| {
            let (mut ingest, wanted) = (ingest.clone(), correction(&format!("rival {n}"), &first.record_id, 1));
            tokio::spawn(async move { send(&mut ingest, wanted).await })
        })
        .collect();
    drop(hold);
    let mut winners = 0;
    for rival in rivals {
        match rival.await.expect("no panic") {
            Ok(receipt) => {
                assert_eq!((&receipt.record_id, receipt.version), (&first.record_id, 2));
                winners += 1;
            }
            Err(status) => {
                assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "version-moved"));
            }
        }
    }
    assert_eq!(winners, 1);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_record_looks_like_no_record() {
    let world = with_two_submitters();
    let gateway = world.start().await;
    let (mut own, mut other) = (gateway.ingest(SYSTEM).await, gateway.ingest("al-police/intake").await);
    let first = submit(&mut own, "new", &documents::profile()).await.expect("accepted");
    let nowhere = "0".repeat(32);
    let mut answers = Vec::new();
    for (id, record) in [("foreign", &first.record_id), ("absent", &nowhere)] {
        let before = world.journal().size();
        answers.push(told(&send(&mut other, correction(id, record, 1)).await.expect_err("not theirs")));
        answers.push(told(&withdraw(&mut other, &format!("w {id}"), record, 1).await.expect_err("not theirs")));
        // The releaser may be at work on the record that there is.
        let left = world.journal().entries_from(before);
        let denied = left.iter().filter(|seen| seen.entry.decision() == Decision::Denied);
        assert_eq!(denied.count(), 2, "{id}");
    }
    assert_eq!(answers[0].0, Code::NotFound);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let still = world.journal().read(|state| {
        let id = first.record_id.parse().expect("a record id");
        state.record(&id).map(|record| (record.current.0, record.withdrawn))
    });
    assert_eq!(still, Some((1, false)));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_record_takes_no_more_changes() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let first = submit(&mut ingest, "new", &documents::profile()).await.expect("accepted");
    let gone = withdraw(&mut ingest, "gone", &first.record_id, 1).await.expect("withdrawn");
    assert_eq!(gone.record_id, first.record_id);
    let again = withdraw(&mut ingest, "gone", &first.record_id, 1).await.expect("the same act again");
    assert_eq!((again.leaf_index, &again.entry), (gone.leaf_index, &gone.entry));
    let twice = withdraw(&mut ingest, "gone twice", &first.record_id, 1).await.expect_err("it is gone");
    let corrected = send(&mut ingest, correction("corrected", &first.record_id, 1)).await.expect_err("it is gone");
    for status in [twice, corrected] {
        assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "already-withdrawn"));
    }
    let reused = withdraw(&mut ingest, "new", &first.record_id, 1).await.expect_err("the id is a submission's");
    assert_eq!((reused.code(), reason(&reused).as_str()), (Code::AlreadyExists, "submission-id-reused"));
    gateway.stop().await;
}
