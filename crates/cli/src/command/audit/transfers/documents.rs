//! The agreements and schemas that came into force, from the journal itself: what made a transfer lawful and what a clause gives.

use std::collections::BTreeMap;

use causeway_agreement::{Agreement, Form};
use causeway_journal::v1::DocumentKind;
use causeway_model::{Class, Kind, SchemaId, TransferCondition};
use causeway_schema::Schemas;
use serde::Serialize;

use crate::audit::checks::Row;

/// The documents that were in force at some time.
#[derive(Debug, Default)]
pub(super) struct Documents {
    agreements: BTreeMap<(String, u32), Agreement>,
    schemas: BTreeMap<String, String>,
    /// The newest text of each.
    lists: BTreeMap<String, String>,
    compiled: Option<Schemas>,
}

/// What a clause gives of one kind of record, by the schema's classes. Each field with its form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Description {
    /// Class `open`: as recorded, or coarser where the clause says so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) open: Vec<String>,
    /// Class `coarse`: made coarser.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) coarse: Vec<String>,
    /// Class `link`: as this feed's own pseudonyms.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) link: Vec<String>,
    /// Where the schema does not say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) other: Vec<String>,
}

impl Documents {
    /// Takes a document that came into force, with its text, which has been held to the entry's digest.
    pub(super) fn take(&mut self, row: &Row) {
        let Some(document) = &row.entry.document else { return };
        let text = String::from_utf8_lossy(&row.wire.text).into_owned();
        if text.is_empty() || row.wire.outcome != "effective" {
            return;
        }
        match document.kind() {
            DocumentKind::Agreement => {
                if let Ok(agreement) = Agreement::parse(&text) {
                    self.agreements.insert((document.id.clone(), document.version), agreement);
                }
            }
            DocumentKind::Schema => drop(self.schemas.insert(document.id.clone(), text)),
            DocumentKind::CodeList => drop(self.lists.insert(document.id.clone(), text)),
            DocumentKind::Agency | DocumentKind::Unspecified => {}
        }
    }

    /// Makes the schemas ready; without them a description has no classes.
    pub(super) fn compile(&mut self) {
        let schemas: Vec<(SchemaId, &str)> =
            self.schemas.iter().filter_map(|(id, text)| Some((id.parse().ok()?, text.as_str()))).collect();
        let lists: Vec<&str> = self.lists.values().map(String::as_str).collect();
        self.compiled = Schemas::compile(&schemas, &lists).ok();
    }

    /// The agreement of this id and version.
    pub(super) fn agreement(&self, id: &str, version: u32) -> Option<&Agreement> {
        self.agreements.get(&(id.to_owned(), version))
    }

    /// What a clause of an agreement gives of this kind of record.
    pub(super) fn description(&self, agreement: &Agreement, clause: &str, kind: &str) -> Option<Description> {
        let clause = clause.rsplit('/').next().unwrap_or(clause).parse().ok()?;
        let kind: Kind = kind.parse().ok()?;
        let clause = agreement.clause(&clause)?;
        let table = self.compiled.as_ref().and_then(|schemas| schemas.tables(kind).pop());
        let mut description = Description::default();
        for (path, form) in clause.fields_of(false) {
            let spec = table.and_then(|table| table.by_path(path));
            // A clause may list the fields of several kinds.
            if table.is_some() && spec.is_none() {
                continue;
            }
            let fields = match spec.map(|spec| spec.class) {
                Some(Class::Open) => &mut description.open,
                Some(Class::Coarse) => &mut description.coarse,
                Some(Class::Link) => &mut description.link,
                Some(Class::Sealed) | None => &mut description.other,
            };
            fields.push(named(path.as_str(), *form));
        }
        Some(description)
    }
}

/// A field with its form, where that is not as it is recorded.
fn named(path: &str, form: Form) -> String {
    match form {
        Form::AsIs | Form::Pseudonym => path.to_owned(),
        Form::Step(step) => format!("{path} ({step})"),
        Form::Coarsest => format!("{path} (coarsest)"),
    }
}

/// The provision that a condition is of, and what it says.
pub(super) const fn provision(condition: TransferCondition) -> &'static str {
    match condition {
        TransferCondition::Regulations => "DPA 2018 s.74AA: the country is approved by regulations",
        TransferCondition::Instrument => "DPA 2018 s.75(1)(a): a legal instrument with safeguards binds the recipient",
        TransferCondition::Assessment => {
            "DPA 2018 s.75(1)(b): the controller assessed the safeguards (data protection test)"
        }
        TransferCondition::VitalInterests => "DPA 2018 s.76(1)(a): somebody's vital interests",
        TransferCondition::LegitimateInterests => "DPA 2018 s.76(1)(b): the data subject's legitimate interests",
        TransferCondition::SeriousThreat => "DPA 2018 s.76(1)(c): an immediate and serious threat",
        TransferCondition::LawEnforcement => "DPA 2018 s.76(1)(d): a law-enforcement purpose in an individual case",
        TransferCondition::Legal => "DPA 2018 s.76(1)(e): a legal purpose in an individual case",
    }
}
