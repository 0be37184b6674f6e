//! The state that is kept on the disk: a start goes on from it where it is what it should be, and replays the log wherever it is not.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use causeway_store::{Journal, Options, SledLog};

use crate::doubles::Counting;
use crate::setting::{Setting, append, append_many, copy_dir, draft, draft_with_body, wait_for};

/// Entries after genesis, each in a frame of its own. More than a tile's.
const ENTRIES: u64 = 300;

/// The frames of genesis and of those entries.
const FRAMES: u64 = 2 + ENTRIES;

/// The newest frames of those that a kept state is of, which are read again.
const TAIL: u64 = 64;

/// A data directory whose journal was closed in order, with some checkpoints of its past.
fn closed(setting: &Setting) {
    let journal = setting.begin();
    for number in 0..ENTRIES {
        match number {
            7 => append(&journal, draft_with_body(number, 400, None)),
            _ => append(&journal, draft(number)),
        };
        if number % 40 == 39 {
            assert!(wait_for(journal.keep_checkpoint(journal.checkpoint())).expect("kept"));
        }
    }
    journal.close();
}

/// Starts without an index, which reads frames too; gives how many were read until it had started.
fn start_counting(setting: &Setting, data_dir: &Path, has_tiles: bool) -> (Journal, u64) {
    let frames = Arc::new(AtomicU64::new(0));
    let log = SledLog::open(data_dir).expect("the log opens");
    let log = Counting { log, frames: Arc::clone(&frames), has_tiles };
    let options = Options { index: false, ..setting.options(data_dir, Arc::clone(&setting.keys)) };
    let journal = Journal::start(Box::new(log), options).expect("starts");
    (journal, frames.load(Ordering::SeqCst))
}

fn debug_of(journal: &Journal) -> String {
    journal.read(|state| format!("{state:?}"))
}

/// Where a running journal would be if it was killed now.
fn killed(setting: &Setting, name: &str) -> std::path::PathBuf {
    let copy = setting.folder.path().join(name);
    copy_dir(&setting.data_dir(), &copy);
    copy
}

#[test]
fn a_start_replays_the_frames_after_the_state_that_is_kept_and_no_others() {
    let setting = Setting::new();
    closed(&setting);
    let (journal, read) = start_counting(&setting, &setting.data_dir(), true);
    assert_eq!(read, TAIL);
    (0..5).for_each(|number| drop(append(&journal, draft(900 + number))));
    let killed = killed(&setting, "killed");
    let expected = debug_of(&journal);
    journal.close();
    let (again, read) = start_counting(&setting, &killed, true);
    assert_eq!(read, TAIL + 5);
    assert_eq!(debug_of(&again), expected);
    append(&again, draft(1));
    again.close();
    fs::remove_dir_all(killed.join("state")).expect("removed");
    let (again, read) = start_counting(&setting, &killed, true);
    assert_eq!((read, again.halted()), (FRAMES + 5 + 1, None), "without it, all of them");
    again.close();
    let (again, read) = start_counting(&setting, &setting.data_dir(), true);
    assert_eq!((read, debug_of(&again)), (TAIL, expected), "it was kept anew when it was closed");
}

#[test]
fn tiles_of_the_newest_frame_are_kept_with_the_state() {
    let setting = Setting::new();
    let journal = setting.begin();
    (0..253).for_each(|number| drop(append(&journal, draft(number))));
    // The frame that completes the first tile: the tile is in the log with the frame after it.
    append(&journal, draft(253));
    journal.close();
    let (journal, read) = start_counting(&setting, &setting.data_dir(), true);
    assert_eq!((read, journal.read(|state| state.tree().size())), (TAIL, 256));
    assert_eq!(wait_for(journal.tile(0, 0, 256)).expect("there").len(), 256);
    append(&journal, draft(254));
    journal.close();
    let (journal, _) = start_counting(&setting, &setting.data_dir(), true);
    assert_eq!(wait_for(journal.tile(0, 0, 256)).expect("there").len(), 256);
    wait_for(journal.consistency_proof(100, 257)).expect("proved");
}

