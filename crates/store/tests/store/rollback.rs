//! A journal whose history is not what it has signed: it is halted, says why, signs nothing, and can be read.

use std::fs;
use std::path::{Path, PathBuf};

use causeway_journal::{Checkpoint, verify_checkpoint};
use causeway_model::LeafIndex;
use causeway_store::{AppendFailure, Journal, SledLog};

use crate::setting::{ORIGIN, Setting, append, append_many, copy_dir, draft, genesis, wait_for};

fn size_of(note: &str) -> u64 {
    note.lines().nth(1).expect("a size").parse().expect("a number")
}

/// Puts another log into the place of a data directory's own, and leaves what else is in it.
fn put_back(from: &Path, data_dir: &Path) {
    fs::remove_dir_all(data_dir.join("log")).expect("removed");
    copy_dir(&from.join("log"), &data_dir.join("log"));
}

/// The texts in the evidence folder.
fn evidence(data_dir: &Path) -> Vec<String> {
    let files = fs::read_dir(data_dir.join("evidence")).expect("there is evidence");
    files.map(|file| fs::read_to_string(file.expect("an entry").path()).expect("a text")).collect()
}

/// A journal of 12 entries, closed; a copy of its directory as it was then; and its checkpoint of 22 entries, signed after that.
fn gone_on(setting: &Setting) -> (PathBuf, String) {
    let journal = setting.begin();
    append_many(&journal, 10);
    journal.close();
    let old = setting.folder.path().join("old");
    copy_dir(&setting.data_dir(), &old);
    let journal = setting.start();
    append_many(&journal, 10);
    journal.close();
    let newest = fs::read_to_string(setting.data_dir().join("checkpoint")).expect("read");
    assert_eq!(size_of(&newest), 22);
    (old, newest)
}

fn assert_halted(journal: &Journal, words: &str) {
    let reason = journal.halted().expect("halted");
    assert!(reason.contains(words), "{reason}");
    assert!(!journal.is_healthy());
    let refused = wait_for(journal.append(draft(99)));
    assert!(matches!(&refused, Err(AppendFailure::Halted(why)) if *why == reason), "{refused:?}");
}

#[test]
fn a_log_that_is_smaller_than_what_was_signed_is_halted() {
    let setting = Setting::new();
    let (old, newest) = gone_on(&setting);
    put_back(&old, &setting.data_dir());
    // Twice: a start changes nothing of it.
    for _ in 0..2 {
        let journal = setting.start();
        assert_halted(&journal, "holds 12 entries but has signed a checkpoint of 22: it was truncated");
        assert_eq!(&*journal.checkpoint(), newest, "the larger one is shown");
        assert_eq!(wait_for(journal.entries(LeafIndex(0), 100)).expect("read").len(), 12, "what there is can be read");
        journal.close();
        assert_eq!(fs::read_to_string(setting.data_dir().join("checkpoint")).expect("read"), newest);
        let mut found = evidence(&setting.data_dir());
        found.sort_by_key(String::len);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!((size_of(&found[0]), &found[1]), (12, &newest));
        assert!(!found[0].contains('\u{2014}'), "the log as it is gets no signature");
    }
}

#[test]
fn a_log_with_another_root_at_the_signed_size_is_halted() {
    let setting = Setting::new();
    let journal = setting.begin();
    append(&journal, draft(1));
    journal.close();
    let other_dir = setting.folder.path().join("other");
    let log = SledLog::open(&other_dir).expect("opens");
    let other = setting.start_in(&other_dir, Box::new(log)).expect("starts");
    genesis(&other);
    // One by one, so that a frame of the other log ends at the signed size too.
    for number in 1..4 {
        append(&other, draft(number));
    }
    other.close();
    put_back(&other_dir, &setting.data_dir());
    let journal = setting.start();
    assert_halted(&journal, "it was replaced");
    assert_eq!(size_of(&journal.checkpoint()), 3, "what was signed, not what is there");
}

