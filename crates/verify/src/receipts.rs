//! Files of receipts, as `causeway submit --receipts` keeps them: one JSON object a line, each with its entry and proof.

use std::io::BufRead;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_crypto::Digest;
use causeway_journal::{MAX_PROOF_FILE_BYTES, MAX_PROOF_HASHES, v1};
use causeway_model::LeafIndex;
use serde::Deserialize;

use crate::hex::{hex, unhex};
use crate::receipt::{Included, Receipt, included};
use crate::trust::Trust;
use crate::{VerifyError, lines};

/// The longest line: as much as a proof file may hold, and its hashes in hexadecimal.
const MAX_LINE_BYTES: usize = MAX_PROOF_FILE_BYTES * 2;

/// A receipt as it was kept.
#[derive(Debug, Deserialize)]
struct Kept {
    record_id: String,
    version: u32,
    leaf_index: u64,
    entry: String,
    checkpoint: String,
    inclusion_proof: Option<KeptProof>,
}

#[derive(Debug, Deserialize)]
struct KeptProof {
    hashes: Vec<String>,
}

/// Verifies every receipt of a file by itself, and gives each to `each` with its line's number, from 1: what it proves, or what is wrong
/// with it. Empty lines are passed over.
///
/// # Errors
/// A file that cannot be read, or a line that is longer than a receipt can be.
pub fn receipts(
    source: impl BufRead,
    trust: &Trust,
    mut each: impl FnMut(usize, Result<Included, VerifyError>),
) -> Result<(), VerifyError> {
    lines::each(source, MAX_LINE_BYTES, |number, line| {
        if !line.iter().all(u8::is_ascii_whitespace) {
            each(number, receipt_of(line, trust));
        }
        Ok(())
    })
}

fn receipt_of(line: &[u8], trust: &Trust) -> Result<Included, VerifyError> {
    let broken = |what| VerifyError::at("receipt", what);
    let kept: Kept = serde_json::from_slice(line).map_err(|_| broken("not a receipt"))?;
    let proof = kept.inclusion_proof.as_ref();
    let proof = proof.ok_or_else(|| broken("it holds no inclusion proof; `causeway receipt ID --out` fetches one"))?;
    let hash = |text: &String| unhex(text).and_then(|bytes| Digest::try_from(bytes.as_slice()).ok());
    let hashes: Option<Vec<Digest>> = proof.hashes.iter().take(MAX_PROOF_HASHES + 1).map(hash).collect();
    let hashes = hashes.ok_or_else(|| broken("a hash of its proof is malformed"))?;
    let entry = STANDARD.decode(&kept.entry).map_err(|_| broken("its entry is not base64"))?;
    let receipt =
        Receipt { entry: &entry, index: LeafIndex(kept.leaf_index), proof: &hashes, checkpoint: &kept.checkpoint };
    let included = included(&receipt, trust)?;
    let is_of = |record: &v1::RecordRef| hex(&record.record_id) == kept.record_id && record.version == kept.version;
    match included.entry.records.iter().any(is_of) {
        true => Ok(included),
        false => Err(broken("the entry is of another record or version than the receipt says")),
    }
}
