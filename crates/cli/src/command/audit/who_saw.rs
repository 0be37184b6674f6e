//! `causeway audit who-saw`: who saw one record, and who asked about it.

use std::collections::BTreeMap;

use causeway_journal::v1::Operation;
use causeway_model::RecordId;
use causeway_proto::v1::{DisclosedItem, QueryRequest};
use clap::Args;
use serde::Serialize;

use crate::Failure;
use crate::audit::asking::{Asking, PURPOSES};
use crate::audit::checks::Row;
use crate::audit::row::UNKNOWN;
use crate::audit::span::Span;
use crate::command::receipt::not_a_record;
use crate::entry_text;
use crate::output::{note, say, say_json};
use crate::text_table::{LongTable, cell, free_text};

/// Lists each disclosure whose page held the record, with whether its content left or a withdrawal stood in its place; and who
/// looked at it, asked about it, or was given the identity behind it.
#[derive(Debug, Args)]
#[command(after_help = PURPOSES)]
pub(crate) struct Options {
    /// The record's id.
    record: String,
    #[command(flatten)]
    span: Span,
    #[command(flatten)]
    asking: Asking,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let record: RecordId = options.record.parse().map_err(|_| not_a_record())?;
    let (from_micros, to_micros) = options.span.micros()?;
    let request = QueryRequest {
        record_id: record.to_string(),
        from_micros,
        to_micros,
        with_openings: true,
        with_items: true,
        ..QueryRequest::default()
    };
    let mut desk = options.asking.open().await?;
    let mut table = LongTable::new(["LEAF", "TIME", "WHO", "PERSON", "UNDER", "WHAT"]);
    let mut reached = Reached::default();
    let each = |row: &Row| {
        let Some(seen) = Seen::of(row, &options.record) else { return Ok(()) };
        reached.count(&seen);
        match options.asking.json {
            true => say_json(&seen),
            false => table.row(seen.cells()).iter().for_each(say),
        }
        Ok(())
    };
    desk.each(request, each).await?;
    table.rest().iter().for_each(say);
    note(reached.sentence());
    desk.note_grounds();
    Ok(())
}

/// To whom the record came, by recipient: pages with its content, and identities that were collected.
#[derive(Debug, Default)]
struct Reached {
    pages: BTreeMap<String, u64>,
    identities: BTreeMap<String, u64>,
}

impl Reached {
    fn count(&mut self, seen: &Seen) {
        let sums = match (seen.left, seen.identity_collected) {
            (true, _) => &mut self.pages,
            (false, true) => &mut self.identities,
            (false, false) => return,
        };
        *sums.entry(seen.recipient.clone()).or_default() += 1;
    }

    /// What the answer shows. It may be less than there is: an auditor's scope is not known here.
    fn sentence(&self) -> String {
        let list = |sums: &BTreeMap<String, u64>, unit: &str| {
            let each = sums.iter().map(|(who, times)| format!("{} ({times} {unit})", cell(who)));
            each.collect::<Vec<_>>().join(", ")
        };
        let mut parts = Vec::new();
        if !self.pages.is_empty() {
            parts.push(format!("its content left to {}", list(&self.pages, "pages")));
        }
        if !self.identities.is_empty() {
            parts.push(format!("the identity behind it was collected by {}", list(&self.identities, "times")));
        }
        match parts.is_empty() {
            true => "neither its content nor an identity left to anybody that this auditor may see".to_owned(),
            false => format!("{}, as far as this auditor may see", parts.join("; ")),
        }
    }
}

/// Who saw the record, or asked about it.
#[derive(Debug, Serialize)]
struct Seen {
    leaf_index: u64,
    time: String,
    agency_system: String,
    person: Option<String>,
    operation: &'static str,
    allowed: bool,
    reason: String,
    outcome: String,
    recipient: String,
    under: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    clause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    /// Whether the record's content left with this page.
    left: bool,
    /// Whether the identity behind the record was handed over by this.
    identity_collected: bool,
    what: String,
}

impl Seen {
    /// None for an entry by which nobody saw or asked anything.
    fn of(row: &Row, record: &str) -> Option<Self> {
        let operation = row.entry.operation();
        if !matches!(operation, Operation::Disclosure | Operation::Consultation) {
            return None;
        }
        let item = row.wire.items.iter().find(|item| item.record_id == record);
        Some(Self {
            leaf_index: row.leaf(),
            time: row.time(),
            agency_system: row.system(),
            person: row.person().map(ToOwned::to_owned),
            operation: causeway_verify::operation_name(operation),
            allowed: row.is_allowed(),
            reason: row.entry.reason.clone(),
            outcome: row.wire.outcome.clone(),
            recipient: row.recipient().to_owned(),
            under: row.under(),
            clause: item.map(|item| item.clause.clone()).filter(|clause| !clause.is_empty()),
            position: item.map(|item| item.position),
            version: item.map(|item| item.version).filter(|version| *version > 0),
            left: row.discloses_page() && row.is_effective() && row.wire.record_left,
            identity_collected: row.collects_identity(),
            what: format!("{}{}", what(row, item), row.outcome_remark()),
        })
    }