#[test]
fn a_kept_checkpoint_tells_of_a_rollback_that_the_checkpoint_file_does_not() {
    let setting = Setting::new();
    let journal = setting.begin();
    append_many(&journal, 3);
    journal.close();
    let old = setting.folder.path().join("old");
    copy_dir(&setting.data_dir(), &old);
    let journal = setting.start();
    append_many(&journal, 4);
    assert!(wait_for(journal.keep_checkpoint(journal.checkpoint())).expect("kept"));
    journal.close();
    put_back(&old, &setting.data_dir());
    fs::copy(old.join("checkpoint"), setting.data_dir().join("checkpoint")).expect("copied");
    let journal = setting.start();
    assert_halted(&journal, "holds 5 entries but has signed a checkpoint of 9");
    assert_eq!(size_of(&journal.checkpoint()), 9);
    journal.close();
    // One that no key of the ring has signed proves nothing.
    let file = setting.data_dir().join("checkpoints");
    fs::remove_file(&file).expect("removed");
    let journal = setting.start();
    assert!(journal.halted().is_none());
    let forged = Checkpoint { origin: ORIGIN.into(), size: 1 << 40, root: causeway_journal::leaf_hash(b"") };
    let forged = forged.sign(&causeway_crypto::SigningKey::generate());
    assert!(wait_for(journal.keep_checkpoint(forged.into())).expect("kept"));
    journal.close();
    let journal = setting.start();
    assert!(journal.halted().is_none());
    append(&journal, draft(1));
}

#[test]
fn a_larger_checkpoint_that_is_put_into_the_file_halts_a_running_journal() {
    let setting = Setting::new();
    let (old, newest) = gone_on(&setting);
    fs::remove_dir_all(setting.data_dir()).expect("removed");
    copy_dir(&old, &setting.data_dir());
    // Yesterday's copy with yesterday's file: nobody can tell, until the newer file is back.
    let journal = setting.start();
    assert!(journal.halted().is_none());
    append(&journal, draft(50));
    let own = journal.checkpoint();
    let changed = journal.changed();
    fs::write(setting.data_dir().join("checkpoint"), &newest).expect("written");
    append(&journal, draft(51));
    wait_for(changed);
    while journal.halted().is_none() {
        wait_for(journal.changed());
    }
    assert_halted(&journal, "of 22 entries");
    assert_eq!(&*journal.checkpoint(), newest);
    journal.close();
    assert_eq!(fs::read_to_string(setting.data_dir().join("checkpoint")).expect("read"), newest, "it is left there");
    let found = evidence(&setting.data_dir());
    assert!(found.contains(&newest) && found.len() == 2, "{found:?}");
    let other = found.iter().find(|note| **note != newest).expect("its own");
    assert!(size_of(other) >= size_of(&own));
    assert!(setting.start().halted().is_some(), "a start finds it too");
}

#[test]
fn an_older_checkpoint_or_anything_else_in_the_file_is_written_over() {
    let setting = Setting::new();
    let journal = setting.begin();
    journal.close();
    let file = setting.data_dir().join("checkpoint");
    let old = fs::read_to_string(&file).expect("read");
    for stray in [old, "no checkpoint".to_owned()] {
        let journal = setting.start();
        append(&journal, draft(1));
        fs::write(&file, &stray).expect("written");
        journal.close();
        assert!(journal.halted().is_none());
        assert_eq!(fs::read_to_string(&file).expect("read"), *journal.checkpoint());
    }
}

#[test]
fn evidence_from_elsewhere_halts_for_good_and_the_largest_checkpoint_is_shown() {
    let setting = Setting::new();
    let (old, newest) = gone_on(&setting);
    fs::remove_dir_all(setting.data_dir()).expect("removed");
    copy_dir(&old, &setting.data_dir());
    let journal = setting.start();
    let own = journal.checkpoint();
    journal.halt("a witness holds more", Some(&newest));
    assert_halted(&journal, "a witness holds more");
    assert_eq!(&*journal.checkpoint(), newest);
    verify_checkpoint(&journal.checkpoint(), &journal.verifier_key(), ORIGIN).expect("by the key that is named");
    journal.halt("another reason", None);
    assert_halted(&journal, "a witness holds more");
    journal.close();
    assert_eq!(fs::read_to_string(setting.data_dir().join("checkpoint")).expect("read"), *own, "nothing is signed");
    let found = evidence(&setting.data_dir());
    assert!(found.contains(&newest) && found.contains(&own.to_string()), "{found:?}");
}

