//! What is found in a record in place is what is found in the same record as a tree of `serde_json` values, whatever is wrong with it.

use causeway_model::SchemaId;
use jsonschema::json::SerdeJson;
use serde_json::{Value, json};

use crate::compile::validator;
use crate::document::parse;
use crate::schema::{Schema, Schemas};
use crate::violation::Violation;

const PROFILE: &str = include_str!("../../fuzz/records/profile.json");
const ROUTE: &str = include_str!("../../fuzz/records/route.json");
/// Each schema, and a record with a value in nearly every field of it.
const FILES: [(&str, &str, &str); 4] = [
    ("victim-profile/1.0", include_str!("../../../../config/schemas/victim-profile-1.0.json"), PROFILE),
    ("victim-profile/1.1", include_str!("../../../../config/schemas/victim-profile-1.1.json"), PROFILE),
    ("trafficking-route/1.0", include_str!("../../../../config/schemas/trafficking-route-1.0.json"), ROUTE),
    ("trafficking-route/1.1", include_str!("../../../../config/schemas/trafficking-route-1.1.json"), ROUTE),
];

fn schemas() -> Schemas {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/schemas/codes");
    let lists = std::fs::read_dir(folder).expect("the code lists").map(|entry| entry.expect("readable").path());
    let lists: Vec<String> = lists.map(|path| std::fs::read_to_string(path).expect("a text")).collect();
    let lists: Vec<&str> = lists.iter().map(String::as_str).collect();
    let files: Vec<(SchemaId, &str)> =
        FILES.iter().map(|(id, file, _)| (id.parse().expect("a schema id"), *file)).collect();
    Schemas::compile(&files, &lists).expect("they are shipped")
}

/// Every place in a value.
fn places(value: &Value, at: &str, places: &mut Vec<String>) {
    places.push(at.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| self::places(item, &format!("{at}/{index}"), places));
        }
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| self::places(member, &format!("{at}/{name}"), places));
        }
        _ => {}
    }
}

/// What a value is changed to: other types, codes and dates that are none, texts too short and too long, and an item twice.
fn instead(value: &Value) -> Vec<Value> {
    let mut instead =
        vec![json!(null), json!(true), json!(false), json!(-1), json!(2.5), json!(1e15), json!({}), json!([])];
    let texts = ["", "C", "H3", "yes", "no", "AL", "2026-02-30", "2026-02", "+1", "caf\u{e9} \"\\\n\u{1f600}"];
    instead.extend(texts.map(Value::from));
    instead.extend([
        json!("x".repeat(20_000)),
        json!({"unheard_of": 1}),
        json!([1, 1.0]),
        json!(["a", {"a": [1]}, {"a": [1.0]}]),
    ]);
    if let Value::Array(items) = value {
        instead.push(items.iter().chain(items).cloned().collect());
        instead.push(items.iter().cycle().take(items.len() * 300).cloned().collect());
    }
    if let Value::Object(members) = value {
        let mut more = members.clone();
        more.insert("unheard_of".into(), json!("x"));
        instead.push(Value::Object(more));
    }
    instead
}

fn without(record: &Value, place: &str) -> Option<Value> {
    let mut record = record.clone();
    let (container, name) = place.rsplit_once('/')?;
    match record.pointer_mut(container)? {
        Value::Object(members) => drop(members.remove(name)),
        Value::Array(items) => drop(items.remove(name.parse().ok()?)),
        _ => return None,
    }
    Some(record)
}

fn in_place(schema: &Schema, text: &str) -> Vec<Violation> {
    let document = parse(text.as_bytes()).expect("a record");
    let compiled = schema.compiled();
    let found = compiled.validator.iter_errors(document.root());
    let found: Vec<_> = found.map(|error| Violation::of_schema(&error, &compiled.rules)).collect();
    assert_eq!(compiled.validator.is_valid(document.root()), found.is_empty(), "{text}");
    found
}

#[test]
fn a_record_in_place_breaks_the_same_rules_as_a_tree_of_values() {
    let schemas = schemas();
    let (mut valid, mut invalid) = (0, 0);
    for (id, _, record) in FILES {
        let schema = schemas.get(id.parse().expect("a schema id")).expect("compiled");
        let stock = validator::<SerdeJson>(&schema.compiled().file).expect("a schema");
        let record: Value = serde_json::from_str(record).expect("JSON");
        let mut pointers = Vec::new();
        places(&record, "", &mut pointers);
        for pointer in &pointers {
            let value = record.pointer(pointer).expect("it was found there");
            let changed = instead(value).into_iter().map(|value| {
                let mut record = record.clone();
                *record.pointer_mut(pointer).expect("it is there") = value;
                record
            });
            for changed in changed.chain(without(&record, pointer)).filter(Value::is_object) {
                let text = changed.to_string();
                // More values than a record may hold.
                if parse(text.as_bytes()).is_err() {
                    continue;
                }
                let expected = stock.iter_errors(&changed);
                let expected: Vec<_> =
                    expected.map(|error| Violation::of_schema(&error, &schema.compiled().rules)).collect();
                let found = in_place(schema, &text);
                assert_eq!(found, expected, "{id} {pointer}");
                if found.is_empty() { valid += 1 } else { invalid += 1 }
            }
        }
    }
    assert!(valid > 500 && invalid > 5_000, "{valid} valid, {invalid} invalid");
}

#[test]
fn no_error_quotes_the_record() {
    let schemas = schemas();
    let schema = schemas.get("victim-profile/1.0".parse().expect("a schema id")).expect("compiled");
    let document = parse(br#"{"given_name":["secretquill"],"gender":"secretquill","secretquill":1}"#).expect("JSON");
    let errors: Vec<_> = schema.compiled().validator.iter_errors(document.root()).collect();
    assert!(errors.len() > 3);
    for error in errors {
        assert_eq!(error.instance().as_ref(), &Value::Null);
        let violation = format!("{:?}", Violation::of_schema(&error, &schema.compiled().rules));
        assert!(!violation.contains("secretquill"), "{violation}");
    }
}
