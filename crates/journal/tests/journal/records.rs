//! Submissions, corrections and withdrawals: first in log order wins.

use causeway_journal::{Outcome, v1};
use causeway_model::{LeafIndex, RecordVersion};

use crate::log::{Log, mac, record, submit, withdraw};

#[test]
fn a_submission_makes_a_record() {
    let mut log = Log::begun();
    let leaf = LeafIndex(log.state.tree().size());
    assert_eq!(log.one(submit("a", 1)), Outcome::Effective);
    let made = log.state.record(&record("a")).expect("it was made");
    assert_eq!((made.owner.as_str(), made.current, made.withdrawn), ("gb-nca", RecordVersion(1), false));
    assert_eq!((made.schema.to_string().as_str(), made.versions), ("victim-profile/1.0", &[leaf][..]));
    let known = log.state.submission(&mac("a 1")).expect("it was made");
    assert_eq!((known.leaf, known.record_id, known.content_mac), (leaf, record("a"), mac("a 1")));
    assert_eq!(log.state.record(&record("b")), None);
    assert_eq!(log.state.submission(&mac("b 1")), None);
}

#[test]
fn the_same_submission_again_is_a_duplicate_and_other_content_is_refused() {
    let mut log = Log::begun();
    let leaf = LeafIndex(log.state.tree().size());
    log.one(submit("a", 1));
    let again = v1::Entry { records: submit("other id", 1).records, ..submit("a", 1) };
    assert_eq!(log.one(again), Outcome::Duplicate { of: leaf });
    assert_eq!(log.state.record(&record("other id")), None);
    let reused = v1::Entry { content_mac: mac("other content").to_vec(), ..submit("a", 2) };
    let reused = v1::Entry { submission_mac: mac("a 1").to_vec(), ..reused };
    assert_eq!(log.one(reused), Outcome::SubmissionReused);
    assert_eq!(log.state.record(&record("a")).expect("it was made").current, RecordVersion(1));
    let concerned = log.state.subject(&record("a"));
    assert_eq!(concerned, [leaf, leaf.next(), leaf.next().next()], "all three name it");
    assert_eq!(log.state.outcome(leaf.next()), Outcome::Duplicate { of: leaf });
}

#[test]
fn two_submissions_of_one_id_in_one_frame_are_settled_in_order() {
    let mut log = Log::begun();
    let applied = log.all(vec![submit("a", 1), submit("a", 1), submit("a", 2), submit("a", 3)]);
    let of = applied.first_leaf;
    let expected = [Outcome::Effective, Outcome::Duplicate { of }, Outcome::Effective, Outcome::Effective];
    assert_eq!(applied.outcomes, expected);
    assert_eq!(log.state.record(&record("a")).expect("it was made").current, RecordVersion(3));
}

#[test]
fn a_correction_needs_the_version_that_it_expects() {
    let mut log = Log::begun();
    log.all(vec![submit("a", 1), submit("a", 2)]);
    let late = v1::Entry { submission_mac: mac("late").to_vec(), ..submit("a", 2) };
    assert_eq!(log.one(late.clone()), Outcome::VersionMoved);
    assert_eq!(log.one(submit("never made", 2)), Outcome::NotFound);
    let mut elsewhere = submit("a", 3);
    elsewhere.actor.as_mut().expect("every entry has one").agency = "al-police".into();
    assert_eq!(log.one(elsewhere), Outcome::NotFound, "another agency's record looks like none");
    let mut other_kind = submit("a", 3);
    other_kind.records[0].kind = "trafficking-route".into();
    assert_eq!(log.one(other_kind), Outcome::NotFound);
    let anew = v1::Entry { submission_mac: mac("anew").to_vec(), ..submit("a", 1) };
    assert_eq!(log.one(anew), Outcome::VersionMoved, "the id is taken");
    assert_eq!(log.state.record(&record("a")).expect("it was made").current, RecordVersion(2));
    let retried = v1::Entry { records: submit("a", 3).records, ..late };
    assert_eq!(log.one(retried), Outcome::Effective, "a submission that had no effect keeps its id");
}

