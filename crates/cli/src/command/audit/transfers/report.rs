//! The report: transfers summed up by recipient and day, or one by one, each with its justification and what it was.

use std::collections::{BTreeMap, BTreeSet};

use causeway_agreement::Agreement;
use causeway_journal::v1::Recipient;
use causeway_model::{SchemaId, Timestamp};
use serde::Serialize;

use super::documents::{Description, Documents, provision};
use crate::audit::checks::Row;
use crate::audit::row::UNKNOWN;
use crate::text_table::TextTable;
use causeway_verify::plain::plain;

/// Leaf indices that a line names; of more it says how many.
const NAMED_LEAVES: usize = 20;

/// In the place of a kind where an auditor is not shown what was in a page.
const NOT_SHOWN: &str = "not shown to this auditor";

/// What stands for the kind of a collected identity.
const IDENTITY: &str = "identity";

/// What a line stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Per {
    /// A recipient's day (UTC).
    Day,
    /// One disclosure.
    Transfer,
}

/// What is summed up in one line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// The date, or date and time.
    when: String,
    /// 0 for a day.
    leaf: u64,
    recipient: String,
    agreement: String,
    version: u32,
    kind: String,
    clause: String,
    /// The schema by which it left, which a day may change.
    schema: Option<SchemaId>,
}

#[derive(Debug, Default)]
struct Sum {
    /// What was read, each once.
    records: BTreeSet<Read>,
    readings: u64,
    purposes: BTreeSet<String>,
    leaves: Vec<u64>,
    disclosures: u64,
}

/// What is read: a record's version, a position of a feed where no more is shown, or the identity that an entry handed over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Read {
    Version(String, u32),
    Position(String, u64),
    Identity(Vec<u8>),
}

/// The transfers of a span of time.
#[derive(Debug)]
pub(super) struct Report<'d> {
    per: Per,
    documents: &'d Documents,
    sums: BTreeMap<Key, Sum>,
    without_records: u64,
    without_effect: u64,
    numbers: u64,
}

/// One line as JSON.
#[derive(Debug, Serialize)]
pub(super) struct TransferForm {
    when: String,
    recipient: String,
    agreement: String,
    agreement_version: u32,
    /// The condition's code, as the agreement states it.
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer_condition: Option<&'static str>,
    justification: String,
    purposes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    onward_transfer: Option<&'static str>,
    category: String,
    clause: String,
    /// The schema by which it left.
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<String>,
    /// Different record versions, or identities.
    records: usize,
    /// How often they were read.
    readings: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Description>,
    disclosures: u64,
    leaf_indices: Vec<u64>,
}

impl<'d> Report<'d> {
    pub(super) const fn new(per: Per, documents: &'d Documents) -> Self {
        Self { per, documents, sums: BTreeMap::new(), without_records: 0, without_effect: 0, numbers: 0 }
    }

    /// Takes a disclosure.
    pub(super) fn take(&mut self, row: &Row) {
        let to = row.entry.recipient.clone().unwrap_or_default();
        // What the owner is handed of its own goes under no agreement.
        if to.agreement.is_empty() {
            return;
        }
        if !row.is_effective() {
            self.without_effect += 1;
            return;
        }
        let mut parts = BTreeMap::<(String, String), Vec<Read>>::new();
        let whole = |kind: &str| (kind.to_owned(), UNKNOWN.to_owned());
        match () {
            () if row.collects_identity() => {
                parts.insert(whole(IDENTITY), vec![Read::Identity(row.entry.identity_request.clone())]);
            }
            () if row.discloses_page() && row.wire.items.is_empty() => {
                drop(parts.insert(whole(NOT_SHOWN), served(row)))
            }
            () if row.discloses_page() => {
                for item in row.wire.items.iter().filter(|item| item.left) {
                    let read = Read::Version(item.record_id.clone(), item.version);
                    parts.entry((item.kind.clone(), item.clause.clone())).or_default().push(read);
                }
            }
            () if row.entry.reason.starts_with("identity-") => return,
            () => return self.numbers += 1,
        }
        parts.retain(|_, reads| !reads.is_empty());
        self.without_records += u64::from(parts.is_empty());
        for (part, reads) in parts {
            self.add(row, &to, part, reads);
        }
    }

