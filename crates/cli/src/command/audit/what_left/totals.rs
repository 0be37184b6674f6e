//! What left to a partner in all: record versions, each once, and beside them how often they were read.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::audit::checks::Row;
use crate::text_table::TextTable;
use causeway_verify::plain::plain;

/// A record's version.
type Version = (String, u32);

/// What left in all.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pages: u64,
    identities: u64,
    numbers: u64,
    /// Withdrawals by feed and position.
    withdrawals: BTreeSet<(String, u64)>,
    /// Positions, read again or not, of pages of which this auditor is not shown what was in them.
    not_shown: u64,
    /// Entries that are in the journal and had no effect.
    without_effect: u64,
    /// What left, by clause and kind.
    records: BTreeMap<(String, String), Left>,
    tables: Vec<String>,
}

/// What left of one kind by one clause.
#[derive(Debug, Default)]
struct Left {
    versions: BTreeSet<Version>,
    /// A version that was pulled twice left twice.
    readings: u64,
}

/// The totals as JSON: the last line.
#[derive(Debug, Serialize)]
pub(super) struct TotalsForm<'a> {
    total: bool,
    pages: u64,
    withdrawals: usize,
    not_shown: u64,
    without_effect: u64,
    identities: u64,
    numbers: u64,
    records: Vec<RecordsForm<'a>>,
    tables: &'a [String],
}

#[derive(Debug, Serialize)]
struct RecordsForm<'a> {
    clause: &'a str,
    kind: &'a str,
    /// Different record versions.
    left: usize,
    readings: u64,
}

impl Totals {
    /// Takes a disclosure.
    pub(super) fn count(&mut self, row: &Row) {
        if !row.is_effective() {
            self.without_effect += 1;
            return;
        }
        match &row.entry.page {
            Some(page) if row.discloses_page() => {
                self.pages += 1;
                if row.wire.items.is_empty() {
                    self.not_shown += (page.to_position + 1).saturating_sub(page.from_position);
                }
            }
            _ if row.collects_identity() => self.identities += 1,
            // A step on the way: what is handed to its owner, or waits for who asked.
            _ if row.entry.reason.starts_with("identity-") => {}
            _ => self.numbers += 1,
        }
        let feed = row.entry.page.as_ref().map_or("", |page| page.feed.as_str());
        for item in &row.wire.items {
            if item.left {
                let left = self.records.entry((item.clause.clone(), item.kind.clone())).or_default();
                left.versions.insert((item.record_id.clone(), item.version));
                left.readings += 1;
            } else if item.version == 0 {
                self.withdrawals.insert((feed.to_owned(), item.position));
            }
        }
    }

    /// Takes a table that was published to the partner.
    pub(super) fn published(&mut self, row: &Row) {
        let table = row.entry.table.as_ref().filter(|_| row.is_effective());
        self.tables.extend(table.map(|table| format!("{} {} of {}", table.table, table.period, table.agreement)));
    }

    /// The last line as JSON.
    pub(super) fn form(&self) -> TotalsForm<'_> {
        let records = self.records.iter().map(|((clause, kind), left)| RecordsForm {
            clause,
            kind,
            left: left.versions.len(),
            readings: left.readings,
        });
        TotalsForm {
            total: true,
            pages: self.pages,
            withdrawals: self.withdrawals.len(),
            not_shown: self.not_shown,
            without_effect: self.without_effect,
            identities: self.identities,
            numbers: self.numbers,
            records: records.collect(),
            tables: &self.tables,
        }
    }

    /// The totals for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.records.is_empty() {
            let mut table = TextTable::new(["CLAUSE", "KIND", "VERSIONS", "READINGS"]);
            for ((clause, kind), left) in &self.records {
                let (versions, readings) = (left.versions.len().to_string(), left.readings.to_string());
                table.row([clause.clone(), kind.clone(), versions, readings]);
            }
            lines.push(String::new());
            lines.extend(table.lines());
        }
        lines.extend(self.tables.iter().map(|table| plain(&format!("published to it: {table}"))));
        lines
    }

    /// What the answer shows in all. It may be less than there is: an auditor's scope is not known here.
    pub(super) fn sentence(&self, partner: &str) -> String {
        // A version may have left by several clauses.
        let versions: BTreeSet<&Version> = self.records.values().flat_map(|left| &left.versions).collect();
        let readings: u64 = self.records.values().map(|left| left.readings).sum();
        let Self { pages, not_shown, without_effect, identities, numbers, .. } = self;
        let not_shown = match not_shown {
            0 => String::new(),
            positions => format!(
                " ({positions} positions, those read again among them, whose content is not shown to this auditor)"
            ),
        };
        let without_effect = match without_effect {
            0 => String::new(),
            entries => format!("; {entries} entries had no effect, and nothing left by them"),
        };
        format!(
            "{partner}, as far as this auditor may see: {} record versions in {readings} readings and {} withdrawals on {pages} pages{not_shown}; \
             {identities} identities collected, {numbers} answers with numbers, {} tables published to it{without_effect}",
            versions.len(),
            self.withdrawals.len(),
            self.tables.len()
        )
    }
}
