//! A record's whole life through the wire, and what everybody is left with: the owner, two partners and the auditor, who reads all
//! of it back from the journal and checks each proof.

use causeway_journal::v1::{Decision, Operation};
use causeway_journal::{VerifierKey, decode_entry};
use causeway_model::LeafIndex;
use causeway_proto::v1;
use causeway_proto::v1::query_response::Part;
use serde_json::json;
use tonic::Code;

use crate::feed::evidence::Partner;
use crate::feed::{ALBANIA, VIET_NAM, released_in, verifier_key};
use crate::harness::calls::{pull_all, reason, released, request, send, submit, withdraw};
use crate::harness::{Gateway, World, documents};
use crate::identity::desk::{self, Desk, signature};

const SYSTEM: &str = "gb-nca/case-management";
const NAME: &str = "Quillfeather";

/// What one auditor's row tells: operation, decision and reason.
type Told = (Operation, Decision, String);

/// A partner that pulls the whole feed again and checks every page.
async fn pulled(world: &World, gateway: &Gateway, reader: &str, key: &str) -> Vec<v1::Item> {
    let agency = if reader.starts_with("al") { "al-police" } else { "vn-police" };
    let mut partner = Partner::new(agency, key);
    let pages = pull_all(&mut gateway.feed(reader).await).await;
    for page in &pages {
        partner.read(page).unwrap_or_else(|fault| panic!("{reader}: {fault}"));
    }
    let items: Vec<_> = pages.into_iter().flat_map(|page| page.items).collect();
    let agreement = if reader.starts_with("al") { ALBANIA } else { VIET_NAM };
    assert_eq!(items.len() as u64, world.journal().positions(agreement));
    items
}

/// How many items of a feed show a record.
fn shown(items: &[v1::Item]) -> usize {
    items.iter().filter_map(released).count()
}

async fn restrict(gateway: &Gateway, id: &str, record_id: &str, version: u32, restricted: bool) -> v1::Receipt {
    let request = v1::RestrictRequest {
        submission_id: id.into(),
        record_id: record_id.into(),
        expected_version: version,
        restricted,
    };
    let answer = gateway.ingest(SYSTEM).await.restrict(request).await.expect("recorded").into_inner();
    answer.receipt.expect("a receipt")
}

/// The partner's request, both approvals, the owner's key, and the partner's.
async fn identified(world: &World, gateway: &Gateway, pseudonym: &str) {
    let (mut owner, mut partner) =
        (Desk::of(world, gateway, "gb-nca").await, Desk::of(world, gateway, "al-police").await);
    let id = partner.request(pseudonym, 0).await.expect("requested");
    owner.approve(&id, "director").await.expect("approved");
    owner.approve(&id, "dpo").await.expect("approved");
    let out = owner.release(&id).await.expect("released");
    let opened = owner.open(out.sealed.as_ref().expect("sealed")).expect("the owner's key opens it");
    owner.deliver(&id, desk::reseal(&out, &id, &opened)).await.expect("delivered");
    let collected = partner.collect(&id).await.expect("collected");
    let identity = partner.open(&collected).expect("the partner's key opens it");
    assert!(String::from_utf8(identity).expect("JSON").contains(NAME));
}

async fn erased(world: &World, gateway: &Gateway, record_id: &str) -> v1::EraseResponse {
    let mut office = gateway.protection("gb-nca/protection").await;
    let record_ids = vec![record_id.to_owned()];
    let plan = v1::PlanErasureRequest { record_ids: record_ids.clone(), subject_reference: String::new() };
    let plan = office.plan_erasure(plan).await.expect("planned").into_inner();
    let approvals =
        ["director", "deputy-director"].map(|person| signature(world, "gb-nca", person, &plan.digest)).to_vec();
    let order = v1::EraseRequest { record_ids, subject_reference: String::new(), approvals };
    office.erase(order).await.expect("erased").into_inner()
}

