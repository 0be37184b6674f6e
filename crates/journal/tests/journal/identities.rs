//! Re-identification: each step needs the one before it, its own agency, and its time; each happens once.

use causeway_crypto::Digest;
use causeway_journal::{Outcome, RULES_VERSION, decode_entry, erasure_digest, identity_digest, v1};
use causeway_model::EntryId;

use crate::log::{AL, Log, VN, allowed, approval, mac, record, record_ref, submit, withdraw};

const HOUR: u64 = 3_600_000_000;
const SEALED: Digest = Digest([5; 32]);

fn ask(name: &str, requester: &str, agreement: &str, cap: u64) -> v1::Entry {
    v1::Entry {
        records: vec![record_ref(name, 1, 1)],
        recipient: Some(v1::Recipient {
            agency: requester.into(),
            agreement: agreement.into(),
            ..v1::Recipient::default()
        }),
        subject_digest: SEALED.0.to_vec(),
        count: cap,
        period: Some(v1::Period { from_micros: 0, to_micros: 72 * HOUR }),
        ..allowed(v1::Operation::Consultation, "identity-requested", requester)
    }
}

/// Asks, and gives the request's id.
fn asked(log: &mut Log, entry: v1::Entry) -> EntryId {
    assert_eq!(log.one(entry), Outcome::Effective);
    let newest = log.state.identities().max_by_key(|(_, identity)| identity.leaf);
    *newest.expect("it was asked").0
}

fn step(operation: v1::Operation, reason: &str, agency: &str, request: EntryId) -> v1::Entry {
    v1::Entry { identity_request: request.as_bytes().to_vec(), ..allowed(operation, reason, agency) }
}

fn approve(request: EntryId, requester: &str, person: (&str, &str)) -> v1::Entry {
    let digest = identity_digest(&request, &SEALED, &requester.parse().expect("an id"));
    v1::Entry {
        approvals: vec![approval(&digest, person.0, person.1)],
        ..step(v1::Operation::Consultation, "identity-approved", "gb-nca", request)
    }
}

fn disclose(reason: &str, agency: &str, request: EntryId) -> v1::Entry {
    step(v1::Operation::Disclosure, reason, agency, request)
}

fn with_record() -> Log {
    with_record_under(RULES_VERSION)
}

fn with_record_under(rules: u32) -> Log {
    let mut log = Log::begun_under(rules);
    log.all(vec![submit("a", 1), submit("b", 1)]);
    log
}

/// A request of the partner's, with both approvals.
fn approved(log: &mut Log) -> EntryId {
    let request = asked(log, ask("a", "al-police", AL, 5));
    for person in ["director", "dpo"] {
        assert_eq!(log.one(approve(request, "al-police", ("gb-nca", person))), Outcome::Effective);
    }
    request
}

#[test]
fn the_owner_or_the_partner_of_an_agreement_may_ask_and_only_so_often() {
    let mut log = with_record();
    assert_eq!(log.one(ask("a", "vn-police", AL, 5)), Outcome::NotFound, "another's agreement");
    assert_eq!(log.one(ask("a", "al-police", "", 5)), Outcome::NotFound, "not its record");
    assert_eq!(log.one(ask("none", "al-police", AL, 5)), Outcome::NotFound);
    assert_eq!(log.one(ask("a", "al-police", AL, 0)), Outcome::CapReached, "no request a month");
    let mut moved = ask("a", "gb-nca", "", 5);
    moved.records[0].version = 2;
    assert_eq!(log.one(moved), Outcome::VersionMoved);
    for _ in 0..2 {
        assert_eq!(log.one(ask("a", "al-police", AL, 2)), Outcome::Effective);
    }
    assert_eq!(log.one(ask("b", "al-police", AL, 2)), Outcome::CapReached);
    assert_eq!(log.one(ask("b", "vn-police", VN, 2)), Outcome::Effective, "each agency has its own");
    assert_eq!(log.one(ask("b", "gb-nca", "", 1)), Outcome::Effective);
    log.time += 31 * 24 * HOUR;
    assert_eq!(log.one(ask("b", "al-police", AL, 2)), Outcome::Effective, "another month");
}

