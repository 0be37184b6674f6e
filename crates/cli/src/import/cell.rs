//! A member filled from what one column says, or several: missing values, tables, dates, bands, lists, joined texts.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Number, Value};

use super::band::Band;
use super::cells::{Cells, Content};
use super::date_form::DateForm;
use super::table::Table;
use super::text::Texts;

/// How the texts of one or more cells become a value.
#[derive(Debug)]
pub(super) struct CellRule {
    /// Never empty.
    pub(super) columns: Vec<String>,
    pub(super) reading: Reading,
    pub(super) shape: Shape,
    /// The value where it is not known; without it the member is left out.
    pub(super) when_missing: Option<Value>,
}

/// How one text becomes one value.
#[derive(Debug)]
pub(super) struct Reading {
    /// Texts that say that the value is not known. A text that a table lists is known, whatever stands here.
    pub(super) missing: Texts,
    /// Characters that are not part of the value, as the blanks of a telephone number.
    pub(super) strip: String,
    /// What a text may start with, and what it starts with then, as the 0 of a national telephone number; longest first.
    pub(super) prefixes: Vec<(String, String)>,
    /// The member's own table first, then shared ones.
    pub(super) tables: Vec<Arc<Table>>,
    /// What these list belongs to another member: it is missing here.
    pub(super) except: Vec<Arc<Table>>,
    pub(super) dates: Vec<DateForm>,
    pub(super) bands: Vec<Band>,
    pub(super) unlisted: Unlisted,
    pub(super) case: Option<Case>,
    pub(super) kind: ValueKind,
    /// The value of everything that is known, whatever it is.
    pub(super) when_known: Option<Value>,
}

/// What happens to a text that no table lists, or that is of no form, or in no band.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Unlisted {
    /// The row is refused.
    Reject,
    /// It is taken as it is.
    Pass,
    /// It counts as missing, also where a table refuses it.
    Missing,
}

/// The letters of a text that is taken as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Case {
    Upper,
    Lower,
}

/// Whether the member is a value or a list, and what several values are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// A value of one cell, which holds one.
    One,
    /// A list of all values, the parts of a cell between these separators; missing where there are fewer than `least`.
    List { separators: Vec<String>, least: usize },
    /// A value, where the parts of the cell are one and the same; where they differ, the row is refused or it is missing.
    Agreed { separators: Vec<String>, reject: bool },
    /// One text of all cells, with this between them.
    Joined { between: String, headings: bool },
}

