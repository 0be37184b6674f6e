//! Records as STIX 2.1 objects: what the standard has for a person and for what happened, with the record's own members in a property
//! extension (STIX 2.1, section 7.3), so that its library checks what it knows.

use causeway_proto::v1;
use causeway_rig::Failed;

use crate::numbers::Numbers;

/// When the objects were made.
const MADE_AT: &str = "2026-11-22T12:00:00.000Z";

/// The id of the extension's definition.
const EXTENSION: &str = "extension-definition--6b5c9a0e-3d52-4c1f-9b0e-2f1d7c3a8e41";

/// One record as an object, under an id of its own.
pub(super) fn object(record: &v1::Record, numbers: &mut Numbers) -> Result<String, Failed> {
    let document = std::str::from_utf8(&record.document)?;
    let (kind, of_kind) = match record.kind.as_str() {
        "victim-profile" => ("identity", r#""identity_class":"individual","#),
        _ => ("incident", ""),
    };
    let id = uuid(numbers);
    let version = &record.schema_version;
    Ok(format!(
        r#"{{"type":"{kind}","spec_version":"2.1","id":"{kind}--{id}","created":"{MADE_AT}","modified":"{MADE_AT}","name":"{id}",{of_kind}"extensions":{{"{EXTENSION}":{{"extension_type":"property-extension","schema_version":"{version}","record":{document}}}}}}}"#
    ))
}

/// Objects in one envelope (TAXII 2.1, section 3.7).
pub(super) fn envelope(objects: &[String]) -> String {
    format!(r#"{{"objects":[{}]}}"#, objects.join(","))
}

/// A random UUID (RFC 9562, section 5.4).
fn uuid(numbers: &mut Numbers) -> String {
    let (high, low) = (numbers.next(), numbers.next());
    let high = (high & !0xf000) | 0x4000;
    let low = (low & !(0b11 << 62)) | (0b10 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn an_object_is_json_that_holds_the_record() {
        let mut numbers = Numbers::from_seed(1);
        let record = v1::Record {
            kind: "victim-profile".into(),
            schema_version: "1.1".into(),
            document: br#"{"tlp":"GREEN"}"#.to_vec(),
        };
        let both = [&record, &v1::Record { kind: "trafficking-route".into(), ..record.clone() }];
        let objects = both.map(|record| object(record, &mut numbers).expect("an object"));
        let read: Value = serde_json::from_str(&envelope(&objects)).expect("JSON");
        assert_eq!(read["objects"][0]["extensions"][EXTENSION]["record"]["tlp"], "GREEN");
        assert_eq!([&read["objects"][0]["type"], &read["objects"][1]["type"]], ["identity", "incident"]);
        let (first, second) = (&read["objects"][0]["name"], &read["objects"][1]["name"]);
        assert!(first != second && first.as_str().is_some_and(|id| id.len() == 36), "{first} {second}");
        assert_eq!(first.as_str().and_then(|id| id.chars().nth(14)), Some('4'), "a random one says so");
    }
}
