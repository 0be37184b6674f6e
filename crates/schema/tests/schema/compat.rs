//! A minor version refuses nothing that the one before it accepted, and protects nothing less.

use serde_json::{Value, json};

use causeway_model::Class;
use causeway_schema::{Projected, Schema};

use crate::records::{
    PROFILE_FILE, compile, document, field_path, id, leaves, profile, route, schemas, set, today, unset,
};

/// The faults of a next minor version that is 1.0 with these edits; `null` removes.
fn faults(edits: &[(&str, Value)]) -> Vec<String> {
    let mut file: Value = serde_json::from_str(PROFILE_FILE).expect("JSON");
    set(&mut file, "/$id", json!("https://causeway.example/schema/victim-profile/1.1"));
    for (pointer, value) in edits {
        if value.is_null() { unset(&mut file, pointer) } else { set(&mut file, pointer, value.clone()) }
    }
    let text = file.to_string();
    compile(&[(id("victim-profile/1.0"), PROFILE_FILE), (id("victim-profile/1.1"), &text)]).err().unwrap_or_default()
}

#[track_caller]
fn refused(edits: &[(&str, Value)], expected: &str) {
    let found = faults(edits);
    assert!(
        found.iter().any(|fault| fault.contains(expected) && fault.contains("(against 1.0)")),
        "{expected}: {found:#?}"
    );
}

#[track_caller]
fn taken(edits: &[(&str, Value)]) {
    let found = faults(edits);
    assert!(found.is_empty(), "{found:#?}");
}

fn closed(node: Value) -> Value {
    json!({"type": "object", "additionalProperties": false, "properties": {"x": node}})
}

#[test]
fn what_would_be_refused_now_is_a_fault() {
    let narrow = json!(["victim", "suspect"]);
    refused(
        &[(
            "/properties/number_of_children",
            json!({"type": "string", "maxLength": 2, "x-field": 39, "x-class": "coarse", "x-ladder": "drop", "x-floor": "never"}),
        )],
        "number_of_children: is of another type",
    );
    refused(
        &[
            ("/properties/data_subject_category/x-codes", json!(null)),
            ("/properties/data_subject_category/enum", narrow),
        ],
        "data_subject_category: lacks a code",
    );
    refused(&[("/properties/birth_place/enum", json!(["Tirana"]))], "birth_place: allows only some codes");
    refused(&[("/properties/birth_place/maxLength", json!(199))], "birth_place: has a smaller maxLength");
    refused(&[("/properties/birth_place/minLength", json!(2))], "birth_place: has a greater minLength");
    refused(&[("/properties/birth_place/pattern", json!("^T"))], "birth_place: has a new or another pattern");
    refused(&[("/properties/birth_place/format", json!("date"))], "birth_place: has a new or another format");
    refused(&[("/properties/number_of_children/maximum", json!(29))], "number_of_children: has a smaller maximum");
    refused(&[("/properties/number_of_children/minimum", json!(1))], "number_of_children: has a greater minimum");
    refused(
        &[("/properties/number_of_children/multipleOf", json!(2))],
        "number_of_children: has a new or another multipleOf",
    );
    refused(&[("/properties/aliases/maxItems", json!(19))], "aliases: has a smaller maxItems");
    refused(&[("/properties/aliases/minItems", json!(1))], "aliases: has a greater minItems");
    refused(&[("/properties/aliases/uniqueItems", json!(true))], "aliases: now asks for uniqueItems");
    refused(&[("/properties/address/required", json!(["street"]))], "address: now requires street");
    refused(&[("/properties/address/minProperties", json!(1))], "address: has a greater minProperties");
    refused(
        &[(
            "/required",
            json!([
                "is_minor",
                "exploitation_types",
                "source_grade",
                "info_grade",
                "handling",
                "tlp",
                "releasable_to",
                "gender"
            ]),
        )],
        "the schema now requires gender",
    );
    refused(&[("/properties/address/properties/street", json!(null))], "address.street: is gone");
    refused(
        &[("/properties/birth_place", json!(null)), ("/allOf/2/then/properties/birth_place", json!(null))],
        "birth_place: is gone",
    );
    refused(&[("/$defs/name/maxLength", json!(99))], "given_name: has a smaller maxLength");
    let rule =
        json!({"x-rule": "subject-required", "if": {"required": ["gender"]}, "then": {"required": ["age_band"]}});
    refused(&[("/allOf/8", rule)], "adds or changes the rule \"subject-required\"");
    refused(&[("/allOf/2/then/properties/gender", json!(false))], "adds or changes the rule \"anonymous-identifier\"");
}

