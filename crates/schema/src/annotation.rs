//! Reading the annotations of one leaf: class, floor, ladder, number, scheme. What is missing or odd is a fault.

use causeway_model::{Class, FieldNumber, FieldSpec, Floor, Ladder, Step};
use serde_json::{Map, Value};

use crate::compile::path_of;
use crate::shape::{Leaf, Link, Segment, Withheld};

/// Field numbers run from 1 to this.
const MAX_FIELD: u64 = 1023;

/// Faults of one leaf, each without the leaf's place.
type Faults = Vec<String>;

/// The leaf at `segments` whose resolved schema is `node`; `format` is its format, if it has one.
pub(crate) fn leaf(node: &Map<String, Value>, segments: &[Segment]) -> Result<Leaf, Faults> {
    let mut faults = Faults::new();
    let mut note = |fault: String| faults.push(fault);
    let number = number(node).map_err(&mut note).ok();
    let class = word::<Class>(node, "x-class").and_then(|class| class.ok_or_else(|| "has no x-class".into()));
    let class = class.map_err(&mut note).ok();
    let ladder = word::<Ladder>(node, "x-ladder").map_err(&mut note).ok().flatten();
    let floor = word::<Floor>(node, "x-floor").map_err(&mut note).ok().flatten();
    let floor = class.and_then(|class| floor_for(class, ladder, floor, node).map_err(&mut note).ok());
    let link = link(node, class).map_err(&mut note).ok().flatten();
    let withheld = withheld(node, segments).map_err(&mut note).ok().flatten();
    let path = path_of(segments).parse().map_err(|_| note("has a name that is not a field path".into())).ok();
    let (Some(number), Some(class), Some(floor), Some(path), true) = (number, class, floor, path, faults.is_empty())
    else {
        return Err(faults);
    };
    let is_date = matches!(node.get("format").and_then(Value::as_str), Some("date" | "partial-date"));
    let may_lie_ahead =
        matches!(segments, [Segment::Member(name)] if matches!(&**name, "retention_review_due" | "retain_until"));
    let spec = FieldSpec { number, path, class, ladder, floor };
    Ok(Leaf { spec, segments: segments.to_vec(), link, withheld, past: is_date && !may_lie_ahead })
}

fn number(node: &Map<String, Value>) -> Result<FieldNumber, String> {
    let number = node.get("x-field").ok_or("has no x-field")?;
    let number = number.as_u64().filter(|number| (1..=MAX_FIELD).contains(number));
    let number = number.and_then(|number| u16::try_from(number).ok());
    number.map(FieldNumber).ok_or_else(|| format!("has an x-field that is not a number from 1 to {MAX_FIELD}"))
}

fn word<T: std::str::FromStr>(node: &Map<String, Value>, key: &str) -> Result<Option<T>, String> {
    let Some(value) = node.get(key) else { return Ok(None) };
    let word = value.as_str().and_then(|text| text.parse().ok());
    word.map(Some).ok_or_else(|| format!("has an unknown {key}"))
}

/// The floor that goes with the class: stated for open and coarse, given for link and sealed.
fn floor_for(
    class: Class,
    ladder: Option<Ladder>,
    floor: Option<Floor>,
    node: &Map<String, Value>,
) -> Result<Floor, String> {
    let text = |key: &str| Err(key.to_owned());
    match (class, ladder, floor) {
        (Class::Open, None, Some(floor @ (Floor::Never | Floor::Finest(Step::Exact)))) => Ok(floor),
        (Class::Open, None, Some(_)) => text("is open, so its x-floor is exact or never"),
        (Class::Open | Class::Coarse, _, None) if !node.contains_key("x-floor") => text("has no x-floor"),
        (Class::Coarse, None, _) if !node.contains_key("x-ladder") => text("is coarse and has no x-ladder"),
        (Class::Coarse, Some(ladder), Some(floor)) => {
            fits(ladder, node)?;
            match floor {
                Floor::Finest(step) if !ladder.steps().contains(&step) => {
                    text("has an x-floor that is not on its ladder")
                }
                floor => Ok(floor),
            }
        }
        (Class::Link, None, None) => Ok(Floor::Finest(Step::Exact)),
        (Class::Sealed, None, None) => Ok(Floor::Never),
        (Class::Open, Some(_), _) => text("is open and has an x-ladder"),
        (Class::Link | Class::Sealed, _, _) => text("is link or sealed and has an x-floor or x-ladder"),
        (Class::Open | Class::Coarse, _, _) => text("has annotations that do not fit together"),
    }
}

/// Whether values of the leaf's type can go down the ladder.
fn fits(ladder: Ladder, node: &Map<String, Value>) -> Result<(), String> {
    let kind = node.get("type").and_then(Value::as_str).unwrap_or_default();
    let fits = match ladder {
        Ladder::Coordinate | Ladder::Amount => matches!(kind, "number" | "integer"),
        Ladder::Drop => true,
        _ => kind == "string",
    };
    if fits { Ok(()) } else { Err("has a type that its ladder cannot make coarser".into()) }
}

fn link(node: &Map<String, Value>, class: Option<Class>) -> Result<Option<Link>, String> {
    let scheme = word(node, "x-scheme")?;
    let with = match node.get("x-scheme-with") {
        None => Vec::new(),
        Some(names) => texts(names).ok_or("has an x-scheme-with that is not a list of names")?,
    };
    match (class, scheme) {
        (Some(Class::Link), Some(scheme)) if node.get("type").and_then(Value::as_str) == Some("string") => {
            Ok(Some(Link { scheme, with }))
        }
        (Some(Class::Link), Some(_)) => Err("is link and not a string".into()),
        (Some(Class::Link), None) => Err("is link and has no x-scheme".into()),
        (Some(_), Some(_)) => Err("has an x-scheme and is not link".into()),
        _ if !with.is_empty() => Err("has an x-scheme-with and no x-scheme".into()),
        _ => Ok(None),
    }
}

fn withheld(node: &Map<String, Value>, leaf: &[Segment]) -> Result<Option<Withheld>, String> {
    let Some(condition) = node.get("x-withheld-where") else { return Ok(None) };
    let field = condition.get("field").and_then(Value::as_str);
    let values = condition.get("in").and_then(texts).filter(|values| !values.is_empty());
    let (Some(field), Some(values)) = (field, values) else {
        return Err("has an x-withheld-where that is not a field and its values".into());
    };
    let segments = Segment::of_path(field);
    let arrays =
        |path: &[Segment]| path.iter().rposition(|segment| *segment == Segment::Item).map_or(0, |last| last + 1);
    let shared = arrays(&segments);
    let reachable = leaf.get(..shared) == Some(&segments[..shared]);
    if reachable {
        Ok(Some(Withheld { segments, values }))
    } else {
        Err("has an x-withheld-where whose field stands in another array".into())
    }
}

fn texts(value: &Value) -> Option<Vec<Box<str>>> {
    value.as_array()?.iter().map(|item| item.as_str().map(Box::from)).collect()
}
