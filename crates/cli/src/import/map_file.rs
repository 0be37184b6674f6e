//! The map file: its raw form, and the checks that make it an `ImportMap`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Table;

use super::case::{Case, Condition, Test};
use super::csv_rows::Columns;
use super::field::Field;
use super::journey::{Journey, Stop};
use super::member_file::{RawMember, Shared};
use super::path::{MemberPath, is_member};
use super::submission::Template;
use super::table::{RawSource, Table as Values};
use super::text::Texts;
use super::{Format, ImportMap};

/// The file as it is written, but for what is read one by one, so that one fault does not hide the next.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMap {
    schema: String,
    submission_id: String,
    #[serde(default)]
    format: RawFormat,
    delimiter: Option<String>,
    missing: Vec<String>,
    #[serde(default)]
    unused: Vec<String>,
    #[serde(default)]
    optional: Vec<String>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawFormat {
    #[default]
    Csv,
    Json,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStop {
    role: String,
    #[serde(default)]
    optional: bool,
    place: Table,
    #[serde(default)]
    leg: Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCase {
    all: Vec<RawCondition>,
    #[serde(default)]
    set: Table,
    #[serde(default)]
    leave_out: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCondition {
    column: String,
    is: Option<Vec<String>>,
    is_not: Option<Vec<String>>,
    known: Option<bool>,
}

/// The parts of the file that are read one by one.
struct Parts {
    tables: Table,
    constants: Table,
    fields: Table,
    stops: Vec<toml::Value>,
    cases: Vec<toml::Value>,
}

/// Reads a map. `folder` is where its table files are looked for.
pub(super) fn parse(text: &str, folder: &Path) -> Result<ImportMap, Vec<String>> {
    let mut file = text.parse::<Table>().map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        vec![format!("line {}: {}", before.matches('\n').count() + 1, error.message())]
    })?;
    let mut faults = Vec::new();
    let parts = Parts {
        tables: table(&mut file, "tables", &mut faults),
        constants: table(&mut file, "constants", &mut faults),
        fields: table(&mut file, "fields", &mut faults),
        stops: list(&mut file, "stops", &mut faults),
        cases: list(&mut file, "when", &mut faults),
    };
    let head = file.try_into::<RawMap>();
    let head = head.map_err(|error| faults.push(format!("map: {}", error.message()))).ok();
    let missing = head.as_ref().map(|head| head.missing.clone()).unwrap_or_default();
    let tables = checked_tables(parts.tables, folder, &mut faults);
    let shared = Shared { missing: &missing, tables: &tables };
    let fields = checked_fields("fields.", parts.fields, &shared, &mut faults);
    let constants = checked_constants(parts.constants, &mut faults);
    let journey = checked_journey(parts.stops, &shared, &mut faults);
    let cases = checked_cases(parts.cases, &fields, &missing, &mut faults);
    collisions(&constants, &fields, journey.is_some(), &mut faults);
    let content = Content { constants, fields, journey, cases };
    let map = head.and_then(|head| content.under(head, &mut faults));
    map.filter(|_| faults.is_empty()).ok_or(faults)
}

/// What fills the document.
struct Content {
    constants: Map<String, Value>,
    fields: Vec<Field>,
    journey: Option<Journey>,
    cases: Vec<Case>,
}

impl Content {
    fn under(self, head: RawMap, faults: &mut Vec<String>) -> Option<ImportMap> {
        let used = self.columns();
        for column in head.unused.iter().filter(|column| used.contains(*column)) {
            faults.push(format!("unused: a member is filled from {column}"));
        }
        if used.is_empty() && faults.is_empty() {
            faults.push("fields: no member is filled from a column".into());
        }
        let schema = head.schema.parse().map_err(|error| faults.push(format!("schema: is a {error}"))).ok();
        let submission =
            Template::parse(&head.submission_id).map_err(|what| faults.push(format!("submission_id: {what}"))).ok();
        let format = head.checked_format(faults);
        let columns = Columns { used, unused: head.unused, optional: head.optional };
        Some(ImportMap {
            schema: schema?,
            submission: submission?,
            format: format?,
            constants: self.constants,
            fields: self.fields,
            journey: self.journey,
            cases: self.cases,
            columns,
        })
    }

    /// Every column that something is filled from or depends on.
    fn columns(&self) -> BTreeSet<String> {
        let stops = self.journey.iter().flat_map(|journey| &journey.stops).flat_map(Stop::columns);
        let cases = self.cases.iter().flat_map(|case| &case.conditions).map(|condition| condition.column.as_str());
        self.fields.iter().flat_map(Field::columns).chain(stops).chain(cases).map(str::to_owned).collect()
    }
}

impl RawMap {
    fn checked_format(&self, faults: &mut Vec<String>) -> Option<Format> {
        match (self.format, self.delimiter.as_deref().map(str::as_bytes)) {
            (RawFormat::Csv, None) => Some(Format::Csv { delimiter: b',' }),
            (RawFormat::Csv, Some(&[delimiter])) => Some(Format::Csv { delimiter }),
            (RawFormat::Json, None) if self.optional.is_empty() => Some(Format::Json),
            (RawFormat::Json, None) => {
                faults.push("optional: any member of an object may be absent: leave this out".into());
                None
            }
            (RawFormat::Csv, Some(_)) => {
                faults.push("delimiter: is not one ASCII character".into());
                None
            }
            (RawFormat::Json, Some(_)) => {
                faults.push("delimiter: goes with csv".into());
                None
            }
        }
    }
}

/// Takes a table out of the file.
fn table(file: &mut Table, key: &str, faults: &mut Vec<String>) -> Table {
    match file.remove(key) {
        Some(toml::Value::Table(table)) => return table,
        Some(_) => faults.push(format!("{key}: is not a table")),
        None => {}
    }
    Table::new()
}

/// Takes a list of tables out of the file.
fn list(file: &mut Table, key: &str, faults: &mut Vec<String>) -> Vec<toml::Value> {
    match file.remove(key) {
        Some(toml::Value::Array(list)) => return list,
        Some(_) => faults.push(format!("{key}: is not a list of tables: write [[{key}]]")),
        None => {}
    }
    Vec::new()
}

fn checked_tables(raw: Table, folder: &Path, faults: &mut Vec<String>) -> BTreeMap<String, Arc<Values>> {
    let mut checked = BTreeMap::new();
    for (name, value) in raw {
        let loaded = match value.try_into::<RawSource>() {
            Ok(source) => source.load(folder),
            Err(error) => Err(vec![error.message().to_owned()]),
        };
        // A table with faults is there all the same, or each use of it would be a fault too.
        let values = loaded.map_err(|found| faults.extend(found.iter().map(|what| format!("tables.{name}: {what}"))));
        checked.insert(name, Arc::new(values.unwrap_or_default()));
    }
    checked
}

fn checked_constants(raw: Table, faults: &mut Vec<String>) -> Map<String, Value> {
    let mut checked = Map::new();
    for (name, value) in raw {
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

fn checked_fields(place: &str, raw: Table, shared: &Shared<'_>, faults: &mut Vec<String>) -> Vec<Field> {
    let mut checked = Vec::new();
    for (name, value) in raw {
        let path = name.parse::<MemberPath>().map_err(|what| vec![what.to_owned()]);
        let rule = match value.try_into::<RawMember>() {
            Ok(raw) => raw.rule(shared),
            Err(error) => Err(vec![error.message().to_owned()]),
        };
        match path.and_then(|path| Ok(Field { path, rule: rule? })) {
            Ok(field) => checked.push(field),
            Err(found) => faults.extend(found.iter().map(|what| format!("{place}{name}: {what}"))),
        }
    }
    checked
}

fn checked_journey(raw: Vec<toml::Value>, shared: &Shared<'_>, faults: &mut Vec<String>) -> Option<Journey> {
    let mut stops = Vec::new();
    let written = raw.len();
    for (index, value) in raw.into_iter().enumerate() {
        let place = format!("stops[{index}]");
        match value.try_into::<RawStop>() {
            Ok(stop) => stops.push(Stop {
                role: stop.role,
                optional: stop.optional,
                place: checked_fields(&format!("{place}.place."), stop.place, shared, faults),
                leg: checked_fields(&format!("{place}.leg."), stop.leg, shared, faults),
            }),
            Err(error) => faults.push(format!("{place}: {}", error.message())),
        }
    }
    if written == 1 {
        faults.push("stops: a route has two at least".into());
    }
    (written > 0).then_some(Journey { stops })
}

fn checked_cases(raw: Vec<toml::Value>, fields: &[Field], missing: &[String], faults: &mut Vec<String>) -> Vec<Case> {
    let mut checked = Vec::new();
    for (index, value) in raw.into_iter().enumerate() {
        let mut found = Vec::new();
        match value.try_into::<RawCase>() {
            Ok(raw) => checked.push(raw.check(fields, missing, &mut found)),
            Err(error) => found.push(error.message().to_owned()),
        }
        faults.extend(found.iter().map(|what| format!("when[{index}]: {what}")));
    }
    checked
}

impl RawCase {
    fn check(self, fields: &[Field], missing: &[String], faults: &mut Vec<String>) -> Case {
        if self.all.is_empty() || self.set.is_empty() && self.leave_out.is_empty() {
            faults.push("needs all, and set or leave_out".into());
        }
        let mut conditions = Vec::new();
        for condition in self.all {
            match condition.check(missing) {
                Ok(condition) => conditions.push(condition),
                Err(what) => faults.push(what),
            }
        }
        let mut set = Vec::new();
        for (name, value) in self.set {
            match (name.parse::<MemberPath>(), json(value)) {
                (Ok(path), Ok(value)) if !path.is_each() => set.push((path, value)),
                (Ok(_), Ok(_)) => faults.push(format!("set.{name}: has []")),
                (Err(what), _) => faults.push(format!("set.{name}: {what}")),
                (_, Err(what)) => faults.push(format!("set.{name}: {what}")),
            }
        }
        let mut leave_out = Vec::new();
        for name in &self.leave_out {
            match name.parse::<MemberPath>() {
                Ok(path) if fields.iter().any(|field| path.covers(&field.path)) => leave_out.push(path),
                Ok(_) => faults.push(format!("leave_out: no column fills {name}")),
                Err(what) => faults.push(format!("leave_out: {name} {what}")),
            }
        }
        Case { conditions, set, leave_out }
    }
}

impl RawCondition {
    fn check(self, missing: &[String]) -> Result<Condition, String> {
        let test = match (&self.is, &self.is_not, self.known) {
            (Some(texts), None, None) => Test::Is(Texts::new(texts)),
            (None, Some(texts), None) => Test::IsNot(Texts::new(texts)),
            (None, None, Some(true)) => Test::Known(Texts::new(missing)),
            (None, None, Some(false)) => Test::Is(Texts::new(missing)),
            _ => return Err(format!("{} needs one of is, is_not and known", self.column)),
        };
        Ok(Condition { column: self.column, test })
    }
}

/// A member is filled once, and is a value or an object, never both.
fn collisions(constants: &Map<String, Value>, fields: &[Field], legs: bool, faults: &mut Vec<String>) {
    for (index, field) in fields.iter().enumerate() {
        if constants.contains_key(field.path.first()) {
            faults.push(format!("fields.{}: is a constant too", field.path));
        }
        if legs && field.path.first() == "legs" {
            faults.push(format!("fields.{}: the stops make the legs", field.path));
        }
        if let Some(other) = fields[..index].iter().find(|other| other.path.collides(&field.path)) {
            faults.push(format!("fields.{}: shares its place with {}", field.path, other.path));
        }
    }
    if legs && constants.contains_key("legs") {
        faults.push("constants.legs: the stops make the legs".into());
    }
}

/// A value of the map file as JSON. Dates are written as texts there, as in JSON.
pub(super) fn json(value: toml::Value) -> Result<Value, String> {
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
