//! Erasing by record and by person: with two approvals, and never without.

use causeway_journal::Outcome;
use causeway_proto::v1;
use serde_json::json;
use tonic::Code;

use super::office::Office;
use super::{SYSTEM, denied, refused, restrict};
use crate::feed::{ALBANIA, VIET_NAM, released_in};
use crate::harness::calls::{items, released, request, send, submit, withdraw};
use crate::harness::{World, documents};

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_record_is_withdrawn_everywhere_and_takes_nothing_more() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let record = submit(&mut ingest, "one", &documents::profile()).await.expect("accepted");
    let other = submit(&mut ingest, "other", &documents::profile()).await.expect("accepted");
    for agreement in [ALBANIA, VIET_NAM] {
        released_in(&world, agreement, &other).await;
    }
    let mut office = Office::of(&world, &gateway, "gb-nca").await;
    let erased = office.erase_all(&[&record.record_id]).await.expect("erased");
    assert!(erased.ordered_leaf_index < erased.complete_leaf_index);
    for reader in ["al-police/feed", "vn-police/feed"] {
        let all = items(&mut gateway.feed(reader).await).await;
        assert_eq!((all.len(), all.iter().filter_map(released).count()), (3, 1), "{reader}");
    }
    let id = record.record_id.as_str();
    refused(withdraw(&mut ingest, "w", id, 1).await, Code::AlreadyExists, "record-erased");
    refused(restrict(&mut ingest, "r", id, 1, true).await, Code::AlreadyExists, "record-erased");
    let correction =
        v1::SubmitRequest { record_id: id.into(), expected_version: 1, ..request("c", &documents::profile()) };
    refused(send(&mut ingest, correction).await, Code::AlreadyExists, "record-erased");
    refused(office.hold(id, true).await, Code::AlreadyExists, "record-erased");
    refused(office.plan(&[id]).await, Code::NotFound, "unknown-record");
    // What proved that it came in still does, and an auditor still reads its life.
    let wanted = v1::GetReceiptRequest { submission_id: "one".into() };
    let kept = ingest.get_receipt(wanted).await.expect("its entry stays").into_inner().receipt.expect("a receipt");
    assert_eq!((kept.leaf_index, &kept.entry), (record.leaf_index, &record.entry));
    let proof = kept.inclusion_proof.expect("with its proof");
    assert_eq!(proof.leaf_index, record.leaf_index);
    let (tree_size, leaf) = (proof.tree_size, causeway_model::LeafIndex(proof.leaf_index));
    let hashes: Vec<_> =
        proof.hashes.into_iter().map(|hash| causeway_crypto::Digest(hash.try_into().expect("32 bytes"))).collect();
    let root = world.journal().read(|state| (state.tree().size() == tree_size).then(|| state.tree().root()));
    if let Some(root) = root {
        let hash = causeway_journal::leaf_hash(&kept.entry);
        causeway_journal::verify_inclusion(hash, leaf, tree_size, &hashes, root).expect("it still verifies");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_of_an_erasure_leaves_its_entry_and_the_record() {
    let world = World::with(|setup| {
        setup.edit("config/agencies/al-police.toml", |text| {
            format!("{text}\n[[systems]]\nname = \"intake\"\nroles = [\"submitter\"]\n")
        });
    });
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let record = submit(&mut ingest, "one", &documents::profile()).await.expect("accepted");
    let theirs = submit(&mut gateway.ingest("al-police/intake").await, "theirs", &documents::profile()).await;
    let theirs = theirs.expect("accepted");
    let (id, foreign) = (record.record_id.as_str(), theirs.record_id.as_str());
    let mut office = Office::of(&world, &gateway, "gb-nca").await;
    let digest = office.plan(&[id]).await.expect("planned").digest;
    let one = office.sign(&digest, "gb-nca", "director");
    let another_agency = office.sign(&digest, "al-police", "chief");
    let over_another = office.both(&[7; 32]);
    let unknown = v1::PersonSignature { person: "nobody".into(), ..one.clone() };
    for (what, approvals) in [
        ("none", vec![]),
        ("one", vec![one.clone()]),
        ("the same twice", vec![one.clone(), one.clone()]),
        ("another agency's person", vec![one.clone(), another_agency]),
        ("over another digest", over_another),
        ("not on the roster", vec![one.clone(), unknown]),
    ] {
        let before = world.journal().size();
        let answer = office.erase(vec![id.into()], "", approvals).await;
        assert!(answer.is_err(), "{what}");
        refused(answer, Code::PermissionDenied, "unapproved");
        denied(&world, before, "unapproved");
    }
    let before = world.journal().size();
    refused(office.plan(&[id, foreign]).await, Code::NotFound, "unknown-record");
    denied(&world, before, "unknown-record");
    refused(office.plan(&[&"0".repeat(32)]).await, Code::NotFound, "unknown-record");
    let both = office.both(&digest);
    refused(office.erase(vec![foreign.into()], "", both.clone()).await, Code::NotFound, "unknown-record");
    let mut partner = Office::of(&world, &gateway, "al-police").await;
    let before = world.journal().size();
    refused(partner.erase(vec![id.into()], "", both.clone()).await, Code::NotFound, "unknown-record");
    denied(&world, before, "unknown-record");
    refused(partner.hold(id, true).await, Code::NotFound, "unknown-record");
    office.hold(id, true).await.expect("held");
    assert_eq!(office.plan(&[id]).await.expect("planned").held_record_ids, [id]);
    let before = world.journal().size();
    refused(office.erase(vec![id.into()], "", both.clone()).await, Code::AlreadyExists, "legal-hold");
    denied(&world, before, "legal-hold");
    assert_eq!(world.journal().read(|state| state.erasures_due().count()), 0);
    released_in(&world, ALBANIA, &record).await;
    assert_eq!(items(&mut gateway.feed("al-police/feed").await).await.iter().filter_map(released).count(), 1);
    office.hold(id, false).await.expect("lifted");
    office.erase(vec![id.into()], "", both.clone()).await.expect("and with all in order it is erased");
    refused(office.erase(vec![id.into()], "", both).await, Code::AlreadyExists, "already-erased");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_found_by_the_owners_reference_however_it_is_typed_and_in_every_version() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let of = |reference: &str| documents::with(documents::profile(), json!({ "subject_reference": reference }));
    let mut theirs = Vec::new();
    for (index, reference) in ["GB-77 a", "gb77A"].into_iter().enumerate() {
        let record = submit(&mut ingest, &format!("theirs-{index}"), &of(reference)).await.expect("accepted");
        theirs.push(record.record_id);
    }
    let moved = submit(&mut ingest, "moved", &of("GB77A")).await.expect("accepted");
    let elsewhere =
        v1::SubmitRequest { record_id: moved.record_id.clone(), expected_version: 1, ..request("to", &of("GB-1")) };
    send(&mut ingest, elsewhere).await.expect("corrected");
    theirs.push(moved.record_id);
    let other = submit(&mut ingest, "other", &of("GB-77 b")).await.expect("accepted");
    // A route that names the person is not about the person.
    let naming = |persons: &[&str]| documents::with(documents::route(), json!({ "victim_refs": persons }));
    let mut routes = Vec::new();
    for (name, persons) in [("route", &["GB-1", "GB-77 a"][..]), ("another", &["gb77a"]), ("neither", &["GB-1"])] {
        routes.push(submit(&mut ingest, name, &naming(persons)).await.expect("accepted").record_id);
    }
    // Corrected, it does not name the person any more; the version before does.
    let correction = v1::SubmitRequest {
        record_id: routes[1].clone(),
        expected_version: 1,
        ..request("corrected", &naming(&["GB-1"]))
    };
    send(&mut ingest, correction).await.expect("corrected");
    routes.pop();
    routes.sort();
    theirs.sort();
    let mut office = Office::of(&world, &gateway, "gb-nca").await;
    let plan = office.plan_person("gb 77-A").await.expect("found");
    assert_eq!((&plan.record_ids, plan.more), (&theirs, false));
    assert_eq!((&plan.naming_record_ids, plan.more_naming), (&routes, false));
    let before = world.journal().size();
    refused(office.plan_person("GB-99").await, Code::NotFound, "unknown-person");
    denied(&world, before, "unknown-person");
    refused(
        Office::of(&world, &gateway, "al-police").await.plan_person("GB-77 a").await,
        Code::NotFound,
        "unknown-person",
    );
    // The person has another record by the time that the order comes.
    let late = submit(&mut ingest, "late", &of("GB-77A")).await.expect("accepted");
    let approvals = office.both(&plan.digest);
    refused(office.erase(plan.record_ids, "GB-77A", approvals).await, Code::AlreadyExists, "plan-outdated");
    let plan = office.plan_person("GB-77A").await.expect("found");
    assert!(plan.record_ids.contains(&late.record_id));
    let approvals = office.both(&plan.digest);
    let erased = office.erase(plan.record_ids, "GB-77A", approvals).await.expect("erased");
    let order = world.journal().entries().into_iter().find(|seen| seen.leaf == erased.ordered_leaf_index);
    let order = order.expect("in the log");
    assert_eq!((order.outcome, order.entry.records.len(), order.entry.approvals.len()), (Outcome::Effective, 4, 2));
    // Only the routes are left to look at; when they are gone too, nobody knows the person.
    let rest = office.plan_person("GB-77A").await.expect("routes name the person");
    assert_eq!((rest.record_ids.len(), &rest.naming_record_ids), (0, &routes));
    let approvals = office.both(&rest.digest);
    refused(office.erase(vec![], "GB-77A", approvals).await, Code::InvalidArgument, "field-malformed");
    let ids: Vec<&str> = routes.iter().map(String::as_str).collect();
    let plan = office.plan(&ids).await.expect("by their ids");
    assert_eq!((plan.more, plan.naming_record_ids.len()), (false, 0));
    office.erase_all(&ids).await.expect("erased");
    refused(office.plan_person("GB-77A").await, Code::NotFound, "unknown-person");
    office.plan(&[&other.record_id]).await.expect("the neighbour is there");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_with_more_records_than_one_order_may_name_is_erased_in_two() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let theirs = documents::with(documents::profile(), json!({ "subject_reference": "GB-77" }));
    let most = causeway_journal::MAX_ERASED_RECORDS;
    for index in 0..=most {
        submit(&mut ingest, &format!("theirs-{index}"), &theirs).await.expect("accepted");
    }
    let mut office = Office::of(&world, &gateway, "gb-nca").await;
    for (listed, more) in [(most, true), (1, false)] {
        let plan = office.plan_person("GB-77").await.expect("found");
        assert_eq!((plan.record_ids.len(), plan.more), (listed, more));
        let approvals = office.both(&plan.digest);
        office.erase(plan.record_ids, "GB-77", approvals).await.expect("erased");
    }
    refused(office.plan_person("GB-77").await, Code::NotFound, "unknown-person");
    gateway.stop().await;
}
