//! Conversions between the wire and the model, written out: a request's field is parsed here once, or refused by name.

mod count;
mod explain;
mod log;
mod query;
mod recall;

use std::str::FromStr;

use causeway_exchange::{
    Acknowledged, Content, Evidence, Page, PageItem, PseudonymChange, Receipt, Restriction, Submission, Withdrawal,
};
use causeway_journal::FeedItemKind;
use causeway_model::{LeafIndex, Position, RecordId, RecordVersion, SchemaId};
use causeway_proto::v1;

use crate::status::Fault;

pub(crate) use count::{count_question, numbers, table_summary};
pub(crate) use explain::{audit_question, explanation, owners_question};
pub(crate) use log::{entries_part, published_checkpoint, which_checkpoint};
pub(crate) use query::{query, query_begin, query_end, query_row};
pub(crate) use recall::holder;

/// A required field in its own type.
pub(crate) fn required<T: FromStr>(name: &'static str, text: &str) -> Result<T, Fault> {
    text.parse().map_err(|_| Fault::Field(name))
}

/// A field that may be empty.
pub(crate) fn optional<T: FromStr>(name: &'static str, text: &str) -> Result<Option<T>, Fault> {
    if text.is_empty() { Ok(None) } else { required(name, text).map(Some) }
}

/// A kind at a schema version.
pub(crate) fn schema_id(kind: &str, version: &str) -> Result<SchemaId, Fault> {
    Ok(SchemaId { kind: required("kind", kind)?, version: required("schema_version", version)? })
}

/// A record: its schema and its document.
pub(crate) fn record(record: Option<v1::Record>) -> Result<(SchemaId, Vec<u8>), Fault> {
    let v1::Record { kind, schema_version, document } = record.ok_or(Fault::Field("record"))?;
    Ok((schema_id(&kind, &schema_version)?, document))
}

/// A submission: of a new record, or of a correction where both record id and expected version are stated.
pub(crate) fn submission(request: v1::SubmitRequest) -> Result<Submission, Fault> {
    let (schema, document) = record(request.record)?;
    let correction = match optional::<RecordId>("record_id", &request.record_id)? {
        Some(id) if request.expected_version > 0 => Some((id, RecordVersion(request.expected_version))),
        None if request.expected_version == 0 => None,
        Some(_) | None => return Err(Fault::Field("expected_version")),
    };
    Ok(Submission {
        submission_id: required("submission_id", &request.submission_id)?,
        schema,
        document,
        correction,
        limits: None,
    })
}

/// A withdrawal.
pub(crate) fn withdrawal(request: &v1::WithdrawRequest) -> Result<Withdrawal, Fault> {
    if request.expected_version == 0 {
        return Err(Fault::Field("expected_version"));
    }
    Ok(Withdrawal {
        submission_id: required("submission_id", &request.submission_id)?,
        record_id: required("record_id", &request.record_id)?,
        expected_version: RecordVersion(request.expected_version),
    })
}

/// A restriction, or the end of one.
pub(crate) fn restriction(request: &v1::RestrictRequest) -> Result<Restriction, Fault> {
    if request.expected_version == 0 {
        return Err(Fault::Field("expected_version"));
    }
    Ok(Restriction {
        submission_id: required("submission_id", &request.submission_id)?,
        record_id: required("record_id", &request.record_id)?,
        expected_version: RecordVersion(request.expected_version),
        restricted: request.restricted,
    })
}

/// What a partner has taken note of: all up to a position or one item, and not both.
pub(crate) fn acknowledged(request: &v1::AcknowledgeRequest) -> Result<Acknowledged, Fault> {
    match (request.up_to_position, request.item_position) {
        (1.., 0) => Ok(Acknowledged::UpTo(Position(request.up_to_position))),
        (0, 1..) => Ok(Acknowledged::Item(Position(request.item_position))),
        (0, 0) => Err(Fault::Field("up_to_position")),
        (1.., 1..) => Err(Fault::Field("item_position")),
    }
}

/// A receipt, with its proof where one was asked for.
pub(crate) fn receipt(receipt: Receipt, inclusion_proof: Option<v1::InclusionProof>) -> v1::Receipt {
    v1::Receipt {
        record_id: receipt.record_id.to_string(),
        version: receipt.version.0,
        leaf_index: receipt.leaf.0,
        entry: receipt.entry,
        sealing_key_id: receipt.sealing_key_id,
        checkpoint: receipt.checkpoint.to_string(),
        inclusion_proof,
    }
}

/// An inclusion proof.
pub(crate) fn inclusion_proof(
    leaf: LeafIndex,
    tree_size: u64,
    hashes: Vec<causeway_crypto::Digest>,
) -> v1::InclusionProof {
    let hashes = hashes.into_iter().map(|hash| hash.0.to_vec()).collect();
    v1::InclusionProof { leaf_index: leaf.0, tree_size, hashes }
}