    fn add(&mut self, row: &Row, to: &Recipient, (kind, clause): (String, String), reads: Vec<Read>) {
        let time = Timestamp(row.entry.time_micros);
        let (when, leaf) = match self.per {
            Per::Day => (time.date().to_string(), 0),
            Per::Transfer => (time.to_string(), row.leaf()),
        };
        let schema = self.documents.schema_of(&kind, row.leaf());
        let (recipient, agreement, version) = (to.agency.clone(), to.agreement.clone(), to.agreement_version);
        let sum = self.sums.entry(Key { when, leaf, recipient, agreement, version, kind, clause, schema }).or_default();
        sum.readings += reads.len() as u64;
        sum.records.extend(reads);
        sum.disclosures += 1;
        sum.purposes.insert(row.entry.purpose_code.clone());
        if sum.leaves.len() < NAMED_LEAVES {
            sum.leaves.push(row.leaf());
        }
    }

    /// The lines as JSON.
    pub(super) fn forms(&self) -> Vec<TransferForm> {
        self.sums.iter().map(|(key, sum)| self.form(key, sum)).collect()
    }

    fn form(&self, key: &Key, sum: &Sum) -> TransferForm {
        let agreement = self.documents.agreement(&key.agreement, key.version).and_then(Option::as_ref);
        TransferForm {
            when: key.when.clone(),
            recipient: key.recipient.clone(),
            agreement: key.agreement.clone(),
            agreement_version: key.version,
            transfer_condition: agreement.map(|agreement| agreement.transfer_condition.as_str()),
            justification: self.justification(key),
            purposes: sum.purposes.iter().cloned().collect(),
            onward_transfer: agreement.map(|agreement| agreement.onward_transfer.as_str()),
            category: key.kind.clone(),
            clause: key.clause.clone(),
            schema: key.schema.map(|schema| schema.to_string()),
            records: sum.records.len(),
            readings: sum.readings,
            description: agreement.and_then(|found| self.description(found, key, sum)),
            disclosures: sum.disclosures,
            leaf_indices: sum.leaves.clone(),
        }
    }

    /// What a line's clause gave, by the schemas in force when it first did.
    fn description(&self, agreement: &Agreement, key: &Key, sum: &Sum) -> Option<Description> {
        self.documents.description(agreement, &key.clause, &key.kind, sum.leaves.first().copied()?)
    }

    fn justification(&self, key: &Key) -> String {
        match self.documents.agreement(&key.agreement, key.version) {
            Some(Some(agreement)) => provision(agreement.transfer_condition).to_owned(),
            Some(None) => "not known: the agreement's text does not read".to_owned(),
            None => "not shown to this auditor: the agreement's text is in the journal".to_owned(),
        }
    }

    /// The report for people: a table, then what each clause gives.
    pub(super) fn lines(&self) -> Vec<String> {
        if self.sums.is_empty() {
            return Vec::new();
        }
        let mut table = TextTable::new([
            "WHEN",
            "RECIPIENT",
            "UNDER",
            "PURPOSES",
            "CATEGORY",
            "CLAUSE",
            "RECORDS",
            "READINGS",
            "DISCLOSURES",
            "LEAVES",
        ]);
        for (key, sum) in &self.sums {
            let clause = key.clause.rsplit('/').next().unwrap_or_default();
            table.row([
                key.when.clone(),
                key.recipient.clone(),
                format!("{} v{}", key.agreement, key.version),
                sum.purposes.iter().cloned().collect::<Vec<_>>().join(" "),
                key.kind.clone(),
                clause.to_owned(),
                sum.records.len().to_string(),
                sum.readings.to_string(),
                sum.disclosures.to_string(),
                leaves(sum),
            ]);
        }
        let mut lines = table.lines();
        let justified: BTreeSet<(&str, u32)> =
            self.sums.keys().map(|key| (key.agreement.as_str(), key.version)).collect();
        for (agreement, version) in justified {
            lines.extend(self.about(agreement, version));
        }
        lines
    }

