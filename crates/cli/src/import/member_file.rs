//! A member as the map file writes it, and the checks that make it a rule.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::band::Band;
use super::cell::{Case, CellRule, Differing, Reading, Shape, Unlisted, ValueKind};
use super::date_form::DateForm;
use super::field::Rule;
use super::flags::FlagsRule;
use super::map_file::json;
use super::table::Table;
use super::text::Texts;

/// A member as it is written; `config/imports/README.md` says what each key does. Which of the keys may stand there
/// depends on what it is filled from.
#[derive(Deserialize)]
pub(super) struct RawMember {
    column: Option<String>,
    columns: Option<Vec<String>>,
    flags: Option<BTreeMap<String, String>>,
    missing: Option<Vec<String>>,
    #[serde(flatten)]
    keys: BTreeMap<String, toml::Value>,
}

/// The keys of a member that is filled from the texts of its columns.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCell {
    strip: Option<String>,
    #[serde(default)]
    prefixes: BTreeMap<String, String>,
    values: Option<BTreeMap<String, String>>,
    refused: Option<BTreeMap<String, String>>,
    table: Option<OneOrMore>,
    except: Option<OneOrMore>,
    dates: Option<OneOrMore>,
    bands: Option<BTreeMap<String, String>>,
    unlisted: Option<Unlisted>,
    case: Option<Case>,
    #[serde(default)]
    list: bool,
    split: Option<OneOrMore>,
    several: Option<Differing>,
    join: Option<String>,
    #[serde(default)]
    headings: bool,
    #[serde(rename = "type")]
    kind: Option<ValueKind>,
    when_missing: Option<toml::Value>,
    when_known: Option<toml::Value>,
}

/// The keys of a member that is filled from flags.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFlags {
    #[serde(default)]
    set: Vec<String>,
    #[serde(default)]
    clear: Vec<String>,
    when_clear: Option<String>,
    when_unknown: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// Among the texts that say yes: whatever says neither no nor nothing.
const ANY: &str = "*";

/// What members may refer to.
pub(super) struct Shared<'m> {
    pub(super) missing: &'m [String],
    pub(super) tables: &'m BTreeMap<String, Arc<Table>>,
}

impl RawMember {
    pub(super) fn rule(self, shared: &Shared<'_>) -> Result<Rule, Vec<String>> {
        let missing = Texts::new(self.missing.as_deref().unwrap_or(shared.missing));
        match (self.column, self.columns, self.flags) {
            (Some(column), None, None) => cell(vec![column], false, missing, read(self.keys, "column")?, shared),
            (None, Some(columns), None) => cell(columns, true, missing, read(self.keys, "columns")?, shared),
            (None, None, Some(members)) => flags(members, missing, read(self.keys, "flags")?),
            _ => Err(vec!["needs one of column, columns and flags".into()]),
        }
    }
}

/// Reads the keys that go with `column`, `columns` or `flags`; any other is a fault.
fn read<T: for<'de> Deserialize<'de>>(keys: BTreeMap<String, toml::Value>, with: &str) -> Result<T, Vec<String>> {
    let table: toml::Table = keys.into_iter().collect();
    table.try_into().map_err(|error: toml::de::Error| {
        let fault = error.message();
        // The list of all keys that there are helps nobody.
        let fault = fault.split(", expected").next().unwrap_or(fault);
        let place = if fault.starts_with("unknown field") { format!(" beside {with}") } else { String::new() };
        vec![format!("{fault}{place}")]
    })
}

fn cell(
    columns: Vec<String>,
    gathers: bool,
    missing: Texts,
    raw: RawCell,
    shared: &Shared<'_>,
) -> Result<Rule, Vec<String>> {
    let mut faults = Vec::new();
    if columns.is_empty() {
        faults.push("columns is empty".into());
    }
    let shape = raw.shape(gathers, &mut faults);
    let kind = raw.kind.unwrap_or(ValueKind::Text);
    let tables = raw.tables(kind, shared, &mut faults);
    let except = shared.named("except", raw.except.as_ref(), &mut faults);
    let dates = raw.dates(&mut faults);
    let bands = raw.bands(kind, &mut faults);
    let listed = !tables.is_empty() || !dates.is_empty() || !bands.is_empty();
    let unlisted = raw.unlisted.unwrap_or(if listed { Unlisted::Reject } else { Unlisted::Pass });
    if !listed && unlisted != Unlisted::Pass {
        faults.push("unlisted needs values, table, dates or bands".into());
    }
    if unlisted == Unlisted::Pass && !(dates.is_empty() && bands.is_empty()) {
        faults.push("a text that is no date or in no band cannot pass: unlisted is reject or missing".into());
    }
    let mut fixed = |key: &str, value: Option<toml::Value>| {
        value.and_then(|value| json(value).map_err(|what| faults.push(format!("{key}: {what}"))).ok())
    };
    let when_missing = fixed("when_missing", raw.when_missing);
    let when_known = fixed("when_known", raw.when_known);
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut prefixes: Vec<(String, String)> = raw.prefixes.into_iter().collect();
    prefixes.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
    let (strip, case) = (raw.strip.unwrap_or_default(), raw.case);
    let reading = Reading { missing, strip, prefixes, tables, except, dates, bands, unlisted, case, kind, when_known };
    Ok(Rule::Cell(CellRule { columns, reading, shape, when_missing }))
}

