//! Small valid records that both partners' agreements cover, and ways to change them.

use serde_json::{Value, json};

/// A profile with what the schema requires, of a person whom both partners may be told of.
pub(crate) fn profile() -> Value {
    json!({
        "subject_reference": "SUBJECT-1", "is_minor": "no", "nationalities": ["AL", "VN"],
        "exploitation_types": ["ForcedLabour"], "source_grade": "2", "info_grade": "B", "handling": "P", "tlp": "GREEN",
        "releasable_to": ["AL", "VN"]
    })
}

/// A route with what the schema requires, which both partners may be told of.
pub(crate) fn route() -> Value {
    json!({
        "legs": [
            {"seq": 1, "role": "Recruitment", "from": {"country": "VN"}, "to": {"country": "AL"}, "mode": "air"},
            {"seq": 2, "role": "Exploitation", "from": {"country": "AL"}, "to": {"country": "GB"}, "mode": "road"}],
        "exploitation_types": ["ForcedLabour"], "source_grade": "2", "info_grade": "B", "handling": "P", "tlp": "GREEN",
        "releasable_to": ["AL", "VN"]
    })
}

/// The record with these members set or added; `null` takes one away.
pub(crate) fn with(mut record: Value, members: Value) -> Value {
    let record_members = record.as_object_mut().expect("a record is an object");
    let Value::Object(members) = members else { panic!("members are given as an object") };
    for (name, value) in members {
        if value.is_null() {
            record_members.remove(&name).expect("what is taken away was there");
        } else {
            record_members.insert(name, value);
        }
    }
    record
}

/// The kind of a record, from what it holds.
pub(crate) fn kind(record: &Value) -> &'static str {
    if record.get("legs").is_some() { "trafficking-route" } else { "victim-profile" }
}
