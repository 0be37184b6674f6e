//! The releaser's term among nodes that share a log: what only one may decide counts under the newest term, and under no other.
//! Whatever is appended here is saved and loaded, and mirrored as a verifier does it, and has to come to the same.

use causeway_journal::{
    JournalError, Outcome, REASON_OVERDUE, REASON_RETENTION_EXPIRED, REASON_TERM_BEGUN, RULES_SHARED, encode_entry,
    table_digest, v1,
};
use causeway_model::Position;

use crate::log::{
    AL, Log, NCA_TWO, acknowledge, administration, agency_text, agreement_text, allowed, feed_id, mac, page, record,
    record_ref, release, submit,
};
use crate::nodes::roster;
use crate::tables::{TABLE, table};

fn begin(node: &str, term: u64) -> v1::Entry {
    v1::Entry { node: node.into(), releaser_term: term, ..administration(REASON_TERM_BEGUN) }
}

/// An entry as the releaser of a term writes it.
fn by(node: &str, term: u64, entry: v1::Entry) -> v1::Entry {
    v1::Entry { node: node.into(), releaser_term: term, ..entry }
}

fn leaves(name: &str) -> v1::Entry {
    let withdrawal = v1::Withdrawal { feed: AL.into(), record_id: record(name).as_bytes().to_vec() };
    v1::Entry { withdrawals: vec![withdrawal], item_salt: mac(name).to_vec(), ..administration("left-scope") }
}

fn overdue(position: u64) -> v1::Entry {
    let overdue = v1::Overdue { feed: AL.into(), positions: vec![position] };
    v1::Entry { overdue: Some(overdue), ..administration(REASON_OVERDUE) }
}

/// A log with three records and a roster of two nodes.
fn shared() -> Log {
    let mut log = Log::begun();
    log.all(["1", "2", "3"].map(|name| submit(name, 1)).into());
    log.rules = RULES_SHARED;
    assert_eq!(log.one(roster(1, &[1, 2])), Outcome::Effective);
    log
}

fn considered(log: &Log) -> u64 {
    log.state.tree().size()
}

fn newest(log: &Log) -> Position {
    log.state.feed(&feed_id(AL)).expect("in force").newest()
}

#[test]
fn of_two_nodes_that_begin_one_term_the_first_in_the_log_has_it() {
    let mut log = shared();
    assert!(log.state.term().is_none());
    let applied = log.all(vec![begin("node-2", 1), begin("node-1", 1)]);
    assert_eq!(applied.outcomes, [Outcome::Effective, Outcome::Void]);
    let term = log.state.term().expect("it has begun").clone();
    assert_eq!((term.number, &*term.node, term.leaf), (1, "node-2", applied.first_leaf));
    // Not the next one, not of the roster, and not by the operator.
    for entry in [begin("node-1", 1), begin("node-1", 3), begin("node-3", 2), begin("", 2)] {
        assert_eq!(log.one(entry), Outcome::Void);
    }
    let other = v1::Actor { agency: "al-police".into(), ..v1::Actor::default() };
    assert_eq!(log.one(v1::Entry { actor: Some(other), ..begin("node-1", 2) }), Outcome::Void);
    assert_eq!(log.state.term(), Some(&term));
    assert_eq!(log.one(begin("node-1", 2)), Outcome::Effective);
    assert_eq!(log.one(begin("node-1", 3)), Outcome::Effective, "its own term may end with its own next one");
    assert_eq!(log.state.term().map(|term| term.number), Some(3));
}

#[test]
fn what_an_older_term_wrote_has_no_effect_and_the_same_under_the_newest_has_one() {
    let mut log = shared();
    let first = release(AL, considered(&log), &[("1", 1)]);
    assert_eq!(log.one(first), Outcome::Effective, "before there is a term");
    assert_eq!(log.one(begin("node-1", 1)), Outcome::Effective);
    let second = release(AL, considered(&log), &[("2", 1)]);
    for (node, term) in [("node-1", 0), ("node-2", 1), ("node-1", 2), ("node-2", 0)] {
        assert_eq!(log.one(by(node, term, second.clone())), Outcome::Void, "{node} {term}");
    }
    assert_eq!(newest(&log), Position(1));
    assert_eq!(log.one(by("node-1", 1, second)), Outcome::Effective);
    assert_eq!(newest(&log), Position(2));
    // The next term begins in the middle of what the releaser before it had on its way, in one frame even.
    let third = release(AL, considered(&log), &[("3", 1)]);
    let applied = log.all(vec![
        by("node-1", 1, leaves("1")),
        begin("node-2", 2),
        by("node-1", 1, third.clone()),
        by("node-1", 1, leaves("2")),
        by("node-2", 2, third),
    ]);
    use Outcome::{Effective, Void};
    assert_eq!(applied.outcomes, [Effective, Effective, Void, Void, Effective]);
    let feed = log.state.feed(&feed_id(AL)).expect("in force");
    assert_eq!(feed.live(&record("1")), None);
    assert_eq!((feed.live(&record("2")), feed.live(&record("3"))), (Some(Position(2)), Some(Position(4))));
    assert_eq!(feed.newest(), Position(4));
    assert_eq!(format!("{:?}", log.replayed()), format!("{:?}", log.state));
}

