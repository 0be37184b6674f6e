//! What a row says under each of its names, whichever form the source has.

use std::borrow::Cow;
use std::collections::HashMap;

use csv::ByteRecord;
use serde_json::Value;

/// One row, as the rules of a map see it.
pub(super) enum Cells<'r> {
    /// A row of a table; its cells by the places of their columns.
    Csv { record: &'r ByteRecord, places: &'r HashMap<String, usize> },
    /// A JSON object.
    Json(&'r Value),
}

/// What stands in one cell, trimmed. What is absent is an empty text.
pub(super) enum Content<'r> {
    One(Cow<'r, str>),
    Several(Vec<Cow<'r, str>>),
}

impl<'r> Cells<'r> {
    /// What the column says; an error names the rule that makes it unreadable.
    pub(super) fn content(&self, column: &str) -> Result<Content<'r>, Cow<'static, str>> {
        match self {
            Self::Csv { record, places } => {
                let bytes = places.get(column).and_then(|place| record.get(*place)).unwrap_or_default();
                let text = std::str::from_utf8(bytes).map_err(|_| "utf-8")?;
                checked(text.trim().into()).map(Content::One)
            }
            Self::Json(object) => match find(object, column) {
                None => Ok(Content::One("".into())),
                Some(Value::Array(items)) => {
                    items.iter().map(scalar).collect::<Result<Vec<_>, _>>().map(Content::Several)
                }
                Some(value) => scalar(value).map(Content::One),
            },
        }
    }

    /// The one text that the column says; an error names the rule that it breaks.
    pub(super) fn text(&self, column: &str) -> Result<Cow<'r, str>, Cow<'static, str>> {
        match self.content(column)? {
            Content::One(text) => Ok(text),
            Content::Several(texts) if texts.is_empty() => Ok("".into()),
            Content::Several(mut texts) if texts.len() == 1 => Ok(texts.remove(0)),
            Content::Several(_) => Err("several-values".into()),
        }
    }
}

/// A member of a JSON object by its name, or by a path of names and places, as `legs[0].from.country`. A member whose whole
/// name is the text comes first: some sources write dots in names.
fn find<'v>(value: &'v Value, column: &str) -> Option<&'v Value> {
    let members = value.as_object()?;
    if let Some(member) = members.get(column) {
        return Some(member);
    }
    let (name, mut rest) = column.split_at(column.find(['.', '['])?);
    let mut inner = members.get(name)?;
    while let Some((place, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        inner = inner.get(place.parse::<usize>().ok()?)?;
        rest = after;
    }
    match rest.strip_prefix('.') {
        Some(rest) => find(inner, rest),
        None => rest.is_empty().then_some(inner),
    }
}

fn scalar(value: &Value) -> Result<Cow<'_, str>, Cow<'static, str>> {
    match value {
        Value::Null => Ok("".into()),
        Value::String(text) => checked(text.trim().into()),
        Value::Bool(flag) => Ok(if *flag { "true" } else { "false" }.into()),
        Value::Number(number) => Ok(number.to_string().into()),
        Value::Array(_) | Value::Object(_) => Err("not-a-value".into()),
    }
}

/// Line breaks and tabs are text; other control characters are a sign that this is not what it seems.
fn checked(text: Cow<'_, str>) -> Result<Cow<'_, str>, Cow<'static, str>> {
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err("control-character".into());
    }
    Ok(text)
}

/// Whether every member that says something lies at or within one of the columns.
pub(super) fn all_known(object: &Value, columns: &[&str]) -> bool {
    fn walk(value: &Value, place: &mut String, columns: &[&str]) -> bool {
        let known = |place: &str| {
            let within = |column: &str| {
                place.strip_prefix(column).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            columns.iter().any(|column| within(column))
        };
        let length = place.len();
        match value {
            _ if length > 0 && known(place) => true,
            Value::Object(members) => members.iter().all(|(name, member)| {
                if length > 0 {
                    place.push('.');
                }
                place.push_str(name);
                let all = walk(member, place, columns);
                place.truncate(length);
                all
            }),
            Value::Array(items) => items.iter().enumerate().all(|(index, item)| {
                place.push_str(&format!("[{index}]"));
                let all = walk(item, place, columns);
                place.truncate(length);
                all
            }),
            Value::Null => true,
            Value::String(text) => text.trim().is_empty(),
            Value::Bool(_) | Value::Number(_) => false,
        }
    }
    walk(object, &mut String::new(), columns)
}
