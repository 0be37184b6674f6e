//! Checks a proof offline: the entry's inclusion under a checkpoint, and the checkpoint's signature by a known key.

use causeway_journal::{Checkpoint, JournalError, ProofFile, VerifierKey, leaf_hash, verify_inclusion};
use causeway_verify::{Receipt, VerifyError};

use crate::Failure;

/// What to add to `causeway verify FILE` for it to prove something.
pub(crate) const KEY_OPTION: &str = "--key KEY (`causeway audit checkpoint --key-out KEY` writes it)";

/// Checks a proof. With a key, the checkpoint's signature too; without one, the caller must say that it was not checked.
pub(crate) fn check(proof: &ProofFile, key: Option<&VerifierKey>) -> Result<Checkpoint, Failure> {
    let entry = proof.entry.as_deref().ok_or(VerifyError::NoEntry).map_err(Failure::NotProven)?;
    if let Some(key) = key {
        let receipt = Receipt { entry, index: proof.index, proof: &proof.hashes, checkpoint: &proof.checkpoint };
        let verified = causeway_verify::receipt(&receipt, key, None).map_err(Failure::NotProven)?;
        return Ok(verified.checkpoint);
    }
    let checkpoint = unsigned(&proof.checkpoint).map_err(|fault| Failure::NotProven(fault.into()))?;
    let included = verify_inclusion(leaf_hash(entry), proof.index, checkpoint.size, &proof.hashes, checkpoint.root);
    included.map_err(|fault| Failure::NotProven(fault.into()))?;
    Ok(checkpoint)
}

/// Checks a checkpoint by itself. Without a key only its form, as above.
pub(crate) fn check_checkpoint(note: &str, key: Option<&VerifierKey>) -> Result<Checkpoint, Failure> {
    match key {
        Some(key) => causeway_verify::checkpoint(note, key).map_err(Failure::NotProven),
        None => unsigned(note).map_err(|fault| Failure::NotProven(fault.into())),
    }
}

/// The checkpoint that a note states, whoever signed it.
fn unsigned(note: &str) -> Result<Checkpoint, JournalError> {
    let end = note.find("\n\n").map_or(note.len(), |end| end + 1);
    Checkpoint::parse(&note[..end])
}
