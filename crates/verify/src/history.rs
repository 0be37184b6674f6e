//! Verifying that a log only ever grew: one checkpoint, or a newer one against an older.

use causeway_crypto::Digest;
use causeway_journal::{Checkpoint, JournalError, VerifierKey, checkpoint as signed, verify_consistency};

use crate::VerifyError;

/// Verifies a signed checkpoint of the log that the key names.
///
/// # Errors
/// A note that is malformed, not signed by the key, or no checkpoint of that log.
pub fn checkpoint(note: &str, key: &VerifierKey) -> Result<Checkpoint, VerifyError> {
    Ok(signed::verify(note, key, key.name())?)
}

/// Verifies that a newer checkpoint extends an older one. `proof` may be empty where both have one size, or where the
/// older is of the empty log, which every log extends.
///
/// # Errors
/// [`VerifyError::Rollback`] where the newer is smaller, [`VerifyError::SplitView`] where both have one size and two
/// roots, and a bad proof otherwise: a proof that does not lead from one to the other may also have been made badly.
pub fn extends(older: &Checkpoint, newer: &Checkpoint, proof: &[Digest]) -> Result<(), VerifyError> {
    if older.origin != newer.origin {
        return Err(JournalError::Origin.into());
    }
    if newer.size < older.size {
        return Err(VerifyError::Rollback { known: older.size, found: newer.size });
    }
    if newer.size == older.size && newer.root != older.root {
        return Err(VerifyError::SplitView { size: older.size });
    }
    if older.size == 0 || newer.size == older.size {
        return Ok(());
    }
    Ok(verify_consistency(older.size, newer.size, proof, older.root, newer.root)?)
}
