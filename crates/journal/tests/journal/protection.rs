//! Restriction, legal hold, erasure by order and by date: what apply lets happen, and what it leaves as it was.

use causeway_journal::{Erasure, Outcome, State, erasure_digest, v1};
use causeway_model::{AgencyId, LeafIndex, Position, RecordId};

use crate::log::{AL, Log, VN, allowed, approval, feed_id, mac, record, record_ref, release, submit, withdraw};

const TWO: &[(&str, &str)] = &[("gb-nca", "director"), ("gb-nca", "dpo")];

/// A day of the log's time: 2027-01-15.
const TODAY: u32 = 20_833;

/// Three records, `a` released to both feeds, `b` to one.
fn with_records() -> Log {
    let mut log = Log::begun();
    log.all(vec![submit("a", 1), submit("b", 1), submit("c", 1)]);
    log.all(vec![release(AL, 0, &[("a", 1), ("b", 1)]), release(VN, 0, &[("a", 1)])]);
    log
}

fn restrict(name: &str, expected: u32, reason: &str) -> v1::Entry {
    v1::Entry {
        records: vec![record_ref(name, expected, expected)],
        item_salt: mac(&format!("{reason} {name}")).to_vec(),
        ..allowed(v1::Operation::Alteration, reason, "gb-nca")
    }
}

fn named(names: &[&str]) -> Vec<v1::RecordRef> {
    let mut records: Vec<_> = names.iter().map(|name| record_ref(name, 1, 1)).collect();
    records.sort_by(|a, b| a.record_id.cmp(&b.record_id));
    records
}

pub(crate) fn erase(names: &[&str], by: &[(&str, &str)]) -> v1::Entry {
    let owner: AgencyId = "gb-nca".parse().expect("an id");
    let ids: Vec<RecordId> = names.iter().map(|name| record(name)).collect();
    let digest = erasure_digest(&owner, &ids);
    v1::Entry {
        records: named(names),
        item_salt: mac("erasure").to_vec(),
        subject_digest: digest.0.to_vec(),
        approvals: by.iter().map(|(agency, person)| approval(&digest, agency, person)).collect(),
        ..allowed(v1::Operation::Erasure, "erasure-ordered", "gb-nca")
    }
}

pub(crate) fn completed(names: &[&str]) -> v1::Entry {
    v1::Entry { records: named(names), ..allowed(v1::Operation::Erasure, "erasure-complete", "gb-nca") }
}

fn expire(names: &[&str]) -> v1::Entry {
    v1::Entry {
        records: named(names),
        item_salt: mac("expiry").to_vec(),
        ..allowed(v1::Operation::Retention, "retention-expired", "gb-nca")
    }
}

fn hold(name: &str, reason: &str, agency: &str) -> v1::Entry {
    v1::Entry { records: vec![record_ref(name, 1, 1)], ..allowed(v1::Operation::Retention, reason, agency) }
}

fn until(entry: v1::Entry, day: u32) -> v1::Entry {
    v1::Entry { retention: Some(v1::RetentionDates { retain_until_day: day, review_due_day: 0 }), ..entry }
}

fn erasure(state: &State, name: &str) -> Erasure {
    state.record(&record(name)).expect("it was made").erasure
}

fn newest(log: &Log, feed: &str) -> u64 {
    log.state.feed(&feed_id(feed)).expect("it is there").newest().0
}

fn is_live(log: &Log, feed: &str, name: &str) -> bool {
    log.state.feed(&feed_id(feed)).expect("it is there").live(&record(name)).is_some()
}