    /// Why transfers under an agreement's version were lawful, and what its clauses gave.
    fn about(&self, id: &str, version: u32) -> Vec<String> {
        let of = |(key, _): &(&Key, &Sum)| key.agreement == id && key.version == version;
        let sums: Vec<(&Key, &Sum)> = self.sums.iter().filter(of).collect();
        let mut lines = vec![String::new()];
        lines.extend(sums.first().map(|(key, _)| format!("{id} v{version}: {}", self.justification(key))));
        let agreement = self.documents.agreement(id, version).and_then(Option::as_ref);
        let Some(agreement) = agreement else { return plainly(lines) };
        lines.push(format!("  onward transfer: {}", agreement.onward_transfer.as_str()));
        // Of lines that differ in their day only, the first.
        let mut given = BTreeMap::new();
        for (key, sum) in sums {
            given.entry((key.clause.as_str(), key.kind.as_str(), key.schema)).or_insert((key, sum));
        }
        for ((clause, kind, schema), (key, sum)) in given {
            if kind == IDENTITY {
                lines.push(
                    "  identity: the identity behind one pseudonym, sealed to the recipient, by two persons' approval"
                        .into(),
                );
            }
            let Some(description) = self.description(agreement, key, sum) else { continue };
            let clause = clause.rsplit('/').next().unwrap_or_default();
            let schema = schema.map_or_else(String::new, |schema| format!(" ({schema})"));
            lines.push(format!("  {clause} gives of a {kind}{schema}:"));
            lines.extend(
                description.unclassified.iter().map(|fault| format!("    fields without their classes: {fault}")),
            );
            lines.extend(fields(&description));
            if let Some(of_child) = &description.of_child {
                lines.push(format!("  {clause} gives of a {kind} of a child{schema}:"));
                lines.extend(fields(of_child));
            }
        }
        plainly(lines)
    }

    /// What the report says in all, for beside it.
    pub(super) fn sentence(&self) -> String {
        let records: BTreeSet<(&str, &Read)> = self
            .sums
            .iter()
            .flat_map(|(key, sum)| sum.records.iter().map(|read| (key.recipient.as_str(), read)))
            .collect();
        let readings: u64 = self.sums.values().map(|sum| sum.readings).sum();
        let Self { without_records, without_effect, numbers, .. } = self;
        let without_effect = match without_effect {
            0 => String::new(),
            entries => format!("; {entries} entries had no effect, and nothing left by them"),
        };
        format!(
            "{} records and identities were transferred in {readings} readings, as far as this auditor may see; {without_records} pages held no personal data \
             (withdrawals, or nothing yet), {numbers} answers were published numbers{without_effect}",
            records.len()
        )
    }
}

/// What is given, by its form.
fn fields(description: &Description) -> Vec<String> {
    let parts = [
        ("as recorded", &description.open),
        ("coarse, at the step named or at the floor", &description.coarse),
        ("as this feed's pseudonyms", &description.link),
        ("not classified", &description.other),
    ];
    let parts = parts.iter().filter(|(_, fields)| !fields.is_empty());
    parts.map(|(how, fields)| format!("    {how}: {}", fields.join(", "))).collect()
}

fn plainly(lines: Vec<String>) -> Vec<String> {
    lines.iter().map(|line| plain(line)).collect()
}

fn leaves(sum: &Sum) -> String {
    let named: Vec<String> = sum.leaves.iter().map(ToString::to_string).collect();
    let more = sum.disclosures - sum.leaves.len() as u64;
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", named.join(" "))
}

/// Positions of a page that were served as they stand, withdrawals among them: more is not known without its items.
fn served(row: &Row) -> Vec<Read> {
    let Some(page) = &row.entry.page else { return Vec::new() };
    let set = |bits: &[u8], index: usize| bits.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1);
    let there = (page.from_position..=page.to_position).enumerate();
    let there = there.filter(|(index, _)| !set(&page.withheld, *index) && !set(&page.deferred, *index));
    there.map(|(_, position)| Read::Position(page.feed.clone(), position)).collect()
}

#[cfg(test)]
mod tests;
