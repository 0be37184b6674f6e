//! The entries that are appended: those of every day, which have no body, and collections of records, which have one.

use causeway_crypto::random;
use causeway_journal::v1;
use causeway_model::EntryId;
use causeway_store::{Draft, DraftBody};

use crate::audit::mix::Mix;

/// A schema that the shipped configuration brings into force.
const KIND: &str = "victim-profile";
const SCHEMA_VERSION: &str = "1.0";

/// An entry of about 300 bytes.
pub(super) fn plain(mix: &mut Mix, count: usize) -> Vec<Draft> {
    (0..count).map(|_| mix.draft()).collect()
}

/// An entry of about as many, as a submission makes it, beside the encrypted body of its record. No owner's key is sealed to: what is
/// stored is of the same length.
pub(super) fn collections(count: usize, body_bytes: usize) -> Vec<Draft> {
    (0..count).map(|_| collection(body_bytes)).collect()
}

fn collection(body_bytes: usize) -> Draft {
    let entry_id: [u8; 16] = random();
    let bytes = |length: usize| random::<32>()[..length].to_vec();
    let schema = format!("{KIND}/{SCHEMA_VERSION}");
    let entry = v1::Entry {
        entry_id: entry_id.to_vec(),
        operation: v1::Operation::Collection.into(),
        decision: v1::Decision::Allowed.into(),
        reason: "accepted".into(),
        actor: Some(v1::Actor {
            agency: "gb-nca".into(),
            system: "case-management".into(),
            certificate_digest: bytes(32),
        }),
        purpose_code: "victim-identification".into(),
        records: vec![v1::RecordRef {
            record_id: bytes(16),
            version: 1,
            kind: KIND.into(),
            schema_version: SCHEMA_VERSION.into(),
            ..Default::default()
        }],
        submission_mac: bytes(32),
        content_mac: bytes(32),
        byte_count: body_bytes as u64,
        request_id: bytes(16),
        sealing_key_id: bytes(16),
        ..Default::default()
    };
    let body = v1::Body { schema, classified: vec![7; body_bytes], sealed: None };
    let openings = Some(v1::Openings { operator: "rig.operator".into(), ..Default::default() });
    let body = Some(DraftBody::encrypt(&body, &EntryId::from_bytes(entry_id), None));
    Draft { entry, openings, body, document_text: None }
}
