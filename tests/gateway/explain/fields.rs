//! The fields that Explain lists, against those that a document has, and their forms.

use std::collections::BTreeSet;

use causeway_proto::v1;
use serde_json::Value;

/// Values that a ladder or the schema's own conditions may leave out where the clause lists the field.
const MAY_BE_LEFT_OUT: [&str; 5] =
    ["age_band", "legs[].from.unlocode", "legs[].to.unlocode", "legs[].from.subdivision", "legs[].to.subdivision"];

/// The document has exactly those of the record's fields that Explain lists.
pub(super) fn assert_fields(said: &v1::Explanation, submitted: &Value, served: &Value) {
    let listed: BTreeSet<&str> = said.fields.iter().map(|field| field.path.as_str()).collect();
    assert!(said.fields.iter().all(|field| field.leaves), "{said:?}");
    let (mut there, mut left) = (BTreeSet::new(), BTreeSet::new());
    paths(submitted, "", &mut there);
    paths(served, "", &mut left);
    for path in &left {
        assert!(listed.contains(path.as_str()), "{path} was delivered and is not explained: {said:?}");
    }
    for field in &said.fields {
        let mut values = Vec::new();
        values_at(served, "", &field.path, &mut values);
        let all = values.iter().all(|value| has_form(&field.form, value));
        assert!(all, "{} is not of the form {}: {values:?}", field.path, field.form);
    }
    for path in there.iter().filter(|path| listed.contains(path.as_str())) {
        let may_miss = MAY_BE_LEFT_OUT.contains(&path.as_str());
        assert!(left.contains(path) || may_miss, "{path} is explained and was not delivered: {said:?} {served}");
    }
}

fn paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                paths(value, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| paths(value, &format!("{path}[]"), found)),
        _ => drop(found.insert(path.to_owned())),
    }
}

/// The values of one field.
fn values_at<'v>(value: &'v Value, path: &str, wanted: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                values_at(value, &below, wanted, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| values_at(value, &format!("{path}[]"), wanted, found)),
        leaf if path == wanted => found.push(leaf),
        _ => {}
    }
}

/// Whether a value is no finer than its form says.
fn has_form(form: &str, value: &Value) -> bool {
    let Some(text) = value.as_str() else { return form == "exact" };
    match form {
        "pseudonym" => causeway_crypto::pseudonym_is_well_formed(text),
        "year" => text.len() == 4,
        "quarter" => text.len() == 4 || text.contains("-Q"),
        "month" => text.len() <= 7,
        "adult-child" => ["adult", "child"].contains(&text),
        "female-male" => ["female", "male", "unknown"].contains(&text),
        "country" => text.len() == 2,
        "region" => text.len() > 2,
        _ => true,
    }
}
