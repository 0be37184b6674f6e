//! The report: transfers summed up by recipient and day, or one by one, each with its justification and what it was.

use std::collections::{BTreeMap, BTreeSet};

use causeway_journal::REASON_IDENTITY_COLLECTED;
use causeway_model::Timestamp;
use serde::Serialize;

use super::documents::{Description, Documents, provision};
use crate::audit::checks::Row;
use crate::audit::row::UNKNOWN;
use crate::plain::plain;
use crate::text_table::TextTable;

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
}

#[derive(Debug, Default)]
struct Sum {
    records: u64,
    purposes: BTreeSet<String>,
    leaves: Vec<u64>,
    disclosures: u64,
}

/// The transfers of a span of time.
#[derive(Debug)]
pub(super) struct Report<'d> {
    per: Per,
    documents: &'d Documents,
    sums: BTreeMap<Key, Sum>,
    without_records: u64,
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
    records: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Description>,
    disclosures: u64,
    leaf_indices: Vec<u64>,
}

impl<'d> Report<'d> {
    pub(super) const fn new(per: Per, documents: &'d Documents) -> Self {
        Self { per, documents, sums: BTreeMap::new(), without_records: 0, numbers: 0 }
    }

    /// Takes a disclosure.
    pub(super) fn take(&mut self, row: &Row) {
        let to = row.entry.recipient.clone().unwrap_or_default();
        // What the owner is handed of its own goes under no agreement.
        if to.agreement.is_empty() || row.wire.outcome != "effective" {
            return;
        }
        let mut parts = BTreeMap::<(String, String), u64>::new();
        match () {
            () if row.entry.reason == REASON_IDENTITY_COLLECTED => {
                parts.insert((IDENTITY.into(), UNKNOWN.into()), 1);
            }
            () if row.discloses_page() && row.wire.items.is_empty() => {
                parts.insert((NOT_SHOWN.into(), UNKNOWN.into()), served(row));
            }
            () if row.discloses_page() => {
                for item in row.wire.items.iter().filter(|item| item.left) {
                    *parts.entry((item.kind.clone(), item.clause.clone())).or_default() += 1;
                }
            }
            () if row.entry.reason.starts_with("identity-") => return,
            () => return self.numbers += 1,
        }
        parts.retain(|_, records| *records > 0);
        self.without_records += u64::from(parts.is_empty());
        let time = Timestamp(row.entry.time_micros);
        let (when, leaf) = match self.per {
            Per::Day => (time.date().to_string(), 0),
            Per::Transfer => (time.to_string(), row.leaf()),
        };
        for ((kind, clause), records) in parts {
            let (when, recipient, agreement) = (when.clone(), to.agency.clone(), to.agreement.clone());
            let key = Key { when, leaf, recipient, agreement, version: to.agreement_version, kind, clause };
            let sum = self.sums.entry(key).or_default();
            sum.records += records;
            sum.disclosures += 1;
            sum.purposes.insert(row.entry.purpose_code.clone());
            if sum.leaves.len() < NAMED_LEAVES {
                sum.leaves.push(row.leaf());
            }
        }
    }

    /// The lines as JSON.
    pub(super) fn forms(&self) -> Vec<TransferForm> {
        self.sums.iter().map(|(key, sum)| self.form(key, sum)).collect()
    }

