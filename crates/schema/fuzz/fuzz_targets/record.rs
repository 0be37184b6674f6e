//! A document to its two halves: what a gateway may read of a record says nothing of what is sealed, whatever the record is.
//!
//! The first byte (`0` to `7`) chooses the schema, and whether the rest is a document or members to put into a valid one, so that much of
//! what is made up gets past validation.
#![no_main]

use std::sync::LazyLock;

use causeway_model::{Class, Date, FieldPath, Floor, SchemaId};
use causeway_schema::{Classified, Document, Projected, Schema, Schemas, Split, parse};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const PROFILE: &str = include_str!("../records/profile.json");
const ROUTE: &str = include_str!("../records/route.json");

const FILES: [(&str, &str, &str); 4] = [
    ("victim-profile/1.0", include_str!("../../../../config/schemas/victim-profile-1.0.json"), PROFILE),
    ("victim-profile/1.1", include_str!("../../../../config/schemas/victim-profile-1.1.json"), PROFILE),
    ("trafficking-route/1.0", include_str!("../../../../config/schemas/trafficking-route-1.0.json"), ROUTE),
    ("trafficking-route/1.1", include_str!("../../../../config/schemas/trafficking-route-1.1.json"), ROUTE),
];

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../config/schemas/codes");
    let lists: Vec<String> = std::fs::read_dir(folder)
        .expect("the code lists are in the repository")
        .map(|entry| std::fs::read_to_string(entry.expect("readable").path()).expect("a text"))
        .collect();
    let lists: Vec<&str> = lists.iter().map(String::as_str).collect();
    Schemas::compile(&FILES.map(|(id, file, _)| (schema_id(id), file)), &lists).expect("they ship with the gateway")
});

fn schema_id(text: &str) -> SchemaId {
    text.parse().expect("a kind and a version")
}

fn today() -> Date {
    "2026-11-21".parse().expect("a date")
}

fuzz_target!(|input: &[u8]| {
    let Some((choice, bytes)) = input.split_first() else { return };
    let (id, _, valid) = FILES[usize::from(choice % 4)];
    let schema = SCHEMAS.get(schema_id(id)).expect("it was compiled");
    let text = if choice & 4 == 0 { bytes.to_vec() } else { with_members(valid, bytes) };
    let Ok(document) = parse(&text) else { return };
    let violations = schema.validate(&document, today());
    assert!(violations.len() <= causeway_schema::MAX_VIOLATIONS + 1);
    if violations.is_empty() {
        split_keeps_to_itself(schema, &document, &text);
    }
});

/// The valid document with the members of another one put over its own.
fn with_members(valid: &str, bytes: &[u8]) -> Vec<u8> {
    let mut document: Value = serde_json::from_str(valid).expect("a seed is JSON");
    if let Ok(Value::Object(members)) = serde_json::from_slice(bytes) {
        document.as_object_mut().expect("a record is an object").extend(members);
    }
    document.to_string().into_bytes()
}

fn split_keeps_to_itself(schema: &Schema, document: &Document, text: &[u8]) {
    let parts = split(schema, document);
    let stored = parts.classified.encode();
    let read = Classified::decode(&stored).expect("its own encoding");
    assert_eq!(read.encode(), stored);
    if let Some(sealed) = &parts.sealed {
        serde_json::from_slice::<Value>(sealed.expose()).expect("what is sealed is JSON");
    }
    let facts = schema.facts(&read);
    let shown = project(schema, &read);
    serde_json::from_slice::<Value>(&shown).expect("a projection is JSON");
    // The same record with every identifier and every free text another one: nothing of the open half may tell the two apart.
    let mut other: Value = serde_json::from_slice(text).expect("it was read as JSON");
    if !disguise(schema, &mut other, "") {
        return;
    }
    let other = other.to_string();
    let Ok(other) = parse(other.as_bytes()) else { return };
    if !schema.validate(&other, today()).is_empty() {
        return;
    }
    let other = split(schema, &other);
    assert!(other.classified.encode() == stored, "what is sealed shows in the classified body");
    assert!(project(schema, &other.classified) == shown, "what is sealed shows to a partner");
    assert_eq!(schema.facts(&other.classified), facts, "what is sealed decides about a release");
}

fn split(schema: &Schema, document: &Document) -> Split {
    schema.split(document, &|_, _| [7; 32])
}

/// All that any agreement could ask for.
fn project(schema: &Schema, body: &Classified) -> Vec<u8> {
    let form = |number| {
        let link = schema.fields().by_number(number)?.class == Class::Link;
        Some(if link { Projected::Pseudonym } else { Projected::AsIs })
    };
    schema.project(body, &form, &|_| "p1".to_owned())
}

/// Turns each letter of a value that nobody may see into the next one; says whether there was one. `path` is empty at the root.
fn disguise(schema: &Schema, value: &mut Value, path: &str) -> bool {
    match value {
        Value::Object(members) => members.iter_mut().fold(false, |found, (name, value)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            disguise(schema, value, &path) | found
        }),
        Value::Array(items) => {
            items.iter_mut().fold(false, |found, item| disguise(schema, item, &format!("{path}[]")) | found)
        }
        Value::String(text) => {
            let spec = path.parse::<FieldPath>().ok().and_then(|path| schema.fields().by_path(&path));
            let hidden = spec.is_some_and(|spec| {
                matches!(spec.class, Class::Sealed | Class::Link)
                    || (spec.class == Class::Coarse && spec.floor == Floor::Never)
            });
            if hidden {
                *text = text.chars().map(next_letter).collect();
            }
            hidden
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn next_letter(letter: char) -> char {
    match letter {
        'a'..='y' | 'A'..='Y' => char::from(u8::try_from(letter).expect("ASCII") + 1),
        'z' => 'a',
        'Z' => 'A',
        other => other,
    }
}
