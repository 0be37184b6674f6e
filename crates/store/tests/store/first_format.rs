//! A data directory and its keys as the first version wrote them (`causeway journal 1`), put down row by row without the store's own
//! writer. Every version reads it: what is pinned here does not change.
//!
//! It was printed by the first version of the store from a journal with its genesis and three entries: one alone, one with a body that
//! is sealed too, one with a body that is not.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use causeway_journal::{VerifierKey, decode_entry, verify_checkpoint};
use causeway_model::LeafIndex;
use causeway_store::{Keys, SledLog};

use crate::first_format_rows::{CHECKPOINT, PAGE_KEYS, RING, ROOT_KEY, ROWS};
use crate::setting::{ORIGIN, Setting, append, draft_with_body, wait_for};

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal")).collect()
}

fn put(path: &Path, content: &[u8]) {
    fs::write(path, content).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("owned");
}

/// The directory and the keys folder, in the places of a setting.
fn write(setting: &Setting) {
    let (data, keys) = (setting.data_dir(), setting.keys_dir());
    fs::create_dir_all(&data).expect("made");
    fs::remove_dir_all(&keys).expect("owned");
    fs::create_dir(&keys).expect("made");
    put(&data.join("format"), b"causeway journal 1\n");
    put(&data.join("checkpoint"), CHECKPOINT.as_bytes());
    put(&data.join("page-keys"), &bytes(PAGE_KEYS));
    put(&keys.join("root.key"), &bytes(ROOT_KEY));
    put(&keys.join("ring"), &bytes(RING));
    let db = sled::open(data.join("log")).expect("opens");
    for (key, value) in ROWS {
        db.insert(bytes(key), bytes(value)).expect("inserted");
    }
    db.flush().expect("written");
}

#[test]
fn a_directory_of_the_first_format_opens_is_read_and_goes_on_as_one_of_the_newest() {
    let mut setting = Setting::new();
    write(&setting);
    setting.read_keys();
    let journal = setting.start();
    assert_eq!((journal.halted(), journal.read(|state| state.tree().size())), (None, 5));
    let key = VerifierKey::new(ORIGIN, setting.keys.ring().checkpoint_keys()[0].public_key()).expect("a key");
    let first = verify_checkpoint(CHECKPOINT, &key, ORIGIN).expect("signed by the key in the ring");
    assert_eq!((first.size, first.root), journal.read(|state| (state.tree().size(), state.tree().root())));

    let entries = wait_for(journal.entries(LeafIndex(0), 10)).expect("read");
    let entries: Vec<_> = entries.iter().map(|entry| decode_entry(entry).expect("an entry")).collect();
    let reasons: Vec<_> = entries.iter().map(|entry| entry.reason.as_str()).collect();
    assert_eq!(reasons, ["genesis", "genesis-complete", "accepted", "accepted", "accepted"]);
    let mut bodies = wait_for(journal.bodies((2..5).map(LeafIndex).collect())).expect("read");
    assert!(bodies[0].is_none());
    let [sealed, alone] = [1, 2].map(|at| bodies[at].take().expect("its body opens"));
    assert_eq!((sealed.body.classified, sealed.encapsulation), (vec![2; 24], Some(vec![5; 40])));
    assert_eq!((alone.body.classified, alone.encapsulation), (vec![3; 24], None));
    let openings = wait_for(journal.openings(LeafIndex(3))).expect("read").expect("they open");
    assert_eq!(openings.operator, "operator-2");

    append(&journal, draft_with_body(9, 10, None));
    journal.close();
    // It is of the newest format now, with the page keys where no backup takes them along.
    assert_eq!(fs::read(setting.data_dir().join("format")).expect("read"), b"causeway journal 2\n");
    assert!(!setting.data_dir().join("page-keys").exists() && setting.keys_dir().join("page-keys").exists());
    let again = setting.start();
    let proof = wait_for(again.consistency_proof(5, 6)).expect("a proof");
    let root = again.read(|state| state.tree().root());
    causeway_journal::verify_consistency(5, 6, &proof, first.root, root).expect("it goes on from what was signed then");
    assert!(wait_for(again.bodies(vec![LeafIndex(3)])).expect("read")[0].is_some());
    again.close();
}

#[test]
fn what_a_later_version_has_written_is_refused_untouched_in_words_that_name_both_versions() {
    let setting = Setting::new();
    setting.begin().close();
    let format = setting.data_dir().join("format");
    fs::write(&format, "causeway journal 3\n").expect("written");
    let before = fs::read(setting.data_dir().join("log/db")).expect("read");
    let refused = SledLog::open(&setting.data_dir()).map(drop).expect_err("later").to_string();
    assert!(refused.contains("format 3") && refused.contains("formats up to 2"), "{refused}");
    assert_eq!(fs::read(setting.data_dir().join("log/db")).expect("read"), before);
    fs::write(&format, "causeway journal 2\n").expect("written");
    assert_eq!(fs::read(setting.keys_dir().join("format")).expect("there is one"), b"causeway keys 1\n");
    fs::write(setting.keys_dir().join("format"), "causeway keys 3\n").expect("written");
    let refused = Keys::load_or_create(&setting.keys_dir()).map(drop).expect_err("later").to_string();
    assert!(refused.contains("keys/format says format 3") && refused.contains("formats up to 2"), "{refused}");
    // Folders from before there was such a file are of the first version.
    fs::remove_file(setting.keys_dir().join("format")).expect("removed");
    let journal = setting.start();
    assert!(Arc::strong_count(&setting.keys) > 1);
    journal.close();
    assert_eq!(fs::read(setting.keys_dir().join("format")).expect("there is one"), b"causeway keys 1\n");
}