    fn form(&self, key: &Key, sum: &Sum) -> TransferForm {
        let agreement = self.documents.agreement(&key.agreement, key.version);
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
            records: sum.records,
            description: agreement.and_then(|found| self.documents.description(found, &key.clause, &key.kind)),
            disclosures: sum.disclosures,
            leaf_indices: sum.leaves.clone(),
        }
    }

    fn justification(&self, key: &Key) -> String {
        match self.documents.agreement(&key.agreement, key.version) {
            Some(agreement) => provision(agreement.transfer_condition).to_owned(),
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
                sum.records.to_string(),
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
        let keys: Vec<&Key> = self.sums.keys().filter(|key| key.agreement == id && key.version == version).collect();
        let mut lines = vec![String::new()];
        lines.extend(keys.first().map(|key| format!("{id} v{version}: {}", self.justification(key))));
        let Some(agreement) = self.documents.agreement(id, version) else { return plainly(lines) };
        lines.push(format!("  onward transfer: {}", agreement.onward_transfer.as_str()));
        let given: BTreeSet<(&str, &str)> = keys.iter().map(|key| (key.clause.as_str(), key.kind.as_str())).collect();
        for (clause, kind) in given {
            if kind == IDENTITY {
                lines.push(
                    "  identity: the identity behind one pseudonym, sealed to the recipient, by two persons' approval"
                        .into(),
                );
            }
            let Some(description) = self.documents.description(agreement, clause, kind) else { continue };
            let clause = clause.rsplit('/').next().unwrap_or_default();
            lines.push(format!("  {clause} gives of a {kind}:"));
            let parts = [
                ("as recorded", &description.open),
                ("coarse, at the step named or at the floor", &description.coarse),
                ("as this feed's pseudonyms", &description.link),
                ("", &description.other),
            ];
            let parts = parts.iter().filter(|(_, fields)| !fields.is_empty());
            lines.extend(parts.map(|(how, fields)| format!("    {how}: {}", fields.join(", "))));
        }
        plainly(lines)
    }

    /// What the report says in all, for beside it.
    pub(super) fn sentence(&self) -> String {
        let records: u64 = self.sums.values().map(|sum| sum.records).sum();
        let Self { without_records, numbers, .. } = self;
        format!(
            "{records} records and identities were transferred; {without_records} pages held no personal data (withdrawals, or nothing yet), {numbers} answers were \
             published numbers"
        )
    }
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
fn served(row: &Row) -> u64 {
    let Some(page) = &row.entry.page else { return 0 };
    let set = |bits: &[u8]| bits.iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>();
    (page.to_position + 1).saturating_sub(page.from_position).saturating_sub(set(&page.withheld) + set(&page.deferred))
}

#[cfg(test)]
mod tests {
    use causeway_journal::v1::{Document, DocumentKind, Entry, Operation, Page, Recipient};
    use causeway_proto::v1::DisclosedItem;

    use super::*;
    use crate::audit::test_answers::{entry, row};

    const AGREEMENT: &str = include_str!("../../../../../../config/agreements/ISA-AL-2026-014.toml");
    const PROFILE: &str = include_str!("../../../../../../config/schemas/victim-profile-1.0.json");
    const LISTS: [&str; 11] = [
        include_str!("../../../../../../config/schemas/codes/causeway.json"),
        include_str!("../../../../../../config/schemas/codes/country.json"),
        include_str!("../../../../../../config/schemas/codes/ctdc.json"),
        include_str!("../../../../../../config/schemas/codes/handling.json"),
        include_str!("../../../../../../config/schemas/codes/htcds.json"),
        include_str!("../../../../../../config/schemas/codes/hti.json"),
        include_str!("../../../../../../config/schemas/codes/isic.json"),
        include_str!("../../../../../../config/schemas/codes/nrm.json"),
        include_str!("../../../../../../config/schemas/codes/organisation.json"),
        include_str!("../../../../../../config/schemas/codes/region.json"),
        include_str!("../../../../../../config/schemas/codes/transport.json"),
    ];

    fn documents() -> Documents {
        let mut documents = Documents::default();
        let mut take = |kind: DocumentKind, id: &str, text: &str| {
            let document = Document { kind: kind.into(), id: id.into(), version: 1, ..Document::default() };
            let mut row = row(1, Entry { document: Some(document), ..entry(0, Operation::Document, "activated") });
            row.wire.text = text.into();
            documents.take(&row);
        };
        take(DocumentKind::Agreement, "ISA-AL-2026-014", AGREEMENT);
        take(DocumentKind::Schema, "victim-profile/1.0", PROFILE);
        LISTS.iter().enumerate().for_each(|(number, list)| take(DocumentKind::CodeList, &number.to_string(), list));
        documents.compile();
        documents
    }

    fn disclosure(leaf: u64, minute: u64, left: [bool; 2]) -> Row {
        let recipient = Recipient {
            agency: "al-police".into(),
            agreement: "ISA-AL-2026-014".into(),
            agreement_version: 1,
            ..Recipient::default()
        };
        let page = Page { feed: "ISA-AL-2026-014".into(), from_position: 1, to_position: 2, ..Page::default() };
        let entry = Entry {
            page: Some(page),
            recipient: Some(recipient),
            purpose_code: "investigation".into(),
            ..entry(minute, Operation::Disclosure, "disclosed")
        };
        let mut row = row(leaf, entry);
        row.wire.items = left
            .into_iter()
            .map(|left| DisclosedItem {
                kind: "victim-profile".into(),
                clause: "ISA-AL-2026-014/c3.1".into(),
                left,
                ..DisclosedItem::default()
            })
            .collect();
        row
    }

    #[test]
    fn a_recipients_day_is_one_line_with_its_justification_and_what_it_was() {
        let documents = documents();
        let mut report = Report::new(Per::Day, &documents);
        report.take(&disclosure(5, 1, [true, true]));
        report.take(&disclosure(7, 2, [true, false]));
        report.take(&disclosure(9, 3, [false, false]));
        report.take(&disclosure(11, 1_441, [true, false]));
        let forms = report.forms();
        assert_eq!(forms.len(), 2, "two days");
        assert_eq!((forms[0].when.as_str(), forms[0].records, &forms[0].leaf_indices), ("2026-11-22", 3, &vec![5, 7]));
        assert_eq!(forms[0].transfer_condition, Some("s75_instrument"));
        assert!(forms[0].justification.starts_with("DPA 2018 s.75(1)(a)"));
        let description = forms[0].description.clone().expect("the clause is known");
        assert_eq!(description.link, ["subject_reference"]);
        assert!(description.coarse.contains(&"referral_date (quarter)".to_owned()), "{description:?}");
        assert!(description.open.contains(&"nrm_route".to_owned()), "{description:?}");
        assert!(description.other.is_empty(), "{description:?}");
        assert!(
            report.sentence().starts_with("4 records and identities were transferred; 1 pages"),
            "{}",
            report.sentence()
        );
        let text = report.lines().join("\n");
        assert!(
            text.contains("c3.1 gives of a victim-profile:") && text.contains("as this feed's pseudonyms"),
            "{text}"
        );
    }

    #[test]
    fn each_transfer_is_a_line_where_that_is_asked_and_an_identity_is_one() {
        let documents = documents();
        let mut report = Report::new(Per::Transfer, &documents);
        report.take(&disclosure(5, 1, [true, true]));
        report.take(&disclosure(7, 2, [true, false]));
        let mut identity = disclosure(9, 3, [true, true]);
        (identity.entry.page, identity.entry.reason) = (None, REASON_IDENTITY_COLLECTED.into());
        identity.wire.items.clear();
        report.take(&identity);
        let mut owners = identity.clone();
        owners.entry.recipient = Some(Recipient { agency: "gb-nca".into(), ..Recipient::default() });
        report.take(&owners);
        let forms = report.forms();
        assert_eq!(
            forms.iter().map(|form| form.category.as_str()).collect::<Vec<_>>(),
            ["victim-profile", "victim-profile", "identity"]
        );
        assert_eq!(forms[0].when, "2026-11-22T00:01:00.000Z");
    }

    #[test]
    fn without_documents_and_items_the_report_says_so() {
        let documents = Documents::default();
        let mut report = Report::new(Per::Day, &documents);
        let mut row = disclosure(5, 1, [true, true]);
        row.wire.items.clear();
        report.take(&row);
        let forms = report.forms();
        assert_eq!((forms[0].records, forms[0].category.as_str(), &forms[0].description), (2, NOT_SHOWN, &None));
        assert!(forms[0].justification.contains("not shown"), "{}", forms[0].justification);
    }
}
