//! Governed documents: nobody widens access alone, and not by another text than the one that was approved.

use causeway_crypto::{SigningKey, digest};
use causeway_journal::{
    JournalError, MirroredEntry, Outcome, RULES_VERSION, apply_mirrored, approval_message, document_digest, v1,
};
use v1::DocumentKind::{Agency, Agreement, CodeList, Schema};

use crate::log::{
    AL, Log, NCA_TWO, VN, administration, agency_text, agreement_text, approval, document_entry, feed_id,
};

const UNAPPROVED: Outcome = Outcome::UnapprovedDocument;

#[test]
fn genesis_brings_the_approved_documents_into_force() {
    let log = Log::begun();
    assert!(log.state.genesis_complete());
    assert_eq!(log.state.operator().map(|agency| agency.as_str()), Some("gb-nca"));
    assert_eq!(log.state.log_id(), Some([8; 16]));
    assert_eq!(log.state.agencies().count(), 3);
    assert_eq!(log.state.agreements().map(|a| a.id.as_str()).collect::<Vec<_>>(), [AL, VN]);
    let schemas: Vec<_> = log.state.schemas().map(|(id, held)| (id.to_string(), held.text.to_string())).collect();
    assert_eq!(schemas, [("victim-profile/1.0".into(), "{}".into()), ("trafficking-route/1.0".into(), "{}".into())]);
    let held = log.state.document(Agreement, AL).expect("in force");
    assert_eq!((held.version, &*held.text), (1, agreement_text(AL, 1, "al-police").as_str()));
    assert_eq!(held.digest, document_digest(Agreement, AL, 1, held.text.as_bytes()));
    assert!(log.state.feed(&feed_id(AL)).is_some());
    assert!(log.state.agency(&"fr-octeh".parse().expect("an id")).is_none());
}

#[test]
fn the_first_document_is_the_operators_own_file() {
    let mut log = Log::empty();
    log.one(administration("genesis"));
    let partner = agency_text("al-police", 1);
    let by_partner = [("al-police", "director"), ("al-police", "dpo")];
    assert_eq!(log.document(Agency, "al-police", 1, &partner, &by_partner), UNAPPROVED);
    assert_eq!(log.document(Schema, "victim-profile/1.0", 1, "{}", NCA_TWO), UNAPPROVED);
    let own = agency_text("gb-nca", 1);
    assert_eq!(log.document(Agency, "gb-nca", 1, &own, &by_partner), UNAPPROVED);
    assert_eq!(log.document(Agency, "gb-nca", 1, &own, &NCA_TWO[..1]), UNAPPROVED);
    assert_eq!(log.document(Agency, "gb-nca", 1, &own, NCA_TWO), Outcome::Effective);
    assert_eq!(
        log.document(Agency, "al-police", 1, &partner, &by_partner),
        UNAPPROVED,
        "once one is there, it approves"
    );
    assert_eq!(log.document(Agency, "al-police", 1, &partner, NCA_TWO), Outcome::Effective);
}

#[test]
fn it_takes_two_persons_of_the_right_agency() {
    let mut log = Log::begun();
    let text = agreement_text(AL, 2, "al-police");
    let mut approved_by = |by: &[(&str, &str)]| log.document(Agreement, AL, 2, &text, by);
    assert_eq!(approved_by(&[]), UNAPPROVED);
    assert_eq!(approved_by(&[("gb-nca", "director")]), UNAPPROVED);
    assert_eq!(approved_by(&[("gb-nca", "director"), ("gb-nca", "director")]), UNAPPROVED, "one person twice");
    assert_eq!(approved_by(&[("gb-nca", "director"), ("al-police", "director")]), UNAPPROVED, "of another agency");
    assert_eq!(approved_by(&[("al-police", "director"), ("al-police", "dpo")]), UNAPPROVED, "the one that receives");
    assert_eq!(approved_by(&[("gb-nca", "director"), ("gb-nca", "stranger")]), UNAPPROVED, "not rostered");
    let with_partner = [("al-police", "dpo"), ("gb-nca", "third"), ("gb-nca", "dpo")];
    assert_eq!(approved_by(&with_partner), Outcome::Effective, "another agency may sign beside the two");
    assert_eq!(log.state.agreement(&feed_id(AL)).expect("in force").version, 2);
}

