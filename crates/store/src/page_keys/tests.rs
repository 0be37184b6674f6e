//! Page keys: found again, destroyed, mirrored, wrapped anew, and written to files that fail at every write.

use std::fs;
use std::path::Path;

use super::slot_file::SLOT_BYTES;
use super::*;
use crate::steps::with_at_most;

fn folders(dir: &Path, mirrored: bool) -> KeyFolders {
    let mirror = dir.join("mirror");
    KeyFolders::prepare(&dir.join("keys"), mirrored.then_some(&*mirror), &dir.join("data")).expect("made")
}

fn open(dir: &Path, mirrored: bool, root: &RootKey) -> Result<PageKeys, StoreError> {
    PageKeys::open(&folders(dir, mirrored), root)
}

fn exposed(key: &AeadKey) -> [u8; 32] {
    *key.expose()
}

fn key(keys: &PageKeys, slot: Slot) -> [u8; 32] {
    exposed(&keys.key(slot).expect("there"))
}

/// Writes over the beginning of a slot in a folder's file.
fn overwrite(folder: &Path, slot: Slot, bytes: &[u8]) {
    let path = folder.join("page-keys");
    let mut all = fs::read(&path).expect("read");
    let at = usize::try_from(slot.0).expect("small") * SLOT_BYTES;
    all[at..at + bytes.len()].copy_from_slice(bytes);
    fs::write(path, all).expect("written");
}

#[test]
fn slots_are_found_again_and_never_given_twice() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = RootKey::generate();
    let keys = open(dir.path(), false, &root).expect("opened");
    let given: Vec<_> = (0..RUN + 1).map(|_| keys.allocate().expect("allocated")).collect();
    assert_eq!(given[RUN].0, Slot(64));

    let again = open(dir.path(), false, &root).expect("opened");
    for (slot, given) in &given {
        assert_eq!(key(&again, *slot), exposed(given));
    }
    assert_eq!(again.allocate().expect("allocated").0, Slot(128), "the rest of a run is not used after a restart");
    assert!(open(dir.path(), false, &RootKey::generate()).expect("opened").key(Slot(0)).is_err());
}

#[test]
fn a_moved_a_cut_and_an_overwritten_slot_do_not_open() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = RootKey::generate();
    let keys = open(dir.path(), false, &root).expect("opened");
    keys.allocate().expect("allocated");
    let path = dir.path().join("keys/page-keys");
    let mut bytes = fs::read(&path).expect("read");
    let (first, second) = bytes.split_at_mut(SLOT_BYTES);
    first.copy_from_slice(&second[..SLOT_BYTES]);
    second[..SLOT_BYTES].fill(0);
    fs::write(&path, &bytes[..bytes.len() - 16]).expect("written");
    assert!(matches!(keys.key(Slot(0)), Err(StoreError::Unopened(_))), "another slot's bytes");
    assert!(matches!(keys.key(Slot(1)), Err(StoreError::Corrupt(_))), "overwritten with zeros");
    assert!(matches!(keys.key(Slot(63)), Err(StoreError::Unopened(_))), "cut");
    let again = open(dir.path(), false, &root).expect("opened");
    assert_eq!(again.end(), Slot(64), "a cut slot is not given again");
}

#[test]
fn a_mirror_gets_every_write_and_what_it_lacks_at_the_next_start() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = RootKey::generate();
    let keys = open(dir.path(), false, &root).expect("opened");
    let (slot, given) = keys.allocate().expect("allocated");
    drop(keys);
    let keys = open(dir.path(), true, &root).expect("opened with a mirror");
    let both = || (fs::read(dir.path().join("keys/page-keys")), fs::read(dir.path().join("mirror/page-keys")));
    let same = || matches!(both(), (Ok(one), Ok(other)) if one == other);
    assert!(same(), "filled");
    let (later, _) = keys.allocate().expect("allocated");
    assert!(same(), "written");
    keys.destroy(&[later]).expect("destroyed");
    assert!(!keys.has(later) && keys.has(slot));
    drop(keys);

    // Damaged in one, it is repaired from the other; destroyed in one, it is destroyed in both.
    let overwrite = |name: &str, slot: Slot, bytes: &[u8]| overwrite(&dir.path().join(name), slot, bytes);
    overwrite("keys", slot, b"rot");
    overwrite("mirror", Slot(1), b"CPKX");
    overwrite("mirror", Slot(2), b"more rot");
    let keys = open(dir.path(), true, &root).expect("opened");
    assert_eq!(key(&keys, slot), exposed(&given));
    assert!(!keys.has(Slot(1)) && keys.has(Slot(2)));
    drop(keys);
    fs::remove_file(dir.path().join("keys/page-keys")).expect("removed");
    let refused = open(dir.path(), true, &root).expect_err("the file is gone and its mirror is not");
    assert!(refused.to_string().contains("copy page-keys, pages and erasures from the mirror"), "{refused}");
    fs::copy(dir.path().join("mirror/page-keys"), dir.path().join("keys/page-keys")).expect("copied");
    assert_eq!(key(&open(dir.path(), true, &root).expect("opened"), slot), exposed(&given));
}

