//! One row of an export, against the entry that it holds.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_crypto::{Digest, commit};
use causeway_journal::{Checkpoint, Outcome, decode_entry, leaf_hash, v1, verify_inclusion};
use causeway_model::LeafIndex;
use serde_json::{Map, Value};

use super::{Members, broken};
use crate::hex::unhex;
use crate::mirror::is_text_of;
use crate::{VerifyError, entry_fields};

/// A row whose parts agree with its entry.
pub(super) struct Row {
    pub(super) leaf: u64,
    pub(super) time_micros: u64,
    hash: Digest,
    proof: Option<Vec<Digest>>,
}

impl Row {
    /// Reads a row, and compares everything that its entry says or commits to.
    pub(super) fn read(members: &mut Members, proofs: bool) -> Result<Self, VerifyError> {
        let leaf = members.number("leaf_index")?;
        let bytes = STANDARD.decode(members.text("entry")?).map_err(|_| broken("entry: not base64"))?;
        let entry = decode_entry(&bytes)?;
        let hash = leaf_hash(&bytes);
        if unhex(&members.text("leaf_hash")?).as_deref() != Some(&hash.0) {
            return Err(broken("leaf_hash: not that of the entry"));
        }
        if members.take("fields")? != Value::Object(entry_fields(&entry)) {
            return Err(broken("fields: not what the entry says"));
        }
        if !Outcome::NAMES.contains(&members.text("outcome")?.as_str()) {
            return Err(broken("outcome: there is no such one"));
        }
        let proof = if proofs { Some(members.hashes("proof")?) } else { None };
        if let Some(opened) = members.take_if_there("opened") {
            let Value::Object(opened) = opened else { return Err(broken("opened: no object")) };
            check_opened(&opened, entry.commitments.as_ref())?;
        }
        if let Some(text) = members.take_if_there("text") {
            let text = text.as_str().and_then(|text| STANDARD.decode(text).ok());
            if !text.is_some_and(|text| is_text_of(&entry, &text)) {
                return Err(broken("text: not that of the entry's digest"));
            }
        }
        // What these say follows from a mirrored log, not from the entry.
        members.take_if_there("record_left");
        members.take_if_there("items");
        Ok(Self { leaf, time_micros: entry.time_micros, hash, proof })
    }

    /// Checks that the row is in the tree of its part's checkpoint.
    pub(super) fn check(&self, checkpoint: &Checkpoint) -> Result<(), VerifyError> {
        match &self.proof {
            Some(proof) => {
                Ok(verify_inclusion(self.hash, LeafIndex(self.leaf), checkpoint.size, proof, checkpoint.root)?)
            }
            None if self.leaf < checkpoint.size => Ok(()),
            None => Err(broken("leaf_index: beyond the checkpoint")),
        }
    }
}

/// The texts must be those that the entry commits to.
fn check_opened(opened: &Map<String, Value>, commitments: Option<&v1::Commitments>) -> Result<(), VerifyError> {
    let not_committed = || broken("opened: not what the entry commits to");
    let commitments = commitments.ok_or_else(not_committed)?;
    let nonce = opened.get("nonce").and_then(Value::as_str).and_then(unhex);
    let nonce: [u8; 32] = nonce.and_then(|nonce| nonce.try_into().ok()).ok_or_else(not_committed)?;
    for (name, text) in opened.iter().filter(|(name, _)| *name != "nonce") {
        let (field, commitment) = match name.as_str() {
            "purpose_text" => ("purpose_text", &commitments.purpose_text),
            "operator_id" => ("operator", &commitments.operator),
            "source_address" => ("source_address", &commitments.source_address),
            "case_reference" => ("case_reference", &commitments.case_reference),
            _ => return Err(broken("opened: a text that no entry commits to")),
        };
        if text.as_str().is_none_or(|text| commit(&nonce, field, text).as_slice() != commitment) {
            return Err(not_committed());
        }
    }
    Ok(())
}
