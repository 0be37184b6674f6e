//! Verifying growth, and subtrees against trees: an end, no panic, and a subtree that begins at 0 is an earlier tree.
#![no_main]

use causeway_crypto::Digest;
use causeway_journal::{verify_consistency, verify_subtree_consistency};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u64, u64, u64, Vec<[u8; 32]>, [u8; 32], [u8; 32])| {
    let (start, end, size, proof, first, second) = input;
    let proof: Vec<Digest> = proof.into_iter().map(Digest).collect();
    let (first, second) = (Digest(first), Digest(second));
    let whole = verify_consistency(end, size, &proof, first, second).is_ok();
    let from_zero = verify_subtree_consistency((0, end), size, &proof, first, second).is_ok();
    assert!(end == 0 || whole == from_zero);
    let part = verify_subtree_consistency((start, end), size, &proof, first, second);
    assert!(part.is_err() || (start <= end && end <= size));
});
