//! What records show, as texts that can be compared: field by field at each step, and as a whole.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use causeway_agreement::{Clause, Form};
use causeway_cells::recoding::{self, Cell, MAX_COLUMNS};
use causeway_model::{Class, FieldPath, FieldTable, Kind, Ladder, RecordFacts, RecordId, Step};
use causeway_schema::{Classified, Schema};
use serde_json::Value;

use super::Recoding;
use crate::release::Candidate;
use crate::verdict::Through;
use crate::{Error, Exchange};

/// The field that a person's pseudonym derives from.
const PERSON_FIELD: &str = "subject_reference";

/// Who a record is about, as far as the gateway can tell. Never printed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Person {
    /// The person with this internal pseudonym.
    Known([u8; 32]),
    /// Nobody whom another record is about, as far as can be told.
    Of(RecordId),
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person(..)")
    }
}

/// A record that can be read.
pub(crate) struct View {
    pub(crate) schema: Arc<Schema>,
    pub(crate) classified: Classified,
    pub(crate) facts: RecordFacts,
}

impl View {
    pub(super) fn new(schema: Arc<Schema>, classified: Classified) -> Self {
        let facts = schema.facts(&classified);
        Self { schema, classified, facts }
    }

    pub(crate) fn person(&self, record: RecordId) -> Person {
        let known = std::cell::Cell::new(None);
        let form = |number| {
            let spec = self.schema.fields().by_number(number)?;
            (spec.path.as_str() == PERSON_FIELD).then_some(causeway_schema::Projected::Pseudonym)
        };
        self.schema.project(&self.classified, &form, &|internal| {
            known.set(Some(*internal));
            String::new()
        });
        known.get().filter(|_| !self.facts.anonymous).map_or(Person::Of(record), Person::Known)
    }

    /// Everything that an item shows, but for which pseudonym stands where one does.
    pub(super) fn document(&self, clause: &Clause, recoding: &Recoding) -> String {
        self.shown(clause, recoding, &|_| true).unwrap_or_default()
    }

    /// What an item shows of some fields; none where there is nothing of them.
    pub(super) fn shown(
        &self,
        clause: &Clause,
        recoding: &Recoding,
        of: &dyn Fn(&FieldPath) -> bool,
    ) -> Option<String> {
        let through = Through { clause, recoding };
        let form = |number| {
            let spec = self.schema.fields().by_number(number).filter(|spec| of(&spec.path))?;
            through.form(self.facts.child, spec)
        };
        let document = self.schema.project(&self.classified, &form, &|_| "p".to_owned());
        // The order of members says nothing; reading them sorts them.
        let value: Value = serde_json::from_slice(&document).ok()?;
        let is_empty = value.as_object().is_none_or(serde_json::Map::is_empty);
        (!is_empty).then(|| format!("{} {value}", self.schema.id().kind))
    }
}

/// The fields of a clause that a batch may make coarser, in ascending order, each with the steps at which it may leave.
#[derive(Debug)]
pub(super) struct Columns(Vec<(FieldPath, &'static [Step])>);

impl Columns {
    /// The coarse fields that the clause lists. More than there may be, and one that its kinds do not agree on, stay as they are.
    pub(super) fn of(clause: &Clause, tables: &dyn Fn(Kind) -> Vec<FieldTable>) -> Self {
        let tables: Vec<FieldTable> = clause.kinds.iter().flat_map(|kind| tables(*kind)).collect();
        let mut columns = BTreeMap::new();
        for (path, form) in &clause.fields {
            let specs: Vec<_> = tables.iter().filter_map(|table| table.by_path(path)).collect();
            let ladder = specs.first().filter(|spec| spec.class == Class::Coarse).and_then(|spec| spec.ladder);
            if let Some(ladder) = ladder.filter(|_| specs.iter().all(|spec| spec.ladder == ladder)) {
                columns.insert(path.clone(), steps(ladder, *form));
            }
        }
        Self(columns.into_iter().take(MAX_COLUMNS).collect())
    }

    pub(super) fn levels(&self) -> Vec<usize> {
        self.0.iter().map(|(_, steps)| steps.len()).collect()
    }

    fn has(&self, path: &FieldPath) -> bool {
        self.0.iter().any(|(column, _)| column == path)
    }

    /// What a choice says of the fields, where it makes them coarser than the clause does.
    pub(super) fn recoding(&self, choice: &[recoding::Step]) -> Recoding {
        let step = |steps: &'static [Step], step: &recoding::Step| match step {
            recoding::Step::Level(0) => None,
            recoding::Step::Level(level) => Some(steps.get(usize::from(*level)).copied()),
            recoding::Step::Dropped => Some(None),
        };
        let chosen = self.0.iter().zip(choice);
        chosen.filter_map(|((path, steps), chosen)| Some((path.clone(), step(steps, chosen)?))).collect()
    }

    /// What an item shows of each column, and of everything else.
    pub(super) fn look(&self, clause: &Clause, recoding: &Recoding, view: &View) -> Look {
        Look {
            columns: self.0.iter().map(|(path, _)| view.shown(clause, recoding, &|of| of == path)).collect(),
            others: view.shown(clause, recoding, &|of| !self.has(of)),
        }
    }
}

/// From the clause's step to the coarsest. The finest one is the clause's own form.
fn steps(ladder: Ladder, form: Form) -> &'static [Step] {
    let first = match form {
        Form::Step(step) => ladder.place_of(step).unwrap_or(0),
        Form::AsIs | Form::Pseudonym | Form::Coarsest => 0,
    };
    &ladder.steps()[first..]
}

