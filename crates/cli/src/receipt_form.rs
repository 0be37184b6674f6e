//! Receipts as people keep them: one JSON object each.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use causeway_proto::v1::Receipt;
use serde::Serialize;

use causeway_verify::hex::hex;

/// A receipt as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct ReceiptForm<'a> {
    submission_id: &'a str,
    record_id: &'a str,
    version: u32,
    leaf_index: u64,
    /// Base64 of the entry's exact bytes.
    entry: String,
    /// Hexadecimal.
    sealing_key_id: String,
    checkpoint: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    inclusion_proof: Option<ProofForm>,
}

#[derive(Debug, Serialize)]
struct ProofForm {
    leaf_index: u64,
    tree_size: u64,
    /// Hexadecimal, from the leaf's sibling upward.
    hashes: Vec<String>,
}

impl<'a> ReceiptForm<'a> {
    pub(crate) fn new(submission_id: &'a str, receipt: &'a Receipt) -> Self {
        let proof = |proof: &causeway_proto::v1::InclusionProof| ProofForm {
            leaf_index: proof.leaf_index,
            tree_size: proof.tree_size,
            hashes: proof.hashes.iter().map(|hash| hex(hash)).collect(),
        };
        Self {
            submission_id,
            record_id: &receipt.record_id,
            version: receipt.version,
            leaf_index: receipt.leaf_index,
            entry: STANDARD.encode(&receipt.entry),
            sealing_key_id: hex(&receipt.sealing_key_id),
            checkpoint: &receipt.checkpoint,
            inclusion_proof: receipt.inclusion_proof.as_ref().map(proof),
        }
    }
}
