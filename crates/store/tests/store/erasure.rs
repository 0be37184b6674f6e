//! Erasing bodies: gone from the journal, from its backups and from the mirror, with everything else as it was.

use std::fs;
use std::path::PathBuf;

use causeway_journal::{leaf_hash, verify_inclusion};
use causeway_model::LeafIndex;
use causeway_store::{ClassifiedHalf, Journal, SledLog};

use crate::key_search::{Search, bodies};
use crate::setting::{Setting, append, copy_dir, draft_with_body, wait_for};

/// The record to be erased has three versions; the numbers of their entries.
const ERASED: [u64; 3] = [3, 140, 141];
const BODIES: u64 = 300;

fn mirrored() -> Setting {
    Setting { mirrored: true, ..Setting::new() }
}

/// Bodies of small records in the numbers' order; returns where each is.
fn fill(journal: &Journal) -> Vec<LeafIndex> {
    let taken: Vec<_> = (0..BODIES)
        .map(|number| wait_for(journal.enqueue(draft_with_body(number, 20, None))).expect("taken"))
        .collect();
    taken.into_iter().map(|appending| wait_for(appending).expect("appended").leaf).collect()
}

fn of(leaves: &[LeafIndex]) -> Vec<LeafIndex> {
    ERASED.iter().map(|number| leaves[usize::try_from(*number).expect("small")]).collect()
}

/// Which of the bodies read, by number.
fn readable(journal: &Journal, leaves: &[LeafIndex]) -> Vec<u64> {
    let opened = wait_for(journal.bodies(leaves.to_vec())).expect("read");
    for (leaf, body) in leaves.iter().zip(&opened) {
        let half = |_, half: &ClassifiedHalf| half.classified().to_vec();
        let alone = wait_for(wait_for(journal.begin_each(vec![*leaf], half)).expect("begun").answer()).expect("read");
        assert_eq!(alone[0].as_ref(), body.as_ref().map(|opened| &opened.body.classified), "read by itself");
    }
    (0..BODIES).zip(opened).filter_map(|(number, body)| body.map(|_| number)).collect()
}

fn all_but_erased() -> Vec<u64> {
    (0..BODIES).filter(|number| !ERASED.contains(number)).collect()
}

fn copy_of(setting: &Setting, name: &str) -> PathBuf {
    let copy = setting.folder.path().join(name);
    copy_dir(&setting.data_dir(), &copy);
    copy
}

#[test]
fn an_erased_body_opens_under_no_key_that_is_left_anywhere() {
    let setting = mirrored();
    let journal = setting.begin();
    let leaves = fill(&journal);
    let before = copy_of(&setting, "before");
    let folders = [setting.keys_dir(), setting.mirror_dir()];
    let roots = [setting_root(&setting)];
    // The control: what this search would have found.
    let mut control = Search::default();
    folders.iter().for_each(|folder| control.keys_folder(folder, &roots));
    control.data_dir(&copy_of(&setting, "control"));
    let keys = control.keys();
    assert!(bodies(&before).iter().all(|body| body.opens_under(&keys)), "before, every body opens");

    assert_eq!(readable(&journal, &leaves).len(), 300, "and is at hand, with its key page");
    assert_eq!(wait_for(journal.shred(of(&leaves))).expect("erased"), 3);
    assert_eq!(readable(&journal, &leaves), all_but_erased());
    assert_eq!(wait_for(journal.shred(of(&leaves))).expect("erased before"), 0);
    append(&journal, draft_with_body(BODIES, 20, None));
    let killed = copy_of(&setting, "killed");
    journal.close();
    let after = copy_of(&setting, "after");

    let mut search = Search::default();
    folders.iter().for_each(|folder| search.keys_folder(folder, &roots));
    [&before, &killed, &after].iter().for_each(|data_dir| search.data_dir(data_dir));
    let keys = search.keys();
    for copy in [&before, &killed, &after] {
        for body in bodies(copy) {
            let erased = ERASED.iter().any(|number| body.number == u128::from(*number));
            assert_ne!(body.opens_under(&keys), erased, "body {} in {}", body.number, copy.display());
        }
    }
}

fn setting_root(setting: &Setting) -> causeway_crypto::RootKey {
    let bytes = fs::read(setting.keys_dir().join("root.key")).expect("read");
    causeway_crypto::RootKey::try_from(bytes.as_slice()).expect("a root key")
}

