//! What is limited a day, in a log that several nodes share: what is accepted is counted by the log, in its order and its time, so that no
//! two of them take the same of it. Whatever is appended here is saved and loaded, and mirrored, and has to come to the same.

use causeway_journal::{Outcome, REASON_CORRECTED, RULES_SHARED, v1};
use causeway_model::SystemId;

use crate::cells::{CELL, celled, into_cells};
use crate::log::{AL, Log, NCA_TWO, agreement_text, allowed, feed_id, page, release, submit};

const DAY: u64 = 86_400_000_000;

/// A submission from a system of an agency, where so many a day are allowed of the agency and of the system.
fn from(agency: &str, system: &str, entry: v1::Entry, (of_agency, of_system): (u64, u64)) -> v1::Entry {
    let actor = v1::Actor { agency: agency.into(), system: system.into(), ..v1::Actor::default() };
    v1::Entry { actor: Some(actor), daily_limits: Some(v1::DailyLimits { of_agency, of_system }), ..entry }
}

fn shared() -> Log {
    let mut log = Log::begun();
    log.rules = RULES_SHARED;
    log
}

fn today(log: &Log, system: &str) -> (u64, u64) {
    let system: SystemId =
        SystemId { agency: "gb-nca".parse().expect("an id"), system: system.parse().expect("a name") };
    log.state.accepted_on(log.time / DAY, &system)
}

#[test]
fn records_are_accepted_up_to_the_limits_of_their_agency_and_system_and_no_further() {
    let mut log = shared();
    let send =
        |log: &mut Log, name: &str, system: &str, limits| log.one(from("gb-nca", system, submit(name, 1), limits));
    assert_eq!(send(&mut log, "1", "cases", (3, 2)), Outcome::Effective);
    assert_eq!(send(&mut log, "2", "cases", (3, 2)), Outcome::Effective);
    assert_eq!(send(&mut log, "3", "cases", (3, 2)), Outcome::CapReached, "the system's");
    assert_eq!(send(&mut log, "3", "referrals", (3, 2)), Outcome::Effective, "what was refused is not there");
    assert_eq!(send(&mut log, "4", "referrals", (3, 2)), Outcome::CapReached, "the agency's");
    assert_eq!(
        send(&mut log, "1", "cases", (3, 2)),
        Outcome::Duplicate { of: log.state.record(&crate::log::record("1")).expect("there").versions[0] },
        "it was accepted"
    );
    assert_eq!(today(&log, "cases"), (3, 2));
    // Another agency has its own, a node that states none has none, and a withdrawal is no record.
    assert_eq!(log.one(from("al-police", "cases", submit("5", 1), (1, 1))), Outcome::Effective);
    assert_eq!(log.one(from("gb-nca", "cases", submit("6", 1), (0, 0))), Outcome::Effective);
    assert_eq!(log.one(from("gb-nca", "cases", crate::log::withdraw("6", 1), (1, 1))), Outcome::Effective);
    let correction =
        v1::Entry { reason: REASON_CORRECTED.into(), operation: v1::Operation::Alteration.into(), ..submit("1", 2) };
    assert_eq!(log.one(from("gb-nca", "cases", correction.clone(), (4, 4))), Outcome::CapReached);
    assert_eq!(log.one(from("gb-nca", "cases", correction, (5, 5))), Outcome::Effective, "a correction is one more");
    assert_eq!(today(&log, "cases"), (5, 4));
}

#[test]
fn a_day_is_the_logs_and_what_comes_late_counts_for_the_one_that_has_begun() {
    let mut log = shared();
    log.time = (log.time / DAY + 1) * DAY - 5_000_000;
    let one = |name: &str| from("gb-nca", "cases", submit(name, 1), (2, 2));
    assert_eq!(log.one(one("1")), Outcome::Effective);
    assert_eq!(log.one(one("2")), Outcome::Effective);
    assert_eq!(log.one(one("3")), Outcome::CapReached);
    log.time += 5_000_000;
    assert_eq!(log.one(one("3")), Outcome::Effective, "a day later");
    log.time -= 10_000_000;
    assert_eq!(log.one(one("4")), Outcome::Effective, "of yesterday's clock");
    assert_eq!(log.one(one("5")), Outcome::CapReached);
    log.time += DAY + 10_000_000;
    assert_eq!(today(&log, "cases"), (0, 0));
    assert_eq!(log.one(one("5")), Outcome::Effective);
    assert_eq!(today(&log, "cases"), (1, 1));
}

