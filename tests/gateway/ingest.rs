//! Submitting: what is accepted, what is proven about it, streams of good and bad, checks without storage, and schemas.

use std::collections::HashSet;
use std::fs;

use causeway_cli::sample::{self, FaultKind};
use causeway_crypto::Digest;
use causeway_journal::v1::{Decision, DocumentKind, Operation};
use causeway_journal::{VerifierKey, document_digest};
use causeway_model::LeafIndex;
use causeway_proto::v1;
use causeway_proto::v1::submit_stream_response::Verdict;
use causeway_verify::{Receipt, Verified, VerifyError};
use serde_json::json;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::harness::calls::{reason, released, request, send, submit};
use crate::harness::{Gateway, World, calls, documents};

const SYSTEM: &str = "gb-nca/case-management";

/// The key of the journal's checkpoints, as an auditor pins it.
pub(crate) async fn verifier_key(gateway: &Gateway) -> VerifierKey {
    let answer = gateway.audit("gb-nca/audit").await.get_checkpoint(v1::GetCheckpointRequest::default()).await;
    answer.expect("an auditor may ask").into_inner().verifier_key.parse().expect("a key")
}

/// Verifies a receipt offline, with nothing but the key.
pub(crate) fn verify(receipt: &v1::Receipt, key: &VerifierKey) -> Result<Verified, VerifyError> {
    let proof = receipt.inclusion_proof.as_ref().expect("the receipt carries its proof");
    let hashes: Vec<Digest> =
        proof.hashes.iter().map(|hash| Digest::try_from(hash.as_slice()).expect("32 bytes")).collect();
    let (entry, index) = (receipt.entry.as_slice(), LeafIndex(receipt.leaf_index));
    causeway_verify::receipt(&Receipt { entry, index, proof: &hashes, checkpoint: &receipt.checkpoint }, key, None)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_kinds_are_accepted_and_reach_both_partners() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    for (id, record) in [("profile", documents::profile()), ("route", documents::route())] {
        let receipt = submit(&mut ingest, id, &record).await.expect("a valid record is accepted");
        assert_eq!(receipt.version, 1);
    }
    for (partner, agreement) in [("al-police/feed", "ISA-AL-2026-014"), ("vn-police/feed", "ISA-VN-2026-021")] {
        world.journal().settle(agreement, 2).await;
        let items = calls::items(&mut gateway.feed(partner).await).await;
        assert_eq!(items.len(), 2, "{partner}");
        assert!(items.iter().all(|item| released(item).is_some()), "{partner}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_verifies_offline_and_an_altered_one_does_not() {
    let world = World::new();
    let gateway = world.start().await;
    let (mut ingest, key) = (gateway.ingest(SYSTEM).await, verifier_key(&gateway).await);
    let route = documents::with(documents::route(), json!({"description": "something to seal"}));
    for (id, record) in [("1", documents::profile()), ("2", route), ("3", documents::profile())] {
        let wanted = v1::SubmitRequest { with_inclusion_proof: true, ..request(id, &record) };
        let receipt = send(&mut ingest, wanted).await.expect("accepted");
        let verified = verify(&receipt, &key).expect("the receipt proves itself");
        let named = &verified.entry.records[0];
        let id = named.record_id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!((id, named.version), (receipt.record_id.clone(), receipt.version));
        assert_eq!(named.kind, documents::kind(&record));
        assert_eq!((verified.entry.operation(), verified.entry.decision()), (Operation::Collection, Decision::Allowed));
        assert_eq!(verified.entry.actor.expect("a submitter").agency, "gb-nca");
        let sealed_to = world.journal().read(|state| {
            let file = state.agency(&"gb-nca".parse().expect("well formed")).cloned().expect("in force");
            causeway_crypto::SealingPublicKey::from_bytes(&file.sealing_public_key).expect("a key").key_id()
        });
        assert_eq!(receipt.sealing_key_id, sealed_to.0, "it names the key that the record was sealed to");

        let mut altered = receipt.clone();
        *altered.entry.last_mut().expect("an entry has bytes") ^= 1;
        verify(&altered, &key).expect_err("another entry");
        let moved = v1::Receipt { leaf_index: receipt.leaf_index - 1, ..receipt.clone() };
        verify(&moved, &key).expect_err("another place");
        let other = VerifierKey::new(key.name(), causeway_crypto::SigningKey::generate().public_key()).expect("a name");
        verify(&receipt, &other).expect_err("another key");
    }
    let bare = submit(&mut ingest, "4", &documents::route()).await.expect("accepted");
    assert!(bare.inclusion_proof.is_none(), "the proof is sent where it was asked for");
    assert!(bare.sealing_key_id.is_empty(), "nothing of this one is sealed");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_gives_each_record_its_verdict_in_order_good_and_bad_mixed() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let records: Vec<_> = sample::records(7, FaultKind::ALL.len() * 5).collect();
    let faults: HashSet<_> = records.iter().filter_map(|record| record.fault).collect();
    assert_eq!(faults.len(), FaultKind::ALL.len(), "one of each kind");
    let requests: Vec<_> = records
        .iter()
        .map(|record| v1::SubmitStreamRequest {
            submission: Some(v1::SubmitRequest {
                submission_id: record.submission_id.clone(),
                record: Some(v1::Record {
                    kind: record.schema.kind.to_string(),
                    schema_version: record.schema.version.to_string(),
                    document: record.document.clone(),
                }),
                ..v1::SubmitRequest::default()
            }),
        })
        .collect();
    let before = world.journal().size();
    let answer = ingest.submit_stream(tokio_stream::iter(requests)).await.expect("the stream opens");
    let mut verdicts = answer.into_inner();
    let mut accepted = 0;
    for (index, record) in (0u64..).zip(&records) {
        let verdict = verdicts.message().await.expect("the stream goes on").expect("a verdict for each");
        assert_eq!(verdict.index, index);
        match (record.fault, verdict.verdict.expect("a verdict")) {
            (None, Verdict::Receipt(receipt)) => {
                let entry = causeway_journal::decode_entry(&receipt.entry).expect("an entry");
                assert_eq!(entry.records[0].kind, record.schema.kind.to_string(), "{index}");
                assert_eq!(entry.byte_count, record.document.len() as u64, "the receipt is of this record: {index}");
                accepted += 1;
            }
            (Some(fault), Verdict::Refusal(refusal)) => {
                let rules: Vec<_> = refusal.violations.iter().map(|violation| violation.rule.as_str()).collect();
                let found = fault.found_as();
                assert!(refusal.reason == found || rules.contains(&found), "{fault:?}: {} {rules:?}", refusal.reason);
                assert!(refusal.violations.iter().all(|violation| !violation.reason.is_empty()), "{fault:?}");
            }
            (fault, verdict) => panic!("{index} {fault:?}: {verdict:?}"),
        }
    }
    assert!(verdicts.message().await.expect("the stream ends well").is_none());
    assert_eq!(accepted, records.len() - faults.len());
    let left = world.journal().entries_from(before);
    let collected = |decision| {
        let is = |operation, by| operation == Operation::Collection && by == decision;
        // Of two under way with one id, the log lets the first win: the other is an entry without effect.
        let stands = left.iter().filter(|seen| seen.outcome.is_effective());
        stands.filter(|seen| is(seen.entry.operation(), seen.entry.decision())).count()
    };
    assert_eq!(collected(Decision::Allowed), accepted);
    let for_the_schema = FaultKind::ALL.iter().filter(|fault| fault.found_as() != "unknown-schema").count();
    assert!(collected(Decision::Denied) <= for_the_schema && collected(Decision::Denied) > 10, "refusals are entries");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_violation_is_reported_and_never_a_value() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let changes = json!({"is_minor": "UNIQUE-7741", "tlp": null, "nationalities": ["QQ"], "UNIQUE-7742": 1,
                         "handling": "C", "email": "UNIQUE-7743"});
    let record = documents::with(documents::profile(), changes);
    let before = world.journal().size();
    let status = submit(&mut ingest, "bad", &record).await.expect_err("it breaks many rules");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "schema-violation"));
    let details = status.get_error_details();
    let violations = &details.bad_request().expect("its details name the fields").field_violations;
    let places: HashSet<_> =
        violations.iter().map(|found| (found.field.as_str(), found.description.as_str())).collect();
    for expected in [
        ("/is_minor", "enum"),
        ("/tlp", "required"),
        ("/nationalities/0", "enum"),
        ("", "additionalProperties"),
        ("/action_code", "handling-codes"),
        ("/email", "format"),
    ] {
        assert!(places.contains(&expected), "{expected:?} in {places:?}");
    }
    assert!(!format!("{status:?}").contains("UNIQUE-774"), "{status:?}");
    let refused = &world.journal().entries_from(before)[0].entry;
    assert_eq!((refused.decision(), refused.reason.as_str()), (Decision::Denied, "schema-violation"));
    assert_eq!(refused.count, violations.len() as u64);

    let checked = v1::ValidateRequest { record: request("unused", &record).record };
    let all = ingest.validate(checked).await.expect("it is checked").into_inner().violations;
    let checked: HashSet<_> = all.iter().map(|found| (found.pointer.as_str(), found.rule.as_str())).collect();
    assert_eq!(checked, places, "Validate says what Submit says");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn validate_keeps_nothing_of_the_record() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let before = world.journal().size();
    let wanted = v1::ValidateRequest { record: request("unused", &documents::profile()).record };
    let answer = ingest.validate(wanted).await.expect("it is checked").into_inner();
    assert_eq!(answer.violations, []);
    let left = world.journal().entries_from(before);
    assert_eq!(left.len(), 1);
    let entry = &left[0].entry;
    assert_eq!((entry.operation(), entry.reason.as_str()), (Operation::Consultation, "validated"));
    assert!(entry.records.is_empty() && entry.body_digest.is_empty());
    assert!(entry.content_mac.is_empty() && entry.submission_mac.is_empty());
    assert_eq!(world.journal().read(|state| state.records().count()), 0);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_can_be_asked_for_again() {
    let world = World::new();
    let gateway = world.start().await;
    let (mut ingest, key) = (gateway.ingest(SYSTEM).await, verifier_key(&gateway).await);
    let first = submit(&mut ingest, "asked again", &documents::profile()).await.expect("accepted");
    submit(&mut ingest, "another", &documents::route()).await.expect("accepted");
    let wanted = v1::GetReceiptRequest { submission_id: "asked again".into() };
    let again = ingest.get_receipt(wanted).await.expect("it is there").into_inner().receipt.expect("a receipt");
    assert_eq!((again.leaf_index, &again.entry, &again.record_id), (first.leaf_index, &first.entry, &first.record_id));
    verify(&again, &key).expect("with its proof under a current checkpoint");
    let unknown = v1::GetReceiptRequest { submission_id: "never sent".into() };
    let status = ingest.get_receipt(unknown).await.expect_err("there is none");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "unknown-submission"));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_are_listed_and_given_as_they_are_in_force() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let listed = ingest.list_schemas(v1::ListSchemasRequest {}).await.expect("served").into_inner().schemas;
    let kinds: Vec<_> = listed.iter().map(|schema| schema.kind.as_str()).collect();
    assert_eq!(kinds.len(), 4, "{kinds:?}");
    let both = |version| [("victim-profile", version), ("trafficking-route", version)];
    for (kind, version) in both("1.0").into_iter().chain(both("1.1")) {
        let text = fs::read(world.path(&format!("config/schemas/{kind}-{version}.json"))).expect("the file is there");
        let digest = document_digest(DocumentKind::Schema, &format!("{kind}/{version}"), 1, &text);
        let stated = listed.iter().find(|schema| (&*schema.kind, &*schema.schema_version) == (kind, version));
        let stated = stated.expect("listed");
        assert_eq!(stated.digest, digest.0);
        let wanted = v1::GetSchemaRequest { kind: kind.into(), schema_version: version.into() };
        let given = ingest.get_schema(wanted).await.expect("served").into_inner();
        assert_eq!(given.text, text, "the exact text");
        assert_eq!(given.schema.as_ref(), Some(stated));
    }
    let unknown = v1::GetSchemaRequest { kind: "victim-profile".into(), schema_version: "9.9".into() };
    let status: Status = ingest.get_schema(unknown).await.expect_err("not in force");
    assert!(matches!(status.code(), Code::NotFound | Code::InvalidArgument), "{status:?}");
    gateway.stop().await;
}
