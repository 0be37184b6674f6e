//! The frame log on sled by itself: order, identity, chunks, gaps, opening.

use std::fs;
use std::time::Duration;

use causeway_crypto::{Digest, sha256};
use causeway_journal::{Tile, frame_id};
use causeway_model::FrameSeq;
use causeway_store::{AppendError, Beside, FrameLog, ReadError, SledLog, StoreError};
use tempfile::TempDir;

fn opened() -> (TempDir, SledLog) {
    let dir = tempfile::tempdir().expect("a folder");
    let log = SledLog::open(dir.path()).expect("opens");
    (dir, log)
}

fn put(log: &SledLog, bytes: &[u8]) -> FrameSeq {
    log.append(&frame_id(bytes), bytes, &Beside::default(), None).expect("appended")
}

/// Bytes that differ from place to place, so that swapped chunks are noticed.
fn long(length: usize, seed: u8) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at / 251 + at) % 251).expect("below 251") ^ seed).collect()
}

#[test]
fn frames_of_all_lengths_read_back_in_order() {
    let (dir, log) = opened();
    let lengths = [0, 1, 6_963, 6_964, 6_965, 7_000, 13_964, 13_965, 256 * 1024];
    let frames: Vec<_> = lengths.iter().zip(1..).map(|(length, seed)| long(*length, seed)).collect();
    for (frame, seq) in frames.iter().zip(1..) {
        assert_eq!(put(&log, frame), FrameSeq(seq));
    }
    let all: Vec<_> = (1..).map(FrameSeq).zip(frames.iter().cloned()).collect();
    assert_eq!(log.read(FrameSeq(1), usize::MAX).expect("read"), all);
    assert_eq!(log.read(FrameSeq(0), usize::MAX).expect("read"), all, "0 stands before the first");
    assert_eq!(log.read(FrameSeq(4), 1).expect("read"), all[3..4], "at least one, and no more than asked");
    assert_eq!(log.read(FrameSeq(2), 7_000).expect("read"), all[1..4]);
    assert!(log.read(FrameSeq(10), 1).expect("read").is_empty(), "beyond the head");
    log.assure().expect("nothing in blob files, which sled does not sync");
    drop(log);
    let log = SledLog::open(dir.path()).expect("opens again");
    assert_eq!(log.read(FrameSeq(1), usize::MAX).expect("read"), all);
    assert_eq!(log.wait(FrameSeq(0), Duration::ZERO), FrameSeq(9));
}

#[test]
fn more_rows_than_one_slice_read_back() {
    let (_dir, log) = opened();
    let frames: Vec<_> = (0..20).map(|seed| long(200_000, seed)).collect();
    for frame in &frames {
        put(&log, frame);
    }
    let read = log.read(FrameSeq(1), usize::MAX).expect("read");
    assert!(read.into_iter().map(|(_, bytes)| bytes).eq(frames), "29 rows a frame, 256 a slice");
}

#[test]
fn the_same_frame_again_has_the_same_place() {
    let (dir, log) = opened();
    let none = Beside::default();
    put(&log, b"one");
    put(&log, b"two");
    assert_eq!(put(&log, b"one"), FrameSeq(1));
    for number in 0..200u32 {
        put(&log, &number.to_be_bytes());
    }
    let old = log.append(&frame_id(b"two"), b"two", &none, Some(FrameSeq(1)));
    assert_eq!(old.expect("known by its place"), FrameSeq(2));
    let other = log.append(&frame_id(b"other"), b"other", &none, Some(FrameSeq(1)));
    assert!(matches!(other, Err(AppendError::Conflict { head: FrameSeq(202) })));
    let ahead = log.append(&frame_id(b"other"), b"other", &none, Some(FrameSeq(300)));
    assert!(matches!(ahead, Err(AppendError::Conflict { .. })));
    drop(log);
    let log = SledLog::open(dir.path()).expect("opens again");
    assert_eq!(put(&log, &199u32.to_be_bytes()), FrameSeq(202), "also after a restart");
    assert_eq!(log.read(FrameSeq(1), usize::MAX).expect("read").len(), 202);
}

#[test]
fn what_belongs_beside_a_frame_is_stored_with_it() {
    let (dir, log) = opened();
    let hashes: Vec<Digest> = (0..256u32).map(|n| sha256(&[&n.to_be_bytes()])).collect();
    let tile = Tile { level: 1, index: 3, hashes: hashes.clone() };
    let beside = Beside { key_pages: vec![(7, vec![7; 4_132]), (300, vec![1])], tiles: vec![tile] };
    log.append(&frame_id(b"one"), b"one", &beside, None).expect("appended");
    drop(log);
    let log = SledLog::open(dir.path()).expect("opens again");
    assert_eq!(log.key_page(7).expect("read"), Some(vec![7; 4_132]));
    assert_eq!(log.key_page(8).expect("read"), None);
    assert_eq!(log.last_key_page().expect("read"), Some(300));
    assert_eq!(log.tile(1, 3).expect("read"), Some(hashes));
    assert_eq!(log.tile(1, 4).expect("read"), None);
}