#[test]
fn a_release_takes_two_persons_of_the_owner_one_entry_each() {
    let mut log = with_record();
    let request = asked(&mut log, ask("a", "al-police", AL, 5));
    let other = asked(&mut log, ask("a", "al-police", AL, 5));
    assert_eq!(log.one(disclose("identity-released", "gb-nca", request)), Outcome::Unapproved);
    assert_eq!(
        log.one(approve(request, "al-police", ("al-police", "director"))),
        Outcome::Unapproved,
        "not the owner's"
    );
    assert_eq!(log.one(approve(request, "vn-police", ("gb-nca", "dpo"))), Outcome::Unapproved, "for another requester");
    let mut of_other = approve(other, "al-police", ("gb-nca", "dpo"));
    of_other.identity_request = request.as_bytes().to_vec();
    assert_eq!(log.one(of_other), Outcome::Unapproved, "an approval of another request");
    let mut by_partner = approve(request, "al-police", ("gb-nca", "dpo"));
    by_partner.actor.as_mut().expect("every entry has one").agency = "al-police".into();
    assert_eq!(log.one(by_partner), Outcome::NotFound);
    let mut both = approve(request, "al-police", ("gb-nca", "dpo"));
    both.approvals.extend(approve(request, "al-police", ("gb-nca", "director")).approvals);
    assert_eq!(log.one(both), Outcome::Unapproved, "one person an entry");
    assert_eq!(log.one(approve(request, "al-police", ("gb-nca", "dpo"))), Outcome::Effective);
    assert_eq!(log.one(approve(request, "al-police", ("gb-nca", "dpo"))), Outcome::AlreadyDone, "the same person");
    assert_eq!(log.state.identity(&request).expect("asked").approved, None);
    assert_eq!(log.one(approve(request, "al-police", ("gb-nca", "third"))), Outcome::Effective);
    assert_eq!(log.one(approve(request, "al-police", ("gb-nca", "director"))), Outcome::AlreadyDone, "two are enough");
    let identity = log.state.identity(&request).expect("asked");
    assert_eq!(identity.ends().expect("approved").0, identity.approved.expect("approved").0 + 72 * HOUR);
}

#[test]
fn each_step_happens_once_in_its_order_and_by_its_agency() {
    let mut log = with_record();
    let request = approved(&mut log);
    assert_eq!(log.one(disclose("identity-delivered", "gb-nca", request)), Outcome::NotFound, "nothing left yet");
    assert_eq!(log.one(disclose("identity-released", "al-police", request)), Outcome::NotFound, "to the owner only");
    assert_eq!(log.one(disclose("identity-released", "gb-nca", request)), Outcome::Effective);
    assert_eq!(log.one(disclose("identity-released", "gb-nca", request)), Outcome::AlreadyDone);
    assert_eq!(log.one(disclose("identity-collected", "al-police", request)), Outcome::NotFound, "nothing delivered");
    assert_eq!(log.one(disclose("identity-delivered", "al-police", request)), Outcome::NotFound);
    assert_eq!(log.one(disclose("identity-delivered", "gb-nca", request)), Outcome::Effective);
    assert_eq!(log.one(disclose("identity-delivered", "gb-nca", request)), Outcome::AlreadyDone);
    assert_eq!(log.one(disclose("identity-collected", "vn-police", request)), Outcome::NotFound);
    assert_eq!(log.one(disclose("identity-collected", "al-police", request)), Outcome::Effective);
    assert_eq!(log.one(disclose("identity-collected", "al-police", request)), Outcome::AlreadyDone);
    let unknown = EntryId::from_bytes([3; 16]);
    assert_eq!(log.one(disclose("identity-released", "gb-nca", unknown)), Outcome::NotFound);
    assert_eq!(format!("{:?}", log.replayed()), format!("{:?}", log.state));
}

#[test]
fn what_the_owner_asks_for_itself_is_delivered_to_nobody() {
    let mut log = with_record();
    let request = asked(&mut log, ask("a", "gb-nca", "", 1));
    for person in ["director", "dpo"] {
        assert_eq!(log.one(approve(request, "gb-nca", ("gb-nca", person))), Outcome::Effective);
    }
    assert_eq!(log.one(disclose("identity-released", "gb-nca", request)), Outcome::Effective);
    assert_eq!(log.one(disclose("identity-delivered", "gb-nca", request)), Outcome::NotFound);
}