#[test]
fn the_mirror_of_other_keys_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = RootKey::generate();
    open(dir.path(), false, &root).expect("opened").allocate().expect("allocated");
    let other = tempfile::tempdir().expect("a folder");
    open(other.path(), false, &RootKey::generate()).expect("opened").allocate().expect("allocated");
    fs::create_dir(dir.path().join("mirror")).expect("made");
    fs::copy(other.path().join("keys/page-keys"), dir.path().join("mirror/page-keys")).expect("copied");
    let before = fs::read(dir.path().join("mirror/page-keys")).expect("read");
    assert!(matches!(open(dir.path(), true, &root), Err(StoreError::Keys { .. })));
    assert_eq!(fs::read(dir.path().join("mirror/page-keys")).expect("read"), before);
    let one = dir.path().join("keys");
    assert!(KeyFolders::prepare(&one, Some(&one), &dir.path().join("data")).is_err(), "a mirror of itself");
}

/// Invariant: a key that was given out opens after any failure, from the file and from the mirror; a slot that was told
/// to be destroyed never opens again from either.
#[test]
fn wherever_a_write_fails_no_given_key_is_lost_and_none_comes_back() {
    let (mut allocations, mut destructions) = (0, 0);
    for steps in 0..12 {
        let dir = tempfile::tempdir().expect("a folder");
        let root = RootKey::generate();
        let keys = open(dir.path(), true, &root).expect("opened");
        let (given, _) = with_at_most(steps, || keys.allocate());
        allocations += usize::from(given.is_err());
        let (slot, known) = given.or_else(|_| keys.allocate()).expect("a failure of a run can be tried again");
        let (gone, _) = keys.allocate().expect("allocated");
        let (destroyed, _) = with_at_most(steps, || keys.destroy(&[gone]));
        destructions += usize::from(destroyed.is_err());
        drop(keys);
        let again = open(dir.path(), true, &root).expect("opened again");
        assert_eq!(key(&again, slot), exposed(&known), "step {steps}");
        assert!(steps == 0 || !again.has(gone), "step {steps}: destroyed in one is destroyed in both");
        assert!(destroyed.is_err() || !again.has(gone), "step {steps}");
        assert!(again.allocate().expect("allocated").0 >= Slot(64), "step {steps}");
    }
    assert_eq!((allocations, destructions), (4, 4), "write and sync, in the file and in its mirror");
}

/// Other nodes read the file itself: what it has of a run that the mirror did not take is some number's key for ever.
#[test]
fn wherever_a_write_fails_no_number_gets_a_second_key() {
    let mut failures = 0;
    for steps in 0..4 {
        let dir = tempfile::tempdir().expect("a folder");
        let keys = open(dir.path(), true, &RootKey::generate()).expect("opened");
        let (failed, _) = with_at_most(steps, || keys.allocate());
        failures += usize::from(failed.is_err());
        let all: Vec<Slot> = (0..64).map(Slot).collect();
        let seen = keys.those_of(&all).expect("read");
        assert_eq!(seen.len(), if steps == 0 { 0 } else { 64 }, "step {steps}: it is in the file");
        keys.allocate().expect("a failure of a run can be tried again");
        for (slot, known) in seen {
            assert_eq!(key(&keys, slot), exposed(&known), "step {steps}");
        }
    }
    assert_eq!(failures, 4, "write and sync, in the file and in its mirror");
}

#[test]
fn after_a_new_beginning_no_key_is_given_out_that_an_earlier_copy_has() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = RootKey::generate();
    let keys = open(dir.path(), true, &root).expect("opened");
    let (used, _) = keys.allocate().expect("allocated");
    let thief = tempfile::tempdir().expect("a folder");
    fs::create_dir(thief.path().join("keys")).expect("made");
    fs::copy(dir.path().join("keys/page-keys"), thief.path().join("keys/page-keys")).expect("copied");
    let stolen = open(thief.path(), false, &root).expect("opened");
    let known = |slot: Slot, given: &AeadKey| stolen.key(slot).is_ok_and(|key| key.expose() == given.expose());

    let (next, given) = keys.allocate().expect("allocated");
    assert!(known(next, &given), "the control: keys are on disk ahead of their use");
    assert_eq!(keys.begin_afresh().expect("begun"), Slot(64));
    for _ in 0..RUN + 1 {
        let (slot, given) = keys.allocate().expect("allocated");
        assert!(slot >= Slot(64) && !known(slot, &given), "{slot:?}");
    }
    keys.hold().expect("held");
    assert!(keys.allocate().expect("allocated").0 >= Slot(192), "whoever wraps them anew leaves none either");
    drop(keys);
    let again = open(dir.path(), true, &root).expect("opened");
    let there: Vec<u64> = (0..192).filter(|slot| again.has(Slot(*slot))).collect();
    let expected: Vec<u64> = [used.0, next.0].into_iter().chain(64..=128).collect();
    assert_eq!(there, expected, "the unused are destroyed");
}