#[test]
fn what_is_kept_holds_no_text_that_is_encrypted_in_the_log() {
    let setting = Setting::new();
    closed(&setting);
    let kept = fs::read(setting.data_dir().join("state/snapshot")).expect("kept");
    for secret in [b"operator-7".as_slice(), &[7; 24]] {
        assert!(!kept.windows(secret.len()).any(|bytes| bytes == secret));
    }
}

/// Starts over a copy whose kept state is another, and expects all frames to be read and nothing else to be seen of it.
fn expect_replay(setting: &Setting, what: &str, change: impl FnOnce(&Path)) {
    let copy = setting.folder.path().join("copy");
    let _ = fs::remove_dir_all(&copy);
    copy_dir(&setting.data_dir(), &copy);
    change(&copy.join("state/snapshot"));
    let (journal, read) = start_counting(setting, &copy, true);
    assert!((FRAMES..=FRAMES + TAIL).contains(&read), "{what}: {read} frames are read");
    assert_eq!((journal.halted(), journal.read(|state| state.tree().size())), (None, FRAMES), "{what}");
    journal.close();
    let (journal, read) = start_counting(setting, &copy, true);
    assert_eq!(read, TAIL, "{what}: it is kept anew");
    journal.close();
}

#[test]
fn a_state_that_is_not_whole_is_passed_over() {
    let setting = Setting::new();
    closed(&setting);
    let file = setting.data_dir().join("state/snapshot");
    let good = fs::read(&file).expect("read");
    for length in [0, 1, 100, 167, 168, 169, 184, good.len() / 2, good.len() - 16, good.len() - 1] {
        expect_replay(&setting, &format!("{length} bytes"), |file| fs::write(file, &good[..length]).expect("written"));
    }
    for at in [0, 15, 16, 20, 24, 41, 60, 70, 100, 110, 140, 167, 168, 400, good.len() - 17, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 4;
        expect_replay(&setting, &format!("byte {at}"), |file| fs::write(file, bad).expect("written"));
    }
    expect_replay(&setting, "longer", |file| fs::write(file, [&good[..], &[0; 16]].concat()).expect("written"));
    expect_replay(&setting, "its pages", |file| fs::write(file, [&good[..168], &good[..]].concat()).expect("written"));
    expect_replay(&setting, "gone", |file| fs::remove_file(file).expect("removed"));
}

/// Puts what another data directory has kept in the place of a file.
fn put(from: &Path, file: &Path) {
    fs::copy(from.join("state/snapshot"), file).expect("copied");
}

#[test]
fn a_state_of_other_keys_another_log_or_another_history_is_passed_over() {
    let setting = Setting::new();
    closed(&setting);
    let stranger = Setting::new();
    closed(&stranger);
    expect_replay(&setting, "other keys", |file| {
        put(&stranger.data_dir(), file);
    });
    // Another log under the same keys, as long as this one.
    let other = setting.folder.path().join("other");
    let start = |dir: &Path| setting.start_in(dir, Box::new(SledLog::open(dir).expect("opens"))).expect("starts");
    let journal = start(&other);
    crate::setting::genesis(&journal);
    (0..ENTRIES).for_each(|number| drop(append(&journal, draft(number))));
    journal.close();
    expect_replay(&setting, "another log", |file| put(&other, file));
    // A copy of this log that has gone on: its state is ahead of this one's.
    let ahead = setting.folder.path().join("ahead");
    copy_dir(&setting.data_dir(), &ahead);
    let journal = start(&ahead);
    append_many(&journal, 20);
    journal.close();
    expect_replay(&setting, "ahead", |file| put(&ahead, file));
}