#[test]
fn a_restricted_record_leaves_every_feed_and_comes_back_when_it_is_released_again() {
    let mut log = with_records();
    assert_eq!(log.one(restrict("a", 1, "restricted")), Outcome::Effective);
    assert!(log.state.record(&record("a")).expect("made").restricted);
    assert_eq!((newest(&log, AL), newest(&log, VN)), (3, 2), "a withdrawal in each feed that had it");
    assert!(!is_live(&log, AL, "a") && !is_live(&log, VN, "a") && is_live(&log, AL, "b"));
    assert_eq!(log.one(release(AL, 0, &[("a", 1)])), Outcome::PartlyVoid(vec![0]), "restricted means not released");
    assert_eq!(log.one(submit("a", 2)), Outcome::Effective, "what is wrong in it may still be put right");
    assert_eq!(log.one(release(AL, 0, &[("a", 2)])), Outcome::PartlyVoid(vec![0]));
    assert_eq!(log.one(restrict("a", 1, "unrestricted")), Outcome::VersionMoved);
    assert_eq!(log.one(restrict("a", 2, "unrestricted")), Outcome::Effective);
    assert_eq!(log.one(release(AL, 0, &[("a", 2)])), Outcome::Effective);
    assert_eq!(log.one(release(AL, 0, &[("a", 2)])), Outcome::PartlyVoid(vec![0]), "it is live already");
    let mut foreign = restrict("b", 1, "restricted");
    foreign.actor.as_mut().expect("every entry has one").agency = "al-police".into();
    assert_eq!(log.one(foreign), Outcome::NotFound);
}

#[test]
fn the_same_version_comes_back_after_a_restriction() {
    let mut log = with_records();
    log.all(vec![restrict("a", 1, "restricted"), restrict("a", 1, "unrestricted")]);
    let again = v1::Entry { item_salt: mac("again").to_vec(), ..release(AL, 0, &[("a", 1)]) };
    assert_eq!(log.one(again), Outcome::Effective);
    let feed = log.state.feed(&feed_id(AL)).expect("it is there");
    let item = feed.item(Position(4)).expect("released again");
    assert_eq!((item.record_id, item.target), (record("a"), None));
    assert_ne!(item.item_id, feed.item(Position(1)).expect("released first").item_id);
}

#[test]
fn an_erasure_takes_two_persons_of_the_owner_over_exactly_this_list() {
    let mut log = with_records();
    let one_person_twice = [("gb-nca", "dpo"), ("gb-nca", "dpo")];
    let foreign = [("gb-nca", "dpo"), ("al-police", "director")];
    for by in [&[][..], &[("gb-nca", "dpo")], &one_person_twice, &foreign] {
        assert_eq!(log.one(erase(&["a"], by)), Outcome::Unapproved, "{by:?}");
    }
    let mut longer = erase(&["a"], TWO);
    longer.records = named(&["a", "b"]);
    assert_eq!(log.one(longer), Outcome::Unapproved, "approved for another list");
    let stated = v1::Entry { subject_digest: vec![1; 32], ..erase(&["a"], TWO) };
    assert_eq!(log.one(stated), Outcome::Unapproved, "it names another digest than that of its list");
    let mut by_another = erase(&["a"], TWO);
    by_another.actor.as_mut().expect("every entry has one").agency = "al-police".into();
    assert_eq!(log.one(by_another), Outcome::Unapproved);
    assert_eq!(log.one(erase(&["never made"], TWO)), Outcome::NotFound);
    let mut theirs = submit("theirs", 1);
    theirs.actor.as_mut().expect("every entry has one").agency = "al-police".into();
    assert_eq!(log.one(theirs), Outcome::Effective);
    assert_eq!(log.one(erase(&["a", "theirs"], TWO)), Outcome::NotFound, "another owner's record");
    assert_eq!(erasure(&log.state, "a"), Erasure::None, "all of an order or nothing of it");
    assert_eq!(newest(&log, AL), 2);
}

