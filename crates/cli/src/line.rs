//! The JSON Lines form of submissions: one object a line, the document inside it passed on byte for byte.

use std::borrow::Cow;

use causeway_model::{RecordId, RecordVersion, SchemaId, SubmissionId};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The longest line that is read: a document of 128 KiB, and room for what is around it.
pub(crate) const LINE_LIMIT: usize = 160 * 1024;

/// What the commands that read such lines show in their help.
pub(crate) const LINE_HELP: &str = r#"A line holds one submission (sealed and link fields in the clear; the gateway splits them):
  {"submission_id": "case-17-a", "kind": "victim-profile", "schema_version": "1.0", "document": {"tlp": "GREEN"}}
A correction also holds "record_id" and "expected_version", from the record's receipt. `causeway sample` writes
whole examples, and `causeway schemas show victim-profile/1.0` what a document may hold."#;

/// One submission, as a line holds it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) submission_id: SubmissionId,
    pub(crate) schema: SchemaId,
    /// The exact bytes of the document.
    pub(crate) document: Vec<u8>,
    /// For a correction: the record and the version believed to be current.
    pub(crate) correction: Option<(RecordId, RecordVersion)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLine<'a> {
    #[serde(borrow)]
    submission_id: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    schema_version: Cow<'a, str>,
    #[serde(borrow)]
    document: &'a RawValue,
    #[serde(borrow)]
    record_id: Option<Cow<'a, str>>,
    expected_version: Option<u32>,
}

/// Reads one line. A fault says what is wrong with the form, never what the line holds.
pub(crate) fn parse(line: &str) -> Result<Line, String> {
    if line.len() > LINE_LIMIT {
        return Err(format!("longer than {LINE_LIMIT} bytes"));
    }
    let raw: RawLine<'_> = serde_json::from_str(line).map_err(|error| form(&error))?;
    let version = raw.schema_version.parse().map_err(|_| "schema_version is not of the form 1.0")?;
    let kind = raw.kind.parse().map_err(|_| "kind is neither victim-profile nor trafficking-route")?;
    let correction = match (raw.record_id, raw.expected_version) {
        (None, None) => None,
        (Some(id), Some(version)) => {
            let id: RecordId = id.parse().map_err(|_| "record_id is not 32 lower-case hexadecimal digits")?;
            Some((id, RecordVersion(version)))
        }
        _ => return Err("a correction needs both record_id and expected_version".into()),
    };
    Ok(Line {
        submission_id: raw.submission_id.parse().map_err(|_| "submission_id is not of 1 to 64 characters")?,
        schema: SchemaId { kind, version },
        document: raw.document.get().as_bytes().to_owned(),
        correction,
    })
}

/// What is wrong, without the words of serde_json's message that may repeat the line's content.
fn form(error: &serde_json::Error) -> String {
    let expected = "{\"submission_id\", \"kind\", \"schema_version\", \"document\": {...}}";
    match error.classify() {
        // The words name a member only where it is one of the form's own.
        serde_json::error::Category::Data if error.to_string().starts_with("duplicate field") => {
            "a member stands twice; each may stand once".into()
        }
        serde_json::error::Category::Data => format!("not an object of the form {expected}"),
        _ => format!("not JSON (at column {})", error.column()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_passed_on_byte_for_byte() {
        let line =
            r#"{"submission_id":"s-1","kind":"victim-profile","schema_version":"1.0","document":{"a" : 1.50,"a":2}}"#;
        let line = parse(line).expect("of the form");
        assert_eq!(
            line.document, br#"{"a" : 1.50,"a":2}"#,
            "spaces, digits and doubled members are the gateway's to judge"
        );
        assert_eq!(line.schema.to_string(), "victim-profile/1.0");
        assert!(line.correction.is_none());
    }

    #[test]
    fn a_correction_names_record_and_version() {
        let with = |extra: &str| {
            parse(&format!(
                r#"{{"submission_id":"s","kind":"trafficking-route","schema_version":"1.0","document":{{}}{extra}}}"#
            ))
        };
        let id = "0123456789abcdef0123456789abcdef";
        let good = with(&format!(r#","record_id":"{id}","expected_version":3"#)).expect("of the form");
        assert_eq!(good.correction, Some((id.parse().expect("well formed"), RecordVersion(3))));
        assert!(with(&format!(r#","record_id":"{id}""#)).is_err(), "no version");
        assert!(with(r#","expected_version":3"#).is_err(), "no record");
        assert!(with(r#","record_id":"x","expected_version":3"#).is_err(), "not an id");
    }

    #[test]
    fn a_member_that_stands_twice_is_said_to() {
        let twice =
            r#"{"kind":"victim-profile","submission_id":"s","kind":"canary","schema_version":"1.0","document":{}}"#;
        let fault = parse(twice).expect_err("twice");
        assert!(fault.contains("twice") && !fault.contains("canary"), "{fault}");
    }

    #[test]
    fn what_is_not_of_the_form_is_refused_without_repeating_it() {
        let lines = [
            "",
            "canary",
            r#"{"submission_id":"s"}"#,
            r#"["canary"]"#,
            r#"{"submission_id":"","kind":"victim-profile","schema_version":"1.0","document":{}}"#,
            r#"{"submission_id":"s","kind":"canary","schema_version":"1.0","document":{}}"#,
            r#"{"submission_id":"s","kind":"victim-profile","schema_version":"1","document":{}}"#,
            r#"{"submission_id":"s","kind":"victim-profile","schema_version":"1.0","document":{},"canary":1}"#,
        ];
        for line in lines {
            let fault = parse(line).expect_err(line);
            assert!(!fault.contains("canary"), "{fault}");
        }
    }
}
