//! Re-identification through the wire: the owner's way and the partner's, every refusal with its entry, and what a partner and the
//! gateway itself cannot learn.

pub(crate) mod desk;
mod sealed;
mod standing;

use causeway_journal::v1::{Decision, Operation};
use causeway_proto::v1;
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::feed::{ALBANIA, released_in};
use crate::harness::calls::{items, reason, released, submit, withdraw, without_request_id};
use crate::harness::{Gateway, World, documents};
use desk::Desk;

/// A name that stands nowhere but in what is sealed.
const NAME: &str = "Quillfeather";

pub(crate) fn person(subject: &str) -> Value {
    documents::with(documents::profile(), json!({ "subject_reference": subject, "given_name": NAME }))
}

/// Submits a person's record and waits until the partner's feed shows it; gives its receipt and the pseudonym.
pub(crate) async fn shown(world: &World, gateway: &Gateway, subject: &str) -> (v1::Receipt, String, u64) {
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let receipt = submit(&mut ingest, &format!("of {subject}"), &person(subject)).await.expect("accepted");
    released_in(world, ALBANIA, &receipt).await;
    let all = items(&mut gateway.feed("al-police/feed").await).await;
    let newest = all.iter().rev().find(|item| released(item).is_some()).expect("an item");
    let pseudonym = released(newest).expect("released")["subject_reference"].as_str().expect("a pseudonym").to_owned();
    (receipt, pseudonym, newest.position)
}

#[track_caller]
fn refused<T: std::fmt::Debug>(answer: Result<T, Status>, code: Code, expected: &str) -> Status {
    let status = answer.expect_err(expected);
    assert_eq!((status.code(), reason(&status).as_str()), (code, expected), "{}", status.message());
    status
}

