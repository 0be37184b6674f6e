//! What an entry says, as JSON members: what exports show beside an entry's bytes, and what a verifier makes of the bytes again to
//! see that nobody changed what is shown. The members are listed in `docs/audit-export.md`.

use std::fmt::Write;

use causeway_journal::v1::{
    Approval, Decision, Document, DocumentAction, DocumentKind, Entry, KeyChange, Operation, Page, Recipient,
    RecordRef, Release, ReleaseBatch, RosterNode,
};
use causeway_model::Timestamp;
use serde_json::{Map, Value};

const MICROS_A_DAY: u64 = 86_400_000_000;

/// The operation as exports, commands and filters name it: the six of DPA 2018 s.62, then the journal's own.
pub const fn operation_name(operation: Operation) -> &'static str {
    match operation {
        Operation::Unspecified => "unknown",
        Operation::Collection => "collection",
        Operation::Alteration => "alteration",
        Operation::Consultation => "consultation",
        Operation::Disclosure => "disclosure",
        Operation::Combination => "combination",
        Operation::Erasure => "erasure",
        Operation::Authentication => "authentication",
        Operation::Document => "document",
        Operation::Key => "key",
        Operation::Retention => "retention",
        Operation::Administration => "administration",
    }
}

/// The decision as exports, commands and filters name it.
pub const fn decision_name(decision: Decision) -> &'static str {
    match decision {
        Decision::Unspecified => "unknown",
        Decision::Allowed => "allowed",
        Decision::Denied => "denied",
    }
}

/// All that an entry says, but for message codes and commitments, which say nothing to people. A member that would be empty or 0 is
/// left out. Times are RFC 3339 with milliseconds, byte strings lower-case hexadecimal, dates `YYYY-MM-DD`.
pub fn entry_fields(entry: &Entry) -> Map<String, Value> {
    let mut fields = Fields::default();
    fields.text("time", &Timestamp(entry.time_micros).to_string());
    fields.number("time_micros", entry.time_micros);
    fields.bytes("entry_id", &entry.entry_id);
    fields.text("node", &entry.node);
    fields.text("software", &entry.software_version);
    fields.text("operation", operation_name(entry.operation()));
    fields.text("decision", decision_name(entry.decision()));
    fields.text("reason", &entry.reason);
    if let Some(actor) = &entry.actor {
        fields.text("agency", &actor.agency);
        fields.text("system", &actor.system);
        fields.bytes("certificate", &actor.certificate_digest);
    }
    fields.text("purpose", &entry.purpose_code);
    fields.object("recipient", entry.recipient.as_ref().map(recipient));
    fields.list("records", entry.records.iter().map(record));
    fields.object("releases", entry.releases.as_ref().map(releases));
    fields.list("withdrawals", entry.withdrawals.iter().map(|gone| of_feed(&gone.feed, "record_id", &gone.record_id)));
    fields.object("page", entry.page.as_ref().map(page));
    fields.object("document", entry.document.as_ref().map(document));
    fields.list("approvals", entry.approvals.iter().map(approval));
    fields.number("count", entry.count);
    fields.number("byte_count", entry.byte_count);
    fields.bytes("body_digest", &entry.body_digest);
    fields.bytes("request_id", &entry.request_id);
    fields.object("key_change", entry.key_change.as_ref().map(key_change));
    fields.bytes("subject_digest", &entry.subject_digest);
    fields.bytes("identity_request", &entry.identity_request);
    fields.number("rules_version", entry.rules_version.into());
    rest(&mut fields, entry);
    fields.0
}

/// What few entries have.
fn rest(fields: &mut Fields, entry: &Entry) {
    if let Some(head) = &entry.tree_head {
        let mut object = Fields::default();
        object.number("size", head.size);
        object.bytes("root", &head.root);
        fields.object("tree_head", Some(object));
    }
    if let Some(roster) = &entry.roster {
        let mut object = Fields::default();
        object.number("version", roster.version.into());
        object.list("nodes", roster.nodes.iter().map(node));
        fields.object("roster", Some(object));
    }
    fields.number("erasure_order", entry.erasure_order);
    fields.number("releaser_term", entry.releaser_term);
    if let Some(limits) = &entry.daily_limits {
        let mut object = Fields::default();
        object.number("of_agency", limits.of_agency);
        object.number("of_system", limits.of_system);
        fields.object("daily_limits", Some(object));
    }
    if let Some(period) = &entry.period {
        let mut object = Fields::default();
        object.text("from", &Timestamp(period.from_micros).to_string());
        object.text("to", &Timestamp(period.to_micros).to_string());
        fields.object("period", Some(object));
    }
    if let Some(note) = &entry.acknowledgement {
        let mut object = Fields::default();
        object.text("feed", &note.feed);
        object.number("up_to_position", note.up_to_position);
        object.number("item_position", note.item_position);
        fields.object("acknowledgement", Some(object));
    }
    if let Some(dates) = &entry.retention {
        let mut object = Fields::default();
        object.day("retain_until", dates.retain_until_day);
        object.day("review_due", dates.review_due_day);
        fields.object("retention", Some(object));
    }
    if let Some(table) = &entry.table {
        let mut object = Fields::default();
        object.text("agreement", &table.agreement);
        object.number("agreement_version", table.agreement_version.into());
        object.text("table", &table.table);
        object.text("period", &table.period);
        fields.object("table", Some(object));
    }
    if let Some(overdue) = &entry.overdue {
        let mut object = Fields::default();
        object.text("feed", &overdue.feed);
        object.0.insert("positions".into(), overdue.positions.clone().into());
        fields.object("overdue", Some(object));
    }
}

