//! An item of a feed as one line of JSON: what a partner's system reads, and what `pull --verify` compares with the kept pages.

use std::collections::{BTreeMap, BTreeSet};

use causeway_proto::v1::{Item, ReleasedRecord, item};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::Failure;
use causeway_verify::plain::plain;

#[derive(Serialize)]
struct Line<'a> {
    position: u64,
    item_id: &'a str,
    #[serde(flatten)]
    content: Content<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Released {
        kind: &'a str,
        schema_version: &'a str,
        clause: &'a str,
        onward_transfer: &'a str,
        replaces: &'a str,
        /// After a planned rotation: each pseudonym of the item that is replaced, and what it is now.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        pseudonyms: BTreeMap<&'a str, &'a str>,
        document: Box<RawValue>,
    },
    Withdrawn {
        withdrawn: &'a str,
    },
}

/// An item as one line; none for one that is put off, of which there is nothing to read yet.
///
/// # Errors
/// A document that is not JSON.
pub(crate) fn of(item: &Item) -> Result<Option<String>, Failure> {
    let content = match &item.content {
        Some(item::Content::Released(record)) => released(record)?,
        Some(item::Content::Withdrawn(withdrawn)) => Content::Withdrawn { withdrawn: &withdrawn.item_id },
        Some(item::Content::Deferred(_)) | None => return Ok(None),
    };
    let line = Line { position: item.position, item_id: &item.item_id, content };
    Ok(Some(serde_json::to_string(&line).expect("a value of texts and numbers is JSON")))
}

fn released(record: &ReleasedRecord) -> Result<Content<'_>, Failure> {
    Ok(Content::Released {
        kind: &record.kind,
        schema_version: &record.schema_version,
        clause: &record.clause,
        onward_transfer: &record.onward_transfer,
        replaces: &record.replaces_item_id,
        pseudonyms: record.pseudonym_changes.iter().map(|c| (&*c.previous, &*c.current)).collect(),
        document: document(&record.document)?,
    })
}

/// The document as it came, or on one line where white space between its members would break the line.
fn document(bytes: &[u8]) -> Result<Box<RawValue>, Failure> {
    let wrong = || Failure::does_not_hold("a record of the feed is not JSON; tell the gateway's operator");
    let text = std::str::from_utf8(bytes).map_err(|_| wrong())?;
    let raw: Box<RawValue> = serde_json::from_str(text).map_err(|_| wrong())?;
    if !raw.get().contains(char::is_control) {
        return Ok(raw);
    }
    let value: serde_json::Value = serde_json::from_str(text).map_err(|_| wrong())?;
    RawValue::from_string(value.to_string()).map_err(|_| wrong())
}

/// The members in which two lines differ; none where one of them is no JSON object.
pub(crate) fn differing(received: &str, line: &str) -> Vec<String> {
    let object = |text: &str| serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text).unwrap_or_default();
    let (received, line) = (object(received), object(line));
    if received.is_empty() || line.is_empty() {
        return Vec::new();
    }
    let same = |name: &str| received.get(name).map(|value| value.get()) == line.get(name).map(|value| value.get());
    let names: BTreeSet<&String> = received.keys().chain(line.keys()).collect();
    names.into_iter().filter(|name| !same(name)).map(|name| plain(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(document: &[u8]) -> Result<Option<String>, Failure> {
        let record = ReleasedRecord { document: document.to_vec(), ..ReleasedRecord::default() };
        of(&Item { position: 1, content: Some(item::Content::Released(record)), ..Item::default() })
    }

    #[test]
    fn a_document_is_passed_on_as_it_came_and_never_breaks_the_line() {
        let as_it_came = line(br#"{"a" : 1.50}"#).expect("JSON").expect("a line");
        assert!(as_it_came.ends_with(r#""document":{"a" : 1.50}}"#), "{as_it_came}");
        for hostile in ["{\"a\":\n1}", "{\"a\":\r1}", "{\"a\":1}\n{\"position\":2}", "{\"a\":\"\u{9b}31m\n\"}"] {
            let line = line(hostile.as_bytes()).ok().flatten().unwrap_or_default();
            assert!(!line.contains(['\n', '\r']), "{line}");
        }
        assert!(line(b"nothing").is_err() && line(b"{}{}").is_err() && line(&[0xff]).is_err());
    }

    #[test]
    fn what_is_put_off_has_no_line() {
        let deferred = item::Content::Deferred(causeway_proto::v1::DeferredItem {});
        assert_eq!(of(&Item { content: Some(deferred), ..Item::default() }).expect("well formed"), None);
    }
}
