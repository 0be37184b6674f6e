//! A backup goes out, is gone on with, and comes back as what it was; and who may have it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use causeway_crypto::SealingPrivateKey;
use causeway_model::LeafIndex;

use super::*;
use crate::Restoring;

fn size(journal: &Journal) -> u64 {
    journal.read(|state| state.tree().size())
}

#[test]
fn what_is_backed_up_in_runs_is_restored_as_it_was_and_goes_on() {
    let setting = Setting::new();
    let (backup, to) = (setting.at("backup"), setting.at("restored"));
    let journal = setting.begin(30);
    let first = setting.back_up(&journal, &backup).expect("made");
    assert!(first.part() > 2 && first.is_complete() && first.entries() == 32, "{first:?}");
    append(&journal, 10);
    let second = setting.back_up(&journal, &backup).expect("gone on with");
    assert!(second.part() > first.part() && second.id() == first.id() && second.entries() == 42, "{second:?}");
    // A run with nothing new says so, and is a run all the same.
    assert_eq!(setting.back_up(&journal, &backup).expect("made").entries(), 42);
    append(&journal, 1);
    journal.close();
    let root = journal.read(|state| state.tree().root());

    let mut steps = Vec::new();
    let restored = crate::restore(&setting.restoring(&backup, &to), &mut |step| steps.push(step)).expect("restored");
    assert_eq!((restored.entries, restored.bodies, restored.opened, restored.erased), (42, 40, 82, 0), "{restored:?}");
    assert_eq!((restored.parts, restored.unused_parts), (second.part() + 1, 0));
    assert_eq!(steps.last(), Some(&Restoring::Entries(42, 42)));
    assert!(!setting.at("restored.restoring").exists());
    for (name, mode) in
        [("", 0o700), ("checkpoint", 0o600), ("checkpoints", 0o600), ("format", 0o600), ("log/db", 0o600)]
    {
        let found = fs::metadata(to.join(name)).expect("there").permissions().mode() & 0o777;
        assert_eq!(found, mode, "{name}");
    }
    assert_eq!(fs::read_to_string(to.join("checkpoint")).expect("read"), restored.checkpoint);
    let refused = setting.restore(&backup, &to).expect_err("it is there").to_string();
    assert!(refused.contains("is not empty"), "{refused}");

    // Two entries, and one that came after the backup, are all that differ.
    let again = setting.start(&to);
    assert_eq!((again.halted(), size(&again)), (None, 42));
    let entries = wait_for(again.entries(LeafIndex(0), 100)).expect("read");
    assert_eq!(entries.len(), 42);
    let bodies = wait_for(again.bodies((2..42).map(LeafIndex).collect())).expect("read");
    assert!(bodies.iter().all(Option::is_some));
    append(&again, 3);
    let proof = wait_for(again.consistency_proof(42, 45)).expect("tiles are there");
    assert!(!proof.is_empty());
    again.close();
    assert_ne!(root, again.read(|state| state.tree().root()));
}

#[test]
fn a_folder_that_others_may_read_or_a_link_does_not_become_the_journal() {
    let setting = Setting::new();
    let backup = setting.at("backup");
    let journal = setting.begin(2);
    setting.back_up(&journal, &backup).expect("made");
    journal.close();
    fs::create_dir(setting.at("elsewhere")).expect("made");
    std::os::unix::fs::symlink(setting.at("elsewhere"), setting.at("one.restoring")).expect("made");
    fs::create_dir(setting.at("two.restoring")).expect("made");
    fs::set_permissions(setting.at("two.restoring"), fs::Permissions::from_mode(0o777)).expect("owned");
    for name in ["one", "two"] {
        setting.restore(&backup, &setting.at(name)).expect("restored");
        let found = fs::symlink_metadata(setting.at(name)).expect("there");
        assert!(found.is_dir() && found.permissions().mode() & 0o777 == 0o700, "{name}: {found:?}");
    }
    assert_eq!(fs::read_dir(setting.at("elsewhere")).expect("there").count(), 0);
}

