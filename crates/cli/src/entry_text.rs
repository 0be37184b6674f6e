//! Entries in words, for people. Everything in an entry may be read by whoever holds it: there is no identifier in one.

use causeway_journal::v1::{Decision, Entry, Operation};
use causeway_model::Timestamp;

use crate::hex::hex;

/// One line that says who did what when, and why.
pub(crate) fn summary(entry: &Entry) -> String {
    let mut text = format!("{} {} {}", Timestamp(entry.time_micros), actor(entry), operation(entry.operation()));
    if entry.decision() == Decision::Denied {
        text.push_str(" DENIED");
    }
    text.push_str(&format!(" ({})", entry.reason));
    if let Some(document) = &entry.document {
        text.push_str(&format!(" {} v{}", document.id, document.version));
    }
    if !entry.purpose_code.is_empty() {
        text.push_str(&format!(", for {}", entry.purpose_code));
    }
    if let Some(recipient) = &entry.recipient {
        text.push_str(&format!(
            ", to {} under {} v{}",
            recipient.agency, recipient.agreement, recipient.agreement_version
        ));
    }
    if let Some(page) = &entry.page {
        text.push_str(&format!(", positions {} to {}", page.from_position, page.to_position));
    }
    text
}

/// What the entry says, on a few lines.
pub(crate) fn describe(entry: &Entry) -> Vec<String> {
    let mut lines = vec![summary(entry)];
    for record in &entry.records {
        lines.push(format!(
            "record {} version {} ({}/{})",
            hex(&record.record_id),
            record.version,
            record.kind,
            record.schema_version
        ));
    }
    if let Some(releases) = &entry.releases {
        lines.push(format!("releases {} records to the feed {}", releases.releases.len(), releases.feed));
    }
    if let Some(document) = &entry.document {
        lines.push(format!("document {} version {}, digest {}", document.id, document.version, hex(&document.digest)));
    }
    for approval in &entry.approvals {
        lines.push(format!("approved by {} of {}", approval.person, approval.agency));
    }
    lines.push(format!("written by {} ({})", entry.node, entry.software_version));
    lines
}

fn actor(entry: &Entry) -> String {
    match &entry.actor {
        Some(actor) if !actor.system.is_empty() => format!("{}/{}", actor.agency, actor.system),
        Some(actor) if !actor.agency.is_empty() => actor.agency.clone(),
        _ => "the gateway".into(),
    }
}

/// The operation in the words of DPA 2018 s.62, and the journal's own.
pub(crate) const fn operation(operation: Operation) -> &'static str {
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
