//! `causeway audit what-left`: everything that left to one partner in a span of time.

mod totals;

use causeway_model::AgencyId;
use causeway_proto::v1::{DisclosedItem, QueryRequest};
use clap::Args;
use serde::Serialize;

use crate::Failure;
use crate::audit::asking::{Asking, PURPOSES};
use crate::audit::checks::Row;
use crate::audit::row::{ItemForm, UNKNOWN};
use crate::audit::span::Span;
use crate::output::{note, say, say_json};
use crate::text_table::LongTable;
use totals::Totals;

/// Lists what left to a partner: pages with what was in them, numbers, identities; then totals by clause and kind, and the tables that
/// were published to it.
#[derive(Debug, Args)]
#[command(after_help = PURPOSES)]
pub(crate) struct Options {
    /// The partner agency.
    partner: String,
    #[command(flatten)]
    span: Span,
    #[command(flatten)]
    asking: Asking,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let partner: AgencyId =
        options.partner.parse().map_err(|_| Failure::usage("a partner is named by its agency id, as al-police"))?;
    let (from_micros, to_micros) = options.span.bounded()?;
    let left = QueryRequest {
        recipient: partner.to_string(),
        decision: "allowed".into(),
        from_micros,
        to_micros,
        ..QueryRequest::default()
    };
    let disclosures =
        QueryRequest { operation: "disclosure".into(), with_items: true, with_openings: true, ..left.clone() };
    let tables = QueryRequest { operation: "combination".into(), reason: "table-published".into(), ..left };
    let mut desk = options.asking.open().await?;
    let mut table =
        LongTable::new(["LEAF", "TIME", "WHO", "PERSON", "UNDER", "POSITION", "RECORD", "VERSION", "KIND", "WHAT"]);
    let mut totals = Totals::default();
    let each = |row: &Row| {
        totals.count(row);
        match options.asking.json {
            true => say_json(&LeftForm::of(row)),
            false => rows(row).into_iter().flat_map(|cells| table.row(cells)).for_each(say),
        }
        Ok(())
    };
    desk.each(disclosures, each).await?;
    table.rest().iter().for_each(say);
    let published = |row: &Row| {
        totals.published(row);
        if options.asking.json {
            say_json(&LeftForm::of(row));
        }
        Ok(())
    };
    desk.each(tables, published).await?;
    match options.asking.json {
        true => say_json(&totals.form()),
        false => totals.lines().iter().for_each(say),
    }
    note(totals.sentence(partner.as_str()));
    desk.note_grounds();
    Ok(())
}

/// The lines of one disclosure: one for each item, or one for what is no page.
fn rows(row: &Row) -> Vec<Vec<String>> {
    let head = [row.leaf().to_string(), row.time(), row.system(), row.person_cell(), row.under()];
    let dash = || UNKNOWN.to_owned();
    let tail = |item: &DisclosedItem| {
        let version = if item.version == 0 { dash() } else { item.version.to_string() };
        let what = format!("{}{}", of_item(item), row.outcome_remark());
        [item.position.to_string(), item.record_id.clone(), version, item.kind.clone(), what]
    };
    if !row.wire.items.is_empty() {
        return row.wire.items.iter().map(|item| head.iter().cloned().chain(tail(item)).collect()).collect();
    }
    let position =
        row.entry.page.as_ref().map_or_else(dash, |page| format!("{}-{}", page.from_position, page.to_position));
    let record = row.entry.records.first().map_or_else(dash, |record| causeway_verify::hex::hex(&record.record_id));
    let what = format!("{}{}", row.entry.reason, row.outcome_remark());
    vec![head.into_iter().chain([position, record, dash(), dash(), what]).collect()]
}

fn of_item(item: &DisclosedItem) -> String {
    let clause = item.clause.rsplit('/').next().unwrap_or_default();
    match (item.left, item.version) {
        (true, _) => format!("left by {clause}"),
        (false, 0) => "withdrawal".into(),
        (false, _) => "did not leave".into(),
    }
}

/// A disclosure as JSON.
#[derive(Debug, Serialize)]
struct LeftForm {
    leaf_index: u64,
    time: String,
    agency_system: String,
    person: Option<String>,
    under: String,
    reason: String,
    /// What the journal's rules made of it: nothing left by what is not `effective`.
    outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    positions: Option<[u64; 2]>,
    items: Vec<ItemForm>,
    records: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<String>,
}

impl LeftForm {
    fn of(row: &Row) -> Self {
        let entry = &row.entry;
        Self {
            leaf_index: row.leaf(),
            time: row.time(),
            agency_system: row.system(),
            person: row.person().map(ToOwned::to_owned),
            under: row.under(),
            reason: entry.reason.clone(),
            outcome: row.wire.outcome.clone(),
            positions: entry.page.as_ref().map(|page| [page.from_position, page.to_position]),
            items: row.wire.items.iter().map(ItemForm::of).collect(),
            records: entry.records.iter().map(|record| causeway_verify::hex::hex(&record.record_id)).collect(),
            table: entry.table.as_ref().map(|table| format!("{} {}", table.table, table.period)),
        }
    }
}

#[cfg(test)]
mod tests {
    use causeway_journal::v1::{Entry, Operation, Page};

    use super::*;
    use crate::audit::test_answers::{entry, row};

    #[test]
    fn what_left_is_counted_by_clause_and_kind_and_withdrawals_apart() {
        let page = Page { feed: "ISA-AL-2026-014".into(), from_position: 1, to_position: 3, ..Page::default() };
        let mut pulled = row(5, Entry { page: Some(page), ..entry(3, Operation::Disclosure, "disclosed") });
        let item = |position, version, left| DisclosedItem {
            position,
            version,
            left,
            kind: "victim-profile".into(),
            clause: if version > 0 { "ISA-AL-2026-014/c3.1".into() } else { String::new() },
            record_id: "07".repeat(16),
        };
        pulled.wire.items = vec![item(1, 1, true), item(2, 0, false), item(3, 2, false)];
        let mut again = pulled.clone();
        again.wire.leaf_index = 9;
        let mut void = pulled.clone();
        (void.wire.leaf_index, void.wire.outcome) = (11, "void".into());
        let mut totals = Totals::default();
        for row in [&pulled, &again, &void] {
            totals.count(row);
        }
        for reason in ["identity-released", "identity-delivered", "identity-collected", "count-disclosed"] {
            totals.count(&row(6, entry(4, Operation::Disclosure, reason)));
        }
        assert_eq!(
            totals.sentence("al-police"),
            "al-police, as far as this auditor may see: 1 record versions in 2 readings and 1 withdrawals on 2 pages; 1 identities collected, \
             1 answers with numbers, 0 tables published to it; 1 entries had no effect, and nothing left by them"
        );
        let of_void: Vec<String> = rows(&void).iter().filter_map(|cells| cells.last().cloned()).collect();
        assert!(of_void.iter().all(|what| what.contains("[no effect")), "{of_void:?}");
        let whats: Vec<String> = rows(&pulled).iter().filter_map(|cells| cells.last().cloned()).collect();
        assert_eq!(whats, ["left by c3.1", "withdrawal", "did not leave"]);
        let json = serde_json::to_value(totals.form()).expect("JSON");
        assert_eq!((&json["records"][0]["left"], &json["records"][0]["readings"]), (&1.into(), &2.into()));
    }
}
