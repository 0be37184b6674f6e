//! Verifying proofs of subtrees (draft-ietf-plants-merkle-tree-certs sections 4.3 and 4.4): iterative, without
//! allocation, and with sizes and lengths capped before any arithmetic.
//!
//! A subtree `[start, end)` is the tree of those leaves, where `start` is a multiple of the smallest power of two that is
//! not below `end - start`; it is then a part of the whole tree, or differs from one at its right edge only.

use causeway_crypto::Digest;
use causeway_model::LeafIndex;

use crate::hash::{empty_root, node_hash};
use crate::proof::{ProofError, check_caps, finish, verify_inclusion};

/// Verifies that the leaf with this hash is at `index` (counted in the whole tree) of the subtree with this root.
///
/// # Errors
/// A subtree that is none, or anything that is not exactly the one proof of it.
pub fn verify_subtree_inclusion(
    leaf: Digest,
    index: LeafIndex,
    (start, end): (u64, u64),
    proof: &[Digest],
    root: Digest,
) -> Result<(), ProofError> {
    check_caps(end, proof)?;
    check_subtree(start, end)?;
    let within = index.0.checked_sub(start).ok_or(ProofError::IndexOutOfRange)?;
    verify_inclusion(leaf, LeafIndex(within), end - start, proof, root)
}

/// Verifies that the subtree of this root holds the same leaves as that part of the tree of this size and root.
///
/// # Errors
/// A subtree that is none, or anything that is not exactly the one proof of it. The empty subtree is part of any tree that
/// reaches to it: only its own root, the empty one, and the absence of a proof are looked at.
pub fn verify_subtree_consistency(
    (start, end): (u64, u64),
    size: u64,
    proof: &[Digest],
    subtree_root: Digest,
    root: Digest,
) -> Result<(), ProofError> {
    check_caps(size.max(end), proof)?;
    check_subtree(start, end)?;
    if end > size {
        return Err(ProofError::SizesOutOfOrder);
    }
    if start == end {
        return if proof.is_empty() { finish(0, subtree_root == empty_root()) } else { Err(ProofError::WrongLength) };
    }
    // The paths of the subtree's first leaf, its last leaf and the tree's last leaf, up to where the proof begins.
    let mut at = Paths { first: start, last: end - 1, tree: size - 1 };
    if at.last == at.tree {
        at.rise(u64::BITS - (at.first ^ at.last).leading_zeros());
    } else {
        let together = u64::BITS - (at.first ^ at.last).leading_zeros();
        at.rise(together.min(at.last.trailing_ones()));
    }
    // A subtree that is itself a node of the tree is not repeated in the proof.
    let (start, path) = if at.first == at.last {
        (subtree_root, proof)
    } else {
        let (first, path) = proof.split_first().ok_or(ProofError::WrongLength)?;
        (*first, path)
    };
    let (mut of_subtree, mut of_tree) = (start, start);
    for hash in path {
        if at.tree == 0 {
            return Err(ProofError::WrongLength);
        }
        if at.last & 1 == 1 || at.last == at.tree {
            if at.first < at.last {
                of_subtree = node_hash(hash, &of_subtree);
            }
            of_tree = node_hash(hash, &of_tree);
            // At the right edge a node may have no sibling for some levels. It is not the leftmost: `tree` is not 0.
            at.rise(at.last.trailing_zeros());
        } else {
            of_tree = node_hash(&of_tree, hash);
        }
        at.rise(1);
    }
    finish(at.tree, of_subtree == subtree_root && of_tree == root)
}

/// Where three leaves' paths to the root are, on one level.
struct Paths {
    first: u64,
    last: u64,
    tree: u64,
}

impl Paths {
    fn rise(&mut self, levels: u32) {
        (self.first, self.last, self.tree) = (self.first >> levels, self.last >> levels, self.tree >> levels);
    }
}

fn check_subtree(start: u64, end: u64) -> Result<(), ProofError> {
    let length = end.checked_sub(start).ok_or(ProofError::NoSubtree)?;
    if start.is_multiple_of(length.next_power_of_two()) { Ok(()) } else { Err(ProofError::NoSubtree) }
}