#[test]
fn what_would_be_protected_less_is_a_fault() {
    refused(
        &[("/properties/given_name/x-class", json!("open")), ("/properties/given_name/x-floor", json!("exact"))],
        "given_name: has a class that protects it less",
    );
    refused(&[("/properties/referral_date/x-floor", json!("month"))], "referral_date: has a finer x-floor");
    refused(&[("/properties/still_in_situation/x-floor", json!("exact"))], "still_in_situation: has a finer x-floor");
    refused(&[("/properties/police_force/x-floor", json!("exact"))], "police_force: has a finer x-floor");
    refused(&[("/properties/nrm_reference/x-scheme", json!("case"))], "nrm_reference: has another x-scheme");
    refused(
        &[("/properties/external_references/items/properties/value/x-scheme-with", json!(null))],
        "external_references[].value: has another x-scheme",
    );
    refused(
        &[("/properties/county_lines/x-withheld-where", json!(null))],
        "county_lines: has another x-withheld-where",
    );
    refused(
        &[("/properties/county_lines/x-withheld-where/in", json!(["yes"]))],
        "county_lines: has another x-withheld-where",
    );
    refused(&[("/properties/gender/x-ladder", json!("drop"))], "gender: has another x-ladder");
    refused(&[("/properties/birth_place/x-field", json!(999))], "birth_place: has another x-field");
    refused(
        &[("/allOf/2/then/properties/given_name", json!(null))],
        "lacks or changes the rule \"anonymous-identifier\"",
    );
    refused(&[("/allOf", json!(null))], "lacks or changes the rule \"handling-codes\"");
}

#[test]
fn a_version_that_adds_or_protects_more_is_taken() {
    taken(&[("/properties/trafficking_status/x-withheld-where", json!({"field": "is_minor", "in": ["yes"]}))]);
    taken(&[]);
    let new = json!({"type": "string", "maxLength": 5, "x-field": 900, "x-class": "sealed"});
    taken(&[("/properties/shoe_size", new.clone())]);
    taken(&[("/properties/shoes", closed(new.clone()))]);
    // A rule may forbid a new member, and ask for more where a new member is there.
    taken(&[("/properties/shoe_size", new.clone()), ("/allOf/2/then/properties/shoe_size", json!(false))]);
    let idle =
        json!({"x-rule": "subject-required", "if": {"required": ["shoe_size"]}, "then": {"required": ["gender"]}});
    taken(&[("/properties/shoe_size", new), ("/allOf/8", idle)]);
    taken(&[("/properties/birth_place/maxLength", json!(300)), ("/properties/number_of_children/maximum", json!(40))]);
    taken(&[("/required", json!(["is_minor", "exploitation_types", "source_grade", "info_grade", "handling", "tlp"]))]);
    taken(&[("/properties/address/minProperties", json!(0)), ("/properties/phones/uniqueItems", json!(null))]);
    taken(&[("/properties/referral_date/x-floor", json!("year"))]);
    taken(&[("/properties/gender/x-floor", json!("female-male"))]);
    taken(&[("/properties/county_lines/x-floor", json!("never"))]);
    let sealed = [("x-class", json!("sealed")), ("x-floor", json!(null))];
    let sealed: Vec<(String, Value)> =
        sealed.into_iter().map(|(key, value)| (format!("/properties/nrm_stage/{key}"), value)).collect();
    let sealed: Vec<(&str, Value)> = sealed.iter().map(|(pointer, value)| (pointer.as_str(), value.clone())).collect();
    taken(&sealed);
}

/// xorshift64*: the same subsets every time.
fn below(state: &mut u64, limit: u64) -> u64 {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
}

fn view(schema: &Schema, split: &causeway_schema::Split) -> Value {
    let form = |number| {
        let spec = schema.fields().by_number(number)?;
        Some(if spec.class == Class::Link { Projected::Pseudonym } else { Projected::AsIs })
    };
    serde_json::from_slice(&schema.project(&split.classified, &form, &|_| "p1".into())).expect("JSON")
}

