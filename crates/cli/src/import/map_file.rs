//! The map file: its raw form, and the checks that make it an `ImportMap`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Table;

use super::ImportMap;
use super::cell::{Case, CellRule, Shape, Unlisted, ValueKind};
use super::field::{Field, Rule};
use super::flags::FlagsRule;
use super::submission::Template;

/// The file as it is written, but for its two tables of members, which are read one by one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMap {
    schema: String,
    submission_id: String,
    #[serde(default = "comma")]
    delimiter: String,
    missing: Vec<String>,
    #[serde(default)]
    unused: Vec<String>,
}

/// A member as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawField {
    column: Option<String>,
    flags: Option<BTreeMap<String, String>>,
    missing: Option<Vec<String>>,
    values: Option<BTreeMap<String, String>>,
    unlisted: Option<Unlisted>,
    case: Option<Case>,
    #[serde(default)]
    list: bool,
    split: Option<String>,
    #[serde(rename = "type")]
    kind: Option<ValueKind>,
    when_missing: Option<toml::Value>,
    set: Option<Vec<String>>,
    clear: Option<Vec<String>>,
    when_clear: Option<String>,
    when_unknown: Option<String>,
}

pub(super) fn parse(text: &str) -> Result<ImportMap, Vec<String>> {
    let mut table = text.parse::<Table>().map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        vec![format!("line {}: {}", before.matches('\n').count() + 1, error.message())]
    })?;
    let mut faults = Vec::new();
    let constants = members(&mut table, "constants", &mut faults);
    let fields = members(&mut table, "fields", &mut faults);
    let head = match table.try_into::<RawMap>() {
        Ok(head) => Some(head),
        Err(error) => {
            faults.push(format!("map: {}", error.message()));
            None
        }
    };
    let missing = head.as_ref().map(|head| head.missing.clone()).unwrap_or_default();
    let fields = checked_fields(fields, &missing, &mut faults);
    let constants = checked_constants(constants, &mut faults);
    collisions(&constants, &fields, &mut faults);
    let map = head.and_then(|head| assemble(head, constants, fields, &mut faults));
    map.filter(|_| faults.is_empty()).ok_or(faults)
}

fn comma() -> String {
    ",".into()
}

fn assemble(
    head: RawMap,
    constants: Map<String, Value>,
    fields: Vec<Field>,
    faults: &mut Vec<String>,
) -> Option<ImportMap> {
    let used: BTreeSet<String> = fields.iter().flat_map(columns).map(str::to_owned).collect();
    for column in head.unused.iter().filter(|column| used.contains(*column)) {
        faults.push(format!("unused: a member is filled from {column}"));
    }
    if used.is_empty() {
        faults.push("fields: no member is filled from a column".into());
    }
    let schema = head.schema.parse().map_err(|error| faults.push(format!("schema: is a {error}"))).ok();
    let submission =
        Template::parse(&head.submission_id).map_err(|what| faults.push(format!("submission_id: {what}"))).ok();
    let &[delimiter] = head.delimiter.as_bytes() else {
        faults.push("delimiter: is not one ASCII character".into());
        return None;
    };
    let columns = used.into_iter().chain(head.unused).collect();
    Some(ImportMap { schema: schema?, submission: submission?, delimiter, constants, fields, columns })
}

/// Takes a table of members out of the file.
fn members(table: &mut Table, key: &str, faults: &mut Vec<String>) -> Table {
    match table.remove(key) {
        Some(toml::Value::Table(members)) => members,
        Some(_) => {
            faults.push(format!("{key}: is not a table"));
            Table::new()
        }
        None => Table::new(),
    }
}

fn checked_constants(constants: Table, faults: &mut Vec<String>) -> Map<String, Value> {
    let mut checked = Map::new();
    for (name, value) in constants {
        let value = if is_member(&name) { json(value) } else { Err("is not a member name".into()) };
        match value {
            Ok(value) => {
                checked.insert(name, value);
            }
            Err(what) => faults.push(format!("constants.{name}: {what}")),
        }
    }
    checked
}

fn checked_fields(fields: Table, missing: &[String], faults: &mut Vec<String>) -> Vec<Field> {
    let mut checked = Vec::new();
    for (name, value) in fields {
        let mut fault = |what: &str| faults.push(format!("fields.{name}: {what}"));
        let path: Vec<String> = name.split('.').map(str::to_owned).collect();
        if !path.iter().all(|member| is_member(member)) {
            fault("is not a path of member names joined by dots");
            continue;
        }
        let rule = match value.try_into::<RawField>() {
            Ok(raw) => raw.rule(missing),
            Err(error) => Err(vec![error.message().to_owned()]),
        };
        match rule {
            Ok(rule) => checked.push(Field { path, rule }),
            Err(faults) => faults.iter().for_each(|what| fault(what)),
        }
    }
    checked
}

