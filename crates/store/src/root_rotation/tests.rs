//! Rotations of the root key, stopped at every step.

use super::*;
use crate::steps::with_at_most;

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn folders(&self) -> KeyFolders {
        let at = |name: &str| self.dir.path().join(name);
        KeyFolders::prepare(&at("keys"), Some(&at("mirror")), &at("data")).expect("made")
    }

    /// As a start does it.
    fn open(&self) -> (Keys, PageKeys) {
        let (keys, _) = Keys::load_or_create(&self.dir.path().join("keys")).expect("read");
        let folders = self.folders();
        recover(&folders).expect("recovered");
        let page_keys = PageKeys::open(&folders, &keys.root()).expect("opened");
        (keys, page_keys)
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path().join(folder)).expect("listed");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("one").file_name().into_string().expect("text")).collect();
        names.sort();
        names
    }
}

fn nothing() -> Result<BTreeSet<Slot>, StoreError> {
    Ok(BTreeSet::new())
}

/// Invariants: whatever step is the last, the next start finds ring and page keys whole under one root key, and the live
/// process either goes on or says that it cannot; a rotation that was told of has left nothing of the old root key.
#[test]
fn wherever_a_rotation_stops_everything_is_under_one_root_key() {
    let (mut taken_back, mut gone_on) = (0, 0);
    for steps in 0.. {
        let place = Place { dir: tempfile::tempdir().expect("a folder") };
        let (keys, page_keys) = place.open();
        let (slot, known) = page_keys.allocate().expect("allocated");
        let (gone, _) = page_keys.allocate().expect("allocated");
        page_keys.destroy(&[gone]).expect("destroyed");
        let (before, signing) = (keys.root(), keys.ring().checkpoint_keys()[0].public_key());
        let next = RootKey::generate();
        let (rotated, _) =
            with_at_most(steps, || rotate(&keys, &page_keys, &place.folders(), next.clone(), true, nothing));
        if !rotated.as_ref().is_err_and(|failed| failed.decided) {
            assert_eq!(page_keys.key(slot).expect("live").expose(), known.expose(), "step {steps}: it goes on");
            page_keys.allocate().expect("and takes new ones");
        }
        drop(page_keys);

        let (again, page_keys) = place.open();
        let moved = again.root().expose() == next.expose();
        assert!(moved || again.root().expose() == before.expose(), "step {steps}");
        assert!(moved || rotated.is_err(), "step {steps}");
        assert_eq!(again.ring().checkpoint_keys()[0].public_key(), signing, "step {steps}");
        assert_eq!(page_keys.key(slot).expect("there").expose(), known.expose(), "step {steps}");
        assert!(!page_keys.has(gone), "step {steps}");
        assert!(page_keys.allocate().expect("allocated").0 > Slot(1), "step {steps}");
        assert_eq!(place.names("keys"), ["format", "lock", "page-keys", "ring", "root.key"], "step {steps}");
        assert_eq!(place.names("mirror"), ["format", "page-keys"], "step {steps}");
        let read = |folder: &str| fs::read(place.dir.path().join(folder).join("page-keys")).expect("read");
        assert_eq!(read("keys"), read("mirror"), "step {steps}");
        match rotated {
            Ok(()) => break,
            Err(_) if moved => gone_on += 1,
            Err(_) => taken_back += 1,
        }
    }
    assert!(taken_back >= 5 && gone_on >= 12, "{taken_back} and {gone_on}");
}

#[test]
fn a_root_key_from_outside_moves_ring_and_page_keys_and_no_file_of_its_own() {
    let place = Place { dir: tempfile::tempdir().expect("a folder") };
    let (keys, page_keys) = place.open();
    let (slot, known) = page_keys.allocate().expect("allocated");
    let next = RootKey::generate();
    let file = fs::read(place.dir.path().join("keys/root.key")).expect("read");
    rotate(&keys, &page_keys, &place.folders(), next.clone(), false, nothing).expect("rotated");
    assert_eq!(fs::read(place.dir.path().join("keys/root.key")).expect("read"), file);
    assert_eq!(page_keys.key(slot).expect("there").expose(), known.expose());
    let opened = PageKeys::open(&place.folders(), &next).expect("opened");
    assert_eq!(opened.key(slot).expect("there").expose(), known.expose());
    let ring = fs::read(place.dir.path().join("keys/ring")).expect("read");
    assert!(causeway_crypto::KeyRing::unwrap(&next, &ring).is_ok());
}

/// Damage is repaired from the mirror or stops the rotation; a key that is lost nobody misses unless a page is under it.
#[test]
fn a_damaged_slot_is_not_taken_for_a_destroyed_one() {
    let place = Place { dir: tempfile::tempdir().expect("a folder") };
    let (keys, page_keys) = place.open();
    let given: Vec<_> = (0..3).map(|_| page_keys.allocate().expect("allocated")).collect();
    let damage = |folder: &str, slot: Slot| {
        let path = place.dir.path().join(folder).join("page-keys");
        let mut bytes = fs::read(&path).expect("read");
        bytes[usize::try_from(slot.0).expect("small") * 64 + 20] ^= 1;
        fs::write(path, bytes).expect("written");
    };
    damage("keys", given[0].0);
    let next = RootKey::generate();
    rotate(&keys, &page_keys, &place.folders(), next, true, nothing).expect("rotated");
    for folder in ["keys", "mirror"] {
        let alone = tempfile::tempdir().expect("a folder");
        let at = |name: &str| alone.path().join(name);
        fs::create_dir(at("keys")).expect("made");
        fs::copy(place.dir.path().join(folder).join("page-keys"), at("keys/page-keys")).expect("copied");
        let folders = KeyFolders::prepare(&at("keys"), None, &at("data")).expect("made");
        let copy = PageKeys::open(&folders, &keys.root()).expect("opened");
        assert_eq!(copy.key(given[0].0).expect("repaired").expose(), given[0].1.expose(), "{folder}");
    }

    ["keys", "mirror"].iter().for_each(|folder| damage(folder, given[1].0));
    let in_use = || Ok(given.iter().map(|(slot, _)| *slot).collect());
    let before = keys.root();
    let refused = rotate(&keys, &page_keys, &place.folders(), RootKey::generate(), true, in_use).expect_err("refused");
    assert!(!refused.decided && refused.error.to_string().contains("damaged"), "{}", refused.error);
    assert_eq!(keys.root().expose(), before.expose());
    assert_eq!(place.names("keys"), ["format", "lock", "page-keys", "ring", "root.key"], "nothing is left of it");
    let others = || Ok(BTreeSet::from([given[0].0, given[2].0]));
    rotate(&keys, &page_keys, &place.folders(), RootKey::generate(), true, others).expect("no page is under it");
    assert!(!page_keys.has(given[1].0) && page_keys.has(given[2].0));
}