#[test]
fn an_ordered_erasure_withdraws_everywhere_and_ends_with_its_completion() {
    let mut log = with_records();
    assert_eq!(log.one(completed(&["a"])), Outcome::Void, "nothing is complete that was not ordered");
    let leaf = LeafIndex(log.state.tree().size());
    assert_eq!(log.one(erase(&["a", "b"], TWO)), Outcome::Effective);
    assert_eq!((erasure(&log.state, "a"), erasure(&log.state, "c")), (Erasure::Ordered(leaf), Erasure::None));
    assert_eq!((newest(&log, AL), newest(&log, VN)), (4, 2));
    let feed = log.state.feed(&feed_id(AL)).expect("it is there");
    let items: std::collections::BTreeSet<_> =
        (1..=4).filter_map(|at| feed.item(Position(at))).map(|item| *item.item_id.as_bytes()).collect();
    assert_eq!(items.len(), 4, "two withdrawals of one entry in one feed have ids of their own");
    let due: Vec<_> = log.state.erasures_due().collect();
    assert_eq!(due.len(), 2);
    assert!(due.iter().all(|(_, by)| *by == leaf));
    for entry in [submit("a", 2), withdraw("a", 1), restrict("a", 1, "restricted"), hold("a", "hold-set", "gb-nca")] {
        assert_eq!(log.one(entry), Outcome::Erased);
    }
    assert_eq!(log.one(erase(&["a"], TWO)), Outcome::Erased);
    assert_eq!(log.one(release(AL, 0, &[("a", 1)])), Outcome::PartlyVoid(vec![0]));
    let mut by_another = completed(&["a"]);
    by_another.actor.as_mut().expect("every entry has one").agency = "al-police".into();
    assert_eq!(log.one(by_another), Outcome::Void, "only the operator knows its keys to be destroyed");
    let end = LeafIndex(log.state.tree().size());
    assert_eq!(log.one(completed(&["a"])), Outcome::Effective);
    assert_eq!(erasure(&log.state, "a"), Erasure::Complete(end));
    assert_eq!(log.state.erasures_due().map(|(id, _)| id).collect::<Vec<_>>(), [record("b")]);
    assert_eq!(log.one(completed(&["a"])), Outcome::Void, "once");
    assert!(log.state.subject(&record("a")).contains(&end));
    assert_eq!(format!("{:?}", log.replayed()), format!("{:?}", log.state));
}

#[test]
fn an_order_passes_over_what_is_erased_or_not_in_this_log() {
    let mut log = with_records();
    assert_eq!(log.one(erase(&["a", "never made"], TWO)), Outcome::Effective);
    let first = erasure(&log.state, "a");
    assert_eq!(log.one(erase(&["a", "b"], TWO)), Outcome::Effective);
    assert_eq!(erasure(&log.state, "a"), first, "it keeps its own order");
    assert!(matches!(erasure(&log.state, "b"), Erasure::Ordered(_)));
    assert_eq!(log.one(erase(&["a", "b"], TWO)), Outcome::Erased);
    assert_eq!(log.one(hold("c", "hold-set", "gb-nca")), Outcome::Effective);
    assert_eq!(log.one(erase(&["a", "c"], TWO)), Outcome::OnHold);
}

#[test]
fn a_legal_hold_blocks_both_ways_of_erasure_until_it_is_lifted() {
    let mut log = with_records();
    log.all(vec![until(submit("old", 1), TODAY - 1)]);
    assert_eq!(log.one(hold("old", "hold-set", "al-police")), Outcome::NotFound, "another agency's record");
    assert_eq!(log.one(hold("old", "hold-set", "gb-nca")), Outcome::Effective);
    assert_eq!(log.one(expire(&["old"])), Outcome::OnHold);
    assert_eq!(log.one(erase(&["a", "old"], TWO)), Outcome::OnHold);
    assert_eq!(erasure(&log.state, "a"), Erasure::None);
    assert_eq!(log.one(hold("old", "hold-lifted", "al-police")), Outcome::NotFound);
    assert_eq!(log.one(hold("old", "hold-lifted", "gb-nca")), Outcome::Effective);
    assert_eq!(log.one(expire(&["old"])), Outcome::Effective);
}

