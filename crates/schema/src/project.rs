//! The one projection of a classified body: what a partner may see of a record, from an allow-list of fields.

use causeway_model::{Class, FieldNumber, Floor, Step};

use crate::classified::{Cell, CellValue, Cells};
use crate::ladder::{Ladders, Scalar};
use crate::shape::{Leaf, Shape};
use crate::writer::{Gaps, JsonWriter};

/// In what form a field leaves. A field that is not listed does not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Projected {
    /// As the classified body holds it: an open field as it is, a coarse one at its floor.
    AsIs,
    /// At this step of its ladder.
    Step(Step),
    /// As the feed's own pseudonym.
    Pseudonym,
}

/// About so many bytes of a projected document come of a cell, of those that do not stay behind: a name and a value.
const BYTES_A_CELL: usize = 32;

/// Writes the listed fields as a JSON object. The floor is enforced here again, whatever the list says.
pub(crate) fn project(
    shape: &Shape,
    cells: &Cells<'_>,
    forms: &dyn Fn(FieldNumber) -> Option<Projected>,
    pseudonym: &dyn Fn(&[u8; 32]) -> String,
) -> Vec<u8> {
    let cells = cells.all();
    let mut writer = JsonWriter::with_capacity(cells.len() * BYTES_A_CELL, Gaps::Closed);
    for cell in cells {
        let Some(leaf) = shape.by_number(cell.field) else { continue };
        let Some(form) = forms(cell.field) else { continue };
        if is_withheld(shape, cells, leaf, cell.indices) {
            continue;
        }
        let value = match cell.value() {
            None => continue,
            Some(CellValue::Pseudonym(internal)) => match (leaf.spec.class, form) {
                (Class::Link, Projected::Pseudonym) => Scalar::Text(pseudonym(internal).into()),
                _ => continue,
            },
            Some(CellValue::Scalar(value)) => match leaves(&shape.ladders, leaf, form, value) {
                Some(value) => value,
                None => continue,
            },
        };
        if let Some(out) = writer.leaf(&leaf.segments, cell.indices) {
            write(out, &value);
        }
    }
    writer.finish()
}

/// Whether the leaf's condition holds it back here. What this version stored has it sealed already; an earlier version may
/// have had no such condition.
fn is_withheld(shape: &Shape, cells: &[Cell<'_>], leaf: &Leaf, indices: &[u8]) -> bool {
    let Some(withheld) = &leaf.withheld else { return false };
    let Some(beside) = shape.beside(leaf.spec.number) else { return true };
    let listed = |cell: &Cell<'_>| match cell.text() {
        Some(text) => withheld.values.iter().any(|listed| **listed == *text),
        None => true,
    };
    let same_place = |cell: &Cell<'_>| cell.field == beside.spec.number && indices.starts_with(cell.indices);
    cells.iter().any(|cell| same_place(cell) && listed(cell))
}

/// The value in the form asked for, if the leaf's class and floor allow that form.
fn leaves<'b>(ladders: &'b Ladders, leaf: &Leaf, form: Projected, value: Scalar<'b>) -> Option<Scalar<'b>> {
    let Floor::Finest(floor) = leaf.spec.floor else { return None };
    match (leaf.spec.class, leaf.spec.ladder, form) {
        (Class::Open, _, Projected::AsIs | Projected::Step(Step::Exact)) => Some(value),
        (Class::Coarse, Some(ladder), Projected::AsIs) => ladders.coarsen(ladder, floor, value),
        (Class::Coarse, Some(ladder), Projected::Step(step)) if ladder.allows(floor, step) => {
            ladders.coarsen(ladder, step, value)
        }
        _ => None,
    }
}

fn write(out: &mut Vec<u8>, value: &Scalar<'_>) {
    let written = match value {
        Scalar::Text(text) => serde_json::to_writer(out, text),
        Scalar::Integer(number) => serde_json::to_writer(out, number),
        Scalar::Number(number) => serde_json::to_writer(out, number),
        Scalar::Flag(flag) => serde_json::to_writer(out, flag),
    };
    written.expect("a text, finite number or flag always has a JSON form, and a vector takes it");
}
