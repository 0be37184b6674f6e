//! Published tables: once, with their text, and never two that could be subtracted from each other.

use causeway_crypto::Digest;
use causeway_journal::{JournalError, Outcome, table_digest, v1};

use crate::agreements::{AGREEMENT, with_holder};
use crate::log::{AL, Log, NCA_TWO, VN, agreement_text, allowed, feed_id};

/// The moments of these tests' periods: quarters of ten, and a year of all four.
fn span(period: &str) -> v1::Period {
    let (year, part) = (period[..4].parse::<u64>().expect("a year"), &period[4..]);
    let first = year * 40;
    let quarter = part.strip_prefix("-Q").map(|number| number.parse::<u64>().expect("a quarter") - 1);
    let (from, length) = quarter.map_or((first, 40), |quarter| (first + 10 * quarter, 10));
    v1::Period { from_micros: from, to_micros: from + length }
}

/// A table of clause `c1`.
pub(crate) const TABLE: &str = r#"
[[tables]]
id = "t1"
clause = "c1"
dimensions = ["gender"]
"#;

pub(crate) fn table(version: u32, period: &str, text: &[u8], digest: Digest) -> (v1::Entry, Vec<u8>) {
    let entry = v1::Entry {
        table: Some(v1::PublishedTable {
            agreement: AL.into(),
            agreement_version: version,
            table: "t1".into(),
            period: period.into(),
        }),
        subject_digest: digest.0.to_vec(),
        period: Some(span(period)),
        ..allowed(v1::Operation::Combination, "table-published", "gb-nca")
    };
    (entry, text.to_vec())
}

#[test]
fn a_table_is_published_once_with_the_text_that_its_entry_names() {
    let mut log = with_holder();
    let text = format!("{}{TABLE}", agreement_text(AL, 2, "al-police"));
    assert_eq!(log.document(AGREEMENT, AL, 2, &text, NCA_TWO), Outcome::Effective);
    let mut publish = |version, period, text: &[u8]| {
        let (entry, text) = table(version, period, text, table_digest(text));
        log.document_with(entry, text)
    };
    assert_eq!(publish(1, "2026-Q3", b"numbers"), Outcome::Void, "not the version in force");
    assert_eq!(publish(2, "2026-Q3", b"numbers"), Outcome::Effective);
    assert_eq!(publish(2, "2026-Q3", b"others"), Outcome::AlreadyDone);
    assert_eq!(publish(2, "2026-Q4", b"others"), Outcome::Effective);
    assert_eq!(publish(2, "2026", b"the year"), Outcome::Void, "less its quarters it is another quarter");
    let known = log.state.table(&feed_id(AL), &"t1".parse().expect("an id"), "2026-Q3").expect("published");
    assert_eq!(&*known.text, "numbers");
    assert_eq!(log.state.tables(&feed_id(AL)).count(), 2);
    assert_eq!(log.state.tables(&feed_id(VN)).count(), 0);

    let (entry, text) = table(2, "2027-Q1", b"numbers", table_digest(b"other numbers"));
    let item = v1::Item { document_text: text, ..log.item(entry) };
    let frame = log.frame_of(vec![item]);
    assert_eq!(log.append(&frame).err(), Some(JournalError::Malformed("table without its text")));
}

#[test]
fn a_period_is_published_under_one_version_only() {
    let mut log = with_holder();
    let both = TABLE.replace("t1", "t2").replace("clause = \"c1\"", "clause = \"c2\"");
    let clause = |text: &str| text[text.find("[[clauses]]").expect("a clause")..].replace("\"c1\"", "\"c2\"");
    let version = |number: u32| {
        let text = agreement_text(AL, number, "al-police");
        format!("{text}{}{TABLE}{both}", clause(&text))
    };
    assert_eq!(log.document(AGREEMENT, AL, 2, &version(2), NCA_TWO), Outcome::Effective);
    let publish = |log: &mut Log, version, id: &str| {
        let (mut entry, text) = table(version, "2026-Q3", b"numbers", table_digest(b"numbers"));
        entry.table.as_mut().expect("one").table = id.into();
        log.document_with(entry, text)
    };
    assert_eq!(publish(&mut log, 2, "t1"), Outcome::Effective);
    let mut later = log;
    assert_eq!(later.document(AGREEMENT, AL, 3, &version(3), NCA_TWO), Outcome::Effective);
    assert_eq!(publish(&mut later, 3, "t2"), Outcome::Void);
    let (entry, text) = table(3, "2026-Q4", b"numbers", table_digest(b"numbers"));
    assert_eq!(later.document_with(v1::Entry { period: None, ..entry }, text), Outcome::Void, "of no period");
}