#[test]
fn a_correction_is_an_alteration_that_makes_a_version_since_the_second_rules() {
    let corrected = |version| {
        let entry = submit("a", version);
        v1::Entry { operation: v1::Operation::Alteration.into(), reason: "corrected".into(), ..entry }
    };
    let mut log = Log::begun();
    log.one(submit("a", 1));
    let leaf = LeafIndex(log.state.tree().size());
    assert_eq!(log.one(corrected(2)), Outcome::Effective);
    let made = log.state.record(&record("a")).expect("it was made");
    assert_eq!((made.current, made.versions.last()), (RecordVersion(2), Some(&leaf)));
    assert_eq!(log.state.subject(&record("a")).iter().filter(|concerned| **concerned == leaf).count(), 1);
    let late = v1::Entry { submission_mac: mac("late").to_vec(), ..corrected(2) };
    assert_eq!(log.one(late), Outcome::VersionMoved);
    assert_eq!(log.one(corrected(2)), Outcome::Duplicate { of: leaf });
    let mut early = Log::begun_under(1);
    early.all(vec![submit("a", 1), corrected(2)]);
    assert_eq!(
        early.state.record(&record("a")).expect("it was made").current,
        RecordVersion(1),
        "it says what it says"
    );
}

#[test]
fn a_withdrawal_happens_once() {
    let mut log = Log::begun();
    let leaf = LeafIndex(log.state.tree().size());
    log.all(vec![submit("a", 1), submit("a", 2)]);
    let early = v1::Entry { submission_mac: mac("early").to_vec(), ..withdraw("a", 1) };
    assert_eq!(log.one(early), Outcome::VersionMoved);
    assert_eq!(log.one(withdraw("b", 1)), Outcome::NotFound);
    let mut elsewhere = withdraw("a", 2);
    elsewhere.actor.as_mut().expect("every entry has one").agency = "al-police".into();
    assert_eq!(log.one(elsewhere), Outcome::NotFound);
    assert_eq!(log.one(withdraw("a", 2)), Outcome::Effective);
    assert!(log.state.record(&record("a")).expect("it was made").withdrawn);
    let of = LeafIndex(leaf.0 + 5);
    assert_eq!(log.one(withdraw("a", 2)), Outcome::Duplicate { of });
    let again = v1::Entry { submission_mac: mac("again").to_vec(), ..withdraw("a", 2) };
    assert_eq!(log.one(again), Outcome::AlreadyWithdrawn);
    assert_eq!(log.one(submit("a", 3)), Outcome::AlreadyWithdrawn, "and it is corrected no more");
}

#[test]
fn what_is_not_in_force_makes_no_record() {
    let mut log = Log::begun();
    let mut stranger = submit("a", 1);
    stranger.actor.as_mut().expect("every entry has one").agency = "fr-octeh".into();
    assert_eq!(log.one(stranger), Outcome::Void);
    let mut unknown_schema = submit("a", 1);
    unknown_schema.records[0].schema_version = "2.0".into();
    assert_eq!(log.one(unknown_schema), Outcome::Void);
    assert_eq!(log.state.record(&record("a")), None);
}

#[test]
fn a_denial_changes_nothing_but_can_be_found() {
    let mut log = Log::begun();
    log.one(submit("a", 1));
    let leaf = LeafIndex(log.state.tree().size());
    let denied = |entry: v1::Entry| v1::Entry { decision: v1::Decision::Denied.into(), ..entry };
    assert_eq!(log.one(denied(withdraw("a", 1))), Outcome::Effective);
    assert_eq!(log.one(denied(submit("b", 1))), Outcome::Effective);
    assert!(!log.state.record(&record("a")).expect("it was made").withdrawn);
    assert_eq!(log.state.record(&record("b")), None);
    assert_eq!(log.state.submission(&mac("b 1")), None);
    assert_eq!(log.state.subject(&record("a")), [LeafIndex(leaf.0 - 1), leaf]);
    assert_eq!(log.state.subject(&record("b")), [leaf.next()]);
    assert_eq!(log.one(submit("b", 1)), Outcome::Effective, "a refused submission may be sent again");
}