#[test]
fn an_older_state_of_the_log_is_gone_on_from() {
    let setting = Setting::new();
    closed(&setting);
    let old = fs::read(setting.data_dir().join("state/snapshot")).expect("read");
    let journal = setting.start();
    (0..20).for_each(|number| drop(append(&journal, draft(number))));
    journal.close();
    fs::write(setting.data_dir().join("state/snapshot"), old).expect("written");
    let (journal, read) = start_counting(&setting, &setting.data_dir(), true);
    assert_eq!((read, journal.halted()), (TAIL + 20, None));
    journal.close();
}

#[test]
fn what_was_signed_before_the_state_was_kept_is_compared_by_proofs_from_the_log_s_tiles() {
    let setting = Setting::new();
    closed(&setting);
    let past = setting.data_dir().join("checkpoints");
    let notes = fs::read(&past).expect("read");
    let (journal, read) = start_counting(&setting, &setting.data_dir(), false);
    assert_eq!(read, TAIL, "they were compared when they were kept");
    journal.close();
    // A state that was kept while nothing of the past was there has compared nothing of it.
    fs::remove_file(&past).expect("removed");
    let journal = setting.start();
    (0..30).for_each(|number| drop(append(&journal, draft(number))));
    journal.close();
    for (has_tiles, expected) in [(true, TAIL), (false, TAIL + FRAMES + 30)] {
        let copy = setting.folder.path().join("copy");
        let _ = fs::remove_dir_all(&copy);
        copy_dir(&setting.data_dir(), &copy);
        fs::write(copy.join("checkpoints"), &notes).expect("put back");
        let (journal, read) = start_counting(&setting, &copy, has_tiles);
        assert_eq!((read, journal.halted()), (expected, None), "with tiles: {has_tiles}");
    }
}

#[test]
fn a_split_history_before_the_state_that_is_kept_halts_the_journal() {
    let setting = Setting::new();
    closed(&setting);
    let other = setting.folder.path().join("other");
    copy_dir(&setting.data_dir(), &other);
    let journal = setting.start();
    (0..3).for_each(|number| drop(append(&journal, draft(number))));
    wait_for(journal.keep_checkpoint(journal.checkpoint())).expect("kept");
    journal.close();
    // The copy has gone on too, by more, and its state was kept after that.
    let journal = setting.start_in(&other, Box::new(SledLog::open(&other).expect("opens"))).expect("starts");
    (10..30).for_each(|number| drop(append(&journal, draft(number))));
    journal.close();
    fs::copy(setting.data_dir().join("checkpoints"), other.join("checkpoints")).expect("copied");
    for _ in 0..2 {
        let (journal, read) = start_counting(&setting, &other, true);
        let reason = journal.halted().expect("halted");
        let words = format!("first {} entries are not those that it has signed", FRAMES + 3);
        assert!(reason.contains(&words), "{reason}");
        assert_eq!(read, TAIL + FRAMES + 20, "nothing is accused before the whole log was looked at");
        journal.close();
    }
}

#[test]
fn the_state_is_kept_while_the_journal_runs() {
    let setting = Setting::new();
    let options = Options { index: false, ..setting.options(&setting.data_dir(), Arc::clone(&setting.keys)) };
    let journal = Journal::start_with_small_blocks(Box::new(setting.log()), options).expect("starts");
    crate::setting::genesis(&journal);
    (0..ENTRIES).for_each(|number| drop(append(&journal, draft(number))));
    let file = setting.data_dir().join("state/snapshot");
    let patience = Instant::now() + Duration::from_secs(60);
    while !file.exists() {
        assert!(Instant::now() < patience, "it is kept after 300 entries");
        std::thread::sleep(Duration::from_millis(20));
    }
    append(&journal, draft(1));
    let killed = killed(&setting, "killed");
    let expected = debug_of(&journal);
    journal.close();
    let (again, read) = start_counting(&setting, &killed, true);
    assert_eq!((read, debug_of(&again)), (TAIL + 1, expected));
}