#[test]
fn an_approval_is_of_one_text_one_version_and_one_key() {
    let mut log = Log::begun();
    let text = agreement_text(AL, 2, "al-police");
    let (entry, bytes) = document_entry(Agreement, AL, 2, &text, NCA_TWO);

    let tampered = text.replace("investigation", "safeguarding").into_bytes();
    let mut own_digest = entry.clone();
    let digest = document_digest(Agreement, AL, 2, &tampered);
    own_digest.document.as_mut().expect("a document").digest = digest.0.to_vec();
    assert_eq!(
        log.document_with(own_digest, tampered),
        UNAPPROVED,
        "the digest of the tampered text, the old approvals"
    );

    let mut other_key = entry.clone();
    let key = SigningKey::from_seed(&[9; 32]);
    let digest = document_digest(Agreement, AL, 2, &bytes);
    other_key.approvals[1].public_key = key.public_key().0.to_vec();
    other_key.approvals[1].signature = key.sign(&approval_message(&digest)).to_vec();
    assert_eq!(log.document_with(other_key, bytes.clone()), UNAPPROVED, "a key that is not on the roster");

    let mut other_name = entry.clone();
    other_name.approvals[1].public_key = key.public_key().0.to_vec();
    assert_eq!(
        log.document_with(other_name, bytes.clone()),
        UNAPPROVED,
        "the right signature under another key's name"
    );

    let mut bare_digest = entry.clone();
    bare_digest.approvals[0] = approval(&digest, "gb-nca", "director");
    bare_digest.approvals[0].signature = crate::log::person_key("gb-nca", "director").sign(&digest.0).to_vec();
    assert_eq!(log.document_with(bare_digest, bytes.clone()), UNAPPROVED, "a signature outside the domain");

    let mut spoiled = entry.clone();
    spoiled.approvals.push(approval(&digest, "gb-nca", "third"));
    spoiled.approvals[2].signature[5] ^= 1;
    assert_eq!(log.document_with(spoiled, bytes.clone()), UNAPPROVED, "two that hold, and one that does not");

    assert_eq!(log.document_with(entry.clone(), bytes.clone()), Outcome::Effective);
    assert_eq!(log.document_with(entry, bytes), UNAPPROVED, "the version is in force already");
    let old = agreement_text(AL, 1, "al-police");
    assert_eq!(log.document(Agreement, AL, 1, &old, NCA_TWO), UNAPPROVED, "an older version");
}

#[test]
fn an_entry_that_brings_in_a_document_has_its_text_with_it() {
    let text = agreement_text(AL, 2, "al-police");
    let (entry, bytes) = document_entry(Agreement, AL, 2, &text, NCA_TWO);
    let tampered = text.replace("investigation", "safeguarding").into_bytes();
    let mut early = Log::begun_under(3);
    for text in [tampered.clone(), Vec::new()] {
        assert_eq!(early.document_with(entry.clone(), text), UNAPPROVED, "earlier rules let it into the log");
    }
    let mut log = Log::begun();
    for text in [tampered, Vec::new()] {
        let item = v1::Item { document_text: text.clone(), ..log.item(entry.clone()) };
        let mirrored = MirroredEntry::read(&item.entry, text).expect("well formed");
        let refusal = Err(JournalError::Malformed("document without its text"));
        assert_eq!(log.append(&log.frame_of(vec![item])), refusal);
        assert_eq!(apply_mirrored(&mut log.mirrored, RULES_VERSION, &[mirrored]), refusal);
    }
    let (nothing, text) = document_entry(CodeList, "ports", 1, "", NCA_TWO);
    assert_eq!(log.document_with(nothing, text), Outcome::Effective, "the text of nothing is there");
    assert_eq!(log.document_with(entry, bytes), Outcome::Effective);
}

