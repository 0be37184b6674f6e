//! Rules version 3: suspension, evaluation, deadlines, persons at risk, published tables, and that earlier rules know none of it.

use causeway_journal::{JournalError, Outcome, suspension_digest, table_digest, v1};
use causeway_model::{LeafIndex, Position, RecordVersion};

use crate::log::{
    AL, Log, NCA_TWO, VN, acknowledge, administration, agency_text, agreement_text, allowed, approval, feed_id, mac,
    page, record, record_ref, release, submit, withdraw,
};
use crate::tables::table;

pub(crate) const AGREEMENT: v1::DocumentKind = v1::DocumentKind::Agreement;
const AGENCY: v1::DocumentKind = v1::DocumentKind::Agency;

pub(crate) fn suspend(kind: v1::DocumentKind, id: &str, version: u32, by: &[(&str, &str)]) -> v1::Entry {
    let digest = suspension_digest(kind, id, version);
    suspend_signed(kind, id, version, by.iter().map(|(agency, person)| approval(&digest, agency, person)).collect())
}

fn suspend_signed(kind: v1::DocumentKind, id: &str, version: u32, approvals: Vec<v1::Approval>) -> v1::Entry {
    let document = v1::Document {
        kind: kind.into(),
        id: id.into(),
        version,
        digest: suspension_digest(kind, id, version).0.to_vec(),
        action: v1::DocumentAction::Suspend.into(),
    };
    v1::Entry { document: Some(document), approvals, ..allowed(v1::Operation::Document, "suspended", "gb-nca") }
}

fn at_risk(name: &str, agency: &str) -> v1::Entry {
    v1::Entry {
        records: vec![record_ref(name, 0, 0)],
        submission_mac: mac(&format!("at risk {name} {agency}")).to_vec(),
        content_mac: mac("at risk").to_vec(),
        item_salt: mac(&format!("at risk salt {name}")).to_vec(),
        ..allowed(v1::Operation::Alteration, "victim-at-risk", agency)
    }
}

fn overdue(feed: &str, positions: &[u64]) -> v1::Entry {
    v1::Entry {
        overdue: Some(v1::Overdue { feed: feed.into(), positions: positions.to_vec() }),
        ..administration("acknowledgement-overdue")
    }
}

/// Two records in both feeds, the first of which Albania has had.
pub(crate) fn with_holder() -> Log {
    let mut log = Log::begun();
    log.all(vec![submit("a", 1), submit("b", 1)]);
    log.all(vec![release(AL, 0, &[("a", 1), ("b", 1)]), release(VN, 0, &[("a", 1), ("b", 1)])]);
    log.one(page(AL, "al-police", 1, 1));
    log
}

fn open(log: &Log, feed: &str) -> Vec<u64> {
    let feed = log.state.feed(&feed_id(feed)).expect("there is this feed");
    feed.open_recalls().map(|(position, _)| position.0).collect()
}

