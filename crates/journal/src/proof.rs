//! Verifying inclusion and consistency proofs (RFC 9162 sections 2.1.3.2 and 2.1.4.2): iterative, without allocation,
//! and with sizes and lengths capped before any arithmetic.

use std::fmt;

use causeway_crypto::Digest;
use causeway_model::LeafIndex;

use crate::hash::node_hash;
use crate::tree::MAX_TREE_SIZE;

/// No proof in a tree of at most 2^62 leaves has more hashes.
pub const MAX_PROOF_HASHES: usize = 63;

/// Why a proof was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofError {
    /// A tree of more than 2^62 leaves.
    TreeTooLarge,
    /// More than 63 hashes.
    ProofTooLong,
    /// The leaf index is not below the tree size.
    IndexOutOfRange,
    /// The first size is 0, from which nothing follows, or is larger than the second.
    SizesOutOfOrder,
    /// The leaves from the first index to the second are no subtree.
    NoSubtree,
    /// More or fewer hashes than the sizes ask for.
    WrongLength,
    /// The hashes lead to another root.
    WrongRoot,
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TreeTooLarge => "the proof is for a tree of more than 2^62 leaves",
            Self::ProofTooLong => "the proof has more than 63 hashes",
            Self::IndexOutOfRange => "the proof's leaf index is not below its tree size",
            Self::SizesOutOfOrder => "the proof's first tree is empty or larger than its second",
            Self::NoSubtree => "the proof's range of leaves is no subtree",
            Self::WrongLength => "the proof has the wrong number of hashes",
            Self::WrongRoot => "the proof leads to another root",
        })
    }
}

impl std::error::Error for ProofError {}

/// Verifies that the leaf with this hash is at `index` of the tree with this size and root.
///
/// # Errors
/// Anything that is not exactly the one proof of it.
pub fn verify_inclusion(
    leaf: Digest,
    index: LeafIndex,
    size: u64,
    proof: &[Digest],
    root: Digest,
) -> Result<(), ProofError> {
    check_caps(size, proof)?;
    if index.0 >= size {
        return Err(ProofError::IndexOutOfRange);
    }
    let (mut node, mut last) = (index.0, size - 1);
    let mut hash = leaf;
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::WrongLength);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            skip_missing_siblings(&mut node, &mut last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    finish(last, hash == root)
}

/// Verifies that the tree of the first size and root is the beginning of the tree of the second.
///
/// # Errors
/// Anything that is not exactly the one proof of it. From an empty first tree nothing follows: it is an error.
pub fn verify_consistency(
    first: u64,
    second: u64,
    proof: &[Digest],
    first_root: Digest,
    second_root: Digest,
) -> Result<(), ProofError> {
    check_caps(second, proof)?;
    if first == 0 || first > second {
        return Err(ProofError::SizesOutOfOrder);
    }
    if first == second {
        return if proof.is_empty() { finish(0, first_root == second_root) } else { Err(ProofError::WrongLength) };
    }
    // A first tree that is perfect is itself the node that the path starts from, and is not repeated in it.
    let (start, path) = match proof.split_first() {
        None => return Err(ProofError::WrongLength),
        Some(_) if first.is_power_of_two() => (first_root, proof),
        Some((start, path)) => (*start, path),
    };
    let shift = (first - 1).trailing_ones();
    let (mut node, mut last) = ((first - 1) >> shift, (second - 1) >> shift);
    let (mut of_first, mut of_second) = (start, start);
    for hash in path {
        if last == 0 {
            return Err(ProofError::WrongLength);
        }
        if node & 1 == 1 || node == last {
            of_first = node_hash(hash, &of_first);
            of_second = node_hash(hash, &of_second);
            skip_missing_siblings(&mut node, &mut last);
        } else {
            of_second = node_hash(&of_second, hash);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    finish(last, of_first == first_root && of_second == second_root)
}

pub(crate) fn check_caps(size: u64, proof: &[Digest]) -> Result<(), ProofError> {
    if size > MAX_TREE_SIZE {
        Err(ProofError::TreeTooLarge)
    } else if proof.len() > MAX_PROOF_HASHES {
        Err(ProofError::ProofTooLong)
    } else {
        Ok(())
    }
}

/// At the right edge a node may have no sibling for some levels: it is its parent's only child there.
fn skip_missing_siblings(node: &mut u64, last: &mut u64) {
    let levels = if *node == 0 { 0 } else { node.trailing_zeros() };
    (*node, *last) = (*node >> levels, *last >> levels);
}

pub(crate) fn finish(last: u64, same: bool) -> Result<(), ProofError> {
    match (last, same) {
        (0, true) => Ok(()),
        (0, false) => Err(ProofError::WrongRoot),
        _ => Err(ProofError::WrongLength),
    }
}
