//! Reading a kind's schema file at start-up. Every leaf must be annotated, every object closed, every length bounded,
//! every reference local; all faults are listed, and one is enough to refuse the file.

use std::sync::Arc;

use causeway_model::{Date, PartialDate, SchemaId};
use jsonschema::json::Json;
use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::{Map, Value};

use crate::annotation::leaf;
use crate::codes::{CodeLists, fill_in};
use crate::document::read;
use crate::facts::FactFields;
use crate::keyword::{CONDITIONAL_RULES, NodeKind};
use crate::ladder::Ladders;
use crate::shape::{Leaf, MAX_ITEMS, Node, Segment, Shape};
use crate::validator::Borrowed;

/// The greatest size of a schema file: what a governed document may have.
const MAX_SCHEMA_BYTES: usize = 128 * 1024;
/// Nesting of a schema file: a record's 16 levels, two schema levels for each, and the conditional rules.
const MAX_SCHEMA_DEPTH: usize = 48;
/// The longest text of a leaf in characters: four UTF-8 bytes each still fit the classified body's 16-bit length.
const MAX_TEXT: u64 = 16_383;
/// How many `$ref` may follow one another.
const MAX_REFS: usize = 8;
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
const FORMATS: &[&str] = &["date", "partial-date", "email"];
/// Keywords that could make the file depend on another, or on where it is read from.
const REFUSED: &[&str] =
    &["$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$anchor", "$vocabulary"];

/// A schema file that was found without fault.
pub(crate) struct Compiled {
    pub(crate) shape: Shape,
    pub(crate) validator: Validator<Borrowed>,
    /// The name and reason of each rule under `allOf`, in the file's order.
    pub(crate) rules: Vec<(&'static str, &'static str)>,
    pub(crate) facts: FactFields,
    /// The file itself, the codes of its lists filled in.
    pub(crate) file: Value,
}

/// Checks and compiles the file of `id`.
pub(crate) fn compile(
    id: SchemaId,
    text: &str,
    lists: &CodeLists,
    ladders: &Arc<Ladders>,
) -> Result<Compiled, Vec<String>> {
    let file = read(text.as_bytes(), MAX_SCHEMA_BYTES, MAX_SCHEMA_DEPTH).map_err(|fault| vec![fault.to_string()])?;
    let (mut file, mut faults) = (file, Vec::new());
    fill_in(&mut file, lists, &mut faults);
    let mut walker = Walker { file: &file, faults, leaves: Vec::new(), segments: Vec::new() };
    walker.head(id);
    walker.references(&file, "#");
    let root = walker.node(&file, NodeKind::Root, 0);
    let rules = walker.rules();
    let Walker { mut faults, leaves, .. } = walker;
    faults.extend(missing_lists(&leaves, ladders));
    let shape = match (root, faults.is_empty()) {
        (Some(root), true) => Shape::new(root, leaves, Arc::clone(ladders)).map_err(|fault| vec![fault])?,
        _ => return Err(faults),
    };
    faults.extend(stray_conditions(&shape));
    let facts = FactFields::find(id.kind, &shape, &mut faults);
    let validator = validator(&file).map_err(|fault| faults.push(fault)).ok();
    match (validator, faults.is_empty()) {
        (Some(validator), true) => Ok(Compiled { shape, validator, rules, facts, file }),
        _ => Err(faults),
    }
}

/// A value whose ladder has no table would have no coarser form, and silently leave nothing.
fn missing_lists(leaves: &[Leaf], ladders: &Ladders) -> Vec<String> {
    let missing = leaves.iter().filter_map(|leaf| Some((leaf, ladders.missing(leaf.spec.ladder?)?)));
    missing.map(|(leaf, list)| format!("{}: its ladder needs the code list {list}", leaf.spec.path)).collect()
}

/// The path of a leaf or container, as in `legs[].from`.
pub(crate) fn path_of(segments: &[Segment]) -> String {
    let mut path = String::new();
    for segment in segments {
        match segment {
            Segment::Member(name) if path.is_empty() => path.push_str(name),
            Segment::Member(name) => path.extend([".", name]),
            Segment::Item => path.push_str("[]"),
        }
    }
    path
}

/// The node with what its `$ref` says filled in; keywords beside the reference win.
pub(crate) fn resolve(file: &Value, node: &Value) -> Result<Map<String, Value>, &'static str> {
    let mut resolved = node.as_object().cloned().unwrap_or_default();
    let mut target = resolved.get("$ref").cloned();
    for _ in 0..MAX_REFS {
        let Some(Value::String(pointer)) = target else { return Ok(resolved) };
        let Some(Value::Object(found)) = pointer.strip_prefix('#').and_then(|p| file.pointer(p)) else {
            return Err("refers to a definition that is not there");
        };
        target = found.get("$ref").cloned();
        for (keyword, value) in found {
            if !resolved.contains_key(keyword) {
                resolved.insert(keyword.clone(), value.clone());
            }
        }
    }
    Err("refers to itself, or through too many definitions")
}