/// A schema in force.
pub(crate) fn schema(id: SchemaId, digest: causeway_crypto::Digest) -> v1::Schema {
    v1::Schema { kind: id.kind.to_string(), schema_version: id.version.to_string(), digest: digest.0.to_vec() }
}

/// A page of a feed.
pub(crate) fn page(page: Page) -> v1::Page {
    v1::Page {
        agreement: page.agreement.to_string(),
        agreement_version: page.agreement_version,
        items: page.items.into_iter().map(item).collect(),
        next_cursor: page.next_cursor,
        more: page.more,
        newest_position: page.newest.0,
        chain_before: page.chain_before.0.to_vec(),
        chain_after: page.chain_after.0.to_vec(),
        digest_salt: page.salt.map(|salt| salt.to_vec()).unwrap_or_default(),
        evidence: page.evidence.map(evidence),
        onward_transfer: page.onward_transfer.to_owned(),
        in_force: page.in_force,
        ahead_cursor: page.ahead_cursor.unwrap_or_default(),
        quota_renewed_at_micros: page.quota_renewed.map_or(0, |time| time.0),
    }
}

fn evidence(evidence: Evidence) -> v1::DisclosureEvidence {
    v1::DisclosureEvidence {
        entry: evidence.entry,
        inclusion_proof: Some(inclusion_proof(evidence.leaf, evidence.tree_size, evidence.proof)),
        checkpoint: evidence.checkpoint.to_string(),
    }
}

fn item(item: PageItem) -> v1::Item {
    let kind = match item.kind {
        FeedItemKind::Release => v1::ItemKind::Release,
        FeedItemKind::Withdrawal => v1::ItemKind::Withdrawal,
    };
    v1::Item {
        position: item.position.0,
        item_id: item.item_id.to_string(),
        kind: kind.into(),
        content: Some(content(item.content)),
    }
}

fn content(content: Content) -> v1::item::Content {
    match content {
        Content::Released { schema, document, clause, replaces, changes, onward_transfer } => {
            v1::item::Content::Released(v1::ReleasedRecord {
                kind: schema.kind.to_string(),
                schema_version: schema.version.to_string(),
                document,
                clause,
                replaces_item_id: replaces.map(|item| item.to_string()).unwrap_or_default(),
                pseudonym_changes: changes.into_iter().map(pseudonym_change).collect(),
                onward_transfer,
            })
        }
        Content::Withdrawn(item) => v1::item::Content::Withdrawn(v1::WithdrawnItem { item_id: item.to_string() }),
        Content::Deferred => v1::item::Content::Deferred(v1::DeferredItem {}),
    }
}

fn pseudonym_change(change: PseudonymChange) -> v1::PseudonymChange {
    v1::PseudonymChange { previous: change.previous, current: change.current }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> v1::SubmitRequest {
        v1::SubmitRequest {
            submission_id: "case 7".into(),
            record: Some(v1::Record {
                kind: "victim-profile".into(),
                schema_version: "1.0".into(),
                document: b"{}".to_vec(),
            }),
            ..v1::SubmitRequest::default()
        }
    }

    #[test]
    fn a_submission_is_new_or_a_whole_correction() {
        assert!(submission(request()).expect("new").correction.is_none());
        let id = RecordId::from_bytes([7; 16]);
        let corrected = v1::SubmitRequest { record_id: id.to_string(), expected_version: 2, ..request() };
        assert_eq!(submission(corrected).expect("a correction").correction, Some((id, RecordVersion(2))));
    }

    #[test]
    fn each_field_is_refused_by_its_name() {
        type Change = fn(&mut v1::SubmitRequest);
        let cases: [(Change, &str); 7] = [
            (|r| r.submission_id.clear(), "submission_id"),
            (|r| r.submission_id = "x".repeat(65), "submission_id"),
            (|r| r.record = None, "record"),
            (|r| r.record.as_mut().expect("set").kind = "passport".into(), "kind"),
            (|r| r.record.as_mut().expect("set").schema_version = "one".into(), "schema_version"),
            (|r| r.record_id = "7".into(), "record_id"),
            (|r| r.expected_version = 1, "expected_version"),
        ];
        for (change, name) in cases {
            let mut changed = request();
            change(&mut changed);
            assert_eq!(submission(changed).expect_err("refused"), Fault::Field(name));
        }
        let half = v1::SubmitRequest { record_id: RecordId::from_bytes([7; 16]).to_string(), ..request() };
        assert_eq!(submission(half).expect_err("refused"), Fault::Field("expected_version"));
    }
}
