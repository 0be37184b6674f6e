//! Effective dates: a later version of an agreement waits for its first day while an earlier one is in force.

use causeway_journal::Outcome;

use crate::agreements::{AGREEMENT, suspend, with_holder};
use crate::log::{AL, Log, NCA_TWO, administration, agreement_text, feed_id, release, submit};

#[test]
fn a_later_version_waits_for_its_first_day_while_an_earlier_one_is_in_force() {
    let mut log = with_holder();
    let in_force = |log: &Log| log.state.agreement(&feed_id(AL)).expect("in force").version;
    let from = |version, day: &str| {
        agreement_text(AL, version, "al-police").replace("valid_from = 2026-01-01", &format!("valid_from = {day}"))
    };
    assert_eq!(log.document(AGREEMENT, AL, 2, &from(2, "2027-02-01"), NCA_TWO), Outcome::Effective);
    assert_eq!(in_force(&log), 1);
    assert_eq!(log.state.pending_agreement(&feed_id(AL)).map(|pending| pending.version), Some(2));
    assert_eq!(log.document(AGREEMENT, AL, 2, &from(2, "2027-02-02"), NCA_TWO), Outcome::UnapprovedDocument);
    log.one(submit("c", 1));
    assert_eq!(log.one(release(AL, 0, &[("c", 1)])), Outcome::Effective, "the earlier version goes on");
    assert_eq!(log.one(suspend(AGREEMENT, AL, 2, &[("gb-nca", "dpo")])), Outcome::InvalidDocument);
    assert_eq!(log.one(suspend(AGREEMENT, AL, 1, &[("gb-nca", "dpo")])), Outcome::Effective);

    // 2027-02-01 is 20,850 days after the epoch.
    log.time = 20_850 * 86_400_000_000 - 2_000_000;
    log.one(administration("said"));
    assert_eq!(in_force(&log), 1, "a second before");
    log.one(administration("said"));
    assert_eq!(in_force(&log), 2);
    assert!(log.state.pending_agreement(&feed_id(AL)).is_none());
    let agreement = log.state.agreement(&feed_id(AL)).expect("in force").clone();
    assert!(log.state.agreement_suspended(&agreement).is_some(), "it was approved before the suspension");
    assert_eq!(log.document(AGREEMENT, AL, 3, &from(3, "2027-02-01"), NCA_TWO), Outcome::Effective);
    assert!(log.state.agreement_suspended(&agreement).is_none(), "this one was approved after it");
    assert_eq!(log.replayed().agreement(&feed_id(AL)).map(|known| known.version), Some(3));
}

#[test]
fn a_version_that_was_approved_after_a_suspension_ends_it_on_its_first_day() {
    let mut log = with_holder();
    let suspended = |log: &Log| {
        let agreement = log.state.agreement(&feed_id(AL)).expect("in force").clone();
        log.state.agreement_suspended(&agreement).is_some()
    };
    log.one(suspend(AGREEMENT, AL, 1, &[("gb-nca", "dpo")]));
    let waits = agreement_text(AL, 2, "al-police").replace("valid_from = 2026-01-01", "valid_from = 2027-02-01");
    log.document(AGREEMENT, AL, 2, &waits, NCA_TWO);
    assert!(suspended(&log), "its day has not come");
    log.time = 20_851 * 86_400_000_000;
    log.one(administration("said"));
    assert!(!suspended(&log));
}

#[test]
fn a_version_that_waits_is_replaced_by_a_later_one_that_does_not() {
    let mut log = with_holder();
    let waits = agreement_text(AL, 2, "al-police").replace("valid_from = 2026-01-01", "valid_from = 2027-02-01");
    log.document(AGREEMENT, AL, 2, &waits, NCA_TWO);
    log.document(AGREEMENT, AL, 3, &agreement_text(AL, 3, "al-police"), NCA_TWO);
    assert_eq!(log.state.agreement(&feed_id(AL)).map(|known| known.version), Some(3));
    log.time = 20_851 * 86_400_000_000;
    log.one(administration("said"));
    assert_eq!(log.state.agreement(&feed_id(AL)).map(|known| known.version), Some(3), "version 2 never came");
    assert!(log.state.agreement_version(&feed_id(AL), 2).is_some());
}

#[test]
fn an_agreement_that_is_new_waits_for_nothing_to_end() {
    let mut log = with_holder();
    let id = "ISA-AL-2026-099";
    let text = agreement_text(id, 1, "al-police").replace("valid_from = 2026-01-01", "valid_from = 2027-02-01");
    assert_eq!(log.document(AGREEMENT, id, 1, &text, NCA_TWO), Outcome::Effective);
    assert_eq!(log.state.agreement(&feed_id(id)).map(|known| known.version), Some(1), "there, and not in force yet");
}
