//! Reading the tables of numbers that an agreement publishes.

use causeway_model::{ClauseId, Kind};
use toml::Value;

use crate::relaxation::lowered;
use crate::section::{Section, parsed, text};
use crate::{Clause, Dimension, Table, TablePeriod};

/// The tables; `clauses` is none where not every clause could be read, so that what a table says of its clause is not held
/// against it.
pub(super) fn read(section: &mut Section<'_>, clauses: Option<&Vec<Clause>>) -> Vec<Table> {
    let tables = section.children("tables", |section| table(section, clauses));
    section.distinct("tables", "id", tables.iter().map(|table| &table.id));
    for (index, table) in tables.iter().enumerate() {
        let mut earlier = tables[..index].iter();
        if let Some(other) = earlier.find(|other| other.clause == table.clause && other.kind == table.kind) {
            let (one, two, clause, kind) = (&other.id, &table.id, &table.clause, table.kind);
            section.fault(
                "tables",
                format!(
                    "{one} and {two} both count {kind} under {clause}, and their difference could show single persons: \
                     state one table with the dimensions of both"
                ),
            );
        }
    }
    tables
}

fn table(section: &mut Section<'_>, clauses: Option<&Vec<Clause>>) -> Option<Table> {
    let id = section.required("id", parsed);
    let clause = section.required("clause", parsed);
    let kind = section.optional("kind", parsed);
    let kind = match (clauses, &clause) {
        (Some(clauses), Some(id)) => kind_of(section, clauses, id, kind),
        _ => kind,
    };
    let dimensions = section.required_list("dimensions", dimension);
    if let Some(dimensions) = &dimensions {
        check_dimensions(section, dimensions, kind);
    }
    let all = dimensions.as_deref().unwrap_or_default();
    let levels = section.list("levels", |value| level(value, all)).unwrap_or_else(|| Table::all_levels(all));
    let period = section.optional("period", parsed).unwrap_or(TablePeriod::Quarter);
    let threshold = lowered(section, "threshold", Table::DEFAULT_THRESHOLD);
    let rounding = lowered(section, "rounding", Table::DEFAULT_ROUNDING);
    Some(Table {
        id: id?,
        clause: clause?,
        kind: kind?,
        dimensions: dimensions?,
        levels,
        period,
        threshold: threshold?,
        rounding: rounding?,
    })
}

/// The kind that a table of this clause counts: the clause's only one, or the stated one of several.
fn kind_of(section: &Section<'_>, clauses: &[Clause], id: &ClauseId, stated: Option<Kind>) -> Option<Kind> {
    let Some(clause) = clauses.iter().find(|clause| clause.id == *id) else {
        section.fault("clause", "names no clause of this agreement");
        return stated;
    };
    match (stated, clause.kinds.as_slice()) {
        (Some(kind), kinds) if kinds.contains(&kind) => Some(kind),
        (Some(kind), _) => {
            section.fault("kind", format!("{kind} is no kind of its clause"));
            None
        }
        (None, [kind]) => Some(*kind),
        (None, _) => {
            section.fault("kind", "is missing: its clause covers several kinds");
            None
        }
    }
}

fn dimension(value: &Value) -> Result<Dimension, String> {
    text(value)?.parse().map_err(|_| {
        let known: Vec<&str> = Dimension::ALL.iter().map(|dimension| dimension.as_str()).collect();
        format!("is not a dimension; the dimensions are {}", known.join(", "))
    })
}

fn check_dimensions(section: &Section<'_>, dimensions: &[Dimension], kind: Option<Kind>) {
    if dimensions.len() > Table::MAX_DIMENSIONS {
        section.fault("dimensions", format!("are more than {}", Table::MAX_DIMENSIONS));
    }
    let Some(kind) = kind else { return };
    for dimension in dimensions.iter().filter(|dimension| !dimension.counts(kind)) {
        let known: Vec<&str> =
            Dimension::ALL.iter().filter(|known| known.counts(kind)).map(|known| known.as_str()).collect();
        section.fault("dimensions", format!("{kind} is not counted by {dimension}: use {}", known.join(", ")));
    }
}

/// A part of the dimensions, put in their order; the empty list is the total.
fn level(value: &Value, all: &[Dimension]) -> Result<Vec<Dimension>, String> {
    let stated = value.as_array().ok_or_else(|| "is not a list of dimensions".to_owned())?;
    let stated: Vec<Dimension> = stated.iter().map(dimension).collect::<Result<_, _>>()?;
    if let Some(other) = stated.iter().find(|dimension| !all.contains(dimension)) {
        return Err(format!("has {other}, which is not a dimension of the table"));
    }
    let level: Vec<Dimension> = all.iter().copied().filter(|dimension| stated.contains(dimension)).collect();
    if level.len() == stated.len() { Ok(level) } else { Err("has a dimension twice".into()) }
}