/// What the node states under one keyword, itself or by its `$ref`: as [`resolve`], without a copy.
pub(crate) fn stated<'f>(file: &'f Value, mut node: &'f Value, keyword: &str) -> Option<&'f Value> {
    for _ in 0..=MAX_REFS {
        if let Some(stated) = node.get(keyword) {
            return Some(stated);
        }
        node = node.get("$ref")?.as_str()?.strip_prefix('#').and_then(|pointer| file.pointer(pointer))?;
    }
    None
}

/// What decides whether a record meets the file, over records in whichever representation.
pub(crate) fn validator<F: Json>(file: &Value) -> Result<Validator<F>, String> {
    jsonschema::options_for::<F>()
        .with_draft(Draft::Draft202012)
        .offline()
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        // Instead of the library's own `date`, which takes the year 0000: what decisions cannot read must not get in.
        .with_format("date", |text: &str| text.parse::<Date>().is_ok())
        .with_format("partial-date", |text: &str| text.parse::<PartialDate>().is_ok())
        .with_pattern_options(PatternOptions::regex())
        .build(file)
        .map_err(|error| format!("is not a schema: {error}"))
}

/// Fields named by an annotation of another leaf must exist, or the condition would never hold.
fn stray_conditions(shape: &Shape) -> Vec<String> {
    let mut faults = Vec::new();
    for leaf in &shape.leaves {
        let known = |segments: &[Segment]| shape.number(&path_of(segments)).is_some();
        if leaf.withheld.as_ref().is_some_and(|withheld| !known(&withheld.segments)) {
            faults.push(format!("{}: x-withheld-where names an unknown field", leaf.spec.path));
        }
        for name in leaf.link.iter().flat_map(|link| &link.with) {
            let beside = leaf.segments.split_last().map_or(&[][..], |(_, container)| container);
            if !known(&[beside, &[Segment::Member(name.clone())]].concat()) {
                faults.push(format!("{}: x-scheme-with names an unknown field", leaf.spec.path));
            }
        }
    }
    faults
}

struct Walker<'f> {
    file: &'f Value,
    faults: Vec<String>,
    leaves: Vec<Leaf>,
    segments: Vec<Segment>,
}