/// The only entry since `before`: a denial with this reason.
#[track_caller]
fn denied(world: &World, before: u64, expected: &str) -> causeway_journal::v1::Entry {
    let left = world.journal().entries_from(before);
    let denials: Vec<_> = left.iter().filter(|seen| seen.entry.decision() == Decision::Denied).collect();
    assert_eq!(denials.len(), 1, "{expected}: {left:?}");
    assert_eq!(denials[0].entry.reason, expected);
    denials[0].entry.clone()
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_gets_an_identity_that_the_owner_sealed_again_and_the_gateway_never_saw() {
    let world = World::new();
    let gateway = world.start().await;
    let (receipt, pseudonym, _) = shown(&world, &gateway, "SUBJECT-A").await;
    let (mut owner, mut partner) =
        (Desk::of(&world, &gateway, "gb-nca").await, Desk::of(&world, &gateway, "al-police").await);
    let before = world.journal().size();
    let id = partner.request(&pseudonym, 0).await.expect("requested");

    let own = partner.row(&id).await;
    assert_eq!((own.state(), own.requester.as_str()), (v1::IdentityState::Requested, "al-police"));
    assert_eq!((own.record_id.as_str(), own.approval_digest.len(), own.case_reference.as_str()), ("", 0, ""));
    let row = owner.row(&id).await;
    assert_eq!((row.record_id.as_str(), row.version), (receipt.record_id.as_str(), 1));
    assert_eq!((row.case_reference.as_str(), row.purpose_code.as_str()), ("CASE-7", "investigation"));

    refused(owner.release(&id).await, Code::PermissionDenied, "identity-not-approved");
    assert_eq!(owner.approve(&id, "director").await.expect("approved").approvals, 1);
    let approved = owner.approve(&id, "dpo").await.expect("approved");
    assert_eq!((approved.approvals, approved.ends_at_micros > 0), (2, true));
    refused(partner.collect(&id).await, Code::NotFound, "unknown-identity-request");

    let out = owner.release(&id).await.expect("released");
    let sealed = out.sealed.clone().expect("sealed");
    assert_eq!((out.requester.as_str(), sealed.agency.as_str()), ("al-police", "gb-nca"));
    let opened = owner.open(&sealed).expect("the owner's key opens it");
    assert!(holds(&opened, NAME.as_bytes()));
    assert!(partner.open(&sealed).is_err(), "only the owner's key opens it");
    refused(owner.release(&id).await, Code::AlreadyExists, "identity-already-done");

    // Sealed to another, bound to something else, or not released yet: nothing of it is taken.
    let again = desk::reseal(&out, &id, &opened);
    for wrong in [
        v1::SealedIdentity { agency: "gb-nca".into(), ..again.clone() },
        v1::SealedIdentity { context_id: receipt.record_id.clone(), ..again.clone() },
        v1::SealedIdentity { version: 2, ..again.clone() },
        v1::SealedIdentity { kind: "trafficking-route".into(), ..again.clone() },
        v1::SealedIdentity { encapsulation: vec![7; 1120], ..again.clone() },
        v1::SealedIdentity { context_id: id.clone(), version: 1, agency: "al-police".into(), ..sealed.clone() },
    ] {
        refused(owner.deliver(&id, wrong).await, Code::InvalidArgument, "sealed-identity-mismatch");
    }
    owner.deliver(&id, again.clone()).await.expect("delivered");
    refused(owner.deliver(&id, again).await, Code::AlreadyExists, "identity-already-done");
    assert_eq!(partner.row(&id).await.state(), v1::IdentityState::Delivered);

    let collected = partner.collect(&id).await.expect("collected");
    assert_eq!(partner.open(&collected).expect("sealed to the partner"), opened);
    assert!(owner.open(&collected).is_err());
    refused(partner.collect(&id).await, Code::AlreadyExists, "identity-already-done");
    assert_eq!(owner.row(&id).await.state(), v1::IdentityState::Collected);

    let steps = world.journal().entries_from(before).into_iter().filter(|seen| {
        seen.entry.decision() == Decision::Allowed
            && seen.outcome.is_effective()
            && seen.entry.reason.starts_with("identity-")
    });
    let steps: Vec<_> = steps.map(|seen| (seen.entry.operation(), seen.entry.reason)).collect();
    let expected = [
        (Operation::Consultation, "identity-requested"),
        (Operation::Consultation, "identity-approved"),
        (Operation::Consultation, "identity-approved"),
        (Operation::Disclosure, "identity-released"),
        (Operation::Disclosure, "identity-delivered"),
        (Operation::Disclosure, "identity-collected"),
    ];
    let steps: Vec<_> = steps.iter().filter(|(_, reason)| reason != "identity-requests-listed").collect();
    assert_eq!(steps.iter().map(|(operation, reason)| (*operation, reason.as_str())).collect::<Vec<_>>(), expected);

    // The operator's auditor finds every step by the record; the partner's finds its own, and no record id in any of them.
    let by_record = desk::audit(&gateway, "gb-nca/audit", &receipt.record_id).await;
    for (_, reason) in expected {
        assert!(by_record.iter().any(|entry| entry.reason == reason), "{reason} is not among the record's entries");
    }
    let record = receipt.record_id.parse::<causeway_model::RecordId>().expect("a record id");
    let theirs = desk::audit(&gateway, "al-police/audit", "").await;
    assert!(theirs.iter().any(|entry| entry.reason == "identity-collected"));
    for entry in &theirs {
        assert!(!holds(&prost::Message::encode_to_vec(entry), record.as_bytes()), "{} names the record", entry.reason);
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_opens_its_own_record_when_two_others_than_the_requester_approve() {
    let world = World::new();
    let gateway = world.start().await;
    let (receipt, ..) = shown(&world, &gateway, "SUBJECT-A").await;
    // The request is made under the name of one of the persons who could approve.
    let mut owner = Desk::acting_as(&world, &gateway, "gb-nca", "GB-NCA/director").await;
    let id = owner.request_record(&receipt.record_id).await.expect("requested");
    let before = world.journal().size();
    refused(owner.approve(&id, "director").await, Code::PermissionDenied, "approver-is-requester");
    let entry = denied(&world, before, "approver-is-requester");
    assert_eq!((entry.records.len(), entry.identity_request.len()), (1, 16));
    owner.approve(&id, "dpo").await.expect("approved");
    refused(owner.approve(&id, "dpo").await, Code::AlreadyExists, "identity-already-done");
    owner.approve(&id, "deputy-director").await.expect("approved");
    let out = owner.release(&id).await.expect("released");
    assert_eq!((out.requester.as_str(), out.requester_sealing_key.len()), ("", 0));
    assert!(holds(&owner.open(&out.sealed.expect("sealed")).expect("opens"), NAME.as_bytes()));
    assert_eq!(owner.row(&id).await.state(), v1::IdentityState::Released);
    assert_eq!(owner.rows(true).await.len(), 0, "nothing waits any more");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_a_rostered_persons_signature_over_this_request() {
    let world = World::new();
    let gateway = world.start().await;
    let (receipt, ..) = shown(&world, &gateway, "SUBJECT-A").await;
    let (mut owner, mut partner) =
        (Desk::of(&world, &gateway, "gb-nca").await, Desk::of(&world, &gateway, "al-police").await);
    let id = owner.request_record(&receipt.record_id).await.expect("requested");
    let other = owner.request_record(&receipt.record_id).await.expect("requested");
    let digest = owner.row(&id).await.approval_digest;
    let of_another = owner.row(&other).await.approval_digest;
    let wrong = [
        ("another request's", desk::signature(&world, "gb-nca", "director", &of_another)),
        ("another agency's person", desk::signature(&world, "al-police", "chief", &digest)),
        (
            "in another's name",
            v1::PersonSignature { person: "dpo".into(), ..desk::signature(&world, "gb-nca", "director", &digest) },
        ),
        ("noise", v1::PersonSignature { person: "dpo".into(), signature: vec![7; 64] }),
    ];
    for (what, signature) in wrong {
        let before = world.journal().size();
        let status = refused(owner.approve_with(&id, signature).await, Code::PermissionDenied, "unapproved");
        assert!(!status.message().is_empty(), "{what}");
        denied(&world, before, "unapproved");
    }
    let short = v1::PersonSignature { person: "dpo".into(), signature: vec![7; 63] };
    refused(owner.approve_with(&id, short).await, Code::InvalidArgument, "field-malformed");
    // A partner acts on no request but its own: one that is there, and one that is not, look the same.
    let before = world.journal().size();
    let there = partner.approve_with(&id, desk::signature(&world, "gb-nca", "dpo", &digest)).await;
    let nowhere = partner.approve_with(&"0".repeat(32), desk::signature(&world, "gb-nca", "dpo", &digest)).await;
    alike(
        refused(there, Code::NotFound, "unknown-identity-request"),
        refused(nowhere, Code::NotFound, "unknown-identity-request"),
    );
    alike(
        refused(partner.release(&id).await, Code::NotFound, "unknown-identity-request"),
        refused(partner.collect(&id).await, Code::NotFound, "unknown-identity-request"),
    );
    assert_eq!(world.journal().entries_from(before).len(), 4, "each refusal is one entry");
    assert_eq!(partner.rows(false).await.len(), 0, "another's requests are not listed");
    gateway.stop().await;
}

/// Two answers tell a caller the same.
#[track_caller]
fn alike(one: Status, other: Status) {
    assert_eq!(without_request_id(&one), without_request_id(&other));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_finds_out_nothing_about_what_its_feed_does_not_show() {
    let world = World::new();
    let gateway = world.start().await;
    let (gone, withdrawn, at) = shown(&world, &gateway, "SUBJECT-A").await;
    let (kept, pseudonym, position) = shown(&world, &gateway, "SUBJECT-B").await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let (held_back, restricted, behind) = shown(&world, &gateway, "SUBJECT-C").await;
    withdraw(&mut ingest, "gone", &gone.record_id, 1).await.expect("withdrawn");
    let restriction = v1::RestrictRequest {
        submission_id: "held back".into(),
        record_id: held_back.record_id.clone(),
        expected_version: 1,
        restricted: true,
    };
    ingest.restrict(restriction).await.expect("restricted");
    let mut partner = Desk::of(&world, &gateway, "al-police").await;
    // Another feed's: of the right form, under a key that this feed never had.
    let foreign =
        causeway_crypto::KeyRing::generate().feed_key(&ALBANIA.parse().expect("an id"), 1).expect("the first epoch");
    let foreign = foreign.pseudonym(&causeway_crypto::InternalPseudonym([7; 32]), None);
    let before = world.journal().size();
    let mut answers = Vec::new();
    for (pseudonym, position) in [
        (&withdrawn, 0),
        (&withdrawn, at),
        (&restricted, 0),
        (&restricted, behind),
        (&foreign, 0),
        (&foreign, position),
        (&pseudonym, at),
        (&pseudonym, 9_999),
    ] {
        answers.push(refused(partner.request(pseudonym, position).await, Code::NotFound, "unknown-pseudonym"));
    }
    let first = answers.remove(0);
    answers.into_iter().for_each(|answer| alike(first.clone(), answer));
    let left = world.journal().entries_from(before);
    assert_eq!(left.len(), 8);
    assert!(left.iter().all(|seen| seen.entry.records.is_empty() && seen.entry.decision() == Decision::Denied));
    alike(
        refused(partner.request_record(&kept.record_id).await, Code::NotFound, "unknown-record"),
        refused(partner.request_record(&"7".repeat(32)).await, Code::NotFound, "unknown-record"),
    );
    let mut mistyped = pseudonym.clone().into_bytes();
    mistyped.swap(5, 6);
    mistyped[7] = if mistyped[7] == b'a' { b'b' } else { b'a' };
    let mistyped = String::from_utf8(mistyped).expect("ASCII");
    let before = world.journal().size();
    refused(partner.request(&mistyped, 0).await, Code::InvalidArgument, "pseudonym-malformed");
    let entry = denied(&world, before, "pseudonym-malformed");
    assert_eq!(entry.commitments.expect("texts").case_reference.len(), 32);
    // What is shown is found, with its position and without.
    partner.request(&pseudonym, position).await.expect("requested");
    partner.request(&pseudonym, 0).await.expect("requested");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_says_whether_of_whom_for_what_and_how_often_a_partner_may_ask() {
    let world = World::with(|setup| {
        setup.agreement(ALBANIA, |text| {
            let text = text.replace("monthly_cap = 10", "monthly_cap = 4").replace("to_source_country = true\n", "");
            let reason = text.lines().find(|line| line.starts_with("to_source_country_reason")).expect("its reason");
            text.replace(&format!("{reason}\n"), "")
                .replace("nationalities = [\"AL\"]", "nationalities = [\"AL\", \"VN\"]")
        });
    });
    let gateway = world.start().await;
    let (receipt, pseudonym, _) = shown(&world, &gateway, "SUBJECT-A").await;
    let (mut owner, mut partner) =
        (Desk::of(&world, &gateway, "gb-nca").await, Desk::of(&world, &gateway, "al-police").await);
    // To the partner, a request about its own national looks like any other; nobody can approve it.
    let id = partner.request(&pseudonym, 0).await.expect("requested");
    let before = world.journal().size();
    refused(owner.approve(&id, "director").await, Code::PermissionDenied, "identity-to-source-country");
    assert_eq!(denied(&world, before, "identity-to-source-country").records.len(), 1);
    assert_eq!(partner.row(&id).await.state(), v1::IdentityState::Requested);
    let theirs = desk::audit(&gateway, "al-police/audit", "").await;
    let record = receipt.record_id.parse::<causeway_model::RecordId>().expect("a record id");
    assert!(theirs.iter().all(|entry| !holds(&prost::Message::encode_to_vec(entry), record.as_bytes())));

    // Born in, or recruited in, that country protects as well; who is from elsewhere may be identified; and so often a month.
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    for (subject, members, approved, capped) in [
        ("BORN", json!({ "nationalities": ["VN"], "birth_country": "AL" }), false, false),
        ("RECRUITED", json!({ "nationalities": ["VN"], "recruitment_country": "AL" }), false, false),
        ("ELSEWHERE", json!({ "nationalities": ["VN"] }), true, false),
        ("ANOTHER", json!({ "nationalities": ["VN"] }), false, true),
    ] {
        let record = documents::with(person(subject), members);
        let receipt = submit(&mut ingest, subject, &record).await.expect("accepted");
        released_in(&world, ALBANIA, &receipt).await;
        let all = items(&mut gateway.feed("al-police/feed").await).await;
        let newest = released(all.last().expect("an item")).expect("released");
        let asked = partner.request(newest["subject_reference"].as_str().expect("a pseudonym"), 0).await;
        if capped {
            refused(asked, Code::PermissionDenied, "identity-cap-reached");
            continue;
        }
        let answer = owner.approve(&asked.expect(subject), "director").await;
        if approved {
            assert_eq!(answer.expect(subject).approvals, 1);
        } else {
            refused(answer, Code::PermissionDenied, "identity-to-source-country");
        }
    }
    let mut curious = Desk::for_purpose(&world, &gateway, "al-police", "prosecution").await;
    refused(curious.request(&pseudonym, 0).await, Code::PermissionDenied, "purpose-not-agreed");
    let mut other = Desk::of(&world, &gateway, "vn-police").await;
    refused(other.request(&pseudonym, 0).await, Code::PermissionDenied, "identity-not-agreed");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_withdrawn_or_over_goes_to_nobody() {
    let world = World::new();
    let gateway = world.start().await;
    let (gone, first, _) = shown(&world, &gateway, "SUBJECT-A").await;
    let (_, second, _) = shown(&world, &gateway, "SUBJECT-B").await;
    let (mut owner, mut partner) =
        (Desk::of(&world, &gateway, "gb-nca").await, Desk::of(&world, &gateway, "al-police").await);
    let refusal = partner.request(&second, 0).await.expect("requested");
    owner.refuse(&refusal, "no link to the case").await.expect("refused");
    let row = partner.row(&refusal).await;
    assert_eq!((row.state(), row.refusal.as_str()), (v1::IdentityState::Refused, "no link to the case"));
    refused(owner.approve(&refusal, "dpo").await, Code::AlreadyExists, "identity-already-done");
    refused(owner.refuse(&refusal, "again").await, Code::AlreadyExists, "identity-already-done");

    let withheld = partner.request(&first, 0).await.expect("requested");
    let in_hand = partner.request(&first, 0).await.expect("requested");
    let late = partner.request(&second, 0).await.expect("requested");
    let collected_late = partner.request(&second, 0).await.expect("requested");
    for id in [&withheld, &in_hand, &late, &collected_late] {
        owner.approve(id, "director").await.expect("approved");
        owner.approve(id, "dpo").await.expect("approved");
    }
    let out = owner.release(&in_hand).await.expect("released");
    let opened = owner.open(&out.sealed.clone().expect("sealed")).expect("opens");
    owner.deliver(&in_hand, desk::reseal(&out, &in_hand, &opened)).await.expect("delivered");
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    withdraw(&mut ingest, "gone", &gone.record_id, 1).await.expect("withdrawn");
    refused(owner.release(&withheld).await, Code::AlreadyExists, "record-withheld");
    alike(
        refused(partner.collect(&in_hand).await, Code::NotFound, "unknown-identity-request"),
        refused(partner.collect(&"0".repeat(32)).await, Code::NotFound, "unknown-identity-request"),
    );
    let out = owner.release(&collected_late).await.expect("released");
    let opened = owner.open(&out.sealed.clone().expect("sealed")).expect("opens");
    owner.deliver(&collected_late, desk::reseal(&out, &collected_late, &opened)).await.expect("delivered");
    world.clock().advance(72 * 3600);
    refused(owner.release(&late).await, Code::PermissionDenied, "identity-expired");
    refused(partner.collect(&collected_late).await, Code::PermissionDenied, "identity-expired");
    assert_eq!(partner.row(&late).await.state(), v1::IdentityState::Expired);
    assert_eq!(partner.rows(true).await.len(), 0);
    gateway.stop().await;
}
