//! RFC 5424 messages, one a line, with structured data.

use causeway_model::Timestamp;
use causeway_verify::{decision_name, operation_name};

use crate::audit::checks::Row;
use crate::entry_text;
use causeway_verify::hex::hex;
use causeway_verify::plain::plain;

/// Facility 13, log audit (RFC 5424 section 6.2.1).
const FACILITY: u8 = 13;
/// Severity of what was allowed: informational.
const INFORMATIONAL: u8 = 6;
/// Severity of what was denied: a warning.
const WARNING: u8 = 4;
/// The private enterprise number that is kept for documentation (RFC 5612).
const SD_ID: &str = "causeway@32473";
/// Longest HOSTNAME and MSGID (RFC 5424 section 6).
const HOSTNAME_CHARS: usize = 255;
const MSGID_CHARS: usize = 32;

/// The line of an entry.
pub(super) fn row(row: &Row) -> Vec<u8> {
    let entry = &row.entry;
    let severity = if row.is_allowed() { INFORMATIONAL } else { WARNING };
    let operation = operation_name(entry.operation());
    let data: String = parameters(row).iter().map(|(name, value)| format!(" {name}=\"{}\"", escaped(value))).collect();
    let text = format!(
        "<{}>1 {} {} causeway - {} [{SD_ID}{data}] {}\n",
        FACILITY * 8 + severity,
        Timestamp(entry.time_micros),
        word(&entry.node, HOSTNAME_CHARS),
        word(operation, MSGID_CHARS),
        plain(&entry_text::summary(entry)),
    );
    text.into_bytes()
}

/// What is known of an entry, by name; what is empty is left out.
fn parameters(row: &Row) -> Vec<(&'static str, String)> {
    let entry = &row.entry;
    let actor = entry.actor.clone().unwrap_or_default();
    let to = entry.recipient.clone().unwrap_or_default();
    let opened = row.wire.opened.clone().unwrap_or_default();
    let records: Vec<String> = entry.records.iter().map(|record| hex(&record.record_id)).collect();
    let number = |number: u64| if number == 0 { String::new() } else { number.to_string() };
    let all = [
        ("leaf_index", row.leaf().to_string()),
        ("leaf_hash", hex(&row.wire.leaf_hash)),
        ("decision", decision_name(entry.decision()).to_owned()),
        ("reason", entry.reason.clone()),
        ("outcome", row.wire.outcome.clone()),
        ("agency", actor.agency),
        ("system", actor.system),
        ("operator_id", opened.operator_id),
        ("purpose", entry.purpose_code.clone()),
        ("purpose_text", opened.purpose_text),
        ("recipient", to.agency),
        ("agreement", to.agreement),
        ("agreement_version", number(to.agreement_version.into())),
        ("clause", to.clause),
        ("records", records.join(" ")),
        ("request_id", hex(&entry.request_id)),
        ("count", number(entry.count)),
    ];
    all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

/// A parameter's value: `"`, `\` and `]` with a backslash before them (RFC 5424 section 6.3.3), and nothing that acts.
pub(super) fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in plain(value).chars() {
        if matches!(c, '"' | '\\' | ']') {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

/// A header field: printable ASCII without blanks, or a dash (RFC 5424 section 6).
fn word(text: &str, longest: usize) -> String {
    let word: String = text.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).take(longest).collect();
    if word.is_empty() { "-".into() } else { word }
}