#[test]
fn without_the_gateways_keys_all_but_what_is_closed_is_checked() {
    let setting = Setting::new();
    let backup = setting.at("backup");
    let journal = setting.begin(5);
    setting.back_up(&journal, &backup).expect("made");
    let trusted = journal.verifier_keys();
    journal.close();
    let options = Restore { keys: None, trusted, ..setting.restoring(&backup, &setting.at("rehearsed")) };
    let restored = crate::restore(&options, &mut |_| {}).expect("restored");
    assert_eq!((restored.entries, restored.bodies, restored.opened), (7, 5, 0));
    // By the ring of another gateway nothing is signed, and for another recipient nothing opens.
    let other = Setting::new();
    other.begin(0).close();
    let keys = Some(RestoreKeys { keys_dir: other.at("keys"), mirror_dir: None, root: RootSource::File });
    let strange = Restore { keys, trusted: Vec::new(), ..setting.restoring(&backup, &setting.at("strange")) };
    let refused = crate::restore(&strange, &mut |_| {}).expect_err("another gateway's").to_string();
    assert!(refused.contains("signed by none of the keys"), "{refused}");
    let closed =
        Restore { identity: SealingPrivateKey::generate(), ..setting.restoring(&backup, &setting.at("closed")) };
    assert!(matches!(crate::restore(&closed, &mut |_| {}), Err(StoreError::BackupSealed { .. })));
    for name in ["strange", "strange.restoring", "closed", "closed.restoring"] {
        assert!(!setting.at(name).exists(), "{name}");
    }
}

#[test]
fn a_damaged_page_key_keeps_no_journal_from_being_restored() {
    let setting = Setting::new();
    let backup = setting.at("backup");
    let journal = setting.begin(70);
    setting.back_up(&journal, &backup).expect("made");
    journal.close();
    let mut page_keys = fs::read(setting.at("keys/page-keys")).expect("read");
    page_keys[20] ^= 1;
    fs::write(setting.at("keys/page-keys"), page_keys).expect("written");
    let restored = setting.restore(&backup, &setting.at("restored")).expect("restored");
    // A body and openings for each entry, and those of the genesis: 128 of them have their keys in the first page.
    assert_eq!((restored.bodies, restored.unreadable, restored.opened, restored.erased), (70, 128, 14, 0));
}

#[test]
fn a_backup_is_gone_on_with_by_its_own_journal_for_its_own_recipient_only() {
    let mut setting = Setting::new();
    let backup = setting.at("backup");
    let journal = setting.begin(3);
    setting.back_up(&journal, &backup).expect("made");
    let other = Setting::new();
    let stranger = other.begin(20);
    let recipient = setting.recipient.public_key();
    let place = BackupFolder::open(&backup).expect("opened").newest().cloned();
    let refused = |journal: &Journal| wait_for(journal.backup(place.as_ref(), recipient.clone())).expect_err("refused");
    assert!(refused(&stranger).to_string().contains("of another journal"), "{}", refused(&stranger));
    // An older copy of the journal that was put back, of which the backup holds more.
    let shorter = Setting::new();
    assert!(refused(&shorter.begin(0)).to_string().contains("holds more than this journal"));
    setting.recipient = SealingPrivateKey::generate();
    let refused = setting.back_up(&journal, &backup).expect_err("another recipient").to_string();
    assert!(refused.contains("sealed to another key"), "{refused}");
    let nowhere = BackupFolder::open(&setting.at("unmounted/backup")).expect_err("made nowhere").to_string();
    assert!(nowhere.contains("is its volume mounted?") && !setting.at("unmounted").exists(), "{nowhere}");
    let open = BackupFolder::open(&backup).expect("opened");
    assert!(matches!(BackupFolder::open(&backup), Err(StoreError::Locked { .. })), "one writer");
    drop(open);
    journal.close();
}

#[test]
fn a_backup_that_is_made_while_entries_come_ends_at_a_checkpoint_that_was_signed() {
    let setting = Setting::new();
    let backup = setting.at("backup");
    let journal = setting.begin(20);
    let over = AtomicBool::new(false);
    let held = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut count = 0;
            while !over.load(Ordering::Acquire) {
                append(&journal, 1);
                count += 1;
            }
            count
        });
        let mut held = Vec::new();
        for _ in 0..3 {
            let before = size(&journal);
            let place = setting.back_up(&journal, &backup).expect("made");
            assert!((before..=size(&journal)).contains(&place.entries()));
            held.push(place.entries());
        }
        over.store(true, Ordering::Release);
        assert!(writer.join().expect("no panic") > 0);
        held
    });
    journal.close();
    let restored = setting.restore(&backup, &setting.at("restored")).expect("it holds");
    assert_eq!(Some(&restored.entries), held.last());
}