impl RawCell {
    fn shape(&self, gathers: bool, faults: &mut Vec<String>) -> Shape {
        let separators = self.split.as_ref().map(OneOrMore::all).unwrap_or_default();
        if separators.iter().any(String::is_empty) || self.split.is_some() && separators.is_empty() {
            faults.push("split is empty".into());
        }
        if self.list && (self.split.is_some() || gathers) {
            faults.push("split and columns make a list: leave list out".into());
        }
        if self.several.is_some() && self.split.is_none() && !gathers {
            faults.push("several needs split or columns".into());
        }
        if self.join.is_some() && (!gathers || self.split.is_some() || self.several.is_some()) {
            faults.push("join makes one text of columns: it needs columns, and neither split nor several".into());
        }
        if self.headings && self.join.is_none() {
            faults.push("headings needs join".into());
        }
        match (&self.join, self.several) {
            (Some(between), _) => Shape::Joined { between: between.clone(), headings: self.headings },
            (None, Some(Differing::Only)) => Shape::List { separators, least: 2 },
            (None, Some(differing)) => Shape::Agreed { separators, reject: differing == Differing::Reject },
            (None, None) if gathers || self.list || self.split.is_some() => Shape::List { separators, least: 1 },
            (None, None) => Shape::One,
        }
    }

    fn tables(&self, kind: ValueKind, shared: &Shared<'_>, faults: &mut Vec<String>) -> Vec<Arc<Table>> {
        let own = Table::of_member(self.values.clone().unwrap_or_default(), self.refused.clone().unwrap_or_default());
        let own = own.map_err(|found| faults.extend(found)).unwrap_or_default();
        for value in own.values().filter(|value| kind.read(value).is_err()) {
            faults.push(format!("values: {value} is not a value of the member's type"));
        }
        let mut tables = Vec::new();
        if !own.is_empty() {
            tables.push(Arc::new(own));
        }
        tables.extend(shared.named("table", self.table.as_ref(), faults));
        tables
    }

    fn dates(&self, faults: &mut Vec<String>) -> Vec<DateForm> {
        let mut forms: Vec<DateForm> = Vec::new();
        for text in self.dates.as_ref().map(OneOrMore::all).unwrap_or_default() {
            match DateForm::parse(&text) {
                Ok(form) if forms.iter().any(|other| other.mistakes(&form)) => {
                    faults.push(format!("dates: {text} reads the same text as another form does, as another day"));
                }
                Ok(form) => forms.push(form),
                Err(what) => faults.push(format!("dates: {text} {what}")),
            }
        }
        forms
    }

    fn bands(&self, kind: ValueKind, faults: &mut Vec<String>) -> Vec<Band> {
        let mut bands: Vec<Band> = Vec::new();
        for (value, range) in self.bands.iter().flatten() {
            if kind.read(value).is_err() {
                faults.push(format!("bands: {value} is not a value of the member's type"));
            }
            match Band::parse(value, range) {
                Ok(band) if bands.iter().any(|other| other.overlaps(&band)) => {
                    faults.push(format!("bands.{value}: overlaps another band"));
                }
                Ok(band) => bands.push(band),
                Err(what) => faults.push(format!("bands.{value}: {what}")),
            }
        }
        bands
    }
}

impl Shared<'_> {
    fn named(&self, key: &str, names: Option<&OneOrMore>, faults: &mut Vec<String>) -> Vec<Arc<Table>> {
        let mut tables = Vec::new();
        for name in names.map(OneOrMore::all).unwrap_or_default() {
            match self.tables.get(&name) {
                Some(table) => tables.push(Arc::clone(table)),
                None => faults.push(format!("{key}: there is no tables.{name}")),
            }
        }
        tables
    }
}

impl OneOrMore {
    fn all(&self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text.clone()],
            Self::More(texts) => texts.clone(),
        }
    }
}

fn flags(members: BTreeMap<String, String>, missing: Texts, raw: RawFlags) -> Result<Rule, Vec<String>> {
    let mut faults = Vec::new();
    let any = raw.set.iter().any(|text| text == ANY);
    let (set, clear) = (Texts::new(&raw.set), Texts::new(&raw.clear));
    if set.is_empty() || clear.is_empty() {
        faults.push("flags need set and clear: the texts that say yes and those that say no".into());
    }
    if set.shares(&clear) {
        faults.push("set and clear share a text".into());
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let members = members.into_iter().collect();
    Ok(Rule::Flags(FlagsRule {
        members,
        set,
        any,
        clear,
        missing,
        when_clear: raw.when_clear,
        when_unknown: raw.when_unknown,
    }))
}
