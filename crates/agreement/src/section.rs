//! Reading a TOML table key by key, so that every fault is found and no unknown key passes.
//!
//! serde stops at the first fault; a person who corrects an agreement, or a gateway's settings, wants all of them at once.

use std::fmt::Display;
use std::str::FromStr;

use causeway_model::Date;
use toml::{Table, Value};

use crate::fault::{Fault, Faults};

/// Bytes of a governed document: its text travels in one frame, beside the entry.
pub(crate) const MAX_TEXT_BYTES: usize = 128 * 1024;

/// One table of a document. Each key is taken once; what is left at `finish` is unknown.
#[derive(Debug)]
pub struct Section<'f> {
    table: Table,
    place: String,
    faults: &'f Faults,
}

/// Reads `text` through `body`, which takes every key that the document may have.
///
/// # Errors
/// All faults.
pub fn read<T>(text: &str, body: impl FnOnce(&mut Section<'_>) -> Option<T>) -> Result<T, Vec<Fault>> {
    // A value is only ever absent because of a fault.
    match read_partly(text, body)? {
        (Some(value), faults) if faults.is_empty() => Ok(value),
        (_, faults) => Err(faults),
    }
}

/// As `read`, where what could be made out is given beside the faults: good for looking for more of them, and for nothing else.
///
/// # Errors
/// The one fault of a text that is no document.
pub(crate) fn read_partly<T>(
    text: &str,
    body: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Result<(Option<T>, Vec<Fault>), Vec<Fault>> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(vec![Fault::new("text", format!("is longer than {MAX_TEXT_BYTES} bytes"))]);
    }
    let table = text.parse::<Table>().map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = Some(before.matches('\n').count() + 1);
        vec![Fault { line, ..Fault::new("", error.message()) }]
    })?;
    let faults = Faults::default();
    let mut section = Section { table, place: String::new(), faults: &faults };
    let read = body(&mut section);
    section.finish();
    Ok((read, faults.located(text)))
}

impl<'f> Section<'f> {
    /// The place of a key of this section.
    pub fn place(&self, key: &str) -> String {
        if self.place.is_empty() { key.into() } else { format!("{}.{key}", self.place) }
    }

    /// Notes what is wrong with a key.
    pub fn fault(&self, key: &str, what: impl Into<String>) {
        self.faults.add(self.place(key), what);
    }

    /// Whether a key is there and has not been taken.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// How many tables stand under `key` (`[[key]]`), read or not.
    pub(crate) fn count(&self, key: &str) -> usize {
        self.table.get(key).and_then(Value::as_array).map_or(0, Vec::len)
    }

    /// The value of `key`, or none if it is absent or (with a fault) not readable.
    pub fn optional<T>(&mut self, key: &str, reader: impl Fn(&Value) -> Result<T, String>) -> Option<T> {
        let value = self.table.remove(key)?;
        reader(&value).map_err(|what| self.fault(key, what)).ok()
    }

    /// As `optional`, where being absent is a fault too.
    pub fn required<T>(&mut self, key: &str, reader: impl Fn(&Value) -> Result<T, String>) -> Option<T> {
        if self.has(key) {
            return self.optional(key, reader);
        }
        self.fault(key, "is missing");
        None
    }

