//! Verifying that an entry is in the log: from a proof file, or from the parts of a receipt.

use causeway_crypto::Digest;
use causeway_journal::{Checkpoint, ProofFile, VerifierKey, checkpoint, decode_entry, leaf_hash, v1, verify_inclusion};
use causeway_model::LeafIndex;

use crate::VerifyError;
use crate::trust::{Trust, Vouched};

/// An entry that is in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// The entry.
    pub entry: v1::Entry,
    /// Its bytes, which are the leaf.
    pub entry_bytes: Vec<u8>,
    /// Its place.
    pub index: LeafIndex,
    /// The checkpoint that its proof leads to.
    pub checkpoint: Checkpoint,
}

/// What a gateway hands out as evidence of one entry.
#[derive(Debug, Clone, Copy)]
pub struct Receipt<'a> {
    /// The entry's bytes.
    pub entry: &'a [u8],
    /// Its place.
    pub index: LeafIndex,
    /// The inclusion proof, from the leaf upwards.
    pub proof: &'a [Digest],
    /// The signed checkpoint.
    pub checkpoint: &'a str,
}

/// Verifies a proof file that holds its entry. `origin` is the log that is expected; the key's name where it is `None`.
///
/// # Errors
/// Anything that keeps the file from proving that this entry is in that log.
pub fn proof_file(text: &str, key: &VerifierKey, origin: Option<&str>) -> Result<Verified, VerifyError> {
    let file = ProofFile::parse(text)?;
    let entry = file.entry.as_deref().ok_or(VerifyError::NoEntry)?;
    receipt(&Receipt { entry, index: file.index, proof: &file.hashes, checkpoint: &file.checkpoint }, key, origin)
}

/// Verifies a proof file of an entry that is at hand; where the file holds an entry too, it must be the same.
///
/// # Errors
/// Anything that keeps the file from proving that this entry is in that log.
pub fn proof_file_of(
    entry: &[u8],
    text: &str,
    key: &VerifierKey,
    origin: Option<&str>,
) -> Result<Verified, VerifyError> {
    let file = ProofFile::parse(text)?;
    if file.entry.as_ref().is_some_and(|held| held != entry) {
        return Err(VerifyError::OtherEntry);
    }
    receipt(&Receipt { entry, index: file.index, proof: &file.hashes, checkpoint: &file.checkpoint }, key, origin)
}

/// Verifies a receipt: the checkpoint's signature, then the proof from the entry to the checkpoint's root.
///
/// # Errors
/// Anything that keeps it from proving that this entry is in that log.
pub fn receipt(receipt: &Receipt<'_>, key: &VerifierKey, origin: Option<&str>) -> Result<Verified, VerifyError> {
    let checkpoint = checkpoint::verify(receipt.checkpoint, key, origin.unwrap_or_else(|| key.name()))?;
    let leaf = leaf_hash(receipt.entry);
    verify_inclusion(leaf, receipt.index, checkpoint.size, receipt.proof, checkpoint.root)?;
    let entry = decode_entry(receipt.entry)?;
    Ok(Verified { entry, entry_bytes: receipt.entry.to_vec(), index: receipt.index, checkpoint })
}

/// An entry that is in the log, and who vouches for the checkpoint that its proof leads to.
#[derive(Debug, Clone, PartialEq)]
pub struct Included {
    /// The entry.
    pub entry: v1::Entry,
    /// Its place.
    pub index: LeafIndex,
    /// Its leaf hash.
    pub leaf_hash: Digest,
    /// The checkpoint, and who signed it.
    pub vouched: Vouched,
    /// The signed checkpoint.
    pub note: String,
}

/// Verifies a receipt by keys or a policy. Whether enough vouch for it, and whether it is new enough, is for [`Trust::vouch`].
///
/// # Errors
/// Anything that keeps it from proving that this entry is in the log of its checkpoint.
pub fn included(receipt: &Receipt<'_>, trust: &Trust) -> Result<Included, VerifyError> {
    let vouched = trust.check(receipt.checkpoint)?;
    let Checkpoint { size, root, .. } = vouched.checkpoint;
    let leaf_hash = leaf_hash(receipt.entry);
    verify_inclusion(leaf_hash, receipt.index, size, receipt.proof, root)?;
    let (entry, note) = (decode_entry(receipt.entry)?, receipt.checkpoint.to_owned());
    Ok(Included { entry, index: receipt.index, leaf_hash, vouched, note })
}

/// The same for a proof file that holds its entry.
///
/// # Errors
/// Anything that keeps the file from proving that its entry is in the log of its checkpoint.
pub fn included_in_file(text: &str, trust: &Trust) -> Result<Included, VerifyError> {
    let file = ProofFile::parse(text)?;
    let entry = file.entry.as_deref().ok_or(VerifyError::NoEntry)?;
    included(&Receipt { entry, index: file.index, proof: &file.hashes, checkpoint: &file.checkpoint }, trust)
}
