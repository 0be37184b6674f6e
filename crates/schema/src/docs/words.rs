//! A field in words: what a value looks like, and in what form it may leave at most.

use causeway_model::{Class, FieldPath, Floor, Ladder, Step};
use serde_json::{Map, Value};

use super::FieldDocs;
use crate::compile::{Compiled, resolve};
use crate::schema::Schema;
use crate::shape::{Leaf, Segment};

/// What the pages say of one leaf of `schema`; an error says what the schema file lacks.
pub(crate) fn field(schema: &Schema, leaf: &Leaf, versions: &[&Schema]) -> Result<FieldDocs, &'static str> {
    let node = Found::of(schema.compiled(), &leaf.segments).ok_or("is not found in its own file")?;
    let text = |key: &str| node.node.get(key).and_then(Value::as_str).map(str::to_owned);
    let path: &FieldPath = &leaf.spec.path;
    let since = versions.iter().find(|version| version.fields().by_path(path).is_some());
    Ok(FieldDocs {
        path: path.clone(),
        number: leaf.spec.number.0,
        group: text("x-group").ok_or("has no x-group")?,
        description: text("description").filter(|text| text.ends_with('.')).ok_or("has no sentence as description")?,
        form: form(&node),
        leaves: leaves(leaf),
        since: since.map(|version| version.id().version.to_string()).unwrap_or_default(),
        required: node.required,
    })
}

/// The kind's own description.
pub(crate) fn about(compiled: &Compiled) -> &str {
    compiled.file.get("description").and_then(Value::as_str).unwrap_or_default()
}

/// The leaf's node, and what was met on the way to it.
struct Found {
    node: Map<String, Value>,
    required: bool,
    /// The most items of the innermost array right above the leaf.
    most: Option<u64>,
}

impl Found {
    fn of(compiled: &Compiled, segments: &[Segment]) -> Option<Self> {
        let file = &compiled.file;
        let mut found = Self { node: file.as_object()?.clone(), required: true, most: None };
        for segment in segments {
            let next = match segment {
                Segment::Member(name) => {
                    let required = found.node.get("required").and_then(Value::as_array);
                    found.required &= required.is_some_and(|names| names.iter().any(|known| known == name.as_ref()));
                    found.most = None;
                    found.node.get("properties")?.get(name.as_ref())?
                }
                Segment::Item => {
                    found.most = found.node.get("maxItems").and_then(Value::as_u64);
                    found.node.get("items")?
                }
            };
            found.node = resolve(file, next).ok()?;
        }
        Some(found)
    }
}

fn form(found: &Found) -> String {
    let node = &found.node;
    let text = |key: &str| node.get(key).and_then(Value::as_str);
    let number = |key: &str| node.get(key).and_then(Value::as_f64);
    let one = match (text("x-codes"), text("format"), text("pattern"), text("type")) {
        (Some(list), ..) => format!("a code of [{list}](codes.md#{})", super::lists::anchor(list)),
        (_, Some("date"), ..) => "a date".to_owned(),
        (_, Some("partial-date"), ..) => "a year, month or day".to_owned(),
        (_, Some(other), ..) => format!("{} address", if other == "email" { "an e-mail" } else { other }),
        (_, _, Some(pattern), _) => format!("a text of the form `{}`", pattern.replace('|', "\\|")),
        (.., Some("boolean")) => "yes or no (boolean)".to_owned(),
        (.., Some(kind @ ("integer" | "number"))) => {
            let whole = if kind == "integer" { "a whole number" } else { "a number" };
            format!("{whole} from {} to {}", number("minimum").unwrap_or(0.0), number("maximum").unwrap_or(0.0))
        }
        _ => format!("a text of up to {} characters", number("maxLength").unwrap_or(0.0)),
    };
    match found.most {
        Some(most) => format!("{one}; up to {most} of them"),
        None => one,
    }
}

/// The class, and the finest form that any agreement may ask for.
fn leaves(leaf: &Leaf) -> String {
    let spec = &leaf.spec;
    let most = match (spec.class, spec.ladder, spec.floor) {
        (Class::Sealed, ..) => "**never**; sealed".to_owned(),
        (Class::Open, _, Floor::Never) => "**never**; readable by the gateway".to_owned(),
        (_, _, Floor::Never) => "**never**; sealed".to_owned(),
        (Class::Link, ..) => "a pseudonym of its own feed".to_owned(),
        (Class::Open, ..) => "as it is".to_owned(),
        (Class::Coarse, Some(ladder), Floor::Finest(floor)) => steps(ladder, floor),
        (Class::Coarse, None, _) => "**never**".to_owned(),
    };
    match &leaf.withheld {
        None => most,
        Some(withheld) => {
            let field = crate::compile::path_of(&withheld.segments);
            let values: Vec<String> = withheld.values.iter().map(|value| format!("`{value}`")).collect();
            format!("{most}; **never** where `{field}` is {}", values.join(" or "))
        }
    }
}

/// The steps of a ladder from the floor on, in words.
fn steps(ladder: Ladder, floor: Step) -> String {
    let allowed = ladder.steps().iter().filter(|step| ladder.allows(floor, **step));
    let words: Vec<&str> = allowed.map(|step| step_in_words(ladder, *step)).collect();
    words.join(", or ")
}

const fn step_in_words(ladder: Ladder, step: Step) -> &'static str {
    match (ladder, step) {
        (Ladder::Age, Step::Band) => "as recorded",
        (_, Step::Exact) => "as recorded",
        (_, Step::Day) => "the day",
        (_, Step::Month) => "the month",
        (_, Step::Quarter) => "the quarter",
        (_, Step::Year) => "the year",
        (_, Step::Band) => "a band",
        (_, Step::AdultChild) => "adult or child",
        (_, Step::Port) => "the UN/LOCODE",
        (_, Step::Subdivision) => "the subdivision",
        (_, Step::Country) => "the country",
        (_, Step::Region) => "its region",
        (_, Step::FemaleMale) => "female, male or unknown",
        (_, Step::Type) => "the type of organisation",
        (_, Step::TenthDegree) => "rounded to a tenth of a degree (about 11 km)",
    }
}