impl Walker<'_> {
    fn fault(&mut self, what: impl std::fmt::Display) {
        let path = path_of(&self.segments);
        self.faults.push(if path.is_empty() { format!("the schema {what}") } else { format!("{path}: {what}") });
    }

    fn head(&mut self, id: SchemaId) {
        if self.file.get("$schema").and_then(Value::as_str) != Some(DRAFT) {
            self.fault("is not declared as JSON Schema 2020-12");
        }
        let named = self.file.get("$id").and_then(Value::as_str);
        if !named.is_some_and(|name| name.starts_with("https://") && name.ends_with(&format!("/{id}"))) {
            self.fault("has an $id that is not this kind and version");
        }
    }

    /// Refuses, wherever it stands, a reference that leaves the file's own `$defs`.
    fn references(&mut self, value: &Value, place: &str) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    let inner = format!("{place}/{name}");
                    let local = || member.as_str().is_some_and(|target| target.starts_with("#/$defs/"));
                    if REFUSED.contains(&name.as_str()) || (place != "#" && matches!(&**name, "$id" | "$schema")) {
                        self.faults.push(format!("{inner}: this keyword is refused"));
                    } else if name == "$ref" && !local() {
                        self.faults.push(format!("{inner}: refers to something outside this file's $defs"));
                    }
                    self.references(member, &inner);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.references(item, place)),
            _ => {}
        }
    }

    fn resolve(&mut self, node: &Value) -> Option<Map<String, Value>> {
        resolve(self.file, node).map_err(|fault| self.fault(fault)).ok()
    }

    fn node(&mut self, node: &Value, as_root: NodeKind, depth: usize) -> Option<Node> {
        if depth > crate::document::MAX_DEPTH {
            self.fault("nests deeper than a record may");
            return None;
        }
        let node = self.resolve(node)?;
        let kind = match (as_root, node.get("type").and_then(Value::as_str)) {
            (NodeKind::Root, Some("object")) => NodeKind::Root,
            (_, Some("object")) => NodeKind::Object,
            (_, Some("array")) => NodeKind::Array,
            (_, Some("string" | "integer" | "number" | "boolean")) => NodeKind::Leaf,
            _ => {
                self.fault("has no type, or one that is not object, array, string, integer, number or boolean");
                return None;
            }
        };
        for keyword in node.keys().filter(|keyword| !kind.allows(keyword)) {
            self.fault(format_args!("has the keyword {keyword}, which is not allowed there"));
        }
        match kind {
            NodeKind::Root | NodeKind::Object => self.object(&node, depth),
            NodeKind::Array => self.array(&node, depth),
            NodeKind::Leaf => self.leaf(&node),
        }
    }

    fn object(&mut self, node: &Map<String, Value>, depth: usize) -> Option<Node> {
        if node.get("additionalProperties") != Some(&Value::Bool(false)) {
            self.fault("is an object that is not closed by additionalProperties: false");
        }
        let Some(properties) = node.get("properties").and_then(Value::as_object) else {
            self.fault("is an object without properties");
            return None;
        };
        let mut members: Vec<(Box<str>, Node)> = Vec::new();
        for (name, property) in properties {
            self.segments.push(Segment::Member(name.as_str().into()));
            if let Some(node) = self.node(property, NodeKind::Object, depth + 1) {
                members.push((name.as_str().into(), node));
            }
            self.segments.pop();
        }
        let required = node.get("required").and_then(Value::as_array).into_iter().flatten();
        for name in required.filter(|name| name.as_str().is_none_or(|name| !properties.contains_key(name))) {
            self.fault(format_args!("requires {name}, which it does not have"));
        }
        members.sort_by(|(a, _), (b, _)| a.cmp(b));
        Some(Node::Object(members))
    }

    fn array(&mut self, node: &Map<String, Value>, depth: usize) -> Option<Node> {
        let bounded = node.get("maxItems").and_then(Value::as_u64);
        if !bounded.is_some_and(|most| usize::try_from(most).is_ok_and(|most| most <= MAX_ITEMS)) {
            self.fault(format_args!("is an array without a maxItems of at most {MAX_ITEMS}"));
        }
        let Some(items) = node.get("items") else {
            self.fault("is an array without items");
            return None;
        };
        self.segments.push(Segment::Item);
        let item = self.node(items, NodeKind::Object, depth + 1);
        self.segments.pop();
        item.map(|item| Node::Array(Box::new(item)))
    }

    fn leaf(&mut self, node: &Map<String, Value>) -> Option<Node> {
        let kind = node.get("type").and_then(Value::as_str);
        let bounded = match kind {
            Some("string") => {
                let length = node.get("maxLength").and_then(Value::as_u64).is_some_and(|most| most <= MAX_TEXT);
                length
                    || node
                        .get("enum")
                        .and_then(Value::as_array)
                        .is_some_and(|codes| codes.iter().all(Value::is_string))
            }
            Some("boolean") => true,
            _ => ["minimum", "maximum"].iter().all(|bound| node.get(*bound).is_some_and(Value::is_number)),
        };
        if !bounded {
            self.fault(format_args!("is unbounded: give an enum, a maxLength of at most {MAX_TEXT}, or both bounds"));
        }
        if node.get("format").is_some_and(|format| format.as_str().is_none_or(|format| !FORMATS.contains(&format))) {
            self.fault("has a format that is not checked");
        }
        match leaf(node, &self.segments) {
            Ok(leaf) => {
                self.leaves.push(leaf);
                Some(Node::Leaf(self.leaves.len() - 1))
            }
            Err(faults) => {
                faults.iter().for_each(|fault| self.fault(fault));
                None
            }
        }
    }

    /// The rules under `allOf`: each a condition with a name that the code knows.
    fn rules(&mut self) -> Vec<(&'static str, &'static str)> {
        let stated = self.file.get("allOf").cloned().unwrap_or(Value::Array(Vec::new()));
        let Value::Array(stated) = stated else {
            self.fault("has an allOf that is not a list");
            return Vec::new();
        };
        let mut rules = Vec::new();
        for (place, rule) in stated.iter().enumerate() {
            let known = rule.get("x-rule").and_then(Value::as_str);
            let known = known.and_then(|name| CONDITIONAL_RULES.iter().find(|(known, _)| *known == name));
            let conditional = rule.get("if").is_some() && (rule.get("then").is_some() || rule.get("else").is_some());
            let only = |key: &String| matches!(key.as_str(), "x-rule" | "if" | "then" | "else" | "$comment");
            match known {
                Some(known) if conditional && rule.as_object().is_some_and(|rule| rule.keys().all(only)) => {
                    rules.push(*known);
                }
                _ => self.fault(format_args!("has at allOf/{place} no if and then with an x-rule that the code knows")),
            }
        }
        rules
    }
}
