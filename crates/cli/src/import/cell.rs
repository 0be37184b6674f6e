//! A member filled from one column: missing values, a table of values, letter case, lists, numbers.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

use super::rows::Cells;

/// How the text of one cell becomes a value.
#[derive(Debug)]
pub(super) struct CellRule {
    pub(super) column: String,
    /// Texts that say that the value is not known. A text that `values` lists is known, whatever stands here.
    pub(super) missing: Vec<String>,
    /// What the source writes and what the document writes.
    pub(super) values: BTreeMap<String, String>,
    pub(super) unlisted: Unlisted,
    pub(super) case: Option<Case>,
    pub(super) shape: Shape,
    pub(super) kind: ValueKind,
    /// The value where it is not known; without it the member is left out.
    pub(super) when_missing: Option<Value>,
}

/// What happens to a text that the table of values does not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Unlisted {
    /// The row is refused.
    Reject,
    /// It is taken as it is.
    Pass,
    /// It counts as missing.
    Missing,
}

/// The letters of a text that is taken as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Case {
    Upper,
    Lower,
}

/// Whether the member is a value or a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    One,
    /// A list of the one value.
    List,
    /// A list of the values between these separators.
    Split(String),
}

/// The JSON type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ValueKind {
    Text,
    Integer,
    Number,
    Boolean,
}

impl CellRule {
    pub(super) fn value(&self, cells: &Cells<'_>) -> Result<Option<Value>, &'static str> {
        let text = cells.text(&self.column)?;
        let value = match &self.shape {
            Shape::One => self.one(text)?,
            Shape::List => self.one(text)?.map(|value| Value::Array(vec![value])),
            Shape::Split(separator) => self.several(text.split(separator.as_str()))?,
        };
        Ok(value.or_else(|| self.when_missing.clone()))
    }

    fn several<'t>(&self, parts: impl Iterator<Item = &'t str>) -> Result<Option<Value>, &'static str> {
        let mut values = Vec::new();
        for part in parts {
            match self.one(part.trim())? {
                Some(value) if !values.contains(&value) => values.push(value),
                _ => {}
            }
        }
        Ok((!values.is_empty()).then_some(Value::Array(values)))
    }

    fn one(&self, text: &str) -> Result<Option<Value>, &'static str> {
        if let Some(listed) = self.values.get(text) {
            return self.kind.read(listed).map(Some);
        }
        if self.missing.iter().any(|missing| missing == text) {
            return Ok(None);
        }
        match self.unlisted {
            Unlisted::Reject => Err("unlisted-value"),
            Unlisted::Missing => Ok(None),
            Unlisted::Pass => match self.case {
                None => self.kind.read(text).map(Some),
                Some(Case::Upper) => self.kind.read(&text.to_uppercase()).map(Some),
                Some(Case::Lower) => self.kind.read(&text.to_lowercase()).map(Some),
            },
        }
    }
}

impl ValueKind {
    /// The text as a value of this type; an error names the rule that it breaks.
    pub(super) fn read(self, text: &str) -> Result<Value, &'static str> {
        match self {
            Self::Text => Ok(text.into()),
            Self::Integer => text.parse::<i64>().map(Value::from).map_err(|_| "not-an-integer"),
            Self::Number => text.parse().ok().and_then(Number::from_f64).map(Value::Number).ok_or("not-a-number"),
            Self::Boolean => text.parse::<bool>().map(Value::from).map_err(|_| "not-a-boolean"),
        }
    }
}
