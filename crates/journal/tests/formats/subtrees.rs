//! Proofs of subtrees, made by their definition and verified: of each subtree of each small tree.

use causeway_crypto::Digest;
use causeway_journal::{
    MAX_TREE_SIZE, ProofError, empty_root, leaf_hash, node_hash, verify_consistency, verify_inclusion,
    verify_subtree_consistency, verify_subtree_inclusion,
};
use causeway_model::LeafIndex;

const LARGEST: u64 = 24;

/// The definition of RFC 6962 section 2.1.
fn root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&root(left), &root(right))
        }
    }
}

/// SUBTREE_SUBPROOF of draft-ietf-plants-merkle-tree-certs section 4.4.1: the tree's leaves, the subtree's range in them,
/// and whether the verifier knows the hash that the two would share.
fn subproof(start: usize, end: usize, leaves: &[Digest], known: bool) -> Vec<Digest> {
    if start == 0 && end == leaves.len() {
        return if known { Vec::new() } else { vec![root(leaves)] };
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let middle = left.len();
    if end <= middle {
        [subproof(start, end, left, known), vec![root(right)]].concat()
    } else if start >= middle {
        [subproof(start - middle, end - middle, right, known), vec![root(left)]].concat()
    } else {
        [subproof(0, end - middle, right, false), vec![root(left)]].concat()
    }
}

fn leaves() -> Vec<Digest> {
    (0..LARGEST).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

/// Each subtree that is not empty, within a tree of this size.
fn subtrees(size: u64) -> Vec<(u64, u64)> {
    let ranges = (0..size).flat_map(|start| (start + 1..=size).map(move |end| (start, end)));
    ranges.filter(|(start, end)| start.is_multiple_of((end - start).next_power_of_two())).collect()
}

fn of(leaves: &[Digest], (start, end): (u64, u64)) -> &[Digest] {
    &leaves[usize::try_from(start).expect("small")..usize::try_from(end).expect("small")]
}

#[test]
fn each_subtree_is_proved_to_be_of_its_tree_and_of_no_other() {
    let leaves = leaves();
    let mut proved = 0;
    for size in 1..=LARGEST {
        let tree = of(&leaves, (0, size));
        for range in subtrees(size) {
            let (start, end) = range;
            let subtree = root(of(&leaves, range));
            let in_tree = |n: u64| usize::try_from(n).expect("small");
            let proof = subproof(in_tree(start), in_tree(end), tree, true);
            let verify = |range, size, proof: &[Digest], subtree, whole| {
                verify_subtree_consistency(range, size, proof, subtree, whole)
            };
            assert_eq!(verify(range, size, &proof, subtree, root(tree)), Ok(()), "{range:?} of {size}");
            proved += 1;
            if start == 0 {
                assert_eq!(verify_consistency(end, size, &proof, subtree, root(tree)), Ok(()), "{range:?} of {size}");
            }
            let other = leaf_hash(b"other");
            assert!(verify(range, size, &proof, other, root(tree)).is_err());
            assert!(verify(range, size, &proof, subtree, other).is_err());
            assert!(verify(range, size, &[proof.clone(), vec![other]].concat(), subtree, root(tree)).is_err());
            for at in 0..proof.len() {
                let mut changed = proof.clone();
                changed[at].0[7] ^= 4;
                assert!(
                    verify(range, size, &changed, subtree, root(tree)).is_err(),
                    "hash {at} of {range:?} of {size}"
                );
                changed.remove(at);
                assert!(verify(range, size, &changed, subtree, root(tree)).is_err());
            }
            for another in subtrees(LARGEST).into_iter().filter(|another| *another != range) {
                let taken_for = verify(another, size, &proof, subtree, root(tree));
                assert!(taken_for.is_err(), "the proof of {range:?} in {size} for {another:?}");
            }
        }
    }
    assert_eq!(proved, 844, "subtrees of trees of up to {LARGEST} leaves");
}

#[test]
fn each_leaf_is_proved_to_be_in_its_subtrees() {
    let leaves = leaves();
    for range in subtrees(LARGEST) {
        let (start, end) = range;
        let whole = of(&leaves, range);
        for index in start..end {
            let within = usize::try_from(index - start).expect("small");
            let proof = subproof(within, within + 1, whole, true);
            let leaf = whole[within];
            assert_eq!(verify_inclusion(leaf, LeafIndex(index - start), end - start, &proof, root(whole)), Ok(()));
            for place in 0..LARGEST + 2 {
                let verdict = verify_subtree_inclusion(leaf, LeafIndex(place), range, &proof, root(whole));
                assert_eq!(verdict.is_ok(), place == index, "leaf {index} of {range:?} at {place}");
            }
        }
    }
}

#[test]
fn what_is_no_subtree_or_too_large_is_refused_before_any_arithmetic() {
    let leaf = leaf_hash(b"");
    let huge = [MAX_TREE_SIZE + 1, 1 << 63, u64::MAX];
    for size in huge {
        let refused = verify_subtree_consistency((0, 1), size, &[leaf], leaf, leaf);
        assert_eq!(refused, Err(ProofError::TreeTooLarge));
        let refused = verify_subtree_consistency((size, size), 1, &[], leaf, leaf);
        assert_eq!(refused, Err(ProofError::TreeTooLarge));
        let refused = verify_subtree_inclusion(leaf, LeafIndex(0), (0, size), &[], leaf);
        assert_eq!(refused, Err(ProofError::TreeTooLarge));
    }
    let long = vec![leaf; 64];
    assert_eq!(verify_subtree_consistency((0, 1), 2, &long, leaf, leaf), Err(ProofError::ProofTooLong));
    assert_eq!(verify_subtree_inclusion(leaf, LeafIndex(0), (0, 2), &long, leaf), Err(ProofError::ProofTooLong));
    for range in [(1, 3), (2, 5), (4, 3), (6, 9), (1, MAX_TREE_SIZE)] {
        let refused = verify_subtree_consistency(range, MAX_TREE_SIZE, &[leaf], leaf, leaf);
        assert_eq!(refused, Err(ProofError::NoSubtree), "{range:?}");
        let refused = verify_subtree_inclusion(leaf, LeafIndex(range.0), range, &[leaf], leaf);
        assert_eq!(refused, Err(ProofError::NoSubtree), "{range:?}");
    }
    assert_eq!(verify_subtree_consistency((4, 6), 5, &[leaf], leaf, leaf), Err(ProofError::SizesOutOfOrder));
}
