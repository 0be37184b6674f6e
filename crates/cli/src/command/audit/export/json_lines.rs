//! JSON Lines, the canonical form (`causeway-audit-export/1`, docs/audit-export.md): entries with their proofs, in parts that each rest on
//! a checkpoint.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use causeway_proto::v1::QueryRequest;
use causeway_verify::entry_fields;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::audit::checks::{Begin, Row};
use crate::audit::row::Beside;
use causeway_verify::hex::hex;
use causeway_verify::plain::plain_json;

/// The form's name.
const FORMAT: &str = "causeway-audit-export/1";

#[derive(Debug, Serialize)]
struct Header<'a> {
    r#type: &'static str,
    format: &'static str,
    gateway: &'a str,
    query: Map<String, Value>,
    newest_first: bool,
    proofs: bool,
}

#[derive(Debug, Serialize)]
struct CheckpointLine<'a> {
    r#type: &'static str,
    checkpoint: &'a str,
    tree_size: u64,
    consistency: Vec<String>,
}

#[derive(Debug, Serialize)]
struct RowLine {
    r#type: &'static str,
    leaf_index: u64,
    leaf_hash: String,
    entry: String,
    outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    record_left: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<Vec<String>>,
    fields: Map<String, Value>,
    #[serde(flatten)]
    beside: Beside,
}

#[derive(Debug, Serialize)]
struct End<'a> {
    r#type: &'static str,
    rows: u64,
    checkpoint: &'a str,
    tree_size: u64,
}

/// The first line, without its end.
pub(super) fn header(gateway: &str, request: &QueryRequest) -> String {
    text(&Header {
        r#type: "header",
        format: FORMAT,
        gateway,
        query: filters(request),
        newest_first: request.newest_first,
        proofs: request.prove,
    })
}

/// The filters that are set, by the names of their fields.
fn filters(request: &QueryRequest) -> Map<String, Value> {
    let texts = [
        ("record_id", &request.record_id),
        ("pseudonym", &request.pseudonym),
        ("agency", &request.agency),
        ("system", &request.system),
        ("operator_id", &request.operator_id),
        ("recipient", &request.recipient),
        ("agreement", &request.agreement),
        ("clause", &request.clause),
        ("operation", &request.operation),
        ("purpose", &request.purpose),
        ("decision", &request.decision),
        ("reason", &request.reason),
        ("outcome", &request.outcome),
        ("request_id", &request.request_id),
    ];
    let numbers = [
        ("from_micros", request.from_micros),
        ("to_micros", request.to_micros),
        ("from_leaf_index", request.from_leaf_index),
        ("to_leaf_index", request.to_leaf_index),
    ];
    let texts = texts.into_iter().filter(|(_, text)| !text.is_empty());
    let texts = texts.map(|(name, text)| (name.to_owned(), Value::from(text.as_str())));
    let numbers = numbers.into_iter().filter(|(_, number)| *number > 0);
    texts.chain(numbers.map(|(name, number)| (name.to_owned(), number.into()))).collect()
}

/// The line that begins a part.
pub(super) fn checkpoint(begin: &Begin, consistency: &[Vec<u8>]) -> Vec<u8> {
    line(&CheckpointLine {
        r#type: "checkpoint",
        checkpoint: &begin.note,
        tree_size: begin.checkpoint.size,
        consistency: consistency.iter().map(|hash| hex(hash)).collect(),
    })
}

/// The line of an entry. `about_record`: whether the question was about one record.
pub(super) fn row(row: &Row, proofs: bool, about_record: bool) -> Vec<u8> {
    line(&RowLine {
        r#type: "row",
        leaf_index: row.leaf(),
        leaf_hash: hex(&row.wire.leaf_hash),
        entry: STANDARD.encode(&row.wire.entry),
        outcome: row.wire.outcome.clone(),
        record_left: (about_record && row.discloses_page()).then_some(row.wire.record_left),
        proof: proofs.then(|| row.wire.proof.iter().map(|hash| hex(hash)).collect()),
        fields: entry_fields(&row.entry),
        beside: Beside::of(row),
    })
}

/// The last line.
pub(super) fn end(rows: u64, begin: &Begin) -> Vec<u8> {
    line(&End { r#type: "end", rows, checkpoint: &begin.note, tree_size: begin.checkpoint.size })
}

/// A value as a line of JSON in which nothing acts on a terminal.
pub(super) fn line(value: &impl Serialize) -> Vec<u8> {
    (text(value) + "\n").into_bytes()
}

fn text(value: &impl Serialize) -> String {
    plain_json(&serde_json::to_string(value).expect("a value of texts and numbers is JSON"))
}