impl RawField {
    fn rule(self, missing: &[String]) -> Result<Rule, Vec<String>> {
        match (self.column.is_some(), self.flags.is_some()) {
            (true, false) => self.cell(missing).map(Rule::Cell),
            (false, true) => self.flags(missing).map(Rule::Flags),
            _ => Err(vec!["needs either column or flags".into()]),
        }
    }

    fn cell(self, missing: &[String]) -> Result<CellRule, Vec<String>> {
        let mut faults = Vec::new();
        if self.set.is_some() || self.clear.is_some() || self.when_clear.is_some() || self.when_unknown.is_some() {
            faults.push("set, clear, when_clear and when_unknown go with flags, not with column".into());
        }
        if self.list && self.split.is_some() {
            faults.push("split makes a list: leave list out".into());
        }
        if self.split.as_deref() == Some("") {
            faults.push("split is empty".into());
        }
        let values = self.values.unwrap_or_default();
        let unlisted = self.unlisted.unwrap_or(if values.is_empty() { Unlisted::Pass } else { Unlisted::Reject });
        if values.is_empty() && unlisted != Unlisted::Pass {
            faults.push("unlisted needs values".into());
        }
        let kind = self.kind.unwrap_or(ValueKind::Text);
        for (from, to) in &values {
            if to.is_empty() || kind.read(to).is_err() {
                faults.push(format!("values.{from}: is not a value of the member's type"));
            }
        }
        let when_missing = self
            .when_missing
            .and_then(|value| json(value).map_err(|what| faults.push(format!("when_missing: {what}"))).ok());
        let shape = match self.split {
            Some(separator) => Shape::Split(separator),
            None if self.list => Shape::List,
            None => Shape::One,
        };
        let missing = self.missing.unwrap_or_else(|| missing.to_vec());
        let column = self.column.unwrap_or_default();
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(CellRule { column, missing, values, unlisted, case: self.case, shape, kind, when_missing })
    }

    fn flags(self, missing: &[String]) -> Result<FlagsRule, Vec<String>> {
        let mut faults = Vec::new();
        let of_cells = self.values.is_some()
            || self.unlisted.is_some()
            || self.case.is_some()
            || self.list
            || self.split.is_some()
            || self.kind.is_some()
            || self.when_missing.is_some();
        if of_cells {
            faults.push(
                "values, unlisted, case, list, split, type and when_missing go with column, not with flags".into(),
            );
        }
        let (set, clear) = (self.set.unwrap_or_default(), self.clear.unwrap_or_default());
        if set.is_empty() || clear.is_empty() {
            faults.push("flags need set and clear: the texts that say yes and those that say no".into());
        }
        if set.iter().any(|text| clear.contains(text)) {
            faults.push("set and clear share a text".into());
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(FlagsRule {
            members: self.flags.unwrap_or_default().into_iter().collect(),
            set,
            clear,
            missing: self.missing.unwrap_or_else(|| missing.to_vec()),
            when_clear: self.when_clear,
            when_unknown: self.when_unknown,
        })
    }
}

/// The columns that a member is filled from.
fn columns(field: &Field) -> impl Iterator<Item = &str> {
    let (cell, flags) = match &field.rule {
        Rule::Cell(rule) => (Some(rule.column.as_str()), [].as_slice()),
        Rule::Flags(rule) => (None, rule.members.as_slice()),
    };
    cell.into_iter().chain(flags.iter().map(|(column, _)| column.as_str()))
}

/// A member is filled once, and is a value or an object, never both.
fn collisions(constants: &Map<String, Value>, fields: &[Field], faults: &mut Vec<String>) {
    for field in fields {
        if constants.contains_key(&field.path[0]) {
            faults.push(format!("fields.{}: is a constant too", field.path.join(".")));
        }
        let inside = |other: &&Field| other.path.len() > field.path.len() && other.path.starts_with(&field.path);
        if let Some(other) = fields.iter().find(inside) {
            faults.push(format!("fields.{}: {} lies within it", field.path.join("."), other.path.join(".")));
        }
    }
}

fn is_member(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// A value of the map file as JSON. Dates are written as texts there, as in JSON.
fn json(value: toml::Value) -> Result<Value, String> {
    match value {
        toml::Value::String(text) => Ok(text.into()),
        toml::Value::Integer(number) => Ok(number.into()),
        toml::Value::Boolean(flag) => Ok(flag.into()),
        toml::Value::Float(number) => {
            serde_json::Number::from_f64(number).map(Value::Number).ok_or_else(|| "is not a finite number".into())
        }
        toml::Value::Datetime(_) => Err("is a date: write it in quotes".into()),
        toml::Value::Array(values) => values.into_iter().map(json).collect::<Result<Vec<_>, _>>().map(Value::Array),
        toml::Value::Table(table) => {
            let members = table.into_iter().map(|(name, value)| Ok::<_, String>((name, json(value)?)));
            members.collect::<Result<Map<_, _>, _>>().map(Value::Object)
        }
    }
}