#[test]
fn one_person_of_the_granting_agency_suspends_an_agreement_until_its_next_version() {
    let mut log = with_holder();
    let suspended = |log: &Log| {
        let agreement = log.state.agreement(&feed_id(AL)).expect("in force");
        log.state.agreement_suspended(agreement).is_some()
    };
    assert_eq!(log.one(suspend(AGREEMENT, AL, 1, &[])), Outcome::UnapprovedDocument);
    assert_eq!(log.one(suspend(AGREEMENT, AL, 1, &[("al-police", "director")])), Outcome::UnapprovedDocument);
    assert_eq!(log.one(suspend(AGREEMENT, AL, 2, &[("gb-nca", "dpo")])), Outcome::InvalidDocument, "not in force");
    let of_version_two = approval(&suspension_digest(AGREEMENT, AL, 2), "gb-nca", "dpo");
    assert_eq!(log.one(suspend_signed(AGREEMENT, AL, 1, vec![of_version_two])), Outcome::UnapprovedDocument);
    assert!(!suspended(&log));
    assert_eq!(log.one(suspend(AGREEMENT, AL, 1, &[("gb-nca", "dpo")])), Outcome::Effective);
    assert!(suspended(&log));
    assert_eq!(log.one(suspend(AGREEMENT, AL, 1, &[("gb-nca", "director")])), Outcome::AlreadyDone);

    log.one(submit("c", 1));
    assert_eq!(log.one(release(AL, 0, &[("c", 1)])), Outcome::Void, "nothing is released under it");
    assert_eq!(log.one(release(VN, 0, &[("c", 1)])), Outcome::Effective, "the other goes on");
    assert_eq!(log.document(AGREEMENT, AL, 2, &agreement_text(AL, 2, "al-police"), NCA_TWO), Outcome::Effective);
    assert!(!suspended(&log));
    assert_eq!(log.one(suspend(AGREEMENT, AL, 1, &[("gb-nca", "dpo")])), Outcome::InvalidDocument, "replayed");
}

#[test]
fn a_suspended_agency_suspends_the_agreements_that_it_is_a_party_of() {
    let mut log = with_holder();
    let agreement = |log: &Log, feed: &str| {
        let agreement = log.state.agreement(&feed_id(feed)).expect("in force").clone();
        log.state.agreement_suspended(&agreement).is_some()
    };
    assert_eq!(log.one(suspend(AGENCY, "vn-police", 1, &[("vn-police", "director")])), Outcome::UnapprovedDocument);
    assert_eq!(log.one(suspend(AGENCY, "vn-police", 1, &[("gb-nca", "third")])), Outcome::Effective);
    assert!(log.state.agency_suspended(&"vn-police".parse().expect("an id")).is_some());
    assert_eq!((agreement(&log, AL), agreement(&log, VN)), (false, true));
    assert_eq!(log.document(AGENCY, "vn-police", 2, &agency_text("vn-police", 2), NCA_TWO), Outcome::Effective);
    assert!(!agreement(&log, VN));
}

#[test]
fn a_suspension_of_something_else_than_an_agency_or_an_agreement_is_malformed() {
    let mut log = with_holder();
    let entry = suspend(v1::DocumentKind::Schema, "victim-profile/1.0", 1, &[("gb-nca", "dpo")]);
    let refused = causeway_journal::encode_entry(&v1::Entry { entry_id: vec![1; 16], time_micros: log.time, ..entry });
    assert_eq!(refused.err(), Some(JournalError::Malformed("document action")));
    assert_eq!(log.one(administration("said")), Outcome::Effective);
}

#[test]
fn genesis_needs_no_evaluation_and_later_versions_are_closed_by_a_batch() {
    let mut log = with_holder();
    let evaluated = |log: &Log| log.state.feed(&feed_id(AL)).expect("a feed").evaluated();
    assert_eq!(evaluated(&log), 1);
    log.document(AGREEMENT, AL, 2, &agreement_text(AL, 2, "al-police"), NCA_TWO);
    assert_eq!(evaluated(&log), 1);
    let closing = |version| {
        let mut entry = release(AL, 0, &[]);
        let batch = entry.releases.as_mut().expect("a batch");
        (batch.agreement_version, batch.closes_evaluation) = (version, true);
        entry
    };
    assert_eq!(log.one(closing(1)), Outcome::Void, "decided under a superseded version");
    assert_eq!(evaluated(&log), 1);
    assert_eq!(log.one(closing(2)), Outcome::Effective);
    assert_eq!(evaluated(&log), 2);
    let first = log.state.feed(&feed_id(AL)).and_then(|feed| feed.item(Position(1))).expect("an item");
    assert_eq!(first.terms.agreement_version, 1, "what was released rests on what it was released under");
    assert!(log.state.agreement_version(&feed_id(AL), 1).is_some());
}

