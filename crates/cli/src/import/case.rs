//! What holds for some rows only: members that have a fixed value there, and members that must not be there.

use std::borrow::Cow;

use serde_json::Value;

use super::cells::Cells;
use super::path::MemberPath;
use super::text::Texts;

/// A case: its conditions, and what follows where all of them hold.
#[derive(Debug)]
pub(super) struct Case {
    /// Never empty.
    pub(super) conditions: Vec<Condition>,
    pub(super) set: Vec<(MemberPath, Value)>,
    pub(super) leave_out: Vec<MemberPath>,
}

/// Something that one column says, or does not say.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) column: String,
    pub(super) test: Test,
}

/// What is asked of a text. An absent one is the empty text.
#[derive(Debug)]
pub(super) enum Test {
    Is(Texts),
    IsNot(Texts),
    /// None of the texts that say nothing.
    Known(Texts),
}

impl Case {
    /// Whether this row is one; an error names the rule that makes a column unreadable.
    pub(super) fn holds(&self, cells: &Cells<'_>) -> Result<bool, Cow<'static, str>> {
        for Condition { column, test } in &self.conditions {
            let text = cells.text(column)?;
            let holds = match test {
                Test::Is(texts) => texts.has(&text),
                Test::IsNot(texts) | Test::Known(texts) => !texts.has(&text),
            };
            if !holds {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn leaves_out(&self, path: &MemberPath) -> bool {
        self.leave_out.iter().any(|left_out| left_out.covers(path))
    }

    /// Puts the fixed values, over whatever the columns say.
    pub(super) fn set(&self, document: &mut Value) {
        self.set.iter().for_each(|(path, value)| path.put(document, value.clone()));
    }
}
