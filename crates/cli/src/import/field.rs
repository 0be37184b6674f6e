//! One member of the document, and the rule that fills it from a row.

use std::borrow::Cow;

use serde_json::Value;

use super::cell::CellRule;
use super::cells::Cells;
use super::flags::FlagsRule;
use super::path::MemberPath;

/// A member of the document.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) path: MemberPath,
    pub(super) rule: Rule,
}

/// How it is filled.
#[derive(Debug)]
pub(super) enum Rule {
    /// From what columns hold.
    Cell(CellRule),
    /// From columns that each say yes or no.
    Flags(FlagsRule),
}

impl Field {
    /// The value for this row, none where the row does not say; an error names the rule that the row breaks.
    pub(super) fn value(&self, cells: &Cells<'_>) -> Result<Option<Value>, Cow<'static, str>> {
        match &self.rule {
            Rule::Cell(rule) => rule.value(cells),
            Rule::Flags(rule) => rule.value(cells),
        }
    }

    /// The columns that it is filled from.
    pub(super) fn columns(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        match &self.rule {
            Rule::Cell(rule) => Box::new(rule.columns.iter().map(String::as_str)),
            Rule::Flags(rule) => Box::new(rule.members.iter().map(|(column, _)| column.as_str())),
        }
    }
}
