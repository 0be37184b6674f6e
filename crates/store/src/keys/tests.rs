//! Keys: made once, read again, changed, moved to another root key, never replaced by new ones.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::folder;
use crate::steps::with_at_most;

fn signing_key(keys: &Keys) -> PublicKey {
    keys.ring().checkpoint_keys()[0].public_key()
}

fn refused(dir: &Path) -> bool {
    matches!(Keys::load_or_create(dir), Err(StoreError::Keys { .. }))
}

#[test]
fn keys_are_made_once_private_and_read_again() {
    let outer = tempfile::tempdir().expect("a folder");
    let dir = outer.path().join("keys");
    let (made, created) = Keys::load_or_create(&dir).expect("made");
    assert!(created);
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&dir), mode(&dir.join("root.key")), mode(&dir.join("ring"))), (0o700, 0o600, 0o600));
    let (read, created) = Keys::load_or_create(&dir).expect("read");
    assert!(!created);
    assert_eq!(signing_key(&made), signing_key(&read));
}

#[test]
fn what_is_added_to_the_ring_is_there_after_a_start() {
    let outer = tempfile::tempdir().expect("a folder");
    let (keys, _) = Keys::load_or_create(outer.path()).expect("made");
    let feed = "ISA-AL-2026-014".parse().expect("an agreement id");
    let shown = |keys: &Keys| {
        let key = keys.ring().feed_key(&feed, 2).expect("begun");
        key.pseudonym(&causeway_crypto::InternalPseudonym([7; 32]), None)
    };
    keys.add_feed_secret(&feed, 2).expect("added");
    let candidate = keys.add_signing_candidate().expect("added");
    let (again, _) = Keys::load_or_create(outer.path()).expect("read");
    assert_eq!(shown(&keys), shown(&again));
    let publics: Vec<_> = again.ring().checkpoint_keys().iter().map(|key| key.public_key()).collect();
    assert_eq!(publics, [signing_key(&keys), candidate]);
    let held = || -> Vec<PublicKey> {
        let (read, _) = Keys::load_or_create(outer.path()).expect("read");
        read.ring().checkpoint_keys().iter().map(|key| key.public_key()).collect()
    };
    again.keep_signing_keys(&candidate, Some(&signing_key(&keys))).expect("kept");
    assert_eq!(held(), [candidate, signing_key(&keys)]);
    again.keep_signing_keys(&candidate, None).expect("kept");
    assert_eq!(held(), [candidate]);
    assert_eq!(fs::read_dir(outer.path()).expect("listed").count(), 3, "no older ring is left lying");
}

#[test]
fn wherever_a_change_stops_the_ring_is_the_old_one_or_the_new_one() {
    let mut stopped = 0;
    for steps in 0.. {
        let outer = tempfile::tempdir().expect("a folder");
        let (keys, _) = Keys::load_or_create(outer.path()).expect("made");
        let (added, _) = with_at_most(steps, || keys.add_signing_candidate());
        let (again, _) = Keys::load_or_create(outer.path()).expect("read");
        assert_eq!(signing_key(&again), signing_key(&keys), "step {steps}");
        let there = again.ring().checkpoint_keys().len();
        assert!(there == 2 || (there == 1 && added.is_err()), "step {steps}");
        assert_eq!(
            fs::read_dir(outer.path()).expect("listed").count(),
            3,
            "step {steps}: nothing but the lock is left"
        );
        if added.is_ok() {
            break;
        }
        stopped += 1;
    }
    assert!(stopped >= 4, "{stopped}");
}

