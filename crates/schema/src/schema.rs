//! The schemas in force: each compiled from its file, and what can be done with a record by them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use causeway_model::{Date, FieldNumber, FieldTable, Kind, RecordFacts, SchemaId, SchemaVersion};

use serde_json::Value;

use crate::classified::{Cells, Classified};
use crate::codes::CodeLists;
use crate::compat;
use crate::compile::{Compiled, compile, stated};
use crate::document::Document;
use crate::project::{Projected, project};
use crate::rules;
use crate::shape::Segment;
use crate::split::{Split, split};
use crate::violation::{MAX_VIOLATIONS, Violation};

/// Every schema version that the gateway knows.
#[derive(Debug)]
pub struct Schemas {
    by_id: BTreeMap<SchemaId, Arc<Schema>>,
}

impl Schemas {
    /// Compiles the files, with the texts of the code lists that their leaves name. Each string of the error names the
    /// schema, the leaf and what is wrong; all are listed. A minor version that would refuse what an earlier one of its
    /// major accepted, or protects a field less, is a fault too.
    ///
    /// # Errors
    /// Every fault, where there is one.
    pub fn compile(docs: &[(SchemaId, &str)], lists: &[&str]) -> Result<Self, Vec<String>> {
        let (mut by_id, mut faults) = (BTreeMap::new(), Vec::new());
        let lists = CodeLists::parse(lists, &mut faults);
        let ladders = Arc::new(lists.ladders());
        for (id, text) in docs {
            match compile(*id, text, &lists, &ladders) {
                Ok(compiled) => {
                    if by_id.insert(*id, Arc::new(Schema { id: *id, compiled })).is_some() {
                        faults.push(format!("{id}: stands twice"));
                    }
                }
                Err(found) => faults.extend(found.into_iter().map(|fault| format!("{id}: {fault}"))),
            }
        }
        faults.extend(renumbered(&by_id));
        faults.extend(incompatible(&by_id));
        if faults.is_empty() { Ok(Self { by_id }) } else { Err(faults) }
    }

    /// The schema of this kind and version.
    pub fn get(&self, id: SchemaId) -> Option<&Arc<Schema>> {
        self.by_id.get(&id)
    }

    /// The schema by which a record stored under `id` leaves: the newest minor version of the same major. A minor version
    /// accepts all that an earlier one accepted, under the same numbers, so it reads an older body as well. `None` where
    /// the version that the record was stored under is itself not known.
    pub fn newest_for(&self, id: SchemaId) -> Option<&Arc<Schema>> {
        self.by_id.get(&id)?;
        let last = SchemaId { kind: id.kind, version: SchemaVersion { major: id.version.major, minor: u16::MAX } };
        self.by_id.range(id..=last).next_back().map(|(_, schema)| schema)
    }

    /// All kinds and versions, in order.
    pub fn ids(&self) -> impl Iterator<Item = SchemaId> + '_ {
        self.by_id.keys().copied()
    }

    /// The leaves of each version of `kind`, oldest version first.
    pub fn tables(&self, kind: Kind) -> Vec<&FieldTable> {
        self.by_id.values().filter(|schema| schema.id.kind == kind).map(|schema| schema.fields()).collect()
    }

    /// Whether `code` is one that a field of `kind` may hold under any version. None where that cannot be told: no version has
    /// the field, or one of those that have it takes any text.
    pub fn knows_code(&self, kind: Kind, path: &str, code: &str) -> Option<bool> {
        let of_kind = self.by_id.values().filter(|schema| schema.id.kind == kind);
        let mut known = None;
        for schema in of_kind.filter(|schema| schema.compiled.shape.number(path).is_some()) {
            known = Some(schema.codes(path)?.any(|known| known == code) || known == Some(true));
        }
        known
    }
}

/// Numbers are what bodies hold for ever: within a kind, one number must mean the same path in every version.
fn renumbered(by_id: &BTreeMap<SchemaId, Arc<Schema>>) -> Vec<String> {
    let mut paths = BTreeMap::new();
    let mut faults = Vec::new();
    for (id, schema) in by_id {
        for spec in schema.fields().iter() {
            let first = paths.entry((id.kind, spec.number)).or_insert(&spec.path);
            if **first != spec.path {
                faults.push(format!("{id}: {}: the number {} was that of {first}", spec.path, spec.number.0));
            }
        }
    }
    faults
}

