//! Minimum cells: apply counts the persons of each group, and lets nothing out of one that stays too small.

use causeway_journal::{CellId, Outcome, v1};
use causeway_model::Position;

use crate::log::{AL, Log, NCA_TWO, agreement_text, feed_id, mac, page, release, submit, withdraw};

pub(crate) const CELL: [u8; 16] = [7; 16];
const OTHER: [u8; 16] = [8; 16];

/// Albania's agreement asks for cells of three; five records are there.
pub(crate) fn celled() -> Log {
    let mut log = Log::begun();
    let text = agreement_text(AL, 2, "al-police").replace("minimum_cell = 1\n", "minimum_cell = 3\n");
    let outcome = log.document(v1::DocumentKind::Agreement, AL, 2, &text, NCA_TWO);
    assert_eq!(outcome, Outcome::Effective);
    for name in ["a", "b", "c", "d", "e"] {
        log.one(submit(name, 1));
    }
    log
}

/// Releases under version 2, each with its cell and whether it brings a person.
pub(crate) fn into_cells(salt: &str, releases: &[(&str, [u8; 16], bool)]) -> v1::Entry {
    let names: Vec<(&str, u32)> = releases.iter().map(|(name, ..)| (*name, 1)).collect();
    let mut entry = release(AL, 0, &names);
    let batch = entry.releases.as_mut().expect("a batch");
    batch.agreement_version = 2;
    for (release, (_, cell, counts)) in batch.releases.iter_mut().zip(releases) {
        (release.cell, release.counts) = (cell.to_vec(), *counts);
    }
    entry.item_salt = mac(salt).to_vec();
    entry
}

fn persons(log: &Log, cell: [u8; 16]) -> (u64, u64) {
    let feed = log.state.feed(&feed_id(AL)).expect("a feed");
    (feed.persons(&CellId(cell)), feed.proven_persons(&CellId(cell)))
}

#[test]
fn a_cell_opens_with_as_many_persons_as_the_clause_says_and_then_takes_single_ones() {
    let mut log = celled();
    let two = into_cells("two", &[("a", CELL, true), ("b", CELL, true)]);
    assert_eq!(log.one(two), Outcome::PartlyVoid(vec![0, 1]));
    let one_person = into_cells("same", &[("a", CELL, true), ("b", CELL, false), ("c", CELL, false)]);
    assert_eq!(log.one(one_person), Outcome::PartlyVoid(vec![0, 1, 2]), "three records of one person");
    let apart = into_cells("apart", &[("a", CELL, true), ("b", CELL, true), ("c", OTHER, true)]);
    assert_eq!(log.one(apart), Outcome::PartlyVoid(vec![0, 1, 2]));
    assert_eq!(persons(&log, CELL), (0, 0));
    let three = into_cells("three", &[("a", CELL, true), ("b", CELL, true), ("c", CELL, true)]);
    assert_eq!(log.one(three), Outcome::Effective);
    assert_eq!(log.one(into_cells("one", &[("d", CELL, true)])), Outcome::Effective);
    assert_eq!(persons(&log, CELL), (4, 4));
    let feed = log.state.feed(&feed_id(AL)).expect("a feed");
    assert_eq!(feed.cell(Position(4)), Some(CellId(CELL)));
    assert_eq!(feed.members(&CellId(CELL)).count(), 4);
}

#[test]
fn a_release_has_a_cell_exactly_where_its_clause_asks_for_one() {
    let mut log = celled();
    let mut bare = release(AL, 0, &[("a", 1)]);
    bare.releases.as_mut().expect("a batch").agreement_version = 2;
    assert_eq!(log.one(bare), Outcome::PartlyVoid(vec![0]));
    let mut log = Log::begun();
    log.one(submit("a", 1));
    let mut stray = release(AL, 0, &[("a", 1)]);
    stray.releases.as_mut().expect("a batch").releases[0].cell = CELL.to_vec();
    assert_eq!(log.one(stray), Outcome::PartlyVoid(vec![0]), "its clause has none");
}

