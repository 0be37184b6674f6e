//! CSV for spreadsheets (RFC 4180): one row is one line, and no cell is a formula.

use causeway_verify::{decision_name, operation_name};

use crate::audit::checks::Row;
use causeway_verify::hex::hex;
use causeway_verify::plain::plain;

const COLUMNS: [&str; 20] = [
    "leaf_index",
    "leaf_hash",
    "time",
    "operation",
    "decision",
    "reason",
    "outcome",
    "agency",
    "system",
    "operator_id",
    "purpose",
    "purpose_text",
    "recipient",
    "agreement",
    "agreement_version",
    "clause",
    "records",
    "positions",
    "count",
    "request_id",
];

/// The row of the columns' names.
pub(super) fn heading() -> Vec<u8> {
    written(COLUMNS.iter().map(|column| (*column).to_owned()))
}

/// The row of an entry.
pub(super) fn row(row: &Row) -> Vec<u8> {
    let entry = &row.entry;
    let actor = entry.actor.clone().unwrap_or_default();
    let to = entry.recipient.clone().unwrap_or_default();
    let text = row.wire.opened.as_ref().map_or("", |opened| opened.purpose_text.as_str());
    let records: Vec<String> = entry.records.iter().map(|record| hex(&record.record_id)).collect();
    let positions = entry.page.as_ref().map(|page| format!("{}..{}", page.from_position, page.to_position));
    let number = |number: u64| if number == 0 { String::new() } else { number.to_string() };
    let cells = [
        row.leaf().to_string(),
        hex(&row.wire.leaf_hash),
        row.time(),
        operation_name(entry.operation()).to_owned(),
        decision_name(entry.decision()).to_owned(),
        entry.reason.clone(),
        row.wire.outcome.clone(),
        actor.agency,
        actor.system,
        row.person().unwrap_or_default().to_owned(),
        entry.purpose_code.clone(),
        text.to_owned(),
        to.agency,
        to.agreement,
        number(to.agreement_version.into()),
        to.clause,
        records.join(" "),
        positions.unwrap_or_default(),
        number(entry.count),
        hex(&entry.request_id),
    ];
    written(cells.into_iter().map(|cell| safe(&cell)))
}

fn written(cells: impl Iterator<Item = String>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let record: csv::StringRecord = cells.collect();
    writer.write_record(&record).expect("memory takes every row");
    writer.into_inner().expect("memory is flushed")
}

/// A cell in which no spreadsheet finds a formula, and that stays on its line. What separates cells elsewhere is replaced: where the
/// list separator is another one than the comma, quotes within a line protect nothing, and a formula could follow it.
pub(super) fn safe(cell: &str) -> String {
    let text = plain(cell).replace([';', '|'], "\u{fffd}");
    let formula =
        |text: &str| text.starts_with(['=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    // Blanks before it are no protection: some programs take them off.
    if formula(cell.trim_start_matches(' ')) || formula(text.trim_start()) { format!("'{text}") } else { text }
}
