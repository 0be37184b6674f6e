//! Whether a minor version of a schema accepts all that the one before it accepted, and protects it no less.
//!
//! The comparison is of the files' structure, not of documents: types, codes, bounds, required members and conditional
//! rules for what is accepted; classes, floors, ladders, schemes and conditions for how it is protected. Where it cannot
//! be sure, it refuses.

use causeway_model::{Class, Floor};
use serde_json::{Map, Value};

use crate::compile::{Compiled, path_of, resolve};
use crate::shape::{Leaf, Segment};

/// Lower bounds: a later one must not be greater. Absent is none, which for a length or a number of items is 0.
const LOWER: &[&str] = &["minimum", "minLength", "minItems", "minProperties"];
/// Upper bounds: a later one must not be smaller.
const UPPER: &[&str] = &["maximum", "maxLength", "maxItems"];
/// Keywords that a later version may drop but neither add nor change.
const SAME_OR_GONE: &[&str] = &["pattern", "format", "multipleOf", "const"];

/// Everything by which `later` refuses what `earlier` accepted, or protects a field less.
pub(crate) fn faults(earlier: &Compiled, later: &Compiled) -> Vec<String> {
    let mut comparison =
        Comparison { earlier: &earlier.file, later: &later.file, segments: Vec::new(), faults: Vec::new() };
    comparison.node(&earlier.file, &later.file);
    comparison.rules();
    let mut faults = comparison.faults;
    for leaf in &earlier.shape.leaves {
        let same = later.shape.leaves.iter().find(|other| other.spec.path == leaf.spec.path);
        let what = same.map(|other| protected_less(leaf, other)).unwrap_or_default();
        faults.extend(what.into_iter().map(|what| format!("{}: {what}", leaf.spec.path)));
    }
    faults
}

/// What the later leaf protects less. A leaf that is missing was already found by its object.
fn protected_less(earlier: &Leaf, later: &Leaf) -> Vec<&'static str> {
    let (old, new) = (&earlier.spec, &later.spec);
    let mut faults = Vec::new();
    if old.number != new.number {
        faults.push("has another x-field");
    }
    if later.spec.class == Class::Sealed {
        return faults;
    }
    match (old.class, new.class) {
        (old, new) if old == new => {}
        (Class::Open, Class::Coarse) => {}
        _ => faults.push("has a class that protects it less, or that stored records do not have"),
    }
    if earlier.link != later.link {
        faults.push("has another x-scheme: its pseudonyms would not be the same");
    }
    if new.floor == Floor::Never {
        return faults;
    }
    if old.class == new.class && old.ladder != new.ladder {
        faults.push("has another x-ladder");
    }
    let no_finer = match (old.floor, new.floor, new.ladder) {
        (Floor::Never, _, _) => false,
        // An open field's floor is exact; so whatever a coarse one has is no finer.
        (Floor::Finest(old), Floor::Finest(new), Some(ladder)) => {
            ladder.allows(old, new) || earlier.spec.ladder.is_none()
        }
        (old, new, _) => old == new,
    };
    if !no_finer {
        faults.push("has a finer x-floor");
    }
    // A new condition protects more, and a projection holds it against what was stored before.
    if earlier.withheld.is_some() && earlier.withheld != later.withheld {
        faults.push("has another x-withheld-where: stored records were split by the earlier one");
    }
    faults
}

struct Comparison<'f> {
    earlier: &'f Value,
    later: &'f Value,
    segments: Vec<Segment>,
    faults: Vec<String>,
}