#[test]
fn expiry_needs_a_stated_last_day_that_is_over_and_the_operator() {
    let mut log = with_records();
    log.all(vec![until(submit("old", 1), TODAY - 1), until(submit("last day", 1), TODAY), submit("no date", 1)]);
    for name in ["last day", "no date"] {
        assert_eq!(log.one(expire(&[name])), Outcome::Void, "{name}");
        assert_eq!(log.one(expire(&["old", name])), Outcome::Void, "all or nothing");
    }
    let mut by_another = expire(&["old"]);
    by_another.actor.as_mut().expect("every entry has one").agency = "al-police".into();
    assert_eq!(log.one(by_another), Outcome::Void);
    assert_eq!(log.one(until(submit("old", 2), TODAY + 5)), Outcome::Effective);
    assert_eq!(log.one(expire(&["old"])), Outcome::Void, "the newest version's date counts");
    let standing = log.state.record(&record("old")).expect("made");
    assert_eq!((standing.retain_until_day, standing.review_due_day), (Some(TODAY + 5), None));
}

#[test]
fn a_last_day_comes_forward_with_notice_and_goes_back_at_once() {
    let mut log = with_records();
    let last = |log: &Log, name: &str| log.state.record(&record(name)).expect("made").retain_until_day;
    log.all(vec![until(submit("far", 1), TODAY + 1000), until(submit("near", 1), TODAY + 3), submit("open", 1)]);
    log.all(vec![
        until(submit("far", 2), TODAY + 1),
        until(submit("near", 2), TODAY + 1),
        until(submit("open", 2), TODAY + 1),
    ]);
    assert_eq!(last(&log, "far"), Some(TODAY + 30), "an erasure is not had by correcting a date");
    assert_eq!(last(&log, "near"), Some(TODAY + 3), "what would have been over sooner is over then");
    assert_eq!(last(&log, "open"), Some(TODAY + 30));
    log.all(vec![until(submit("far", 3), TODAY + 2000), submit("near", 3)]);
    assert_eq!((last(&log, "far"), last(&log, "near")), (Some(TODAY + 2000), None));
    log.time += 40 * 86_400_000_000;
    assert_eq!(log.one(expire(&["open"])), Outcome::Effective);
    assert_eq!(log.one(expire(&["far"])), Outcome::Void);
}

#[test]
fn what_is_restricted_does_not_expire() {
    let mut log = with_records();
    log.all(vec![until(submit("old", 1), TODAY - 1), restrict("old", 1, "restricted")]);
    assert_eq!(log.one(expire(&["old"])), Outcome::OnHold);
    log.all(vec![restrict("old", 1, "unrestricted")]);
    assert_eq!(log.one(expire(&["old"])), Outcome::Effective);
}

#[test]
fn under_the_first_rules_none_of_this_has_an_effect() {
    let mut log = Log::begun_under(1);
    log.all(vec![submit("a", 1), release(AL, 0, &[("a", 1)])]);
    let acts = [restrict("a", 1, "restricted"), erase(&["a"], TWO), hold("a", "hold-set", "gb-nca"), expire(&["a"])];
    for entry in acts {
        assert_eq!(log.one(entry), Outcome::Effective, "it says what it says");
    }
    let standing = log.state.record(&record("a")).expect("made");
    assert!(!standing.restricted && !standing.held && standing.erasure == Erasure::None);
    assert!(is_live(&log, AL, "a"));
    let (early, item) = (log.frames.len(), log.item(until(submit("b", 1), TODAY)));
    let frame = log.frame_of(vec![item]);
    assert!(log.append(&frame).is_err(), "a field of later rules");
    assert_eq!(log.frames.len(), early);
    log.rules = 2;
    assert_eq!(log.one(restrict("a", 1, "restricted")), Outcome::Effective);
    assert!(!is_live(&log, AL, "a"), "a log may go on under later rules");
    assert_eq!(format!("{:?}", log.replayed()), format!("{:?}", log.state));
}