/// What several values are, where it matters whether there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Differing {
    /// The member is a value, and a row with several is refused.
    Reject,
    /// The member is a value, and several count as missing.
    Missing,
    /// The member is a list, and one alone counts as missing.
    Only,
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
    pub(super) fn value(&self, cells: &Cells<'_>) -> Result<Option<Value>, Cow<'static, str>> {
        let value = match &self.shape {
            Shape::One => self.reading.value(&cells.text(&self.columns[0])?)?,
            Shape::List { separators, least } => {
                Some(self.all(cells, separators)?).filter(|values| values.len() >= *least).map(Value::Array)
            }
            Shape::Agreed { separators, reject } => {
                let mut values = self.all(cells, separators)?;
                match values.len() {
                    0 | 1 => values.pop(),
                    _ if *reject => return Err("several-values".into()),
                    _ => None,
                }
            }
            Shape::Joined { between, headings } => self.joined(cells, between, *headings)?,
        };
        Ok(value.or_else(|| self.when_missing.clone()))
    }

    /// Every value once, in the order of columns and of parts.
    fn all(&self, cells: &Cells<'_>, separators: &[String]) -> Result<Vec<Value>, Cow<'static, str>> {
        let mut values = Vec::new();
        for column in &self.columns {
            let texts = match cells.content(column)? {
                Content::One(text) => vec![text],
                Content::Several(texts) => texts,
            };
            for text in &texts {
                // A text that a table lists is one value, also where it holds a separator: "Iran, Islamic Republic of".
                let whole = self.reading.lists(text);
                let parts = if whole { vec![text.as_ref()] } else { split(text, separators) };
                for part in parts {
                    match self.reading.value(part.trim())? {
                        Some(value) if !values.contains(&value) => values.push(value),
                        _ => {}
                    }
                }
            }
        }
        Ok(values)
    }

    fn joined(&self, cells: &Cells<'_>, between: &str, headings: bool) -> Result<Option<Value>, Cow<'static, str>> {
        let mut parts = Vec::new();
        for column in &self.columns {
            let part = match self.reading.value(&cells.text(column)?)? {
                Some(Value::String(text)) => text,
                Some(value) => value.to_string(),
                None => continue,
            };
            parts.push(if headings { format!("{column}: {part}") } else { part });
        }
        Ok((!parts.is_empty()).then(|| parts.join(between).into()))
    }
}

impl Reading {
    /// The value of one text, none where it says nothing; an error names the rule that it breaks.
    fn value(&self, text: &str) -> Result<Option<Value>, Cow<'static, str>> {
        let clean = self.clean(text);
        let text = clean.trim();
        for table in &self.tables {
            match table.look_up(text) {
                Ok(Some(listed)) => return self.known(self.kind.read(listed)?),
                Ok(None) => {}
                Err(_) if self.unlisted == Unlisted::Missing || self.is_excepted(text) => return Ok(None),
                Err(rule) => return Err(rule),
            }
        }
        if self.missing.has(text) || self.is_excepted(text) {
            return Ok(None);
        }
        if self.when_known.is_some() {
            return Ok(self.when_known.clone());
        }
        let text = match self.dated(text)? {
            None => return Ok(None),
            Some(text) => text,
        };
        if !self.bands.is_empty() {
            return self.banded(&text);
        }
        if !self.dates.is_empty() {
            return self.kind.read(&text).map(Some);
        }
        match self.unlisted {
            Unlisted::Reject => Err("unlisted-value".into()),
            Unlisted::Missing => Ok(None),
            Unlisted::Pass => match self.case {
                None => self.kind.read(&text).map(Some),
                Some(Case::Upper) => self.kind.read(&text.to_uppercase()).map(Some),
                Some(Case::Lower) => self.kind.read(&text.to_lowercase()).map(Some),
            },
        }
    }

    /// The text without what is not part of it.
    fn clean<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut clean = Cow::Borrowed(text);
        if !self.strip.is_empty() {
            clean = clean.replace(|c| self.strip.contains(c), "").into();
        }
        let found =
            self.prefixes.iter().find_map(|(from, to)| clean.strip_prefix(from.as_str()).map(|rest| to.clone() + rest));
        found.map_or(clean, Cow::Owned)
    }

    fn is_excepted(&self, text: &str) -> bool {
        self.except.iter().any(|table| matches!(table.look_up(text), Ok(Some(_))))
    }

    fn known(&self, value: Value) -> Result<Option<Value>, Cow<'static, str>> {
        Ok(Some(self.when_known.clone().unwrap_or(value)))
    }

    fn lists(&self, text: &str) -> bool {
        self.tables.iter().any(|table| !matches!(table.look_up(text), Ok(None)))
    }

    /// The text as an ISO date, where it is to be one; none where it is of no form and that counts as missing.
    fn dated<'t>(&self, text: &'t str) -> Result<Option<Cow<'t, str>>, Cow<'static, str>> {
        if self.dates.is_empty() {
            return Ok(Some(text.into()));
        }
        match (self.dates.iter().find_map(|form| form.read(text)), self.unlisted) {
            (Some(date), _) => Ok(Some(date.into())),
            (None, Unlisted::Missing) => Ok(None),
            (None, _) => Err("not-a-date".into()),
        }
    }

    /// The band of a number, or of a date's year.
    fn banded(&self, text: &str) -> Result<Option<Value>, Cow<'static, str>> {
        let digits = if self.dates.is_empty() { text } else { text.get(..4).unwrap_or(text) };
        let number: Option<u32> = digits.parse().ok();
        let band = number.and_then(|number| self.bands.iter().find(|band| band.holds(number)));
        match (band, self.unlisted) {
            (Some(band), _) => self.kind.read(&band.value).map(Some),
            (None, Unlisted::Missing) => Ok(None),
            (None, _) => Err(if number.is_some() { "outside-the-bands" } else { "not-an-integer" }.into()),
        }
    }
}

impl ValueKind {
    /// The text as a value of this type; an error names the rule that it breaks.
    pub(super) fn read(self, text: &str) -> Result<Value, Cow<'static, str>> {
        let broken = Cow::Borrowed;
        match self {
            Self::Text => Ok(text.into()),
            Self::Integer => text.parse::<i64>().map(Value::from).map_err(|_| broken("not-an-integer")),
            Self::Number => {
                text.parse().ok().and_then(Number::from_f64).map(Value::Number).ok_or_else(|| broken("not-a-number"))
            }
            Self::Boolean => match text {
                "true" | "yes" => Ok(true.into()),
                "false" | "no" => Ok(false.into()),
                _ => Err(broken("not-a-boolean")),
            },
        }
    }
}

fn split<'t>(text: &'t str, separators: &[String]) -> Vec<&'t str> {
    separators.iter().fold(vec![text], |parts, separator| {
        parts.into_iter().flat_map(|part| part.split(separator.as_str())).collect()
    })
}
