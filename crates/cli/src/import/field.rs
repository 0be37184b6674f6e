//! One member of the document, and the rule that fills it from a row.

use serde_json::{Map, Value};

use super::cell::CellRule;
use super::flags::FlagsRule;
use super::rows::Cells;

/// A member of the document.
#[derive(Debug)]
pub(super) struct Field {
    /// Member names from the outermost inwards; never empty.
    pub(super) path: Vec<String>,
    pub(super) rule: Rule,
}

/// How it is filled.
#[derive(Debug)]
pub(super) enum Rule {
    /// From one column.
    Cell(CellRule),
    /// From several columns that each say yes or no.
    Flags(FlagsRule),
}

impl Field {
    /// The value for this row, none where the row does not say; an error names the rule that the row breaks.
    pub(super) fn value(&self, cells: &Cells<'_>) -> Result<Option<Value>, &'static str> {
        match &self.rule {
            Rule::Cell(rule) => rule.value(cells),
            Rule::Flags(rule) => rule.value(cells),
        }
    }

    /// Puts a value at the member's place, making the objects around it.
    pub(super) fn put(&self, document: &mut Map<String, Value>, value: Value) {
        let (last, outer) = self.path.split_last().expect("a path has a member");
        let mut object = document;
        for name in outer {
            let member = object.entry(name.as_str()).or_insert_with(|| Value::Object(Map::new()));
            object = member.as_object_mut().expect("the map was refused where a member is both a value and an object");
        }
        object.insert(last.clone(), value);
    }

    /// The JSON pointer of the member. Its names hold neither `~` nor `/`.
    pub(super) fn pointer(&self) -> String {
        self.path.iter().fold(String::new(), |pointer, name| pointer + "/" + name)
    }
}
