//! The protection of a record through the binary alone, as a stranger would do it from the README: a gateway of its own, and
//! every party's commands against it. What the commands print is what the next ones are given.

mod credential;
mod doctor;
mod documents;
mod feed;
mod identity;
mod input;
mod keys;
mod output;
mod party;
mod recall;
mod record;
mod secrets;
mod witness;

use party::Gateway;

/// The person in the one record. It may show up where an identity is opened, and nowhere else.
const SUBJECT: &str = "CANARY-SUBJECT-77120";
const OWNER: &str = "--as gb-nca/protection";
const PARTNER: &str = "--as al-police/protection";
const CASES: &str = "--as gb-nca/case-management";

/// One record, which the agreement with Albania covers, and its id.
fn submitted(gateway: &Gateway) -> String {
    let document = format!(
        r#"{{"subject_reference":"{SUBJECT}","is_minor":"no","nationalities":["AL"],"exploitation_types":["ForcedLabour"],"source_grade":"2","info_grade":"B","handling":"P","tlp":"GREEN","releasable_to":["AL"]}}"#
    );
    let line =
        format!(r#"{{"submission_id":"s-1","kind":"victim-profile","schema_version":"1.0","document":{document}}}"#);
    gateway.write("records.jsonl", &line);
    gateway.run(&format!("submit records.jsonl --receipts receipts.jsonl {CASES}")).done();
    let receipt = gateway.read("receipts.jsonl");
    member(&receipt, "record_id")
}

/// A text member of a JSON object.
fn member(json: &str, name: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
    let found = value.pointer(&format!("/{name}")).unwrap_or_else(|| panic!("no {name} in {json}"));
    found.as_str().map_or_else(|| found.to_string(), str::to_owned)
}

/// The first word after `before` in a text.
fn word_after(text: &str, before: &str) -> String {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no `{before}` in {text}"));
    rest.split([' ', '\n', ';', ',']).next().expect("a split has a first part").to_owned()
}

/// Two persons approve a file; the file of their approvals.
fn approved(gateway: &Gateway, file: &str, approvals: &str) {
    let lines = ["dpo", "director"].map(|person| {
        let key = format!("certs-dev/gb-nca/persons/{person}.key");
        gateway.run(&format!("approve {file} --person gb-nca/{person} --key {key}")).done().out
    });
    gateway.write(approvals, &lines.concat());
}
