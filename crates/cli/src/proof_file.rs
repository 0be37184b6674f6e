//! Proof files on disk: the entry, its inclusion proof and the checkpoint, for the offline verifier.

use std::path::Path;

use causeway_crypto::Digest;
use causeway_journal::ProofFile;
use causeway_model::LeafIndex;
use causeway_proto::v1::InclusionProof;

use crate::Failure;

/// A proof as received, in the form of a proof file. Nothing is verified yet.
pub(crate) fn from_wire(entry: &[u8], proof: Option<&InclusionProof>, checkpoint: &str) -> Result<ProofFile, Failure> {
    let proof = proof.ok_or_else(|| Failure::does_not_hold("the gateway answered without an inclusion proof"))?;
    let short = |_| Failure::does_not_hold("a hash of the inclusion proof is not of 32 bytes");
    Ok(ProofFile {
        entry: Some(entry.to_owned()),
        index: LeafIndex(proof.leaf_index),
        hashes: proof
            .hashes
            .iter()
            .map(|hash| Digest::try_from(hash.as_slice()).map_err(short))
            .collect::<Result<_, _>>()?,
        checkpoint: checkpoint.to_owned(),
    })
}

/// Writes a proof file.
pub(crate) fn write(
    path: &Path,
    entry: &[u8],
    proof: Option<&InclusionProof>,
    checkpoint: &str,
) -> Result<(), Failure> {
    let text = from_wire(entry, proof, checkpoint)?.to_string();
    std::fs::write(path, text).map_err(|e| Failure::file(path, e))
}