/// Without the leaves that 1.0 let leave and 1.1 does not.
fn less(mut view: Value) -> Value {
    for (list, member) in [("vessels", "flag"), ("fees", "kind")] {
        for item in view.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            item.as_object_mut().expect("an object").remove(member);
        }
        // An object with nothing left in it is not written.
        if let Some(items) = view.get_mut(list).and_then(Value::as_array_mut) {
            items.retain(|item| item != &json!({}));
        }
        if view.get(list) == Some(&json!([])) {
            unset(&mut view, &format!("/{list}"));
        }
    }
    view
}

#[test]
fn whatever_1_0_accepts_1_1_accepts_and_it_leaves_in_the_shape_of_1_1() {
    let (mut state, mut accepted) = (0x9e37_79b9_7f4a_7c15, 0);
    for round in 0..600 {
        let (kind, whole) = if round % 2 == 0 { ("victim-profile", profile()) } else { ("trafficking-route", route()) };
        let mut record = whole.clone();
        // Leave out some members, so that conditional rules hold and break in many ways.
        for (pointer, _) in leaves(&whole) {
            let in_list = pointer.rsplit('/').next().is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
            if !in_list && below(&mut state, 12) == 0 {
                unset(&mut record, &pointer);
            }
        }
        let earlier = schemas().get(id(&format!("{kind}/1.0"))).expect("compiled");
        let later = schemas().newest_for(earlier.id()).expect("compiled");
        assert_eq!(later.id(), id(&format!("{kind}/1.1")));
        if !earlier.validate(&document(&record), today()).is_empty() {
            continue;
        }
        accepted += 1;
        let found = later.validate(&document(&record), today());
        assert!(found.is_empty(), "{found:?}");
        let split = earlier.split(&document(&record), &|_, _| [0; 32]);
        assert_eq!(less(view(earlier, &split)), view(later, &split), "but for what 1.1 never lets leave");
        for (pointer, _) in leaves(&view(later, &split)) {
            let path = field_path(&pointer).parse().expect("a path");
            assert!(later.fields().by_path(&path).is_some(), "{pointer} is no field of 1.1");
        }
    }
    assert!(accepted > 30, "{accepted} records tell something");
}

#[test]
fn versions_of_another_major_and_unknown_ones_have_no_newer_one() {
    assert!(schemas().newest_for(id("victim-profile/1.9")).is_none(), "it was never in force");
    let newest = schemas().newest_for(id("victim-profile/1.1")).expect("in force");
    assert_eq!(newest.id(), id("victim-profile/1.1"));
}

/// A UN/LOCODE may be a town's. Version 1.0 stored it in the open where people are exploited too; by 1.1 it does not leave.
#[test]
fn a_condition_that_a_later_version_adds_holds_for_what_was_stored_before() {
    let version = |minor: u16| schemas().get(id(&format!("trafficking-route/1.{minor}"))).expect("compiled");
    let mut record = route();
    set(&mut record, "/legs/2/from/unlocode", json!("GBDVR"));
    set(&mut record, "/legs/2/to/unlocode", json!("GBBHM"));
    let shown = |stored: &Schema, by: &Schema| -> Value {
        let split = stored.split(&document(&record), &|_, _| [0; 32]);
        let view = by.project(&split.classified, &|_| Some(Projected::AsIs), &|_| String::new());
        serde_json::from_slice(&view).expect("JSON")
    };
    assert_eq!(shown(version(0), version(0)).pointer("/legs/2/to/unlocode"), Some(&json!("GBBHM")));
    for stored in [version(0), version(1)] {
        let view = shown(stored, version(1));
        for end in ["from", "to"] {
            assert_eq!(view.pointer(&format!("/legs/2/{end}/unlocode")), None, "{end} of {}", stored.id());
        }
        assert_eq!(view.pointer("/legs/1/to/unlocode"), Some(&json!("GBDVR")), "a port on the way");
        assert_eq!(view.pointer("/legs/2/to/country"), Some(&json!("GB")));
    }
    let split = version(1).split(&document(&record), &|_, _| [0; 32]);
    let sealed: Value = serde_json::from_slice(split.sealed.expect("sealed").expose()).expect("JSON");
    assert_eq!(sealed.pointer("/legs/2/to/unlocode"), Some(&json!("GBBHM")));
    assert_eq!(sealed.pointer("/legs/1/to/unlocode"), None, "at its floor already");
}