    /// The members of a list, or none where the key is absent. A list that is stated holds something, each thing once.
    pub fn list<T: PartialEq>(&mut self, key: &str, reader: impl Fn(&Value) -> Result<T, String>) -> Option<Vec<T>> {
        let Value::Array(values) = self.table.remove(key)? else {
            self.fault(key, "is not a list");
            return None;
        };
        if values.is_empty() {
            self.fault(key, "is an empty list: leave it out or state what it holds");
        }
        let mut members: Vec<T> = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            match reader(value) {
                Ok(member) if members.contains(&member) => self.fault(&format!("{key}[{index}]"), "is there twice"),
                Ok(member) => members.push(member),
                Err(what) => self.fault(&format!("{key}[{index}]"), what),
            }
        }
        Some(members)
    }

    /// As `list`, where being absent is a fault too.
    pub fn required_list<T: PartialEq>(
        &mut self,
        key: &str,
        reader: impl Fn(&Value) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        if !self.has(key) {
            self.fault(key, "is missing");
        }
        self.list(key, reader)
    }

    /// The table under `key`, read through `body`; none where the key is absent or not a table.
    pub fn child<T>(&mut self, key: &str, body: impl FnOnce(&mut Section<'_>) -> Option<T>) -> Option<T> {
        match self.table.remove(key)? {
            Value::Table(table) => self.enter(key, table, body),
            _ => {
                self.fault(key, "is not a table");
                None
            }
        }
    }

    /// As `child`, where an absent table is read as an empty one: each key that it must have is missing by its own name, and
    /// the others have their defaults.
    pub fn child_or_empty<T>(&mut self, key: &str, body: impl FnOnce(&mut Section<'_>) -> Option<T>) -> Option<T> {
        if self.has(key) { self.child(key, body) } else { self.enter(key, Table::new(), body) }
    }

    /// The tables under `key` (`[[key]]`), each read through `body`; empty where the key is absent.
    pub fn children<T>(&mut self, key: &str, body: impl Fn(&mut Section<'_>) -> Option<T>) -> Vec<T> {
        let values = match self.table.remove(key) {
            None => return Vec::new(),
            Some(Value::Array(values)) => values,
            Some(_) => {
                self.fault(key, format!("is not a list of tables: write [[{key}]]"));
                return Vec::new();
            }
        };
        let read = |(index, value)| {
            let key = format!("{key}[{index}]");
            match value {
                Value::Table(table) => self.enter(&key, table, &body),
                _ => {
                    self.fault(&key, "is not a table");
                    None
                }
            }
        };
        values.into_iter().enumerate().filter_map(read).collect()
    }

    /// A fault for each thing under `key` that has the same `name`, as an id, as one before it.
    pub(crate) fn distinct<'i, T>(&self, key: &str, name: &str, things: impl IntoIterator<Item = &'i T>)
    where
        T: PartialEq + Display + 'i,
    {
        let mut earlier = Vec::new();
        for thing in things {
            if earlier.contains(&thing) {
                self.fault(key, format!("two {key} have the {name} {thing}"));
            }
            earlier.push(thing);
        }
    }

    /// The tables of a table whose keys are data, each read through `body` by its key; what `body` says is wrong with the key is a fault.
    pub fn each<T>(&mut self, body: impl Fn(&str, &mut Section<'_>) -> Result<T, String>) -> Vec<T> {
        let tables = std::mem::take(&mut self.table);
        let read = |(key, value): (String, Value)| match value {
            Value::Table(table) => {
                self.enter(&key, table, |own| body(&key, own).map_err(|what| self.fault(&key, what)).ok())
            }
            _ => {
                self.fault(&key, "is not a table");
                None
            }
        };
        tables.into_iter().filter_map(read).collect()
    }

    /// All keys that are left, with their values: for tables whose keys are data.
    pub fn rest(&mut self) -> impl Iterator<Item = (String, Value)> + use<> {
        std::mem::take(&mut self.table).into_iter()
    }

    fn enter<T>(&self, key: &str, table: Table, body: impl FnOnce(&mut Section<'_>) -> Option<T>) -> Option<T> {
        let mut section = Section { table, place: self.place(key), faults: self.faults };
        let read = body(&mut section);
        section.finish();
        read
    }

    fn finish(self) {
        for key in self.table.keys() {
            self.fault(key, "is not a known key");
        }
    }
}

/// A text that is not empty.
///
/// # Errors
/// What is wrong, in words.
pub fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Ok(text.clone()),
        Value::String(_) => Err("is empty".into()),
        _ => Err("is not a text".into()),
    }
}

/// A text of the form of `T`.
///
/// # Errors
/// What is wrong, in words.
pub fn parsed<T: FromStr<Err: Display>>(value: &Value) -> Result<T, String> {
    text(value)?.parse().map_err(|error: T::Err| format!("is a {error}"))
}

/// A TOML local date (`2026-01-31`, without quotes).
///
/// # Errors
/// What is wrong, in words.
pub fn date(value: &Value) -> Result<Date, String> {
    let local = match value {
        Value::Datetime(toml::value::Datetime { date: Some(date), time: None, offset: None }) => *date,
        _ => return Err("is not a date: write 2026-01-31, without quotes".into()),
    };
    Date::new(local.year, local.month, local.day).ok_or_else(|| "is not a day of the calendar".into())
}

/// A whole number of at least 1.
///
/// # Errors
/// What is wrong, in words.
pub fn positive<T: TryFrom<i64>>(value: &Value) -> Result<T, String> {
    let refused = || "is not a whole number of at least 1, within range".to_owned();
    let number = value.as_integer().filter(|number| *number >= 1).ok_or_else(refused)?;
    T::try_from(number).map_err(|_| refused())
}

/// `true` or `false`.
///
/// # Errors
/// What is wrong, in words.
pub fn flag(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "is not true or false".into())
}