/// Each minor version against the one before it.
fn incompatible(by_id: &BTreeMap<SchemaId, Arc<Schema>>) -> Vec<String> {
    let pairs = by_id.values().zip(by_id.values().skip(1));
    let minors = pairs.filter(|(a, b)| a.id.kind == b.id.kind && a.id.version.major == b.id.version.major);
    let mut faults = Vec::new();
    for (earlier, later) in minors {
        let found = compat::faults(&earlier.compiled, &later.compiled);
        faults.extend(found.into_iter().map(|fault| format!("{}: {fault} (against {})", later.id, earlier.id.version)));
    }
    faults
}

/// One kind at one version.
pub struct Schema {
    id: SchemaId,
    compiled: Compiled,
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schema({})", self.id)
    }
}

impl Schema {
    /// The kind and version.
    pub fn id(&self) -> SchemaId {
        self.id
    }

    pub(crate) fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// All leaves.
    pub fn fields(&self) -> &FieldTable {
        &self.compiled.shape.table
    }

    /// The codes that a field may hold: those that the file lists, or that its code list has. None for a field that is not there
    /// or takes any text.
    pub fn codes(&self, path: &str) -> Option<impl Iterator<Item = &str>> {
        let file = &self.compiled.file;
        let leaf = Segment::of_path(path).iter().try_fold(file, |node, segment| match segment {
            Segment::Member(name) => stated(file, node, "properties")?.get(&**name),
            Segment::Item => stated(file, node, "items"),
        })?;
        Some(stated(file, leaf, "enum")?.as_array()?.iter().filter_map(Value::as_str))
    }

    /// Every rule that the record breaks, up to [`MAX_VIOLATIONS`]; none means that it may be split. `today` is the
    /// date (UTC) of receipt.
    pub fn validate(&self, document: &Document<'_>, today: Date) -> Vec<Violation> {
        let (root, validator) = (document.root(), &self.compiled.validator);
        let mut found = Vec::new();
        if !validator.is_valid(root) {
            let errors = validator.iter_errors(root).take(MAX_VIOLATIONS + 1);
            found.extend(errors.map(|error| Violation::of_schema(&error, &self.compiled.rules)));
        }
        rules::check(self.id.kind, &self.compiled.shape, root, today, &mut found);
        if found.len() > MAX_VIOLATIONS {
            found.truncate(MAX_VIOLATIONS);
            found.push(Violation::more());
        }
        found
    }

    /// Splits a record that [`Schema::validate`] found without violation. `pseudonymise` is given the scheme and the
    /// normalised value of each link field; what it returns is stored in the value's place.
    pub fn split(&self, document: &Document<'_>, pseudonymise: &dyn Fn(&str, &str) -> [u8; 32]) -> Split {
        split(&self.compiled.shape, document, pseudonymise)
    }

    /// What a release decision may look at.
    pub fn facts(&self, body: &Classified) -> RecordFacts {
        self.facts_of(&body.cells())
    }

    /// As [`Schema::facts`], of a body that has been taken apart.
    pub fn facts_of(&self, cells: &Cells<'_>) -> RecordFacts {
        self.compiled.facts.read(self.id.kind, cells)
    }

    /// The JSON object that a partner may see: the fields that `forms` lists, each in its form and never finer than
    /// its floor. `pseudonym` turns an internal pseudonym into the feed's own.
    pub fn project(
        &self,
        body: &Classified,
        forms: &dyn Fn(FieldNumber) -> Option<Projected>,
        pseudonym: &dyn Fn(&[u8; 32]) -> String,
    ) -> Vec<u8> {
        self.project_of(&body.cells(), forms, pseudonym)
    }

    /// As [`Schema::project`], of a body that has been taken apart.
    pub fn project_of(
        &self,
        cells: &Cells<'_>,
        forms: &dyn Fn(FieldNumber) -> Option<Projected>,
        pseudonym: &dyn Fn(&[u8; 32]) -> String,
    ) -> Vec<u8> {
        project(&self.compiled.shape, cells, forms, pseudonym)
    }
}