#[test]
fn a_release_ends_with_its_time_its_refusal_or_its_record() {
    let mut log = with_record();
    let late = approved(&mut log);
    // The next entry is a second later: exactly at the end, which no longer belongs to it.
    log.time += 72 * HOUR - 1_000_000;
    assert_eq!(log.one(disclose("identity-released", "gb-nca", late)), Outcome::Expired);

    let half = approved(&mut log);
    log.time += 72 * HOUR - 2_000_000;
    assert_eq!(log.one(disclose("identity-released", "gb-nca", half)), Outcome::Effective, "in its last second");
    assert_eq!(log.one(disclose("identity-delivered", "gb-nca", half)), Outcome::Expired);

    let refused = approved(&mut log);
    let refuse = |agency, request| step(v1::Operation::Consultation, "identity-refused", agency, request);
    assert_eq!(log.one(refuse("al-police", refused)), Outcome::NotFound, "only the owner refuses");
    assert_eq!(log.one(refuse("gb-nca", refused)), Outcome::Effective);
    assert_eq!(log.one(disclose("identity-released", "gb-nca", refused)), Outcome::AlreadyDone);
    assert_eq!(log.one(refuse("gb-nca", half)), Outcome::AlreadyDone, "what has left cannot be refused");

    let erased = approved(&mut log);
    let digest = erasure_digest(&"gb-nca".parse().expect("an id"), &[record("a")]);
    let order = v1::Entry {
        records: vec![record_ref("a", 1, 1)],
        item_salt: mac("erasure").to_vec(),
        subject_digest: digest.0.to_vec(),
        approvals: vec![approval(&digest, "gb-nca", "dpo"), approval(&digest, "gb-nca", "director")],
        ..allowed(v1::Operation::Erasure, "erasure-ordered", "gb-nca")
    };
    assert_eq!(log.one(order), Outcome::Effective);
    assert_eq!(log.one(disclose("identity-released", "gb-nca", erased)), Outcome::Erased);
    assert_eq!(log.one(ask("a", "gb-nca", "", 9)), Outcome::Erased);
}

#[test]
fn what_is_restricted_or_withdrawn_after_all_approvals_goes_to_no_partner() {
    let mut log = with_record();
    let request = approved(&mut log);
    log.one(disclose("identity-released", "gb-nca", request));
    log.one(disclose("identity-delivered", "gb-nca", request));
    let restrict = |reason: &str| v1::Entry {
        records: vec![record_ref("a", 1, 1)],
        item_salt: mac(reason).to_vec(),
        ..allowed(v1::Operation::Alteration, reason, "gb-nca")
    };
    log.one(restrict("restricted"));
    assert_eq!(log.one(disclose("identity-collected", "al-police", request)), Outcome::NotFound);
    let own = asked(&mut log, ask("a", "gb-nca", "", 9));
    for person in ["director", "dpo"] {
        log.one(approve(own, "gb-nca", ("gb-nca", person)));
    }
    assert_eq!(log.one(disclose("identity-released", "gb-nca", own)), Outcome::Effective, "its owner may read it");
    log.one(restrict("unrestricted"));
    assert_eq!(log.one(disclose("identity-collected", "al-police", request)), Outcome::Effective);
    log.one(withdraw("a", 1));
    let late = asked(&mut log, ask("a", "al-police", AL, 9));
    for person in ["director", "dpo"] {
        log.one(approve(late, "al-police", ("gb-nca", person)));
    }
    assert_eq!(log.one(disclose("identity-released", "gb-nca", late)), Outcome::NotFound);
}

#[test]
fn approvals_are_of_one_request_and_its_id_is_never_another_one() {
    for (rules, again) in [(3, Outcome::Effective), (4, Outcome::Void)] {
        let mut log = with_record_under(rules);
        let request = approved(&mut log);
        assert_eq!(log.one(disclose("identity-released", "gb-nca", request)), Outcome::Effective);
        let mut entry = ask("a", "al-police", AL, 5);
        entry.entry_id = request.as_bytes().to_vec();
        let item = log.item_again(entry);
        assert_eq!(decode_entry(&item.entry).expect("well formed").entry_id, request.as_bytes());
        let applied = log.append(&log.frame_of(vec![item])).expect("it comes next");
        assert_eq!(applied.outcomes, [again], "rules {rules}");
        if rules == 4 {
            // Neither the approvals nor the release begin again.
            assert!(log.state.identity(&request).expect("asked").released.is_some());
            assert_eq!(log.one(approve(request, "al-police", ("gb-nca", "dpo"))), Outcome::AlreadyDone);
            assert_eq!(log.one(disclose("identity-released", "gb-nca", request)), Outcome::AlreadyDone);
        }
        assert_eq!(format!("{:?}", log.replayed()), format!("{:?}", log.state));
    }
}