#[test]
fn a_document_is_what_its_text_says_it_is() {
    let mut log = Log::begun();
    let text = agreement_text(AL, 2, "al-police");
    assert_eq!(log.document(Agreement, VN, 2, &text, NCA_TWO), Outcome::InvalidDocument);
    assert_eq!(log.document(Agreement, AL, 3, &text, NCA_TWO), Outcome::InvalidDocument);
    assert_eq!(log.document(Agreement, AL, 2, "not an agreement", NCA_TWO), Outcome::InvalidDocument);
    assert_eq!(log.document(Agency, "gb-nca", 2, &agency_text("al-police", 2), NCA_TWO), Outcome::InvalidDocument);
    let elsewhere = agreement_text("ISA-FR-2026-001", 1, "al-police").replace("gb-nca", "fr-octeh");
    assert_eq!(
        log.document(Agreement, "ISA-FR-2026-001", 1, &elsewhere, NCA_TWO),
        UNAPPROVED,
        "an unknown granting agency"
    );
    assert_eq!(log.document(CodeList, "ports", 1, "ALDRZ", NCA_TWO), Outcome::Effective);
    assert_eq!(&*log.state.document(CodeList, "ports").expect("in force").text, "ALDRZ");
}

#[test]
fn a_digest_is_over_kind_id_version_and_text() {
    let framed = digest("causeway/v1/document", &[&[0, 0, 0, 2], AL.as_bytes(), &[0, 0, 0, 7], b"text"]);
    assert_eq!(document_digest(Agreement, AL, 7, b"text"), framed);
    let message = approval_message(&framed);
    assert_eq!(message[..8], 20u64.to_be_bytes());
    assert_eq!((&message[8..28], &message[28..]), (b"causeway/v1/approval".as_slice(), framed.0.as_slice()));
}

#[test]
fn an_agreement_keeps_its_parties() {
    let mut log = Log::begun();
    let other_recipient = agreement_text(AL, 2, "vn-police");
    assert_eq!(log.document(Agreement, AL, 2, &other_recipient, NCA_TWO), Outcome::InvalidDocument);
    let other_granting = agreement_text(AL, 2, "al-police").replace("gb-nca", "vn-police");
    let by_partner = [("vn-police", "director"), ("vn-police", "dpo")];
    assert_eq!(log.document(Agreement, AL, 2, &other_granting, &by_partner), Outcome::InvalidDocument);
    assert_eq!(log.state.agreement(&feed_id(AL)).expect("in force").version, 1);
}

#[test]
fn a_new_roster_approves_what_comes_after_it() {
    let mut log = Log::begun();
    let shortened = agency_text("gb-nca", 2).replace("id = \"third\"", "id = \"fourth\"");
    assert_eq!(
        log.document(Agency, "gb-nca", 2, &shortened, &[("gb-nca", "third"), ("gb-nca", "dpo")]),
        Outcome::Effective
    );
    let text = agreement_text(AL, 2, "al-police");
    assert_eq!(log.document(Agreement, AL, 2, &text, &[("gb-nca", "third"), ("gb-nca", "dpo")]), UNAPPROVED);
    assert_eq!(log.document(Agreement, AL, 2, &text, NCA_TWO), Outcome::Effective);
}

#[test]
fn an_agency_file_limits_auditors_under_the_rules_that_know_of_it() {
    let auditor = "roles = [\"auditor\"]\naudit_from = 2026-01-01";
    let limited = agency_text("al-police", 2).replace("roles = [\"reader\"]", auditor);
    assert!(limited.contains("audit_from"), "{limited}");
    for (rules, outcome) in [(3, Outcome::InvalidDocument), (4, Outcome::Effective)] {
        let mut log = Log::begun_under(rules);
        assert_eq!(log.document(Agency, "al-police", 2, &limited, NCA_TWO), outcome, "{rules}");
    }
}
