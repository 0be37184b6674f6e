//! The agreements and schemas that came into force, from the journal itself: what made a transfer lawful and what a clause gives.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use causeway_agreement::{Agreement, Form};
use causeway_journal::v1::DocumentKind;
use causeway_model::{Class, FieldPath, FieldTable, Kind, SchemaId, TransferCondition};
use causeway_schema::Schemas;
use serde::Serialize;

use crate::audit::checks::Row;

/// The documents that came into force, and when.
#[derive(Debug, Default)]
pub(super) struct Documents {
    /// None for a text that does not read.
    agreements: BTreeMap<(String, u32), Option<Agreement>>,
    /// In the order of the journal.
    changes: Vec<Change>,
    /// The schemas that were in force after so many changes, or why they do not compile.
    compiled: RefCell<BTreeMap<usize, Rc<Compiled>>>,
}

type Compiled = Result<Schemas, String>;

/// A schema or a code list came into force.
#[derive(Debug)]
struct Change {
    leaf: u64,
    kind: DocumentKind,
    id: String,
    text: String,
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
    /// Why the schema does not say, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unclassified: Option<String>,
    /// What it gives of a child's record, where that is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) of_child: Option<Box<Self>>,
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
                self.agreements.insert((document.id.clone(), document.version), Agreement::parse(&text).ok());
            }
            kind @ (DocumentKind::Schema | DocumentKind::CodeList) => {
                self.changes.push(Change { leaf: row.leaf(), kind, id: document.id.clone(), text });
            }
            DocumentKind::Agency | DocumentKind::Unspecified => {}
        }
    }

    /// The agreement of this id and version; none within for one whose text does not read.
    pub(super) fn agreement(&self, id: &str, version: u32) -> Option<&Option<Agreement>> {
        self.agreements.get(&(id.to_owned(), version))
    }

    /// The schema by which a kind of record left at this place of the journal: the newest of those in force then.
    pub(super) fn schema_of(&self, kind: &str, leaf: u64) -> Option<SchemaId> {
        let schemas = self.before(leaf).iter().filter(|change| change.kind == DocumentKind::Schema);
        let kind: Kind = kind.parse().ok()?;
        schemas.filter_map(|change| change.id.parse::<SchemaId>().ok()).filter(|id| id.kind == kind).max()
    }

    /// What a clause of an agreement gives of this kind of record, by the schemas in force at this place of the journal.
    pub(super) fn description(
        &self,
        agreement: &Agreement,
        clause: &str,
        kind: &str,
        leaf: u64,
    ) -> Option<Description> {
        let clause = clause.rsplit('/').next().unwrap_or(clause).parse().ok()?;
        let kind: Kind = kind.parse().ok()?;
        let clause = agreement.clause(&clause)?;
        let schemas = self.schemas_at(leaf);
        let (table, unclassified) = match &*schemas {
            Ok(schemas) => (schemas.tables(kind).pop(), None),
            Err(fault) => (None, Some(fault.clone())),
        };
        let mut description = described(clause.fields_of(false), table);
        let of_child = described(clause.fields_of(true), table);
        description.of_child = (of_child != description).then(|| Box::new(of_child));
        description.unclassified = unclassified;
        Some(description)
    }

    fn before(&self, leaf: u64) -> &[Change] {
        &self.changes[..self.changes.partition_point(|change| change.leaf < leaf)]
    }

    fn schemas_at(&self, leaf: u64) -> Rc<Compiled> {
        let changes = self.before(leaf);
        let mut compiled = self.compiled.borrow_mut();
        Rc::clone(compiled.entry(changes.len()).or_insert_with(|| Rc::new(compile(changes))))
    }
}

/// The schemas that these changes leave in force, each in its newest text.
fn compile(changes: &[Change]) -> Compiled {
    let of = |kind: DocumentKind| {
        let texts = changes.iter().filter(move |change| change.kind == kind);
        texts.map(|change| (change.id.as_str(), change.text.as_str())).collect::<BTreeMap<_, _>>()
    };
    let schemas = of(DocumentKind::Schema).into_iter().map(|(id, text)| id.parse().map(|id| (id, text)));
    let schemas: Vec<(SchemaId, &str)> = schemas
        .collect::<Result<_, _>>()
        .map_err(|_| "one of the schemas that were in force has no schema's id".to_owned())?;
    let lists: Vec<&str> = of(DocumentKind::CodeList).into_values().collect();
    Schemas::compile(&schemas, &lists).map_err(|faults| {
        let first = faults.first().map_or("", String::as_str);
        format!("the schemas that were in force do not compile: {first}; faults: {}", faults.len())
    })
}

fn described(fields: &[(FieldPath, Form)], table: Option<&FieldTable>) -> Description {
    let mut description = Description::default();
    for (path, form) in fields {
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
    description
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
