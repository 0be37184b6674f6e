//! Receipts as people keep them: one JSON object each.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use causeway_crypto::Digest;
use causeway_journal::{ProofFile, v1::Entry};
use causeway_model::LeafIndex;
use causeway_proto::v1::Receipt;
use serde::{Deserialize, Serialize};

use crate::hex::{hex, unhex};

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

/// A receipt as it was kept.
#[derive(Debug, Deserialize)]
pub(crate) struct KeptReceipt {
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

impl KeptReceipt {
    /// The proof that the receipt holds. Nothing is verified yet.
    pub(crate) fn proof(&self) -> Result<ProofFile, &'static str> {
        let proof = self.inclusion_proof.as_ref();
        let proof = proof.ok_or("it holds no inclusion proof; `causeway receipt ID --out` fetches one")?;
        let hash = |text: &String| unhex(text).and_then(|bytes| Digest::try_from(bytes.as_slice()).ok());
        Ok(ProofFile {
            entry: Some(STANDARD.decode(&self.entry).map_err(|_| "its entry is not base64")?),
            index: LeafIndex(self.leaf_index),
            hashes: proof.hashes.iter().map(hash).collect::<Option<_>>().ok_or("a hash of its proof is malformed")?,
            checkpoint: self.checkpoint.clone(),
        })
    }

    /// Whether an entry is of the record and version that the receipt states.
    pub(crate) fn is_of(&self, entry: &Entry) -> bool {
        entry.records.iter().any(|record| hex(&record.record_id) == self.record_id && record.version == self.version)
    }
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
