//! What could join the items of a feed to each other, to another feed, or to what is known elsewhere. Pseudonyms alone join
//! neither two feeds nor two owners; what else an agreement lets leave may, and whoever approves it should know.

use causeway_model::{FieldPath, FieldSpec, FieldTable, Kind, Ladder, Step};

use crate::relaxation::DEFAULT_MINIMUM_CELL;
use crate::{Agreement, Clause, Form, ReleasePeriod};

/// Something to think about before an agreement is approved; not a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Where it is, as a fault's.
    pub place: String,
    /// What follows from what is stated there.
    pub what: String,
}

/// The last member of the paths of open fields of which few records share a value.
const RARE_MEMBERS: &[&str] = &["unlocode"];

impl Agreement {
    /// What of this agreement could join items, clause by clause. `tables` is as for `check_fields`.
    pub fn joins<'t>(&self, tables: &dyn Fn(Kind) -> Vec<&'t FieldTable>) -> Vec<Note> {
        let mut notes = Vec::new();
        for (index, clause) in self.clauses.iter().enumerate() {
            let tables: Vec<&FieldTable> = clause.kinds.iter().flat_map(|kind| tables(*kind)).collect();
            let mut note = |key: &str, what: Option<String>| {
                notes.extend(what.map(|what| Note { place: format!("clauses[{index}].{key}"), what }));
            };
            note("release", by_arrival(clause));
            note("link_persons", by_pseudonym(clause));
            note("fields", by_rare_values(clause, &tables));
            note("minimum_cell", by_combination(clause));
        }
        notes
    }

    /// What of this agreement, together with another one, could join the items of their two feeds: the fields that both show in
    /// the same form, where one of them shows combinations that few persons share.
    pub fn joins_with(&self, other: &Self) -> Vec<Note> {
        let mut notes = Vec::new();
        for (index, own) in self.clauses.iter().enumerate() {
            for their in &other.clauses {
                let kinds: Vec<&str> =
                    own.kinds.iter().filter(|kind| their.kinds.contains(kind)).map(|kind| kind.as_str()).collect();
                let shared = shown(own).filter(|(path, form)| their.form_for(false, path) == Some(*form));
                let shared = names(shared.map(|(path, _)| path));
                if !kinds.is_empty() && !shared.is_empty() && (is_small(own) || is_small(their)) {
                    let (kinds, id, clause) = (kinds.join(" and "), &other.id, &their.id);
                    let what = format!(
                        "{id}/{clause} shows {kinds} with the same fields in the same form; whoever has both feeds can \
                         join items by {}",
                        shared.join(", ")
                    );
                    notes.push(Note { place: format!("clauses[{index}].fields"), what });
                }
            }
        }
        notes
    }
}

fn by_arrival(clause: &Clause) -> Option<String> {
    let what = "an item arrives as soon as its record is submitted: its time can join it to an event, or to an item of \
                another feed that arrives with it";
    (clause.release == ReleasePeriod::Immediate).then(|| what.to_owned())
}

fn by_pseudonym(clause: &Clause) -> Option<String> {
    let pseudonyms = clause.fields.iter().filter(|(_, form)| *form == Form::Pseudonym);
    let pseudonyms = names(pseudonyms.map(|(path, _)| path));
    (clause.link_persons && !pseudonyms.is_empty()).then(|| {
        let fields = pseudonyms.join(", ");
        format!("items that share a pseudonym of {fields} are joined within this feed: what each shows adds up")
    })
}

fn by_rare_values(clause: &Clause, tables: &[&FieldTable]) -> Option<String> {
    let is_rare = |(path, form): &&(FieldPath, Form)| {
        tables.iter().filter_map(|table| table.by_path(path)).any(|spec| is_rare(spec, *form))
    };
    let rare = names(clause.fields.iter().filter(is_rare).map(|(path, _)| path));
    (!rare.is_empty()).then(|| {
        let fields = rare.join(", ");
        format!("few records share a value of {fields} as it leaves: it can join items to what is known elsewhere")
    })
}

/// Whether a field in this form is likely to tell one record from nearly all others.
fn is_rare(spec: &FieldSpec, form: Form) -> bool {
    match (spec.ladder, form) {
        (Some(Ladder::Date), Form::Step(Step::Day | Step::Month)) | (Some(Ladder::Place), Form::Step(Step::Port)) => {
            true
        }
        (Some(Ladder::Coordinate | Ladder::Amount | Ladder::Organisation), form) => {
            matches!(form, Form::AsIs | Form::Step(Step::Exact))
        }
        (None, Form::AsIs) => RARE_MEMBERS.iter().any(|member| spec.path.as_str().rsplit('.').next() == Some(member)),
        _ => false,
    }
}

fn by_combination(clause: &Clause) -> Option<String> {
    let fields = names(shown(clause).map(|(path, _)| path));
    (is_small(clause) && fields.len() > 1).then(|| {
        let (cell, count, fields) = (clause.minimum_cell, fields.len(), fields.join(", "));
        format!("as few as {cell} may share the {count} values that leave together, and be told by them: {fields}")
    })
}

fn is_small(clause: &Clause) -> bool {
    clause.minimum_cell < DEFAULT_MINIMUM_CELL
}

/// What is shown of a record, its pseudonyms apart.
fn shown(clause: &Clause) -> impl Iterator<Item = &(FieldPath, Form)> {
    clause.fields.iter().filter(|(_, form)| *form != Form::Pseudonym)
}

fn names<'a>(paths: impl Iterator<Item = &'a FieldPath>) -> Vec<&'a str> {
    paths.map(FieldPath::as_str).collect()
}
