//! What a start makes of what a stop, a fault or an attacker left.

use std::fs;

use causeway_journal::{decode_entry, verify_consistency};
use causeway_model::{FrameSeq, LeafIndex};
use causeway_store::{AppendFailure, Journal, ReadError, SledLog, StoreError};

use crate::doubles::{Failing, Fault, Waiting};
use crate::setting::{Setting, append, append_many, copy_dir, draft, draft_with_body, wait_for};

fn numbers(journal: &Journal) -> Vec<u128> {
    let entries = wait_for(journal.entries(LeafIndex(2), usize::MAX)).expect("read");
    let number = |bytes: &Vec<u8>| {
        let entry = decode_entry(bytes).expect("canonical");
        u128::from_be_bytes(entry.request_id.try_into().expect("16 bytes"))
    };
    entries.iter().map(number).collect()
}

#[test]
fn an_append_that_failed_stops_the_journal_and_applies_nothing() {
    for fault in [Fault::NotStored, Fault::Stored] {
        let setting = Setting::new();
        setting.begin().close();
        let log = Failing::after(1, fault, setting.log());
        let journal = setting.start_over(Box::new(log)).expect("starts");
        append(&journal, draft(10));
        let checkpoint = journal.checkpoint();
        let changed = journal.changed();
        let failed = wait_for(journal.append(draft(11)));
        assert!(matches!(&failed, Err(AppendFailure::Stopped(reason)) if reason.contains("injected")), "{failed:?}");
        wait_for(changed);
        assert_eq!(journal.read(|state| state.tree().size()), 3, "nothing is applied");
        assert_eq!(journal.checkpoint(), checkpoint, "nothing is signed");
        assert!(!journal.is_healthy());
        assert!(journal.stopped().is_some());
        assert!(matches!(wait_for(journal.append(draft(12))), Err(AppendFailure::Stopped(_))));
        assert_eq!(numbers(&journal), [10], "what is durable can still be read");
        journal.close();
        let journal = setting.start();
        let there: &[u128] = if fault == Fault::Stored { &[10, 11] } else { &[10] };
        assert_eq!(numbers(&journal), there, "{fault:?}");
        append(&journal, draft(13));
    }
}

#[test]
fn whoever_waits_in_the_queue_is_told_of_a_failure() {
    let setting = Setting::new();
    setting.begin().close();
    let (log, hand) = Waiting::around(Failing::after(0, Fault::NotStored, setting.log()));
    let journal = setting.start_over(Box::new(log)).expect("starts");
    let first = journal.try_append(draft(0)).expect("room");
    hand.begun.recv().expect("the first is on its way");
    let others: Vec<_> = (1..50).map(|number| journal.try_append(draft(number)).expect("room")).collect();
    drop(hand.go_on);
    for appending in std::iter::once(first).chain(others) {
        assert!(matches!(wait_for(appending), Err(AppendFailure::Stopped(_))));
    }
}

#[test]
fn all_that_was_acknowledged_survives_a_kill() {
    let setting = Setting::new();
    let journal = setting.begin();
    let body = append(&journal, draft_with_body(0, 30_000, None));
    append_many(&journal, 400);
    let killed = setting.folder.path().join("killed");
    copy_dir(&setting.data_dir(), &killed);
    let before = journal.read(|state| (state.tree().size(), state.tree().root()));
    journal.close();

    let log = SledLog::open(&killed).expect("opens");
    let again = setting.start_in(&killed, Box::new(log)).expect("starts");
    assert_eq!(again.read(|state| (state.tree().size(), state.tree().root())), before);
    let opened = wait_for(again.bodies(vec![body.leaf])).expect("read");
    assert_eq!(opened[0].as_ref().expect("there").body.classified.len(), 30_000);
    let after = append(&again, draft(1));
    assert_eq!(after.leaf, LeafIndex(before.0));
    let log_id = |journal: &Journal| journal.read(|state| state.log_id());
    assert_eq!(log_id(&again), log_id(&journal), "the log keeps its id");
    let root = again.read(|state| state.tree().root());
    let proof = again.read(|state| {
        causeway_journal::consistency_proof(state.tree(), before.0, before.0 + 1, &|level, index| {
            let mut twin = causeway_journal::Tree::new();
            let entries = wait_for(again.entries(LeafIndex(0), usize::MAX)).expect("read");
            let tiles: Vec<_> = entries.iter().flat_map(|e| twin.push(causeway_journal::leaf_hash(e))).collect();
            let tile = tiles.into_iter().find(|tile| (tile.level, tile.index) == (level, index)).expect("full");
            Ok(causeway_journal::TileNodes::above(tile.hashes).expect("full").into())
        })
    });
    verify_consistency(before.0, before.0 + 1, &proof.expect("proved"), before.1, root).expect("it extends");
}

