//! What comes beside an entry is held to it: opened texts to its commitments, a document's or table's text to its digest.

use causeway_crypto::commit;
use causeway_journal::v1::{DocumentAction, Entry};
use causeway_journal::{document_digest, table_digest};
use causeway_proto::v1::{AuditRow, OpenedTexts};

/// What is wrong with what comes beside an entry.
pub(crate) fn fault(entry: &Entry, row: &AuditRow) -> Option<&'static str> {
    match &row.opened {
        Some(opened) if !is_opening_of(entry, opened) => Some("its texts are not those that it commits to"),
        _ if !row.text.is_empty() && !is_text_of(entry, &row.text) => Some("its text is not that of its digest"),
        _ => None,
    }
}

fn is_opening_of(entry: &Entry, opened: &OpenedTexts) -> bool {
    let commitments = entry.commitments.clone().unwrap_or_default();
    let Ok(nonce) = <[u8; 32]>::try_from(opened.nonce.as_slice()) else { return false };
    [
        ("purpose_text", &opened.purpose_text, &commitments.purpose_text),
        ("operator", &opened.operator_id, &commitments.operator),
        ("source_address", &opened.source_address, &commitments.source_address),
        ("case_reference", &opened.case_reference, &commitments.case_reference),
    ]
    .into_iter()
    .all(|(field, text, commitment)| text.is_empty() || commit(&nonce, field, text).as_slice() == commitment)
}

fn is_text_of(entry: &Entry, text: &[u8]) -> bool {
    if let Some(document) = entry.document.as_ref().filter(|document| document.action() != DocumentAction::Suspend) {
        return document_digest(document.kind(), &document.id, document.version, text).0.as_slice() == document.digest;
    }
    entry.table.is_some() && table_digest(text).0.as_slice() == entry.subject_digest
}

#[cfg(test)]
mod tests {
    use causeway_journal::v1::{Commitments, Document, DocumentKind, Operation, PublishedTable};

    use super::super::test_answers::entry;
    use super::*;

    #[test]
    fn a_text_that_an_entry_does_not_commit_to_is_found() {
        let nonce = [4; 32];
        let commitments =
            Commitments { operator: commit(&nonce, "operator", "inspector-7").to_vec(), ..Commitments::default() };
        let entry = Entry { commitments: Some(commitments), ..entry(1, Operation::Consultation, "receipt") };
        let opened = |operator_id: &str, purpose_text: &str| AuditRow {
            opened: Some(OpenedTexts {
                operator_id: operator_id.into(),
                purpose_text: purpose_text.into(),
                nonce: nonce.to_vec(),
                ..OpenedTexts::default()
            }),
            ..AuditRow::default()
        };
        assert_eq!(fault(&entry, &opened("inspector-7", "")), None);
        assert!(fault(&entry, &opened("inspector-8", "")).is_some());
        assert!(fault(&entry, &opened("inspector-7", "curiosity")).is_some());
    }

    #[test]
    fn a_text_of_another_digest_is_found() {
        let text = b"id = \"x\"".to_vec();
        let digest = document_digest(DocumentKind::Agreement, "x", 1, &text).0.to_vec();
        let document = Document {
            kind: DocumentKind::Agreement.into(),
            id: "x".into(),
            version: 1,
            digest,
            action: DocumentAction::Activate.into(),
        };
        let activated = Entry { document: Some(document), ..entry(1, Operation::Document, "activated") };
        let table = Entry {
            table: Some(PublishedTable::default()),
            subject_digest: table_digest(&text).0.to_vec(),
            ..entry(1, Operation::Combination, "table-published")
        };
        let row = |text: &[u8]| AuditRow { text: text.to_vec(), ..AuditRow::default() };
        for entry in [activated, table] {
            assert_eq!(fault(&entry, &row(&text)), None);
            assert!(fault(&entry, &row(b"id = \"y\"")).is_some());
        }
        assert!(fault(&entry(1, Operation::Consultation, "receipt"), &row(&text)).is_some(), "it commits to no text");
    }
}