#[test]
fn what_does_not_fit_is_refused_and_stores_nothing() {
    let (_dir, log) = opened();
    let beside = Beside { key_pages: vec![(1, vec![0; 7_001])], ..Beside::default() };
    let refused = log.append(&frame_id(b"one"), b"one", &beside, None);
    assert!(matches!(refused, Err(AppendError::Refused(_))));
    assert_eq!(put(&log, b"two"), FrameSeq(1));
}

#[test]
fn an_altered_a_missing_and_a_cut_chunk_are_holes() {
    let chunk_key = |seq: u64, chunk: u16| [b"f".as_slice(), &seq.to_be_bytes(), &chunk.to_be_bytes()].concat();
    let alterations: [&dyn Fn(&sled::Db); 4] = [
        &|db| {
            let mut chunk = db.get(chunk_key(2, 1)).expect("read").expect("there").to_vec();
            chunk[17] ^= 1;
            db.insert(chunk_key(2, 1), chunk).expect("altered");
        },
        &|db| drop(db.remove(chunk_key(2, 1)).expect("removed")),
        &|db| drop(db.remove(chunk_key(2, 0)).expect("removed")),
        &|db| drop(db.insert(chunk_key(2, 2), b"short".as_slice()).expect("cut")),
    ];
    for alter in alterations {
        let (dir, log) = opened();
        for seed in 0..3 {
            put(&log, &long(20_000, seed));
        }
        drop(log);
        let db = sled::open(dir.path().join("log")).expect("opens");
        alter(&db);
        drop(db);
        let log = match SledLog::open(dir.path()) {
            Ok(log) => log,
            Err(StoreError::Read(ReadError::Hole { at: FrameSeq(2), .. })) => continue,
            Err(other) => panic!("{other}"),
        };
        assert_eq!(log.read(FrameSeq(1), 1).expect("before the hole").len(), 1);
        for from in [1, 2] {
            let hole = log.read(FrameSeq(from), usize::MAX);
            assert!(matches!(hole, Err(ReadError::Hole { at: FrameSeq(2), .. })), "{hole:?}");
        }
        assert_eq!(log.read(FrameSeq(3), 1).expect("after the hole").len(), 1);
    }
}

#[test]
fn a_snapshot_that_was_cut_short_does_not_keep_the_log_from_opening() {
    let (dir, log) = opened();
    put(&log, b"one");
    drop(log);
    fs::write(dir.path().join("log/snap.00000000000FFFFF.generating"), b"").expect("written");
    let log = SledLog::open(dir.path()).expect("opens");
    assert_eq!(log.read(FrameSeq(1), 1).expect("read").len(), 1);
}

#[test]
fn closing_after_much_was_written_makes_the_next_starts_snapshot() {
    let snapshots = |dir: &TempDir| -> Vec<_> {
        let names =
            fs::read_dir(dir.path().join("log")).expect("listed").map(|entry| entry.expect("an entry").file_name());
        names.filter(|name| name.to_string_lossy().starts_with("snap.")).collect()
    };
    for (frames, renewed) in [(4, false), (130, true)] {
        let (dir, log) = opened();
        let before = snapshots(&dir);
        for seed in 0..frames {
            put(&log, &long(256 * 1024, seed));
        }
        log.close().expect("closes");
        assert_eq!(snapshots(&dir) != before, renewed, "{frames} frames");
        let log = SledLog::open(dir.path()).expect("opens again");
        assert_eq!(log.wait(FrameSeq(0), Duration::ZERO), FrameSeq(frames.into()));
    }
}

#[test]
fn files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, log) = opened();
    put(&log, b"one");
    for folder in [dir.path().to_owned(), dir.path().join("log")] {
        for entry in fs::read_dir(folder).expect("listed") {
            let path = entry.expect("an entry").path();
            let mode = fs::metadata(&path).expect("there").permissions().mode() & 0o777;
            assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
        }
    }
}

#[test]
fn one_process_at_a_time_and_none_after_closing() {
    let (dir, log) = opened();
    assert!(matches!(SledLog::open(dir.path()), Err(StoreError::Locked { .. })));
    log.close().expect("closes");
    log.close().expect("closes again");
    assert!(matches!(log.read(FrameSeq(1), 1), Ok(frames) if frames.is_empty()));
    assert!(matches!(log.key_page(1), Err(ReadError::Closed)));
    let refused = log.append(&frame_id(b"one"), b"one", &Beside::default(), None);
    assert!(matches!(refused, Err(AppendError::Refused(_))));
    SledLog::open(dir.path()).expect("opens while the closed one is still held");
}

#[test]
fn damaged_files_are_an_error_and_not_a_panic() {
    let (dir, log) = opened();
    put(&log, b"one");
    drop(log);
    fs::write(dir.path().join("log/conf"), [0xff; 64]).expect("damaged");
    let refused = SledLog::open(dir.path());
    assert!(matches!(refused, Err(StoreError::Engine(_))), "{refused:?}");
}

#[test]
fn whoever_waits_is_woken_by_an_append() {
    let (_dir, log) = opened();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| log.wait(FrameSeq(0), Duration::from_secs(600)));
        put(&log, b"one");
        assert_eq!(waiting.join().expect("no panic"), FrameSeq(1));
    });
}