#[test]
fn a_slot_that_is_damaged_while_the_gateway_runs_is_read_from_the_mirror() {
    let dir = tempfile::tempdir().expect("a folder");
    let keys = open(dir.path(), true, &RootKey::generate()).expect("opened");
    let given: Vec<_> = (0..3).map(|_| keys.allocate().expect("allocated")).collect();
    let (own, mirror) = (dir.path().join("keys"), dir.path().join("mirror"));
    for bytes in [b"rot".as_slice(), b"CPK1 rot", &[0; SLOT_BYTES]] {
        overwrite(&own, given[0].0, bytes);
        assert_eq!(key(&keys, given[0].0), exposed(&given[0].1));
        assert!(!keys.is_gone(given[0].0).expect("read"));
    }
    for folder in [&own, &mirror] {
        overwrite(folder, given[1].0, b"CPK1 rot");
        overwrite(folder, given[2].0, &[0; SLOT_BYTES]);
    }
    assert!(!keys.has(given[1].0) && !keys.is_gone(given[1].0).expect("read"), "damaged: another copy may have it");
    assert!(!keys.has(given[2].0) && keys.is_gone(given[2].0).expect("read"), "empty");
    overwrite(&own, given[2].0, b"CPKX");
    assert!(keys.is_gone(given[2].0).expect("read"), "destroyed");
}

#[test]
fn what_a_gateway_wrote_that_was_alone_is_read_by_a_node_and_nothing_of_it_is_numbered_anew() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = RootKey::generate();
    let format = |name: &str| fs::read_to_string(dir.path().join(name).join("format")).expect("read");
    let (slot, known) = open(dir.path(), true, &root).expect("opened").allocate().expect("allocated");
    assert_eq!((format("keys"), format("mirror")), ("causeway keys 1\n".into(), "causeway keys 1\n".into()));
    let before = fs::read(dir.path().join("keys/page-keys")).expect("read");

    let keys = PageKeys::open_as(NodeNumber(3), &folders(dir.path(), true), &root).expect("opened");
    assert_eq!(key(&keys, slot), exposed(&known));
    let (of_node, given) = keys.allocate().expect("allocated");
    assert_eq!((of_node.writer(), of_node.index(), of_node.0), (NodeNumber(3), 0, 3 << 48));
    let of_other = Slot::of(NodeNumber(u16::MAX), 70);
    keys.put(&[(of_other, known.clone())]).expect("put");
    keys.destroy(&[Slot(1), of_node]).expect("destroyed");
    drop(keys);
    assert_eq!((format("keys"), format("mirror")), ("causeway keys 2\n".into(), "causeway keys 2\n".into()));
    let after = fs::read(dir.path().join("keys/page-keys")).expect("read");
    assert_eq!((after.len(), &after[..SLOT_BYTES]), (before.len(), &before[..SLOT_BYTES]), "where it was");

    // Alone again, it has all of it and goes on where it was; a slot is bound to its writer, too.
    let keys = open(dir.path(), true, &root).expect("opened");
    assert_eq!((key(&keys, slot), key(&keys, of_other)), (exposed(&known), exposed(&known)));
    assert!(!keys.has(Slot(1)) && !keys.has(of_node) && keys.allocate().expect("allocated").0 == Slot(64));
    let (from, to) = (dir.path().join("keys/page-keys.65535"), dir.path().join("keys/page-keys.3"));
    fs::copy(from, &to).expect("copied");
    fs::remove_file(dir.path().join("mirror/page-keys.3")).expect("removed");
    let keys = open(dir.path(), true, &root).expect("opened");
    assert!(matches!(keys.key(Slot::of(NodeNumber(3), 70)), Err(StoreError::Unopened(_))));
    drop(given);
}

/// Invariant: a key of another node that was told to be kept opens after any failure, from the file and from the mirror; of one that was
/// not, either nothing is there or the key itself.
#[test]
fn wherever_a_write_fails_no_key_of_another_node_that_was_taken_is_lost() {
    let mut failures = 0;
    for steps in 0..8 {
        let dir = tempfile::tempdir().expect("a folder");
        let root = RootKey::generate();
        let keys = open(dir.path(), true, &root).expect("opened");
        let (slot, key) = (Slot::of(NodeNumber(2), 5), AeadKey::generate());
        let (put, _) = with_at_most(steps, || keys.put(&[(slot, key.clone())]));
        failures += usize::from(put.is_err());
        drop(keys);
        let again = open(dir.path(), true, &root).expect("opened again");
        assert!(again.key(slot).map_or_else(|_| put.is_err(), |kept| kept.expose() == key.expose()), "step {steps}");
        again.put(&[(slot, key)]).expect("again");
    }
    assert_eq!(failures, 6, "file and mirror are synced when they are made, then written and synced");
}
