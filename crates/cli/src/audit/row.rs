//! A row as JSON, and the words that its tables share.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use causeway_journal::REASON_IDENTITY_COLLECTED;
use causeway_journal::v1::{Decision, Operation};
use causeway_model::Timestamp;
use causeway_proto::v1::{DisclosedItem, OpenedTexts};
use causeway_verify::{entry_fields, operation_name};
use serde::Serialize;
use serde_json::{Map, Value};

use super::checks::Row;
use crate::entry_text;
use crate::text_table::free_text;
use causeway_verify::hex::hex;

/// Shown for a person where the operator id was not stated, has been erased, or is not this auditor's to see.
pub(crate) const UNKNOWN: &str = "-";

/// A row as JSON: its place and hash, what the entry says, and what came beside it.
#[derive(Debug, Serialize)]
pub(crate) struct RowForm {
    leaf_index: u64,
    leaf_hash: String,
    outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    record_left: Option<bool>,
    #[serde(flatten)]
    fields: Map<String, Value>,
    #[serde(flatten)]
    beside: Beside,
}

/// What comes beside an entry where it was asked for.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Beside {
    #[serde(skip_serializing_if = "Option::is_none")]
    opened: Option<OpenedForm>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    items: Vec<ItemForm>,
    /// Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

#[derive(Debug, Serialize)]
struct OpenedForm {
    #[serde(skip_serializing_if = "String::is_empty")]
    purpose_text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    operator_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    source_address: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    case_reference: String,
    /// Hexadecimal.
    nonce: String,
}

/// What one position of a page held.
#[derive(Debug, Serialize)]
pub(crate) struct ItemForm {
    position: u64,
    record_id: String,
    #[serde(skip_serializing_if = "is_zero")]
    version: u32,
    kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    clause: String,
    left: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_zero(version: &u32) -> bool {
    *version == 0
}

impl RowForm {
    /// Of an answer about one record, or of another.
    pub(crate) fn new(row: &Row, about_record: bool) -> Self {
        Self {
            leaf_index: row.leaf(),
            leaf_hash: hex(&row.wire.leaf_hash),
            outcome: row.wire.outcome.clone(),
            record_left: (about_record && row.discloses_page()).then_some(row.wire.record_left),
            fields: entry_fields(&row.entry),
            beside: Beside::of(row),
        }
    }
}

impl Beside {
    /// What came beside this entry.
    pub(crate) fn of(row: &Row) -> Self {
        let opened = |opened: &OpenedTexts| OpenedForm {
            purpose_text: opened.purpose_text.clone(),
            operator_id: opened.operator_id.clone(),
            source_address: opened.source_address.clone(),
            case_reference: opened.case_reference.clone(),
            nonce: hex(&opened.nonce),
        };
        Self {
            opened: row.wire.opened.as_ref().map(opened),
            items: row.wire.items.iter().map(ItemForm::of).collect(),
            text: Some(&row.wire.text).filter(|text| !text.is_empty()).map(|text| STANDARD.encode(text)),
        }
    }
}

impl ItemForm {
    /// An item as JSON.
    pub(crate) fn of(item: &DisclosedItem) -> Self {
        let DisclosedItem { position, record_id, version, kind, clause, left } = item.clone();
        Self { position, record_id, version, kind, clause, left }
    }
}

impl Row {
    /// Whether it is a page of a feed that was disclosed.
    pub(crate) fn discloses_page(&self) -> bool {
        self.entry.operation() == Operation::Disclosure && self.is_allowed() && self.entry.page.is_some()
    }

    /// Whether by this entry an identity came to who had asked for it.
    pub(crate) fn collects_identity(&self) -> bool {
        self.is_allowed() && self.is_effective() && self.entry.reason == REASON_IDENTITY_COLLECTED
    }

    /// Whether it was done, not refused.
    pub(crate) fn is_allowed(&self) -> bool {
        self.entry.decision() == Decision::Allowed
    }

    /// When, as RFC 3339.
    pub(crate) fn time(&self) -> String {
        Timestamp(self.entry.time_micros).to_string()
    }

    /// The system that acted, as agency/system.
    pub(crate) fn system(&self) -> String {
        entry_text::actor(&self.entry)
    }

    /// The person who acted as a table's cell: the operator id, which anybody may have chosen, in quotes; a dash where it is not known.
    pub(crate) fn person_cell(&self) -> String {
        self.person().map_or_else(|| UNKNOWN.to_owned(), free_text)
    }

    /// Whether it is as it says: the journal's rules made of the entry what its operation and reason state.
    pub(crate) fn is_effective(&self) -> bool {
        self.wire.outcome == "effective"
    }

    /// What apply made of the entry in brackets, where that is not what it states; to be put behind what is said of it.
    pub(crate) fn outcome_remark(&self) -> String {
        if self.is_effective() { String::new() } else { format!(" [{}]", entry_text::outcome(&self.wire.outcome)) }
    }

    /// The operation and the reason, and that it was denied where it was.
    pub(crate) fn deed(&self) -> String {
        let denied = if self.is_allowed() { "" } else { "DENIED " };
        format!("{denied}{} ({})", operation_name(self.entry.operation()), self.entry.reason)
    }

    /// Agreement and version, where there is one.
    pub(crate) fn under(&self) -> String {
        match &self.entry.recipient {
            Some(to) if to.agreement.is_empty() => UNKNOWN.to_owned(),
            Some(to) if to.agreement_version == 0 => to.agreement.clone(),
            Some(to) => format!("{} v{}", to.agreement, to.agreement_version),
            None => self.entry.page.as_ref().map_or_else(|| UNKNOWN.to_owned(), |page| page.feed.clone()),
        }
    }

    /// The recipient agency, where there is one.
    pub(crate) fn recipient(&self) -> &str {
        self.entry.recipient.as_ref().map_or("", |to| to.agency.as_str())
    }
}