/// Every entry that concerns the record, each with a proof that verifies under the newest checkpoint.
async fn read_back(gateway: &Gateway, record_id: &str, key: &str) -> Vec<Told> {
    let mut auditor = gateway.audit("gb-nca/audit").await;
    let query = v1::QueryRequest { record_id: record_id.into(), ..v1::QueryRequest::default() };
    let mut answer = auditor.query(query).await.expect("an answer").into_inner();
    let mut rows = Vec::new();
    while let Some(response) = answer.message().await.expect("it goes on") {
        if let Some(Part::Row(row)) = response.part {
            rows.push(row);
        }
    }
    let key: VerifierKey = key.parse().expect("a verifier key");
    let mut told = Vec::new();
    for row in rows {
        let request = v1::GetInclusionProofRequest { leaf_index: row.leaf_index, tree_size: 0 };
        let proved = auditor.get_inclusion_proof(request).await.expect("a proof").into_inner();
        let proof = proved.inclusion_proof.expect("a proof");
        let hashes: Vec<_> = proof.hashes.iter().map(|hash| hash.as_slice().try_into().expect("a hash")).collect();
        let receipt = causeway_verify::Receipt {
            entry: &proved.entry,
            index: LeafIndex(proof.leaf_index),
            proof: &hashes,
            checkpoint: &proved.checkpoint,
        };
        let verified = causeway_verify::receipt(&receipt, &key, None).expect("the proof verifies");
        assert_eq!(verified.entry, decode_entry(&row.entry).expect("an entry"));
        told.push((verified.entry.operation(), verified.entry.decision(), verified.entry.reason));
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_lives_and_is_gone_and_the_journal_tells_all_of_it() {
    let world = World::new();
    let gateway = world.start().await;
    let key = verifier_key(&gateway).await;
    let mut ingest = gateway.ingest(SYSTEM).await;

    // Submitted and released, corrected and released again.
    let person = documents::with(documents::profile(), json!({"subject_reference": "SUBJECT-A", "given_name": NAME}));
    let first = submit(&mut ingest, "submitted", &person).await.expect("accepted");
    for agreement in [ALBANIA, VIET_NAM] {
        released_in(&world, agreement, &first).await;
    }
    assert_eq!(shown(&pulled(&world, &gateway, "al-police/feed", &key).await), 1);
    let corrected = documents::with(person, json!({"gender": "female"}));
    let correction = v1::SubmitRequest {
        record_id: first.record_id.clone(),
        expected_version: 1,
        ..request("corrected", &corrected)
    };
    let second = send(&mut ingest, correction).await.expect("accepted");
    released_in(&world, ALBANIA, &second).await;

    // Restricted: out of both feeds. Freed: back in them.
    restrict(&gateway, "restricted", &first.record_id, 2, true).await;
    for reader in ["al-police/feed", "vn-police/feed"] {
        assert_eq!(shown(&pulled(&world, &gateway, reader, &key).await), 0, "{reader}");
    }
    restrict(&gateway, "freed", &first.record_id, 2, false).await;
    for agreement in [ALBANIA, VIET_NAM] {
        released_in(&world, agreement, &second).await;
    }
    let items = pulled(&world, &gateway, "al-police/feed", &key).await;
    let document = items.iter().rev().find_map(released).expect("it is back");
    assert_eq!((shown(&items), &document["gender"]), (1, &json!("female")));
    let pseudonym = document["subject_reference"].as_str().expect("a pseudonym").to_owned();

    // Identified to one partner, with two approvals; then withdrawn, and erased with two more.
    identified(&world, &gateway, &pseudonym).await;
    withdraw(&mut ingest, "withdrawn", &first.record_id, 2).await.expect("withdrawn");
    let gone = erased(&world, &gateway, &first.record_id).await;
    assert!(gone.complete_leaf_index > gone.ordered_leaf_index);
    for reader in ["al-police/feed", "vn-police/feed"] {
        assert_eq!(shown(&pulled(&world, &gateway, reader, &key).await), 0, "{reader}");
    }
    let again =
        v1::SubmitRequest { expected_version: 2, record_id: first.record_id.clone(), ..request("late", &corrected) };
    let late = send(&mut ingest, again).await.expect_err("it is erased");
    assert_eq!((late.code(), reason(&late).as_str()), (Code::AlreadyExists, "record-erased"));
    let known = ingest.get_receipt(v1::GetReceiptRequest { submission_id: "submitted".into() }).await;
    let known = known.expect("the receipt stays").into_inner().receipt.expect("a receipt");
    assert_eq!((known.leaf_index, &known.entry), (first.leaf_index, &first.entry));

    assert_eq!(story(read_back(&gateway, &first.record_id, &key).await), expected());
    // What was proved before the erasure is proved by a gateway that has started again, too.
    gateway.stop().await;
    let gateway = world.start().await;
    assert_eq!(story(read_back(&gateway, &first.record_id, &key).await), expected());
    gateway.stop().await;
}

/// The story without questions and without how often pages and releases came: those depend on the partners' and the releaser's pace.
fn story(told: Vec<Told>) -> Vec<Told> {
    let mut story: Vec<Told> = Vec::new();
    for row in told {
        let is_question = matches!(row.2.as_str(), "audit-query" | "identity-requests-listed");
        let is_repeated = row.1 == Decision::Allowed && story.contains(&row);
        if !is_question && !is_repeated {
            story.push(row);
        }
    }
    story
}

fn expected() -> Vec<Told> {
    let (yes, no) = (Decision::Allowed, Decision::Denied);
    [
        (Operation::Collection, yes, "accepted"),
        (Operation::Administration, yes, "released"),
        (Operation::Disclosure, yes, "disclosed"),
        (Operation::Alteration, yes, "corrected"),
        (Operation::Alteration, yes, "restricted"),
        (Operation::Alteration, yes, "unrestricted"),
        (Operation::Consultation, yes, "identity-requested"),
        (Operation::Consultation, yes, "identity-approved"),
        (Operation::Disclosure, yes, "identity-released"),
        (Operation::Disclosure, yes, "identity-delivered"),
        (Operation::Disclosure, yes, "identity-collected"),
        (Operation::Alteration, yes, "withdrawn"),
        (Operation::Consultation, yes, "erasure-planned"),
        (Operation::Erasure, yes, "erasure-ordered"),
        (Operation::Erasure, yes, "erasure-complete"),
        (Operation::Alteration, no, "record-erased"),
    ]
    .map(|(operation, decision, reason)| (operation, decision, reason.to_owned()))
    .to_vec()
}