#[test]
fn an_erasure_holds_after_a_start_in_a_restored_backup_and_its_proofs_too() {
    let setting = mirrored();
    let journal = setting.begin();
    let leaves = fill(&journal);
    let before = copy_of(&setting, "before");
    let erased = of(&leaves);
    let entry = wait_for(journal.entry(erased[0])).expect("read");
    assert_eq!(wait_for(journal.shred(erased.clone())).expect("erased"), 3);
    // What acted, and why, has its own keys.
    assert!(wait_for(journal.openings(erased[0])).expect("read").is_some());
    let (size, root) = journal.read(|state| (state.tree().size(), state.tree().root()));
    let proof = wait_for(journal.inclusion_proof(erased[0], size)).expect("proved");
    verify_inclusion(leaf_hash(&entry), erased[0], size, &proof, root).expect("every proof still verifies");
    assert_eq!(wait_for(journal.entry(erased[0])).expect("read"), entry);
    journal.close();

    let journal = setting.start();
    assert_eq!(readable(&journal, &leaves), all_but_erased());
    append(&journal, draft_with_body(BODIES, 20, None));
    journal.close();
    let log = SledLog::open(&before).expect("opens");
    let restored = setting.start_in(&before, Box::new(log)).expect("a backup from before starts");
    assert_eq!(readable(&restored, &leaves), all_but_erased(), "with the same gone and the others there");
}

#[test]
fn the_page_that_is_being_filled_can_lose_a_key_and_later_bodies_read() {
    let setting = mirrored();
    let journal = setting.begin();
    let leaves: Vec<_> = (0..6).map(|number| append(&journal, draft_with_body(number, 20, None)).leaf).collect();
    assert_eq!(wait_for(journal.shred(vec![leaves[5]])).expect("erased"), 1);
    let later: Vec<_> = (6..9).map(|number| append(&journal, draft_with_body(number, 20, None)).leaf).collect();
    let all = [&leaves[..], &later].concat();
    let expected = [0, 1, 2, 3, 4, 6, 7, 8];
    assert_eq!(readable(&journal, &all), expected);
    journal.close();
    assert_eq!(readable(&setting.start(), &all), expected, "from disk too");
}

#[test]
fn what_has_no_body_is_nothing_to_erase() {
    let setting = mirrored();
    let journal = setting.begin();
    assert_eq!(wait_for(journal.shred(vec![LeafIndex(0), LeafIndex(1)])).expect("done"), 0);
    assert_eq!(wait_for(journal.shred(Vec::new())).expect("done"), 0);
    assert!(wait_for(journal.shred(vec![LeafIndex(2)])).is_err(), "beyond the end");
}

/// A page whose page key is gone holds nothing that could be read: it must not stop an erasure, nor a rotation.
#[test]
fn a_page_without_its_page_key_is_erased_already() {
    let setting = mirrored();
    let journal = setting.begin();
    let leaves = fill(&journal);
    journal.close();
    // The first page's key is destroyed, the second's is gone.
    for folder in [setting.keys_dir(), setting.mirror_dir()] {
        let path = folder.join("page-keys");
        let mut slots = fs::read(&path).expect("read");
        slots[..4].copy_from_slice(b"CPKX");
        slots[64..128].fill(0);
        fs::write(path, slots).expect("written");
    }
    let journal = setting.start();
    let (first, second, last) = (leaves[0], leaves[100], leaves[290]);
    assert!(wait_for(journal.bodies(vec![first])).is_err(), "it is told as damage to whoever reads");
    assert_eq!(wait_for(journal.shred(vec![first, second, last])).expect("erased"), 1);
    assert!(wait_for(journal.bodies(vec![last])).expect("read")[0].is_none());
    for folder in [setting.keys_dir(), setting.mirror_dir()] {
        let slots = fs::read(folder.join("page-keys")).expect("read");
        assert_eq!(&slots[64..68], b"CPKX", "no copy that is put back later brings it back");
    }
    assert_eq!(wait_for(journal.rotate_page_keys()).expect("rotated"), 3, "the others");
    assert!(wait_for(journal.bodies(vec![leaves[289]])).expect("read")[0].is_some());
    wait_for(journal.rotate_root()).expect("rotated");
}

#[test]
fn orders_are_registered_once_and_known_after_a_start() {
    let setting = mirrored();
    let journal = setting.begin();
    let entries: Vec<_> = [0, 1].map(|leaf| wait_for(journal.entry(LeafIndex(leaf))).expect("read")).into();
    for entry in [&entries[0], &entries[1], &entries[0]] {
        wait_for(journal.register_erasure(entry.clone())).expect("registered");
    }
    assert_eq!(journal.registered_erasures().expect("read"), entries);
    journal.close();
    let other = setting.folder.path().join("other");
    let log = SledLog::open(&other).expect("opens");
    let journal = setting.start_in(&other, Box::new(log)).expect("starts");
    assert_eq!(journal.registered_erasures().expect("read"), entries, "whatever data directory is put back");
}
