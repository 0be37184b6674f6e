//! A list filled from several columns that each say yes, no or nothing.

use std::borrow::Cow;

use serde_json::Value;

use super::cells::Cells;
use super::text::Texts;

/// How flag columns become the members of a list.
#[derive(Debug)]
pub(super) struct FlagsRule {
    /// Each column with the member that it stands for, in the order of the columns' names.
    pub(super) members: Vec<(String, String)>,
    /// Texts that say yes.
    pub(super) set: Texts,
    /// Whatever says neither no nor nothing says yes.
    pub(super) any: bool,
    /// Texts that say no.
    pub(super) clear: Texts,
    /// Texts that say nothing. A text that is listed as yes or no is one, whatever stands here.
    pub(super) missing: Texts,
    /// The member where no column says yes and all say no.
    pub(super) when_clear: Option<String>,
    /// The member where no column says yes and some say nothing.
    pub(super) when_unknown: Option<String>,
}

impl FlagsRule {
    pub(super) fn value(&self, cells: &Cells<'_>) -> Result<Option<Value>, Cow<'static, str>> {
        let mut members: Vec<&str> = Vec::new();
        let mut unknown = false;
        for (column, member) in &self.members {
            match self.says(&cells.text(column)?)? {
                Some(true) if !members.contains(&member.as_str()) => members.push(member),
                Some(_) => {}
                None => unknown = true,
            }
        }
        if members.is_empty() {
            let fallback = if unknown { &self.when_unknown } else { &self.when_clear };
            members.extend(fallback.as_deref());
        }
        Ok((!members.is_empty()).then(|| members.into()))
    }

    /// Yes, no, or nothing.
    fn says(&self, text: &str) -> Result<Option<bool>, Cow<'static, str>> {
        if self.set.has(text) {
            Ok(Some(true))
        } else if self.clear.has(text) {
            Ok(Some(false))
        } else if self.missing.has(text) {
            Ok(None)
        } else if self.any {
            Ok(Some(true))
        } else {
            Err("not-a-flag".into())
        }
    }
}