/// What an item shows, taken apart.
#[derive(Clone)]
pub(super) struct Look {
    columns: Vec<Option<String>>,
    others: Option<String>,
}

/// Small numbers for texts and persons, as one batch uses them.
pub(super) struct Codes {
    columns: Vec<HashMap<String, u32>>,
    others: HashMap<Option<String>, u32>,
    persons: HashMap<Person, u64>,
}

impl Codes {
    pub(super) fn new(columns: &Columns) -> Self {
        let columns = columns.0.iter().map(|_| HashMap::new()).collect();
        Self { columns, others: HashMap::new(), persons: HashMap::new() }
    }

    /// A candidate at every step of every column.
    pub(super) fn row(
        &mut self,
        columns: &Columns,
        clause: &Clause,
        view: &View,
        person: Person,
    ) -> recoding::Candidate {
        let values = columns.0.iter().zip(&mut self.columns).map(|((path, steps), codes)| {
            let at = |level: usize| {
                let recoding = if level == 0 { Vec::new() } else { vec![(path.clone(), Some(steps[level]))] };
                view.shown(clause, &recoding, &|of| of == path)
            };
            (0..steps.len()).map(|level| at(level).map(|text| code(codes, text))).collect()
        });
        let values = values.collect();
        let others = view.shown(clause, &Vec::new(), &|of| !columns.has(of));
        recoding::Candidate { person: self.person(person), sensitive: code(&mut self.others, others), values }
    }

    pub(super) fn cell(&mut self, look: &Look) -> Cell {
        let texts = look.columns.iter().zip(&mut self.columns);
        let values = texts.map(|(text, codes)| text.clone().map(|text| code(codes, text))).collect();
        Cell { values, sensitive: code(&mut self.others, look.others.clone()) }
    }

    pub(super) fn person(&mut self, person: Person) -> u64 {
        let next = self.persons.len() as u64;
        *self.persons.entry(person).or_insert(next)
    }
}

fn code<T: std::hash::Hash + Eq>(codes: &mut HashMap<T, u32>, text: T) -> u32 {
    let next = u32::try_from(codes.len()).expect("a batch of 2^32 records does not fit in memory");
    *codes.entry(text).or_insert(next)
}

impl Exchange {
    /// The candidates' records, those that can be read.
    pub(crate) async fn views(&self, candidates: &[Candidate]) -> Result<Vec<Option<View>>, Error> {
        let wanted: Vec<_> = self.journal().read(|state| {
            let made = |candidate: &Candidate| {
                let record = state.record(&candidate.record)?;
                crate::submit::leaf_of(record, candidate.version)
            };
            candidates.iter().map(|candidate| (candidate.record, made(candidate).unwrap_or(candidate.leaf))).collect()
        });
        let bodies = self.bodies_of(&wanted).await?;
        bodies.into_iter().map(|body| body.map(|body| self.view(&body.body)).transpose()).collect()
    }

    pub(super) fn view(&self, body: &causeway_journal::v1::Body) -> Result<View, Error> {
        let (schema, classified) = self.classified(body)?;
        Ok(View::new(schema, classified))
    }

    /// The fields of a kind, in the newest of its schemas.
    pub(super) fn field_tables(&self, kind: Kind) -> Vec<FieldTable> {
        self.governed().schemas.tables(kind).last().map(|table| FieldTable::clone(table)).into_iter().collect()
    }
}