#[test]
fn a_log_without_the_file_that_says_how_far_it_has_come_is_refused() {
    let setting = Setting::new();
    let journal = setting.begin();
    append(&journal, draft(1));
    journal.close();
    std::fs::remove_file(setting.data_dir().join("checkpoint")).expect("it was there");
    let refused = setting.start_over(Box::new(setting.log())).expect_err("refused");
    assert!(matches!(refused, StoreError::CheckpointMissing { .. }), "{refused}");
}

#[test]
fn a_checkpoint_file_of_another_signer_is_refused() {
    let (setting, other) = (Setting::new(), Setting::new());
    setting.begin().close();
    other.begin().close();
    fs::copy(other.data_dir().join("checkpoint"), setting.data_dir().join("checkpoint")).expect("copied");
    let refused = setting.start_over(Box::new(setting.log())).expect_err("refused");
    assert!(matches!(refused, StoreError::CheckpointFile { .. }), "{refused}");
}

#[test]
fn an_altered_frame_is_refused_at_start_also_with_an_id_to_match() {
    let setting = Setting::new();
    let journal = setting.begin();
    append(&journal, draft(1));
    append(&journal, draft(2));
    journal.close();
    let key = [b"f".as_slice(), &3u64.to_be_bytes(), &0u16.to_be_bytes()].concat();
    let alter = |change: &dyn Fn(&mut Vec<u8>)| {
        let db = sled::open(setting.data_dir().join("log")).expect("opens");
        let mut chunk = db.get(&key).expect("read").expect("there").to_vec();
        change(&mut chunk);
        db.insert(&key, chunk).expect("altered");
    };
    alter(&|chunk| *chunk.last_mut().expect("not empty") ^= 1);
    let refused = setting.start_over(Box::new(setting.log())).expect_err("refused");
    assert!(matches!(refused, StoreError::Read(ReadError::Hole { at: FrameSeq(3), .. })), "{refused}");
    alter(&|chunk| {
        let id = causeway_journal::frame_id(&chunk[36..]);
        chunk[..32].copy_from_slice(&id.0);
    });
    let refused = setting.start_over(Box::new(setting.log())).expect_err("refused");
    assert!(matches!(refused, StoreError::Replay { .. }), "the chain of frames does not hold: {refused}");
}

#[test]
fn a_page_key_file_that_is_lost_or_of_other_keys_is_noticed() {
    let setting = Setting::new();
    let journal = setting.begin();
    let leaf = append(&journal, draft_with_body(0, 10, None)).leaf;
    journal.close();
    let file = setting.keys_dir().join("page-keys");
    let mut bytes = fs::read(&file).expect("read");
    fs::remove_file(&file).expect("removed");
    let refused = setting.start_over(Box::new(setting.log())).expect_err("refused");
    assert!(matches!(refused, StoreError::Keys { .. }), "{refused}");
    bytes[20] ^= 1;
    fs::write(&file, &bytes).expect("written");
    let journal = setting.start();
    assert!(matches!(wait_for(journal.bodies(vec![leaf])), Err(StoreError::Unopened(_))));
}

#[test]
fn page_keys_of_the_first_format_are_moved_out_of_the_data_directory() {
    let setting = Setting::new();
    let journal = setting.begin();
    let leaf = append(&journal, draft_with_body(0, 10, None)).leaf;
    journal.close();
    let (old, new) = (setting.data_dir().join("page-keys"), setting.keys_dir().join("page-keys"));
    fs::rename(&new, &old).expect("renamed");
    fs::write(setting.data_dir().join("format"), "causeway journal 1\n").expect("written");
    let journal = setting.start();
    assert!(wait_for(journal.bodies(vec![leaf])).expect("read")[0].is_some());
    assert!(!old.exists() && new.exists());
    let format = fs::read_to_string(setting.data_dir().join("format")).expect("read");
    assert_eq!(format, "causeway journal 2\n", "an older version refuses it");
}

#[test]
fn two_journals_do_not_share_a_keys_folder() {
    let setting = Setting::new();
    let journal = setting.begin();
    let other = setting.folder.path().join("other");
    let log = || Box::new(SledLog::open(&other).expect("opens"));
    assert!(matches!(setting.start_in(&other, log()), Err(StoreError::Locked { .. })));
    journal.close();
    setting.start_in(&other, log()).expect("starts");
}
