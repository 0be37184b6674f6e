//! Verifying inclusion, in trees and subtrees: an end, no panic, and a subtree that begins at 0 is a tree.
#![no_main]

use causeway_crypto::Digest;
use causeway_journal::{verify_inclusion, verify_subtree_inclusion};
use causeway_model::LeafIndex;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u64, u64, u64, Vec<[u8; 32]>, [u8; 32], [u8; 32])| {
    let (index, start, end, proof, leaf, root) = input;
    let proof: Vec<Digest> = proof.into_iter().map(Digest).collect();
    let (leaf, root) = (Digest(leaf), Digest(root));
    let whole = verify_inclusion(leaf, LeafIndex(index), end, &proof, root);
    let from_zero = verify_subtree_inclusion(leaf, LeafIndex(index), (0, end), &proof, root);
    assert_eq!(whole, from_zero);
    let part = verify_subtree_inclusion(leaf, LeafIndex(index), (start, end), &proof, root);
    assert!(part.is_err() || (start..end).contains(&index));
});
