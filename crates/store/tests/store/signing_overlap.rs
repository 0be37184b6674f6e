//! The overlap after a planned rotation of the signing key: who signs, what the ring holds, and what a start takes.

use std::fs;
use std::time::Duration;

use causeway_crypto::PublicKey;
use causeway_journal::{ACTION_COMPROMISED, VerifierKey, checkpoint, note};
use causeway_model::Timestamp;
use causeway_store::{Clock, Journal, ManualClock};

use crate::rotation::key_entry;
use crate::setting::{ORIGIN, Setting, append, copy_dir, draft};

const DAY: u64 = 24 * 3600;

fn setting(days: u64) -> (Setting, ManualClock) {
    let (clock, hand) = Clock::manual(Timestamp(1_793_314_499_000_000));
    (Setting { clock, signing_overlap: Duration::from_secs(days * DAY), ..Setting::new() }, hand)
}

/// Names a fresh key in the log, and gives it.
fn rotate(setting: &Setting, journal: &Journal, epoch: u32) -> PublicKey {
    let named = setting.keys.add_signing_candidate().expect("added");
    append(journal, key_entry(named, epoch));
    settle(journal);
    named
}

/// The ring changes after whoever waits has been answered, and before the next entry.
fn settle(journal: &Journal) {
    append(journal, draft(0));
}

fn held(setting: &Setting) -> Vec<PublicKey> {
    setting.keys.ring().checkpoint_keys().iter().map(|key| key.public_key()).collect()
}

/// Which of these keys signed the newest checkpoint, and in that order.
fn signers(journal: &Journal, keys: &[&VerifierKey]) -> Vec<bool> {
    let note = journal.checkpoint();
    let first = note::Note::parse(&note).expect("a note").signatures[0].key_id;
    assert_eq!(first, journal.verifier_key().key_id(), "the key that the log names signs first");
    keys.iter().map(|key| checkpoint::verify(&note, key, ORIGIN).is_ok()).collect()
}

#[test]
fn the_old_key_signs_beside_the_new_one_until_the_overlap_is_over_and_over_restarts() {
    let (mut setting, hand) = setting(30);
    let journal = setting.begin();
    let first = journal.verifier_key();
    let old = *first.public_key();
    let named = rotate(&setting, &journal, 2);
    let second = journal.verifier_key();
    assert_eq!(journal.verifier_keys(), [second.clone(), first.clone()]);
    assert_eq!(signers(&journal, &[&first, &second]), [true, true]);
    assert_eq!(held(&setting), [named, old]);
    hand.advance(29 * DAY);
    append(&journal, draft(1));
    journal.close();

    setting.read_keys();
    let journal = setting.start();
    assert_eq!(signers(&journal, &[&first, &second]), [true, true], "a start goes on with both");
    hand.advance(DAY - 1);
    append(&journal, draft(2));
    assert_eq!(signers(&journal, &[&first, &second]), [true, true]);
    hand.advance(1);
    append(&journal, draft(3));
    settle(&journal);
    assert_eq!(signers(&journal, &[&first, &second]), [false, true], "thirty days after, by the log's time");
    assert_eq!((held(&setting), journal.verifier_keys()), (vec![named], vec![second.clone()]));
    let file = fs::read_to_string(setting.data_dir().join("checkpoint")).expect("read");
    checkpoint::verify(&file, &second, ORIGIN).expect("the file was signed anew first");
    checkpoint::verify(&file, &first, ORIGIN).expect_err("by the new key alone");
    journal.close();
    setting.read_keys();
    assert_eq!(held(&setting), [named]);
    assert_eq!(signers(&setting.start(), &[&first, &second]), [false, true]);
}

#[test]
fn an_overlap_that_ends_while_the_gateway_is_stopped_ends_with_the_next_entry() {
    let (mut setting, hand) = setting(1);
    let journal = setting.begin();
    let first = journal.verifier_key();
    rotate(&setting, &journal, 2);
    let second = journal.verifier_key();
    journal.close();
    hand.advance(2 * DAY);
    setting.read_keys();
    let journal = setting.start();
    append(&journal, draft(1));
    settle(&journal);
    assert_eq!(signers(&journal, &[&first, &second]), [false, true]);
    assert_eq!(held(&setting).len(), 1);
}

#[test]
fn after_a_compromise_the_old_key_signs_nothing_more_even_where_an_overlap_runs() {
    let (setting, _hand) = setting(30);
    let journal = setting.begin();
    let first = journal.verifier_key();
    rotate(&setting, &journal, 2);
    let second = journal.verifier_key();
    let named = setting.keys.add_signing_candidate().expect("added");
    let mut draft = key_entry(named, 3);
    draft.entry.key_change.as_mut().expect("set").action = ACTION_COMPROMISED.into();
    append(&journal, draft);
    settle(&journal);
    assert_eq!(signers(&journal, &[&first, &second]), [false, false]);
    assert_eq!(held(&setting), [named]);
}

#[test]
fn a_second_rotation_ends_the_overlap_of_the_first() {
    let (mut setting, _hand) = setting(30);
    let journal = setting.begin();
    let first = journal.verifier_key();
    let old = rotate(&setting, &journal, 2);
    let second = journal.verifier_key();
    let new = rotate(&setting, &journal, 3);
    assert_eq!(signers(&journal, &[&first, &second]), [false, true]);
    assert_eq!(held(&setting), [new, old]);
    journal.close();
    setting.read_keys();
    assert_eq!(signers(&setting.start(), &[&first, &second]), [false, true]);
}

/// What a stop between the rotation's entry and the ring's change leaves: the key of before is the ring's first.
#[test]
fn a_rotation_that_stopped_before_the_ring_was_changed_is_gone_on_with() {
    let (mut setting, _hand) = setting(30);
    let journal = setting.begin();
    let first = journal.verifier_key();
    let named = setting.keys.add_signing_candidate().expect("added");
    let ring = fs::read(setting.keys_dir().join("ring")).expect("read");
    append(&journal, key_entry(named, 2));
    let second = journal.verifier_key();
    journal.close();
    fs::write(setting.keys_dir().join("ring"), ring).expect("written");
    setting.read_keys();
    assert_eq!(held(&setting), [*first.public_key(), named]);
    let journal = setting.start();
    assert_eq!(signers(&journal, &[&first, &second]), [true, true]);
    assert_eq!(held(&setting), [named, *first.public_key()]);
}

#[test]
fn a_backup_of_the_journal_from_before_the_rotation_starts_while_the_overlap_runs() {
    let (mut setting, _hand) = setting(30);
    let journal = setting.begin();
    append(&journal, draft(1));
    journal.close();
    let backup = setting.folder.path().join("backup");
    copy_dir(&setting.data_dir(), &backup);
    let journal = setting.start();
    rotate(&setting, &journal, 2);
    journal.close();
    fs::remove_dir_all(setting.data_dir()).expect("removed");
    copy_dir(&backup, &setting.data_dir());
    setting.read_keys();
    // It does not know of the rotation: only what lies outside of it, as witnesses, can tell that it was cut back.
    let journal = setting.start();
    assert!(journal.halted().is_none());
    assert_eq!(journal.read(|state| state.tree().size()), 3);
    checkpoint::verify(&journal.checkpoint(), &journal.verifier_key(), ORIGIN).expect("signed by a key of the ring");
}