#[test]
fn tables_late_recalls_and_whatever_names_a_term_go_by_it() {
    let mut log = shared();
    assert_eq!(log.one(begin("node-1", 1)), Outcome::Effective);
    let first = release(AL, considered(&log), &[("1", 1)]);
    assert_eq!(log.one(by("node-1", 1, first)), Outcome::Effective);
    assert_eq!(log.one(page(AL, "al-police", 1, 1)), Outcome::Effective, "a partner's acts need no term");
    assert_eq!(log.one(by("node-1", 1, leaves("1"))), Outcome::Effective);
    assert_eq!(log.one(by("node-2", 1, overdue(2))), Outcome::Void);
    assert_eq!(log.one(overdue(2)), Outcome::Void);
    assert_eq!(log.one(by("node-1", 1, overdue(2))), Outcome::Effective);
    assert_eq!(log.one(page(AL, "al-police", 1, 2)), Outcome::Effective);
    assert_eq!(log.one(acknowledge(AL, "al-police", 2)), Outcome::Effective);
    // The expiry of a day by the releaser; who is asked to run it needs no term.
    let expiry = v1::Entry {
        records: vec![record_ref("2", 1, 0)],
        item_salt: mac("expiry").to_vec(),
        ..allowed(v1::Operation::Retention, REASON_RETENTION_EXPIRED, "gb-nca")
    };
    let kept = log.one(expiry.clone());
    assert!(!kept.is_effective(), "its day has not come");
    let voided = log.one(by("node-1", 9, expiry.clone()));
    assert_eq!((voided, log.one(by("node-1", 1, expiry))), (Outcome::Void, kept));
    let text = format!("{}{TABLE}", agreement_text(AL, 2, "al-police"));
    assert_eq!(log.document(v1::DocumentKind::Agreement, AL, 2, &text, NCA_TWO), Outcome::Effective);
    let mut publish = |node, term, period| {
        let (entry, text) = table(2, period, b"numbers", table_digest(b"numbers"));
        log.document_with(by(node, term, entry), text)
    };
    assert_eq!(publish("node-1", 2, "2026-Q3"), Outcome::Void);
    assert_eq!(publish("node-2", 1, "2026-Q3"), Outcome::Void);
    assert_eq!(publish("node-1", 1, "2026-Q3"), Outcome::Effective);
    assert_eq!(publish("node-1", 1, "2026-Q3"), Outcome::AlreadyDone);
    assert_eq!(log.state.tables(&feed_id(AL)).count(), 1);
}

#[test]
fn a_term_is_no_business_of_whoever_submits_or_governs() {
    let mut log = shared();
    assert_eq!(log.one(begin("node-1", 1)), Outcome::Effective);
    let submitted = v1::Entry { node: "node-2".into(), ..submit("4", 1) };
    assert_eq!(log.one(submitted), Outcome::Effective);
    let text = agency_text("vn-police", 2);
    assert_eq!(log.document(v1::DocumentKind::Agency, "vn-police", 2, &text, NCA_TWO), Outcome::Effective);
    assert_eq!(log.one(roster(2, &[2])), Outcome::Effective);
    assert_eq!(log.state.term().map(|term| &*term.node), Some("node-1"), "until another one begins");
    assert_eq!(log.one(begin("node-1", 2)), Outcome::Void, "it is on the roster no more");
    assert_eq!(log.one(begin("node-2", 2)), Outcome::Effective);
}

#[test]
fn a_log_of_one_writer_has_no_terms() {
    let mut log = Log::begun();
    let limited = v1::Entry { daily_limits: Some(v1::DailyLimits::default()), ..submit("1", 1) };
    for entry in [begin("node-1", 1), by("node-1", 1, submit("1", 1)), limited] {
        let item = log.item(entry);
        let frame = log.frame_of(vec![item]);
        assert_eq!(log.append(&frame), Err(JournalError::Malformed("a field of later rules")));
    }
    log.all(vec![submit("1", 1)]);
    let released = release(AL, considered(&log), &[("1", 1)]);
    assert_eq!(log.one(released), Outcome::Effective);
    let unnumbered = v1::Entry { entry_id: vec![1; 16], ..begin("node-1", 0) };
    assert!(encode_entry(&unnumbered).is_err());
}