/// A log in which so many records may leave a day, with five in the feed.
fn with_quota(quota: u64) -> Log {
    let mut log = Log::begun();
    let text = agreement_text(AL, 2, "al-police");
    let text = text.replace("[[clauses]]", &format!("[quota]\nrecords_per_day = {quota}\n\n[[clauses]]"));
    assert_eq!(log.document(v1::DocumentKind::Agreement, AL, 2, &text, NCA_TWO), Outcome::Effective);
    let names = ["1", "2", "3", "4", "5"];
    log.all(names.map(|name| submit(name, 1)).into());
    let mut released = release(AL, 0, &names.map(|name| (name, 1)));
    released.releases.as_mut().expect("a batch").agreement_version = 2;
    assert_eq!(log.one(released), Outcome::Effective);
    log.rules = RULES_SHARED;
    log
}

fn shows(from: u64, to: u64) -> v1::Entry {
    page(AL, "al-police", from, to)
}

fn left(log: &Log) -> u64 {
    log.state.feed(&feed_id(AL)).expect("a feed").records_on(log.time / DAY)
}

#[test]
fn of_two_pages_that_took_the_same_of_a_day_the_second_has_not_left() {
    let mut log = with_quota(3);
    let applied = log.all(vec![shows(1, 2), shows(1, 2), shows(1, 1), shows(3, 3)]);
    use Outcome::{CapReached, Effective};
    assert_eq!(applied.outcomes, [Effective, CapReached, Effective, CapReached]);
    assert_eq!(left(&log), 3);
    assert!(!log.state.feed(&feed_id(AL)).expect("a feed").has_left(causeway_model::Position(3)));
    // What is withheld or put off takes nothing.
    let mut empty = shows(3, 5);
    let of = empty.page.as_mut().expect("a page");
    (of.withheld, of.deferred) = (vec![0b001], vec![0b110]);
    assert_eq!(log.one(empty), Effective);
    log.time += DAY;
    assert_eq!(log.one(shows(3, 5)), Effective);
    assert_eq!(log.one(shows(3, 3)), CapReached);
}

#[test]
fn what_recalls_an_earlier_item_goes_whatever_is_left() {
    let mut log = with_quota(1);
    assert_eq!(log.one(shows(1, 1)), Outcome::Effective);
    let correction =
        v1::Entry { reason: REASON_CORRECTED.into(), operation: v1::Operation::Alteration.into(), ..submit("1", 2) };
    assert_eq!(log.one(correction), Outcome::Effective);
    let mut again = release(AL, 0, &[("1", 2)]);
    again.releases.as_mut().expect("a batch").agreement_version = 2;
    assert_eq!(log.one(again), Outcome::Effective);
    assert_eq!(log.one(shows(5, 6)), Outcome::CapReached, "with another that does not");
    assert_eq!(log.one(shows(6, 6)), Outcome::Effective);
    assert_eq!(left(&log), 2);
}

#[test]
fn an_entry_of_groups_goes_whole_where_one_record_was_left() {
    let mut log = celled();
    let text = agreement_text(AL, 3, "al-police").replace("minimum_cell = 1\n", "minimum_cell = 3\n");
    let text = text.replace("[[clauses]]", "[quota]\nrecords_per_day = 1\n\n[[clauses]]");
    assert_eq!(log.document(v1::DocumentKind::Agreement, AL, 3, &text, NCA_TWO), Outcome::Effective);
    let batch = |salt, names: &[(&str, [u8; 16], bool)]| {
        let mut entry = into_cells(salt, names);
        entry.releases.as_mut().expect("a batch").agreement_version = 3;
        entry
    };
    let three = batch("three", &[("a", CELL, true), ("b", CELL, true), ("c", CELL, true)]);
    assert_eq!(log.one(three), Outcome::Effective);
    assert_eq!(log.one(batch("two", &[("d", CELL, true), ("e", CELL, true)])), Outcome::Effective);
    log.rules = RULES_SHARED;
    assert_eq!(log.one(shows(1, 5)), Outcome::CapReached, "two entries, and one record left");
    assert_eq!(log.one(shows(1, 3)), Outcome::Effective);
    assert_eq!(left(&log), 3);
    assert_eq!(log.one(shows(4, 5)), Outcome::CapReached);
}

#[test]
fn a_log_of_one_writer_counts_nothing_here() {
    let mut log = with_quota(1);
    let mut alone = Log::begun();
    assert_eq!(alone.one(submit("1", 1)), Outcome::Effective);
    assert_eq!(today(&alone, "cases"), (0, 0));
    assert_eq!(log.one(shows(1, 1)), Outcome::Effective);
    let denied = allowed(v1::Operation::Disclosure, "quota-exceeded", "al-police");
    assert_eq!(log.one(v1::Entry { decision: v1::Decision::Denied.into(), ..denied }), Outcome::Effective);
}