impl Comparison<'_> {
    fn fault(&mut self, what: impl std::fmt::Display) {
        let path = path_of(&self.segments);
        self.faults.push(if path.is_empty() { format!("the schema {what}") } else { format!("{path}: {what}") });
    }

    fn node(&mut self, earlier: &Value, later: &Value) {
        // Both files compiled, so every reference is there.
        let (Ok(earlier), Ok(later)) = (resolve(self.earlier, earlier), resolve(self.later, later)) else { return };
        if earlier.get("type") != later.get("type") {
            return self.fault("is of another type");
        }
        self.bounds(&earlier, &later);
        self.codes(&earlier, &later);
        self.members(&earlier, &later);
        if later.get("uniqueItems") == Some(&Value::Bool(true))
            && earlier.get("uniqueItems") != later.get("uniqueItems")
        {
            self.fault("now asks for uniqueItems");
        }
        if let (Some(earlier), Some(later)) = (earlier.get("items"), later.get("items")) {
            self.segments.push(Segment::Item);
            self.node(earlier, later);
            self.segments.pop();
        }
    }

    fn bounds(&mut self, earlier: &Map<String, Value>, later: &Map<String, Value>) {
        let bound = |node: &Map<String, Value>, key: &str| node.get(key).and_then(Value::as_f64);
        for key in LOWER {
            let floor = if *key == "minimum" { f64::NEG_INFINITY } else { 0.0 };
            let mut before = bound(earlier, key).unwrap_or(floor);
            if *key == "minProperties" {
                // What is required is there, so there are at least that many.
                let required = u32::try_from(names(earlier.get("required")).count()).unwrap_or(u32::MAX);
                before = before.max(f64::from(required));
            }
            if bound(later, key).unwrap_or(floor) > before {
                self.fault(format_args!("has a greater {key}"));
            }
        }
        for key in UPPER {
            if bound(later, key).unwrap_or(f64::INFINITY) < bound(earlier, key).unwrap_or(f64::INFINITY) {
                self.fault(format_args!("has a smaller {key}"));
            }
        }
        for key in SAME_OR_GONE {
            if later.get(*key).is_some_and(|stated| earlier.get(*key) != Some(stated)) {
                self.fault(format_args!("has a new or another {key}"));
            }
        }
    }

    fn codes(&mut self, earlier: &Map<String, Value>, later: &Map<String, Value>) {
        let Some(Value::Array(later)) = later.get("enum") else { return };
        match earlier.get("enum") {
            Some(Value::Array(earlier)) if earlier.iter().all(|code| later.contains(code)) => {}
            Some(_) => self.fault("lacks a code that was allowed"),
            None => self.fault("allows only some codes, where any were allowed"),
        }
    }

    fn members(&mut self, earlier: &Map<String, Value>, later: &Map<String, Value>) {
        let Some(Value::Object(known)) = earlier.get("properties") else { return };
        let empty = Map::new();
        let now = later.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        for (name, node) in known {
            self.segments.push(Segment::Member(name.as_str().into()));
            match now.get(name) {
                Some(later) => self.node(node, later),
                None => self.fault("is gone"),
            }
            self.segments.pop();
        }
        let required = names(earlier.get("required")).collect::<Vec<_>>();
        for name in names(later.get("required")).filter(|name| !required.contains(name)) {
            self.fault(format_args!("now requires {name}"));
        }
    }

    /// Each rule must be one of the earlier file's, and each of those must still be there: a rule that was added would
    /// refuse what was accepted, and one that was dropped protected somebody. A rule may speak of new members.
    fn rules(&mut self) {
        let rules = |file: &Value| file.get("allOf").and_then(Value::as_array).cloned().unwrap_or_default();
        let known = self.earlier.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let earlier: Vec<Value> = rules(self.earlier);
        let later: Vec<Value> = rules(self.later).iter().map(|rule| without_new_members(rule, &known)).collect();
        for rule in earlier.iter().filter(|rule| !later.contains(rule)) {
            self.fault(format_args!("lacks or changes the rule {}", rule["x-rule"]));
        }
        for rule in later.iter().filter(|rule| !earlier.contains(rule) && !is_idle(rule, &known)) {
            self.fault(format_args!("adds or changes the rule {}", rule["x-rule"]));
        }
    }
}

/// The rule as it stands for a record that has none of the new members: forbidding one of them says nothing.
fn without_new_members(rule: &Value, known: &Map<String, Value>) -> Value {
    let mut rule = rule.clone();
    for branch in ["then", "else"] {
        if let Some(Value::Object(properties)) = rule.get_mut(branch).and_then(|branch| branch.get_mut("properties")) {
            properties.retain(|name, member| known.contains_key(name) || *member != Value::Bool(false));
        }
    }
    rule
}

/// Whether the rule's condition asks for a new member, and nothing follows where it does not hold.
fn is_idle(rule: &Value, known: &Map<String, Value>) -> bool {
    let asks_for_new =
        names(rule.get("if").and_then(|condition| condition.get("required"))).any(|name| !known.contains_key(name));
    asks_for_new && rule.get("else").is_none()
}

fn names(list: Option<&Value>) -> impl Iterator<Item = &str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
