//! A schema file with a hole does not start, and every hole is named.

use serde_json::{Value, json};

use crate::records::{PROFILE_FILE, ROUTE_FILE, compile, id, set, unset};

fn file() -> Value {
    serde_json::from_str(PROFILE_FILE).expect("JSON")
}

fn faults(file: &Value) -> Vec<String> {
    compile(&[(id("victim-profile/1.0"), &file.to_string())]).err().unwrap_or_default()
}

#[track_caller]
fn refused(pointer: &str, value: Value, expected: &str) {
    let mut file = file();
    if value.is_null() {
        unset(&mut file, pointer)
    } else {
        set(&mut file, pointer, value)
    }
    let faults = faults(&file);
    assert!(faults.iter().any(|fault| fault.contains(expected)), "{expected}: {faults:#?}");
}

#[test]
fn a_leaf_without_its_annotations_stops_the_start() {
    refused("/properties/gender/x-class", json!(null), "gender: has no x-class");
    refused("/properties/gender/x-field", json!(null), "gender: has no x-field");
    refused("/properties/gender/x-floor", json!(null), "gender: has no x-floor");
    refused("/properties/gender/x-ladder", json!(null), "gender: is coarse and has no x-ladder");
    refused("/properties/nrm_stage/x-floor", json!(null), "nrm_stage: has no x-floor");
    refused("/properties/subject_reference/x-scheme", json!(null), "subject_reference: is link and has no x-scheme");
}

#[test]
fn an_annotation_that_means_nothing_stops_the_start() {
    refused("/properties/gender/x-class", json!("secret"), "unknown x-class");
    refused("/properties/gender/x-ladder", json!("rope"), "unknown x-ladder");
    refused("/properties/gender/x-floor", json!("ground"), "unknown x-floor");
    refused("/properties/gender/x-floor", json!("quarter"), "not on its ladder");
    refused("/properties/gender/x-field", json!(0), "not a number");
    refused("/properties/gender/x-field", json!("33"), "not a number");
    refused("/properties/gender/x-field", json!(20), "two leaves have the number 20");
    refused("/properties/nrm_stage/x-floor", json!("month"), "open, so its x-floor is exact or never");
    refused("/properties/nrm_stage/x-ladder", json!("date"), "is open and has an x-ladder");
    refused("/properties/given_name/x-floor", json!("exact"), "is link or sealed and has an x-floor");
    refused("/properties/subject_reference/x-scheme", json!("shoe"), "unknown x-scheme");
    refused("/properties/number_of_children/x-ladder", json!("date"), "cannot make coarser");
    refused("/properties/gender/x-colour", json!("red"), "keyword x-colour");
    refused(
        "/properties/county_lines/x-withheld-where/field",
        json!("nobody"),
        "x-withheld-where names an unknown field",
    );
    refused("/properties/identity_documents/items/properties/number/x-scheme-with", json!(["shoe"]), "unknown field");
    refused("/allOf/0/x-rule", json!("my-own"), "allOf/0");
}

#[test]
fn an_open_or_unbounded_shape_stops_the_start() {
    refused("/additionalProperties", json!(null), "not closed");
    refused("/properties/address/additionalProperties", json!(true), "address: is an object that is not closed");
    refused("/properties/birth_place/maxLength", json!(null), "birth_place: is unbounded");
    refused("/properties/number_of_children/maximum", json!(null), "number_of_children: is unbounded");
    refused("/properties/aliases/maxItems", json!(null), "aliases: is an array without a maxItems");
    refused("/properties/aliases/maxItems", json!(256), "aliases: is an array without a maxItems");
    refused("/properties/birth_place/maxlength", json!(5), "keyword maxlength");
    refused("/properties/birth_place/type", json!(["string", "null"]), "birth_place: has no type");
    refused("/properties/email/format", json!("hostname"), "email: has a format that is not checked");
    refused("/required/0", json!("nobody"), "requires");
    refused("/properties/address/patternProperties", json!({}), "keyword patternProperties");
}

#[test]
fn a_reference_out_of_the_file_stops_the_start() {
    for target in ["https://example.org/x.json", "file:///etc/passwd", "other.json#/$defs/x", "#/properties/tlp"] {
        refused("/properties/birth_country/$ref", json!(target), "outside this file's $defs");
    }
    refused("/properties/birth_country/$ref", json!("#/$defs/nobody"), "not there");
    refused("/$defs/country", json!({"$ref": "#/$defs/country"}), "refers to itself");
    refused("/properties/birth_country/$dynamicRef", json!("#x"), "refused");
    refused("/properties/address/$id", json!("https://example.org/"), "refused");
    refused("/allOf/0/then", json!({"$ref": "https://example.org/x"}), "outside this file's $defs");
}

#[test]
fn a_file_is_for_its_own_kind_and_version() {
    refused("/$id", json!("https://causeway.example/schema/victim-profile/1.1"), "$id");
    refused("/$schema", json!("http://json-schema.org/draft-07/schema#"), "2020-12");
    let swapped = compile(&[(id("victim-profile/1.0"), ROUTE_FILE)]);
    assert!(swapped.is_err());
    assert!(compile(&[(id("victim-profile/1.0"), "{\"type\":\"object\",\"type\":\"object\"}")]).is_err());
}

#[test]
fn what_decisions_read_must_be_readable() {
    refused(
        "/properties/tlp",
        json!({"type": "string", "maxLength": 5, "x-field": 8, "x-class": "sealed"}),
        "tlp: decisions",
    );
    refused("/properties/nationalities/items/x-floor", json!("region"), "nationalities[]: decisions read");
}

#[test]
fn all_faults_are_listed_at_once() {
    let mut file = file();
    unset(&mut file, "/properties/gender/x-class");
    unset(&mut file, "/properties/address/additionalProperties");
    unset(&mut file, "/properties/birth_place/maxLength");
    set(&mut file, "/properties/birth_country/$ref", json!("https://example.org/"));
    assert!(faults(&file).len() >= 4, "{:#?}", faults(&file));
}

#[test]
fn a_number_keeps_its_meaning_across_versions() {
    let next = |edit: &dyn Fn(&mut Value)| {
        let mut file = file();
        set(&mut file, "/$id", json!("https://causeway.example/schema/victim-profile/1.1"));
        edit(&mut file);
        let text = file.to_string();
        compile(&[(id("victim-profile/1.0"), PROFILE_FILE), (id("victim-profile/1.1"), &text)])
    };
    assert!(next(&|_| {}).is_ok());
    let faults = next(&|file| {
        set(file, "/properties/given_name/x-field", json!(26));
        set(file, "/properties/middle_name/x-field", json!(25));
    });
    let faults = faults.expect_err("two numbers swapped");
    assert_eq!(faults.iter().filter(|fault| fault.contains("was that of")).count(), 2, "{faults:#?}");
}
