//! Proofs, tiles, roots and runs of entries of a journal at every size that it has had.

use causeway_crypto::Digest;
use causeway_journal::{TILE_WIDTH, Tree, leaf_hash, v1, verify_consistency, verify_inclusion};
use causeway_model::LeafIndex;
use causeway_store::{Journal, StoreError};

use crate::setting::{Setting, append, append_many, draft, wait_for};

/// A journal of 600 entries in frames of many sizes, and the root of every size.
fn grown(setting: &Setting) -> (Journal, Vec<Vec<u8>>, Vec<Digest>) {
    let journal = setting.begin();
    append_many(&journal, 300);
    (0..40).for_each(|number| drop(append(&journal, draft(number))));
    append_many(&journal, 258);
    let entries = wait_for(journal.entries(LeafIndex(0), usize::MAX)).expect("read");
    assert_eq!(entries.len(), 600);
    let mut tree = Tree::new();
    let mut roots = vec![tree.root()];
    for entry in &entries {
        tree.push(leaf_hash(entry));
        roots.push(tree.root());
    }
    assert_eq!(journal.read(|state| state.tree().root()), roots[600]);
    (journal, entries, roots)
}

#[test]
fn every_size_has_its_root_and_its_proofs() {
    let setting = Setting::new();
    let (journal, entries, roots) = grown(&setting);
    for (size, root) in (0u64..).zip(&roots) {
        assert_eq!(wait_for(journal.root_at(size)).expect("a size that it has had"), *root, "{size}");
    }
    let at = |size: u64| roots[usize::try_from(size).expect("small")];
    for second in (1..=600u64).step_by(23).chain([256, 257, 512, 513, 600]) {
        for first in (1..=second).step_by(7) {
            let proof = wait_for(journal.consistency_proof(first, second)).expect("proved");
            verify_consistency(first, second, &proof, at(first), at(second)).expect("it holds");
        }
        let leaf = LeafIndex(second / 2);
        let proof = wait_for(journal.inclusion_proof(leaf, second)).expect("proved");
        let hash = leaf_hash(&entries[usize::try_from(leaf.0).expect("small")]);
        verify_inclusion(hash, leaf, second, &proof, at(second)).expect("it holds");
    }
    for (first, second) in [(0, 5), (6, 5), (5, 601), (1, u64::MAX), (u64::MAX, u64::MAX)] {
        let refused = wait_for(journal.consistency_proof(first, second)).expect_err("refused");
        assert!(matches!(refused, StoreError::Proof(_)), "{refused}");
    }
    assert!(wait_for(journal.root_at(601)).is_err());
}

#[test]
fn tiles_have_every_width_that_they_have_had_and_no_other() {
    let setting = Setting::new();
    let (journal, entries, _) = grown(&setting);
    let hashes: Vec<Digest> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    for (index, tile) in (0u64..).zip(hashes.chunks(TILE_WIDTH)) {
        for width in 1..=tile.len() {
            assert_eq!(wait_for(journal.tile(0, index, width)).expect("there"), tile[..width], "{index}.p/{width}");
        }
        assert!(wait_for(journal.tile(0, index, tile.len() + 1)).is_err());
    }
    let upper = wait_for(journal.tile(1, 0, 2)).expect("two full tiles");
    let root_of = |leaves: &[Digest]| {
        let mut tree = Tree::new();
        leaves.iter().for_each(|leaf| drop(tree.push(*leaf)));
        tree.root()
    };
    assert_eq!(upper, [root_of(&hashes[..256]), root_of(&hashes[256..512])]);
    for (level, index, width) in
        [(1, 0, 3), (1, 1, 1), (2, 0, 1), (9, 0, 1), (255, 0, 1), (0, 3, 1), (0, u64::MAX, 1), (0, 0, 0), (0, 0, 257)]
    {
        let refused = wait_for(journal.tile(level, index, width)).expect_err("not there");
        assert!(matches!(refused, StoreError::Proof(_)), "{level}/{index}.p/{width}: {refused}");
    }
}

#[test]
fn runs_of_entries_come_whole_with_what_a_verifier_needs() {
    let setting = Setting::new();
    let (journal, entries, _) = grown(&setting);
    journal.close();
    // Read from the log, and not only from what is at hand.
    let journal = setting.start();
    for (from, count) in [(0, 1), (0, 600), (299, 5), (255, 2), (301, 40), (598, 256), (600, 1), (u64::MAX, 9), (0, 0)]
    {
        let start = usize::try_from(from).unwrap_or(usize::MAX).min(600);
        let wanted = &entries[start..(start + count).min(600)];
        assert_eq!(wait_for(journal.entries(LeafIndex(from), count)).expect("read"), wanted, "{count} from {from}");
        let bundle = wait_for(journal.bundle(LeafIndex(from), count, usize::MAX)).expect("read");
        assert_eq!(bundle.entries, wanted);
        let counted = |runs: Vec<u32>| usize::try_from(runs.iter().sum::<u32>()).expect("small");
        assert_eq!(counted(bundle.notes.rules.iter().map(|run| run.count).collect()), wanted.len());
        assert_eq!(counted(bundle.notes.outcomes.iter().map(|run| run.count).collect()), wanted.len());
        assert_eq!(bundle.notes.from_leaf_index, from);
        assert_eq!(wait_for(journal.bundle_notes(LeafIndex(from), count)).expect("read"), bundle.notes);
    }
    let bundle = wait_for(journal.bundle(LeafIndex(0), 600, usize::MAX)).expect("read");
    let rules = [v1::RulesRun { count: 600, version: causeway_journal::RULES_VERSION }];
    assert_eq!(bundle.notes.rules, rules);
    let short = wait_for(journal.bundle(LeafIndex(3), 600, entries[3].len() + entries[4].len() + 1)).expect("read");
    assert_eq!(short.entries, entries[3..6], "it ends where the bytes reach the limit");
}