#[test]
fn what_was_withdrawn_before_it_left_counts_no_more_and_what_left_does() {
    let mut log = celled();
    let three = into_cells("three", &[("a", CELL, true), ("b", CELL, true), ("c", CELL, true)]);
    assert_eq!(log.one(three), Outcome::Effective);
    log.one(page(AL, "al-police", 1, 1));
    log.all(vec![withdraw("a", 1), withdraw("b", 1)]);
    assert_eq!(persons(&log, CELL), (2, 2), "a left, b never did, c is live");
    assert_eq!(
        log.one(into_cells("late", &[("d", CELL, true)])),
        Outcome::Effective,
        "with a, c and d there are three"
    );
    assert_eq!(persons(&log, CELL), (3, 3));
}

#[test]
fn void_releases_of_a_batch_bring_nobody() {
    let mut log = celled();
    log.one(withdraw("c", 1));
    let with_void = into_cells("void", &[("a", CELL, true), ("b", CELL, true), ("c", CELL, true)]);
    assert_eq!(log.one(with_void), Outcome::PartlyVoid(vec![0, 1, 2]));
    let twice = into_cells("twice", &[("a", CELL, true), ("b", CELL, true), ("a", CELL, true)]);
    assert_eq!(log.one(twice), Outcome::PartlyVoid(vec![0, 1, 2]), "named twice, one record is one person");
}

/// The same under a correction: version 2 of a record.
fn corrected(salt: &str, name: &str, cell: [u8; 16], counts: bool) -> v1::Entry {
    let mut entry = into_cells(salt, &[(name, cell, counts)]);
    entry.releases.as_mut().expect("a batch").releases[0].version = 2;
    entry
}

#[test]
fn a_record_is_one_person_whatever_its_versions_say() {
    let mut log = celled();
    let three = into_cells("three", &[("a", CELL, true), ("b", CELL, true), ("c", CELL, true)]);
    assert_eq!(log.one(three), Outcome::Effective);
    log.one(page(AL, "al-police", 1, 3));
    log.one(submit("a", 2));
    assert_eq!(log.one(corrected("again", "a", CELL, true)), Outcome::Effective);
    assert_eq!(persons(&log, CELL), (3, 3), "a has left once and is live once");
}

#[test]
fn an_item_of_a_version_that_was_corrected_stands_for_nobody_unless_it_left() {
    let mut log = celled();
    let three = into_cells("three", &[("a", CELL, true), ("b", CELL, true), ("c", CELL, true)]);
    assert_eq!(log.one(three), Outcome::Effective);
    log.one(submit("a", 2));
    assert_eq!(persons(&log, CELL), (2, 2), "nobody is shown version 1 any more");
    assert_eq!(log.one(corrected("again", "a", CELL, false)), Outcome::PartlyVoid(vec![0]));
    assert_eq!(log.one(corrected("counted", "a", CELL, true)), Outcome::Effective);
    assert_eq!(persons(&log, CELL), (3, 3));
}

#[test]
fn whom_a_partner_knows_that_has_read_so_far() {
    let mut log = celled();
    let three = into_cells("three", &[("a", CELL, true), ("b", CELL, true), ("c", CELL, true)]);
    assert_eq!(log.one(three), Outcome::Effective);
    assert_eq!(log.one(into_cells("more", &[("d", CELL, true), ("e", CELL, true)])), Outcome::Effective);
    log.one(withdraw("a", 1));
    let feed = log.state.feed(&feed_id(AL)).expect("a feed");
    let up_to = |position| feed.persons_up_to(&CellId(CELL), Position(position));
    assert_eq!((up_to(1), up_to(3), up_to(4), up_to(6)), (0, 2, 3, 4));
    let end = |position| feed.entry_end(Position(position));
    assert_eq!((end(1), end(3), end(4), end(6)), (Position(3), Position(3), Position(5), Position(6)));
}