#[test]
fn what_waits_when_a_journal_is_halted_is_told_and_nothing_is_signed() {
    let setting = Setting::new();
    let journal = setting.begin();
    let before = journal.checkpoint();
    let waiting: Vec<_> = (0..200).map(|number| wait_for(journal.enqueue(draft(number))).expect("taken")).collect();
    journal.halt("a reason", None);
    let shown = journal.checkpoint();
    let mut refused = 0;
    for appending in waiting {
        match wait_for(appending) {
            Ok(committed) => assert!(committed.tree_size <= size_of(&shown), "nothing is signed after it"),
            Err(AppendFailure::Halted(_)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(journal.checkpoint(), shown);
    assert_eq!(size_of(&shown) + refused, size_of(&before) + 200);
}

#[test]
fn a_halt_outlasts_restarts_until_the_right_journal_is_put_back() {
    let setting = Setting::new();
    let (old, newest) = gone_on(&setting);
    let right = setting.folder.path().join("right");
    copy_dir(&setting.data_dir(), &right);
    fs::remove_dir_all(setting.data_dir()).expect("removed");
    copy_dir(&old, &setting.data_dir());
    // Yesterday's copy goes on, and signs, until somebody shows what today's had signed.
    let journal = setting.start();
    append(&journal, draft(50));
    let own = journal.checkpoint();
    journal.halt("a witness holds a checkpoint of 22", Some(&newest));
    journal.close();
    for _ in 0..2 {
        let journal = setting.start();
        assert_halted(&journal, "holds 13 entries but has signed a checkpoint of 22");
        assert_eq!(&*journal.checkpoint(), newest);
        assert!(!journal.is_healthy());
        journal.close();
    }
    assert_eq!(evidence(&setting.data_dir()).iter().filter(|note| **note == newest).count(), 1, "kept once");

    // Today's log and its file are put back, and the evidence stays: nothing is in the way, though the other history's own
    // checkpoint lies there too.
    put_back(&right, &setting.data_dir());
    fs::copy(right.join("checkpoint"), setting.data_dir().join("checkpoint")).expect("copied");
    assert!(evidence(&setting.data_dir()).contains(&own.to_string()));
    let journal = setting.start();
    assert_eq!(journal.halted(), None);
    append(&journal, draft(60));
}

#[test]
fn a_halt_by_a_key_that_has_left_the_ring_outlasts_restarts_too() {
    let setting = Setting::new();
    let journal = setting.begin();
    append(&journal, draft(1));
    journal.close();
    let journal = setting.start();
    let own = journal.checkpoint();
    let elsewhere = Checkpoint { origin: ORIGIN.into(), size: 9, root: causeway_journal::leaf_hash(b"") };
    journal.halt("a witness holds 9", Some(&elsewhere.sign(&causeway_crypto::SigningKey::generate())));
    journal.close();
    let journal = setting.start();
    assert_halted(&journal, "holds 3 entries but has signed a checkpoint of 9");
    assert_eq!(journal.checkpoint(), own, "what its own keys verify is shown");
    verify_checkpoint(&own, &journal.verifier_key(), ORIGIN).expect("by the key that is named");
    journal.close();
    // What is no checkpoint any more says nothing, and is not passed over.
    let files =
        fs::read_dir(setting.data_dir().join("evidence")).expect("there").map(|file| file.expect("listed").path());
    let accusing = files.into_iter().find(|path| path.to_string_lossy().contains("contradicts-")).expect("kept");
    fs::write(&accusing, "nothing").expect("written");
    setting.start_over(Box::new(setting.log())).expect_err("refused");
}
