//! The submitter's own id: the same content under it is the same submission, for ever; other content is a conflict.

use causeway_journal::Outcome;
use causeway_journal::v1::{Decision, Operation};
use causeway_proto::v1;
use serde_json::{Value, json};
use tonic::Code;

use crate::harness::calls::{reason, request, send, submit};
use crate::harness::{World, documents};

const SYSTEM: &str = "gb-nca/case-management";

fn other_profile() -> Value {
    documents::with(documents::profile(), json!({"gender": "male"}))
}

fn records(world: &World) -> usize {
    world.journal().read(|state| state.records().count())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_again_is_the_same_receipt_also_after_a_restart() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let first = submit(&mut ingest, "case 7 / 2026", &documents::profile()).await.expect("accepted");
    let same = |again: &v1::Receipt| {
        let parts = |receipt: &v1::Receipt| {
            (receipt.record_id.clone(), receipt.version, receipt.leaf_index, receipt.entry.clone())
        };
        parts(again) == parts(&first) && again.sealing_key_id == first.sealing_key_id
    };
    // The record's releases are entries too; they come in their own time.
    for agreement in ["ISA-AL-2026-014", "ISA-VN-2026-021"] {
        world.journal().settle(agreement, 1).await;
    }
    let size = world.journal().size();
    let again = submit(&mut ingest, "case 7 / 2026", &documents::profile()).await.expect("accepted before");
    assert!(same(&again));
    assert_eq!(world.journal().size(), size, "a retry alone makes no entry: it is summed up");
    gateway.stop().await;

    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let again = submit(&mut ingest, "case 7 / 2026", &documents::profile()).await.expect("accepted before");
    assert!(same(&again), "after a restart");
    assert_eq!(records(&world), 1);
    let wanted = v1::SubmitRequest { with_inclusion_proof: true, ..request("case 7 / 2026", &documents::profile()) };
    let proved = send(&mut ingest, wanted).await.expect("accepted before");
    assert!(same(&proved), "asking for the proof is not other content");
    let key = crate::ingest::verifier_key(&gateway).await;
    crate::ingest::verify(&proved, &key).expect("under a current checkpoint");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_content_under_the_same_id_is_a_conflict_and_recorded() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let first = submit(&mut ingest, "used", &documents::profile()).await.expect("accepted");
    let spaced = String::from_utf8(request("used", &documents::profile()).record.expect("set").document);
    let spaced = spaced.expect("JSON").replacen(':', ": ", 1).into_bytes();
    let mut rewritten = request("used", &documents::profile());
    rewritten.record.as_mut().expect("set").document = spaced;
    let cases = [
        ("another document", request("used", &other_profile())),
        ("another kind", request("used", &documents::route())),
        ("other bytes of the same document", rewritten),
        (
            "a correction",
            v1::SubmitRequest {
                record_id: first.record_id.clone(),
                expected_version: 1,
                ..request("used", &documents::profile())
            },
        ),
    ];
    for (what, wanted) in cases {
        let before = world.journal().size();
        let status = send(&mut ingest, wanted).await.expect_err(what);
        assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "submission-id-reused"), "{what}");
        let left: Vec<_> = world.journal().entries_from(before);
        let asked = if what == "a correction" { Operation::Alteration } else { Operation::Collection };
        let left: Vec<_> = left.iter().filter(|seen| seen.entry.operation() == asked).collect();
        assert_eq!(left.len(), 1, "{what}");
        assert_eq!(left[0].entry.decision(), Decision::Denied, "{what}");
        let named = usize::from(what == "a correction");
        assert!(left[0].entry.body_digest.is_empty() && left[0].entry.records.len() == named, "{what}");
    }
    let kept = submit(&mut ingest, "used", &documents::profile()).await.expect("accepted before");
    assert_eq!(kept.leaf_index, first.leaf_index);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_was_refused_may_be_used_for_the_repaired_record() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let broken = documents::with(documents::profile(), json!({"tlp": "PINK"}));
    submit(&mut ingest, "repaired", &broken).await.expect_err("no such code");
    submit(&mut ingest, "repaired", &documents::profile()).await.expect("accepted");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_agency_has_its_own_ids() {
    let world = World::with(|setup| {
        setup.edit("config/agencies/al-police.toml", |text| {
            format!("{text}\n[[systems]]\nname = \"intake\"\nroles = [\"submitter\"]\n")
        });
    });
    let gateway = world.start().await;
    let own = submit(&mut gateway.ingest(SYSTEM).await, "1", &documents::profile()).await.expect("accepted");
    let mut other = gateway.ingest("al-police/intake").await;
    let wanted = v1::GetReceiptRequest { submission_id: "1".into() };
    assert_eq!(other.get_receipt(wanted).await.expect_err("not theirs").code(), Code::NotFound);
    let theirs = submit(&mut other, "1", &other_profile()).await.expect("accepted");
    assert_ne!(own.record_id, theirs.record_id);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_at_the_same_time_is_one_record() {
    let world = World::new();
    let gateway = world.start().await;
    let clients = [gateway.ingest(SYSTEM).await, gateway.ingest(SYSTEM).await];
    // While appends wait, none of these can know of the others: the log has to settle it.
    let hold = world.faults().hold();
    let attempts: Vec<_> = (0..12)
        .map(|n| {
            let mut client = clients[n % 2].clone();
            tokio::spawn(async move { submit(&mut client, "at once", &documents::profile()).await })
        })
        .collect();
    drop(hold);
    let mut receipts = Vec::new();
    for attempt in attempts {
        receipts.push(attempt.await.expect("no panic").expect("each is told of the one record"));
    }
    let first = &receipts[0];
    for receipt in &receipts {
        assert_eq!(
            (&receipt.record_id, receipt.leaf_index, &receipt.entry),
            (&first.record_id, first.leaf_index, &first.entry)
        );
    }
    assert_eq!(records(&world), 1);
    let collected =
        world.journal().entries().into_iter().filter(|seen| seen.entry.operation() == Operation::Collection);
    for seen in collected {
        let expected = if seen.leaf == first.leaf_index {
            Outcome::Effective
        } else {
            Outcome::Duplicate { of: causeway_model::LeafIndex(first.leaf_index) }
        };
        assert_eq!(seen.outcome, expected);
    }

    let hold = world.faults().hold();
    let rivals: Vec<_> = [documents::profile(), other_profile(), documents::route()]
        .into_iter()
        .map(|record| {
            let mut client = clients[0].clone();
            tokio::spawn(async move { submit(&mut client, "rivals", &record).await })
        })
        .collect();
    drop(hold);
    let mut won = 0;
    for rival in rivals {
        match rival.await.expect("no panic") {
            Ok(_) => won += 1,
            Err(status) => assert_eq!(reason(&status), "submission-id-reused"),
        }
    }
    assert_eq!((won, records(&world)), (1, 2));
    gateway.stop().await;
}