    fn cells(&self) -> [String; 6] {
        let person = self.person.as_deref().map_or_else(|| UNKNOWN.into(), free_text);
        let under = match &self.clause {
            Some(clause) => format!("{} {}", self.under, clause.rsplit('/').next().unwrap_or(clause)),
            None => self.under.clone(),
        };
        let Self { leaf_index, time, agency_system, what, .. } = self;
        [leaf_index.to_string(), time.clone(), agency_system.clone(), person, under, what.clone()]
    }
}

/// What somebody saw or asked, in words.
fn what(row: &Row, item: Option<&DisclosedItem>) -> String {
    if !row.discloses_page() {
        let meaning = if row.is_allowed() { entry_text::meaning(&row.entry) } else { "" };
        return if meaning.is_empty() { row.deed() } else { format!("{}: {meaning}", row.deed()) };
    }
    let place = item.map_or_else(String::new, |item| match item.version {
        0 => format!(" at position {}", item.position),
        version => format!(" at position {}, version {version}", item.position),
    });
    match row.wire.record_left {
        true if !row.is_effective() => format!("content recorded as leaving{place}"),
        true => format!("content LEFT{place}"),
        false => format!("a withdrawal, or nothing yet, stood in its place{place}"),
    }
}

#[cfg(test)]
mod tests {
    use causeway_journal::REASON_IDENTITY_COLLECTED;
    use causeway_journal::v1::{Decision, Entry, Page, Recipient};
    use causeway_proto::v1::OpenedTexts;

    use super::*;
    use crate::audit::test_answers::{entry, row};

    const RECORD: &str = "00000000000000000000000000000007";

    fn disclosure() -> Row {
        let page = Page { feed: "ISA-AL-2026-014".into(), from_position: 4, to_position: 6, ..Page::default() };
        let recipient = Recipient {
            agency: "al-police".into(),
            agreement: "ISA-AL-2026-014".into(),
            agreement_version: 2,
            ..Recipient::default()
        };
        let entry =
            Entry { page: Some(page), recipient: Some(recipient), ..entry(3, Operation::Disclosure, "disclosed") };
        let mut row = row(5, entry);
        row.wire.opened = Some(OpenedTexts { operator_id: "inspector-7".into(), ..OpenedTexts::default() });
        row.wire.items = vec![DisclosedItem {
            position: 5,
            record_id: RECORD.into(),
            version: 3,
            clause: "ISA-AL-2026-014/c3.1".into(),
            ..DisclosedItem::default()
        }];
        row
    }

    #[test]
    fn a_page_says_who_saw_the_record_under_which_clause_and_whether_it_left() {
        let mut row = disclosure();
        row.wire.record_left = true;
        let seen = Seen::of(&row, RECORD).expect("a disclosure");
        let cells = seen.cells();
        assert_eq!(
            cells[2..],
            ["al-police/feed", "\"inspector-7\"", "ISA-AL-2026-014 v2 c3.1", "content LEFT at position 5, version 3"]
        );
        row.wire.record_left = false;
        let seen = Seen::of(&row, RECORD).expect("a disclosure");
        assert!(!seen.left && seen.what.starts_with("a withdrawal"), "{seen:?}");
    }

    #[test]
    fn what_is_not_shown_is_not_denied_and_what_had_no_effect_did_not_leave() {
        let reached = |rows: &[Row]| {
            let mut reached = Reached::default();
            rows.iter().for_each(|row| reached.count(&Seen::of(row, RECORD).expect("seen")));
            reached.sentence()
        };
        let mut left = disclosure();
        left.wire.record_left = true;
        assert!(reached(std::slice::from_ref(&left)).starts_with("its content left to al-police (1 pages), as far"));
        let mut void = left.clone();
        void.wire.outcome = "void".into();
        let seen = Seen::of(&void, RECORD).expect("a disclosure");
        assert!(!seen.left && seen.what.contains("[no effect") && !seen.what.contains("LEFT"), "{seen:?}");
        for rows in [&[][..], &[void][..]] {
            let sentence = reached(rows);
            assert!(sentence.starts_with("neither") && sentence.ends_with("that this auditor may see"), "{sentence}");
        }
        let mut collected = disclosure();
        (collected.entry.page, collected.entry.reason) = (None, REASON_IDENTITY_COLLECTED.into());
        assert!(reached(&[collected.clone()]).contains("the identity behind it was collected by al-police (1 times)"));
        let delivered = Row {
            entry: Entry { reason: "identity-delivered".into(), ..collected.entry.clone() },
            ..collected.clone()
        };
        collected.wire.outcome = "already-done".into();
        assert!(reached(&[delivered, collected]).starts_with("neither"));
    }

    #[test]
    fn who_asked_is_listed_and_what_nobody_saw_is_not() {
        let asked =
            row(6, Entry { decision: Decision::Denied.into(), ..entry(4, Operation::Consultation, "not-yours") });
        let seen = Seen::of(&asked, RECORD).expect("somebody asked");
        assert_eq!((seen.what.as_str(), seen.left), ("DENIED consultation (not-yours)", false));
        for operation in [Operation::Collection, Operation::Administration, Operation::Erasure] {
            assert!(Seen::of(&row(7, entry(5, operation, "accepted")), RECORD).is_none(), "{operation:?}");
        }
    }
}