fn recipient(recipient: &Recipient) -> Fields {
    let mut object = Fields::default();
    object.text("agency", &recipient.agency);
    object.text("agreement", &recipient.agreement);
    object.number("agreement_version", recipient.agreement_version.into());
    object.text("clause", &recipient.clause);
    object
}

fn record(record: &RecordRef) -> Fields {
    let mut object = Fields::default();
    object.bytes("record_id", &record.record_id);
    object.number("version", record.version.into());
    object.number("expected_version", record.expected_version.into());
    object.text("kind", &record.kind);
    object.text("schema_version", &record.schema_version);
    object
}

fn releases(batch: &ReleaseBatch) -> Fields {
    let release = |release: &Release| {
        let mut object = Fields::default();
        object.bytes("record_id", &release.record_id);
        object.number("version", release.version.into());
        object.text("clause", &release.clause);
        object
    };
    let mut object = Fields::default();
    object.text("feed", &batch.feed);
    object.number("agreement_version", batch.agreement_version.into());
    object.number("considered_leaves", batch.considered_leaves);
    object.list("releases", batch.releases.iter().map(release));
    object.flag("closes_evaluation", batch.closes_evaluation);
    object
}

fn page(page: &Page) -> Fields {
    let mut object = Fields::default();
    object.text("feed", &page.feed);
    object.number("from_position", page.from_position);
    object.number("to_position", page.to_position);
    object.bytes("digest", &page.digest);
    object.bytes("withheld", &page.withheld);
    object.bytes("deferred", &page.deferred);
    object
}

fn document(document: &Document) -> Fields {
    let kind = match document.kind() {
        DocumentKind::Unspecified => "unknown",
        DocumentKind::Agency => "agency",
        DocumentKind::Agreement => "agreement",
        DocumentKind::Schema => "schema",
        DocumentKind::CodeList => "code-list",
    };
    let action = match document.action() {
        DocumentAction::Unspecified => "unknown",
        DocumentAction::Activate => "activate",
        DocumentAction::Suspend => "suspend",
    };
    let mut object = Fields::default();
    object.text("kind", kind);
    object.text("id", &document.id);
    object.number("version", document.version.into());
    object.bytes("digest", &document.digest);
    object.text("action", action);
    object
}

fn approval(approval: &Approval) -> Fields {
    let mut object = Fields::default();
    object.text("agency", &approval.agency);
    object.text("person", &approval.person);
    object.bytes("public_key", &approval.public_key);
    object
}

fn key_change(change: &KeyChange) -> Fields {
    let mut object = Fields::default();
    object.text("key", &change.key);
    object.number("epoch", change.epoch.into());
    object.bytes("public_key", &change.public_key);
    object.text("action", &change.action);
    object
}

fn node(node: &RosterNode) -> Fields {
    let mut object = Fields::default();
    object.number("number", node.number.into());
    object.text("name", &node.name);
    object
}

fn of_feed(feed: &str, name: &str, id: &[u8]) -> Fields {
    let mut object = Fields::default();
    object.text("feed", feed);
    object.bytes(name, id);
    object
}

/// Members of a JSON object; those that would say nothing are left out.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn text(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.0.insert(name.to_owned(), text.into());
        }
    }

    fn number(&mut self, name: &str, number: u64) {
        if number > 0 {
            self.0.insert(name.to_owned(), number.into());
        }
    }

    fn flag(&mut self, name: &str, flag: bool) {
        if flag {
            self.0.insert(name.to_owned(), true.into());
        }
    }

    fn bytes(&mut self, name: &str, bytes: &[u8]) {
        self.text(name, &hex(bytes));
    }

    fn day(&mut self, name: &str, day: u32) {
        if day > 0 {
            self.text(name, &Timestamp(u64::from(day) * MICROS_A_DAY).date().to_string());
        }
    }

    fn object(&mut self, name: &str, object: Option<Self>) {
        if let Some(object) = object {
            self.0.insert(name.to_owned(), object.0.into());
        }
    }

    fn list(&mut self, name: &str, objects: impl Iterator<Item = Self>) {
        let list: Vec<Value> = objects.map(|object| object.0.into()).collect();
        if !list.is_empty() {
            self.0.insert(name.to_owned(), list.into());
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes every text");
        text
    })
}

#[cfg(test)]
mod tests {
    use causeway_journal::v1::{Actor, Overdue, RetentionDates};

    use super::*;

    #[test]
    fn what_is_there_is_said_and_what_is_not_is_left_out() {
        let entry = Entry {
            time_micros: 1_795_305_600_000_000,
            operation: Operation::Disclosure.into(),
            decision: Decision::Allowed.into(),
            reason: "disclosed".into(),
            actor: Some(Actor { agency: "al-police".into(), system: "feed".into(), ..Actor::default() }),
            records: vec![RecordRef { record_id: vec![0xab; 16], version: 2, ..RecordRef::default() }],
            retention: Some(RetentionDates { retain_until_day: 20_000, review_due_day: 0 }),
            overdue: Some(Overdue { feed: "ISA-AL-2026-014".into(), positions: vec![3, 7] }),
            ..Entry::default()
        };
        let expected = serde_json::json!({
            "time": "2026-11-22T00:00:00.000Z",
            "time_micros": 1_795_305_600_000_000_u64,
            "operation": "disclosure",
            "decision": "allowed",
            "reason": "disclosed",
            "agency": "al-police",
            "system": "feed",
            "records": [{"record_id": "ab".repeat(16), "version": 2}],
            "retention": {"retain_until": "2024-10-04"},
            "overdue": {"feed": "ISA-AL-2026-014", "positions": [3, 7]},
        });
        assert_eq!(Value::Object(entry_fields(&entry)), expected);
    }
}
