//! OCSF API Activity events (class 6003), one a line.

use causeway_journal::v1::{Entry, Operation};
use causeway_verify::operation_name;
use serde_json::{Map, Value, json};

use super::json_lines::line;
use crate::audit::checks::Row;
use causeway_verify::hex::hex;

/// The version of the schema that the events are of.
const SCHEMA_VERSION: &str = "1.3.0";
const CATEGORY: u64 = 6;
const CLASS: u64 = 6003;
/// Informational, and low.
const SEVERITY: [u64; 2] = [1, 2];
/// Activities: create, read, update, delete, another.
const CREATE: u64 = 1;
const READ: u64 = 2;
const UPDATE: u64 = 3;
const DELETE: u64 = 4;
const OTHER: u64 = 99;

/// The line of an entry.
pub(super) fn row(row: &Row) -> Vec<u8> {
    let entry = &row.entry;
    let (activity, name) = activity(entry);
    let allowed = row.is_allowed();
    let version = entry.software_version.strip_prefix("causeway/").unwrap_or(&entry.software_version);
    let mut event = json!({
        "category_uid": CATEGORY,
        "category_name": "Application Activity",
        "class_uid": CLASS,
        "class_name": "API Activity",
        "activity_id": activity,
        "activity_name": name,
        "type_uid": CLASS * 100 + activity,
        "time": entry.time_micros / 1_000,
        "severity_id": SEVERITY[usize::from(!allowed)],
        "status_id": if allowed { 1 } else { 2 },
        "status": if allowed { "Success" } else { "Failure" },
        "status_code": entry.reason,
        "actor": actor(row),
        "api": {
            "operation": operation_name(entry.operation()),
            "request": {"uid": hex(&entry.request_id)},
            "service": {"name": "causeway"},
        },
        "src_endpoint": source(row),
        "metadata": {
            "version": SCHEMA_VERSION,
            "uid": hex(&entry.entry_id),
            "log_name": "causeway journal",
            "sequence": row.leaf(),
            "product": {"name": "causeway", "vendor_name": "causeway", "version": version},
        },
        "unmapped": unmapped(row),
    });
    let resources: Vec<Value> = entry
        .records
        .iter()
        .map(
            |record| json!({"uid": hex(&record.record_id), "type": record.kind, "version": record.version.to_string()}),
        )
        .collect();
    if let Some(to) = entry.recipient.as_ref().filter(|to| !to.agency.is_empty()) {
        event["dst_endpoint"] = json!({"name": to.agency});
    }
    if !resources.is_empty() {
        event["resources"] = resources.into();
    }
    if entry.count > 0 {
        event["count"] = entry.count.into();
    }
    line(&event)
}

const fn activity_of(operation: Operation) -> (u64, &'static str) {
    match operation {
        Operation::Collection => (CREATE, "Create"),
        Operation::Consultation | Operation::Disclosure => (READ, "Read"),
        Operation::Alteration => (UPDATE, "Update"),
        Operation::Erasure => (DELETE, "Delete"),
        other => (OTHER, operation_name(other)),
    }
}

fn activity(entry: &Entry) -> (u64, &'static str) {
    activity_of(entry.operation())
}

fn actor(row: &Row) -> Value {
    let agency = row.entry.actor.as_ref().map(|actor| actor.agency.clone()).unwrap_or_default();
    let mut actor = json!({"app_name": row.system()});
    if let Some(person) = row.person() {
        actor["user"] = json!({"uid": person, "org": {"uid": agency, "name": agency}});
    }
    actor
}

/// Where the call came from: the address where it is opened, otherwise the system.
fn source(row: &Row) -> Value {
    let address = row.wire.opened.as_ref().map(|opened| opened.source_address.as_str());
    let mut source = json!({"name": row.system()});
    // Only what is an address stands as one.
    if let Some(ip) = address.and_then(|text| text.parse::<std::net::IpAddr>().ok()) {
        source["ip"] = ip.to_string().into();
    }
    source
}

fn unmapped(row: &Row) -> Value {
    let entry = &row.entry;
    let mut rest = Map::new();
    rest.insert("leaf_index".into(), row.leaf().into());
    rest.insert("leaf_hash".into(), hex(&row.wire.leaf_hash).into());
    rest.insert("outcome".into(), row.wire.outcome.clone().into());
    rest.insert("purpose".into(), entry.purpose_code.clone().into());
    if let Some(opened) = row.wire.opened.as_ref().filter(|opened| !opened.purpose_text.is_empty()) {
        rest.insert("purpose_text".into(), opened.purpose_text.clone().into());
    }
    if let Some(to) = &entry.recipient {
        rest.insert("agreement".into(), to.agreement.clone().into());
        rest.insert("agreement_version".into(), to.agreement_version.into());
        rest.insert("clause".into(), to.clause.clone().into());
    }
    if let Some(page) = &entry.page {
        rest.insert("positions".into(), json!([page.from_position, page.to_position]));
    }
    rest.into()
}
