//! Checking what an agreement's clauses list, and what its tables count by, against the fields of the schemas.

use causeway_model::{Class, FieldPath, FieldSpec, FieldTable, Floor, Kind, Step};

use crate::{Agreement, Clause, Dimension, Fault, Form};

/// The field that a person's pseudonym derives from; listing it links one person's records within a feed.
const PERSON_FIELD: &str = "subject_reference";

impl Agreement {
    /// Every listed field that no agreement may ask for, or not in this form; every form of a child's field that is finer than the
    /// clause's own; and every dimension of a table that no agreement may count by. Without lines: `Lines` finds them in the text.
    ///
    /// `tables` gives the field tables of a kind, one for each of its schema versions. A field must be known to one
    /// of the clause's kinds, and may leave only if each table that has it allows the form.
    pub fn check_fields<'t>(&self, tables: &dyn Fn(Kind) -> Vec<&'t FieldTable>) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (index, clause) in self.clauses.iter().enumerate() {
            let of_clause: Vec<&FieldTable> = clause.kinds.iter().flat_map(|kind| tables(*kind)).collect();
            for (path, form) in &clause.fields {
                let place = format!("clauses[{index}].fields.\"{path}\"");
                faults.extend(
                    faults_of(clause, path, *form, &of_clause).into_iter().map(|what| Fault::new(&place, what)),
                );
            }
            for (path, form) in stated_for_children(clause) {
                let place = format!("clauses[{index}].child_fields.\"{path}\"");
                faults.extend(child_fault(clause, path, *form, &of_clause).map(|what| Fault::new(place, what)));
            }
        }
        for (index, table) in self.tables.iter().enumerate() {
            let fields = tables(table.kind);
            for dimension in table.dimensions.iter().filter(|dimension| !may_count(**dimension, table.kind, &fields)) {
                let what = format!("{dimension} is read from a field that no agreement may count by");
                faults.push(Fault::new(format!("tables[{index}].dimensions"), what));
            }
        }
        faults
    }
}

/// A child's fields, where the clause states them: what follows from the clause's own fields is as sound as those.
fn stated_for_children(clause: &Clause) -> &[(FieldPath, Form)] {
    if clause.child_fields == Clause::coarsest_of(&clause.fields) { &[] } else { &clause.child_fields }
}

fn faults_of(clause: &Clause, path: &FieldPath, form: Form, tables: &[&FieldTable]) -> Vec<String> {
    let specs: Vec<&FieldSpec> = tables.iter().filter_map(|table| table.by_path(path)).collect();
    if specs.is_empty() {
        return vec!["is not a field of the clause's kinds".into()];
    }
    let mut faults: Vec<String> = specs.iter().filter_map(|spec| fault_of(spec, form)).collect();
    faults.dedup();
    if path.as_str() == PERSON_FIELD && !clause.link_persons {
        faults.push("links persons, which the clause does not: state link_persons = true with its reason".into());
    }
    faults
}

/// What is wrong with this form of a child's field, if anything.
fn child_fault(clause: &Clause, path: &FieldPath, form: Form, tables: &[&FieldTable]) -> Option<String> {
    let own = clause.form_for(false, path)?;
    tables.iter().filter_map(|table| table.by_path(path)).find_map(|spec| {
        let finer = || Some("is finer than among the fields of the clause".to_owned());
        fault_of(spec, form).or_else(|| if form.is_within(own, spec.ladder) { None } else { finer() })
    })
}

/// What is wrong with this form of this field, if anything.
fn fault_of(spec: &FieldSpec, form: Form) -> Option<String> {
    if spec.class == Class::Sealed {
        return Some("is sealed and never leaves".into());
    }
    let Floor::Finest(floor) = spec.floor else {
        return Some("may leave under no agreement".into());
    };
    match (spec.class, form) {
        (Class::Link, Form::Pseudonym) => None,
        (Class::Link, _) => Some("is a link field and leaves as \"pseudonym\" only".into()),
        (_, Form::Pseudonym) => Some("is not a link field: it has no pseudonym".into()),
        (Class::Open, Form::Step(_)) => Some("is an open field and has no steps: write \"exact\"".into()),
        (Class::Open, _) | (_, Form::Coarsest) => None,
        (_, Form::AsIs) => coarse_fault(spec, floor, Step::Exact),
        (_, Form::Step(step)) => coarse_fault(spec, floor, step),
    }
}

fn coarse_fault(spec: &FieldSpec, floor: Step, step: Step) -> Option<String> {
    let Some(ladder) = spec.ladder else {
        return Some("has no ladder in the schema".into());
    };
    if ladder.allows(floor, step) {
        return None;
    }
    let steps = ladder.steps().iter().filter(|step| ladder.allows(floor, **step)).map(|step| format!("\"{step}\""));
    Some(format!("may not leave at \"{step}\": use one of {}", steps.collect::<Vec<_>>().join(", ")))
}

/// Whether records may be counted by a dimension: each field that it is read from is known, and may leave at the step at which it
/// is counted.
fn may_count(dimension: Dimension, kind: Kind, tables: &[&FieldTable]) -> bool {
    let (paths, step) = dimension.fields(kind);
    paths.iter().all(|path| {
        let path = path.parse().ok();
        let specs: Vec<&FieldSpec> =
            tables.iter().filter_map(|table| path.as_ref().and_then(|path| table.by_path(path))).collect();
        let form = step.map_or(Form::AsIs, Form::Step);
        !specs.is_empty() && specs.iter().all(|spec| spec.class != Class::Link && fault_of(spec, form).is_none())
    })
}