#[test]
fn a_creation_cut_short_is_finished_and_a_lost_key_is_not_replaced() {
    let outer = tempfile::tempdir().expect("a folder");
    let dir = outer.path();
    let (made, _) = Keys::load_or_create(dir).expect("made");
    fs::rename(dir.join("ring"), dir.join("ring.new")).expect("renamed");
    let (finished, _) = Keys::load_or_create(dir).expect("finished");
    assert_eq!(signing_key(&made), signing_key(&finished));

    fs::rename(dir.join("ring"), dir.join("elsewhere")).expect("renamed");
    assert!(refused(dir), "no new ring under an old root");
    fs::write(dir.join("ring.new"), KeyRing::generate().wrap(&RootKey::generate())).expect("written");
    fs::set_permissions(dir.join("ring.new"), fs::Permissions::from_mode(0o600)).expect("set");
    assert!(refused(dir), "nor for a ring that is not of it");
    fs::remove_file(dir.join("ring.new")).expect("removed");
    fs::rename(dir.join("elsewhere"), dir.join("ring")).expect("renamed");
    fs::rename(dir.join("root.key"), dir.join("elsewhere")).expect("renamed");
    assert!(refused(dir), "no new root beside an old ring");
    fs::remove_file(dir.join("ring")).expect("removed");
    fs::write(dir.join("page-keys"), b"there").expect("written");
    assert!(refused(dir), "no new keys beside old page keys");
    fs::remove_file(dir.join("page-keys")).expect("removed");
    let settings = KeySettings { may_create: false, ..settings(dir, RootSource::File, None) };
    assert!(Keys::open(&settings).is_err(), "no new keys where there is a journal");
    assert_eq!(fs::read_dir(dir).expect("listed").count(), 2, "nor any file of them");
}

#[test]
fn keys_that_are_in_use_are_read_and_nothing_beside_them_is_touched() {
    let outer = tempfile::tempdir().expect("a folder");
    Keys::load_or_create(outer.path()).expect("made");
    fs::write(outer.path().join("ring.prepared"), b"being written").expect("written");
    let lock = key_folders::try_lock(outer.path()).expect("opened").expect("free");
    Keys::load_or_create(outer.path()).expect("read");
    assert!(outer.path().join("ring.prepared").exists());
    drop(lock);
    fs::write(outer.path().join("root.key.old"), b"a copy that somebody made").expect("written");
    Keys::load_or_create(outer.path()).expect("read");
    assert!(!outer.path().join("ring.prepared").exists(), "taken away when nobody else can have it in hand");
    assert!(outer.path().join("root.key.old").exists());
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    for name in ["root.key", "ring"] {
        let outer = tempfile::tempdir().expect("a folder");
        Keys::load_or_create(outer.path()).expect("made");
        fs::set_permissions(outer.path().join(name), fs::Permissions::from_mode(0o640)).expect("set");
        assert!(refused(outer.path()), "{name}");
    }
}

fn settings(dir: &Path, root: RootSource, previous_root: Option<RootSource>) -> KeySettings {
    KeySettings { keys_dir: dir.to_owned(), root, previous_root, may_create: true }
}

#[test]
fn a_root_key_from_outside_opens_the_ring_or_is_refused() {
    use std::os::fd::AsRawFd;
    let outer = tempfile::tempdir().expect("a folder");
    let descriptor = |name: &str, byte: u8| {
        let path = outer.path().join(name);
        fs::write(&path, [byte; 32]).expect("written");
        let file = fs::File::open(&path).expect("opened");
        let source = RootSource::Descriptor(u32::try_from(file.as_raw_fd()).expect("not negative"));
        (file, source)
    };
    let ((_one, first), (_other, second)) = (descriptor("first", 1), descriptor("second", 2));
    let dir = outer.path().join("keys");
    let (made, created) = Keys::open(&settings(&dir, first.clone(), None)).expect("made");
    assert!(created && !dir.join("root.key").exists() && folder::parent_of(&dir).exists());
    let open =
        |root: &RootSource, previous: Option<&RootSource>| Keys::open(&settings(&dir, root.clone(), previous.cloned()));
    let (again, created) = open(&first, None).expect("read");
    assert!(!created && again.take_next_root().is_none());
    assert_eq!(signing_key(&made), signing_key(&again));
    assert!(matches!(open(&second, None), Err(StoreError::Keys { .. })), "another root key");
    let (moving, _) = open(&second, Some(&first)).expect("read by the previous one");
    assert_eq!(*moving.root().expose(), [1; 32]);
    assert_eq!(moving.take_next_root().map(|root| *root.expose()), Some([2; 32]), "to be moved");
    let (still, _) = open(&first, Some(&second)).expect("read");
    assert!(still.take_next_root().is_none(), "a previous one that is not needed");
    assert!(open(&second, Some(&second)).is_err(), "neither opens it");
}