#[test]
fn a_recall_is_open_only_where_content_left_and_until_it_is_acknowledged() {
    let mut log = with_holder();
    log.all(vec![withdraw("a", 1), withdraw("b", 1)]);
    assert_eq!(open(&log, AL), [3], "b never left to Albania");
    assert_eq!(open(&log, VN), [] as [u64; 0], "nothing left to Vietnam");
    assert_eq!(log.one(overdue(AL, &[4])), Outcome::Void, "not open");
    assert_eq!(log.one(overdue(AL, &[3])), Outcome::Effective);
    assert_eq!(log.one(overdue(AL, &[3])), Outcome::Void, "noted before");
    let feed = |log: &Log| log.state.feed(&feed_id(AL)).expect("a feed").is_noted_overdue(Position(3));
    assert!(feed(&log));
    log.one(page(AL, "al-police", 2, 4));
    assert_eq!(log.one(acknowledge(AL, "al-police", 4)), Outcome::Effective);
    assert_eq!(open(&log, AL), [] as [u64; 0]);
}

#[test]
fn a_page_that_withheld_a_release_makes_no_holder() {
    let mut log = with_holder();
    let mut withheld = page(VN, "vn-police", 1, 2);
    withheld.page.as_mut().expect("a page").withheld = vec![0b01];
    log.one(withheld);
    let feed = log.state.feed(&feed_id(VN)).expect("a feed");
    assert_eq!((feed.has_left(Position(1)), feed.has_left(Position(2))), (false, true));
    assert_eq!(feed.records_on(log.time / 86_400_000_000), 1, "what did not leave does not count");
    log.all(vec![withdraw("a", 1), withdraw("b", 1)]);
    assert_eq!(open(&log, VN), [4]);
}

#[test]
fn a_page_that_put_a_release_off_neither_shows_nor_withholds_it() {
    let mut log = with_holder();
    let with = |withheld: &[u8], deferred: &[u8]| {
        let mut entry = page(AL, "al-police", 1, 2);
        let page = entry.page.as_mut().expect("a page");
        (page.withheld, page.deferred) = (withheld.to_vec(), deferred.to_vec());
        entry
    };
    let was_withheld = |log: &Log| {
        let feed = log.state.feed(&feed_id(AL)).expect("a feed");
        [1, 2].map(|position| feed.was_withheld(Position(position)))
    };
    log.one(with(&[], &[0b11]));
    let left = log.state.feed(&feed_id(AL)).expect("a feed").has_left(Position(2));
    assert_eq!((left, was_withheld(&log)), (false, [false, false]));
    log.one(with(&[0b01], &[0b10]));
    assert_eq!(was_withheld(&log), [true, false]);
    log.one(with(&[], &[0b01]));
    assert_eq!(was_withheld(&log), [true, false], "nothing has been said of the first since");
    log.one(page(AL, "al-police", 1, 2));
    assert_eq!(was_withheld(&log), [false, false]);
}

#[test]
fn a_correction_of_what_left_is_open_too_and_one_item_is_acknowledged_alone() {
    let mut log = with_holder();
    log.one(submit("a", 2));
    let mut again = release(AL, 0, &[("a", 2)]);
    again.item_salt = mac("again").to_vec();
    log.one(again);
    assert_eq!(open(&log, AL), [3]);
    let item = |position| {
        let mut entry = acknowledge(AL, "al-police", 0);
        entry.acknowledgement.as_mut().expect("one").item_position = position;
        entry
    };
    assert_eq!(log.one(item(3)), Outcome::Void, "never disclosed");
    log.one(page(AL, "al-police", 2, 3));
    assert_eq!(log.one(item(3)), Outcome::Effective);
    assert_eq!(open(&log, AL), [] as [u64; 0]);
    let feed = log.state.feed(&feed_id(AL)).expect("a feed");
    assert_eq!(feed.acknowledged(), Position(0), "nothing but that item");
    assert!(feed.acknowledged_at(Position(3)).is_some() && feed.acknowledged_at(Position(2)).is_none());
}

#[test]
fn what_is_released_again_under_another_key_recalls_nothing() {
    let mut log = with_holder();
    let rotated = v1::Entry {
        key_change: Some(v1::KeyChange {
            key: format!("feed/{AL}"),
            epoch: 2,
            public_key: Vec::new(),
            action: "rotated".into(),
        }),
        ..allowed(v1::Operation::Key, "key-rotated", "gb-nca")
    };
    assert_eq!(log.one(rotated), Outcome::Effective);
    let mut again = release(AL, 0, &[("a", 1)]);
    again.item_salt = mac("again").to_vec();
    assert_eq!(log.one(again), Outcome::Effective);
    assert_eq!(open(&log, AL), [] as [u64; 0]);
    log.one(withdraw("a", 1));
    assert_eq!(open(&log, AL), [4], "the earlier item is still held");
}

#[test]
fn a_person_at_risk_leaves_every_feed_and_stays_out_until_the_restriction_is_lifted() {
    let mut log = with_holder();
    assert_eq!(log.one(at_risk("a", "al-police")), Outcome::NotFound, "another's record");
    assert_eq!(log.one(at_risk("a", "gb-nca")), Outcome::Effective);
    assert_eq!(log.one(at_risk("a", "gb-nca")), Outcome::Duplicate { of: leaf_before_newest(&log, 1) });
    let state = log.state.record(&record("a")).expect("known");
    assert!(state.at_risk.is_some() && !state.may_leave());
    for feed in [AL, VN] {
        let feed = log.state.feed(&feed_id(feed)).expect("a feed");
        assert_eq!(feed.live(&record("a")), None);
    }
    assert_eq!(open(&log, AL), [3]);
    let lifted = v1::Entry {
        records: vec![record_ref("a", 1, 1)],
        item_salt: mac("lifted").to_vec(),
        ..allowed(v1::Operation::Alteration, "unrestricted", "gb-nca")
    };
    assert_eq!(log.one(lifted), Outcome::Effective);
    let state = log.state.record(&record("a")).expect("known");
    assert!(state.at_risk.is_none() && state.may_leave() && state.current == RecordVersion(1));
}

/// The place of the entry `back` entries before the newest.
fn leaf_before_newest(log: &Log, back: u64) -> LeafIndex {
    LeafIndex(log.state.tree().size() - 1 - back)
}

#[test]
fn earlier_rules_know_none_of_this() {
    let mut closing = release(AL, 0, &[]);
    closing.releases.as_mut().expect("a batch").closes_evaluation = true;
    let mut celled = release(AL, 0, &[("a", 1)]);
    celled.releases.as_mut().expect("a batch").releases[0].cell = vec![1; 16];
    let mut item = acknowledge(AL, "al-police", 0);
    item.acknowledgement.as_mut().expect("one").item_position = 1;
    let mut put_off = page(AL, "al-police", 1, 1);
    put_off.page.as_mut().expect("a page").deferred = vec![1];
    let (published, _) = table(1, "2026-Q3", b"", table_digest(b""));
    let suspended = suspend(AGREEMENT, AL, 1, &[("gb-nca", "dpo")]);
    for entry in [closing, celled, item, put_off, published, suspended, overdue(AL, &[1])] {
        let mut log = Log::begun_under(2);
        let item = log.item(entry.clone());
        let frame = log.frame_of(vec![item]);
        assert_eq!(log.append(&frame).err(), Some(JournalError::Malformed("a field of later rules")), "{entry:?}");
    }
    let mut log = Log::begun_under(2);
    log.one(submit("a", 1));
    assert_eq!(log.one(at_risk("a", "gb-nca")), Outcome::Effective, "an alteration that says something");
    assert!(log.state.record(&record("a")).expect("known").may_leave(), "and does nothing");
}
