//! A disk that fills: what is kept back and for what, that it ends when there is room again, and a real one on which nothing
//! more can be written. Held: nothing that was acknowledged is lost, and what was refused was not stored.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use causeway_journal::v1;
use causeway_model::LeafIndex;
use causeway_store::{AppendFailure, Draft, Journal, Room, SledLog, StoreError};

use crate::doubles::Shrinking;
use crate::setting::{Setting, append, append_many, draft, draft_with_body, genesis, wait_for};

const HEADROOM: u64 = 64 << 20;

fn denied(number: u64) -> Draft {
    let mut draft = draft(number);
    draft.entry.decision = v1::Decision::Denied.into();
    draft
}

fn erasure(number: u64) -> Draft {
    let mut draft = draft(number);
    draft.entry.operation = v1::Operation::Erasure.into();
    draft
}

/// A journal that believes its volume to have as much room as the number says.
fn shrinking(setting: &Setting) -> (Journal, Arc<AtomicU64>) {
    let free = Arc::new(AtomicU64::new(u64::MAX));
    let log = Shrinking { log: setting.log(), free: Arc::clone(&free) };
    (setting.start_over(Box::new(log)).expect("the journal starts"), free)
}

/// Waits until the journal has looked at its volume again, which it does every second.
fn until(journal: &Journal, expected: Room) {
    let begun = Instant::now();
    while journal.room().0 != expected {
        assert!(begun.elapsed() < Duration::from_secs(20), "it is {:?}, not {expected:?}", journal.room());
        sleep(Duration::from_millis(20));
    }
}

fn refused(journal: &Journal, draft: Draft) -> bool {
    matches!(wait_for(journal.append(draft)), Err(AppendFailure::DiskLow))
}

#[test]
fn under_the_headroom_only_what_narrows_is_written_and_under_a_quarter_of_it_nothing_until_there_is_room() {
    let setting = Setting { headroom_bytes: HEADROOM, ..Setting::new() };
    let (journal, free) = shrinking(&setting);
    genesis(&journal);
    append(&journal, draft_with_body(2, 1_000, None));

    free.store(HEADROOM - 1, Ordering::SeqCst);
    until(&journal, Room::Low);
    assert!(refused(&journal, draft_with_body(3, 1_000, None)));
    assert!(refused(&journal, draft(4)));
    append(&journal, denied(5));
    append(&journal, erasure(6));
    assert!(journal.is_healthy(), "it has not stopped");

    // Refused drafts and good ones that wait for the same frame.
    let waiting: Vec<_> = (10..30).map(|n| (n, if n % 2 == 0 { draft(n) } else { denied(n) })).collect();
    let waiting: Vec<_> =
        waiting.into_iter().map(|(n, draft)| (n, wait_for(journal.enqueue(draft)).expect("taken"))).collect();
    for (n, answer) in waiting {
        assert_eq!(wait_for(answer).is_ok(), n % 2 == 1, "{n}");
    }

    free.store(HEADROOM / 4 - 1, Ordering::SeqCst);
    until(&journal, Room::None);
    assert!(refused(&journal, denied(40)) && refused(&journal, erasure(41)));
    let size = journal.read(|state| state.tree().size());

    free.store(2 * HEADROOM, Ordering::SeqCst);
    until(&journal, Room::Ample);
    assert_eq!(
        append(&journal, draft_with_body(42, 1_000, None)).leaf,
        LeafIndex(size),
        "nothing was stored meanwhile"
    );
    journal.close();
    drop(journal);
    let journal = setting.start();
    assert_eq!(journal.read(|state| state.tree().size()), size + 1);
}

#[test]
fn much_that_is_written_within_a_second_is_noticed_too() {
    let setting = Setting { headroom_bytes: 1 << 20, ..Setting::new() };
    let (journal, free) = shrinking(&setting);
    genesis(&journal);
    assert_eq!(journal.room().0, Room::Ample);
    free.store(0, Ordering::SeqCst);
    let taken = (0..100).take_while(|n| !refused(&journal, draft_with_body(*n, 60_000, None))).count();
    assert!(taken <= 2, "{taken} bodies of 60 KB were taken where a sixteenth of 1 MiB is not looked after");
}

#[test]
fn the_index_writes_no_blocks_while_the_disk_is_low() {
    for low in [false, true] {
        let setting = Setting { headroom_bytes: HEADROOM, ..Setting::new() };
        let (journal, free) = shrinking(&setting);
        genesis(&journal);
        append_many(&journal, 5_000);
        if low {
            free.store(HEADROOM - 1, Ordering::SeqCst);
            until(&journal, Room::Low);
        }
        // Closing writes what is long enough for the next start to be glad of it.
        journal.close();
        let blocks = fs::read_dir(setting.data_dir().join("index")).expect("there").count();
        assert_eq!(blocks == 0, low, "{blocks} files");
    }
}

#[test]
fn a_volume_that_takes_nothing_is_not_opened_again_on() {
    let setting = Setting { headroom_bytes: HEADROOM, mirrored: true, ..Setting::new() };
    let (journal, free) = shrinking(&setting);
    journal.try_out_volumes().expect("all three take a little");
    // No process can write to a file in a folder of that name, whoever runs it.
    let trial = setting.mirror_dir().join("trial");
    fs::create_dir(&trial).expect("made");
    assert!(matches!(journal.try_out_volumes(), Err(StoreError::Io { .. })));
    fs::remove_dir(trial).expect("removed");
    journal.try_out_volumes().expect("as before");
    free.store(HEADROOM, Ordering::SeqCst);
    until(&journal, Room::Ample);
    free.store(0, Ordering::SeqCst);
    until(&journal, Room::None);
    assert!(matches!(journal.try_out_volumes(), Err(StoreError::DiskLow)));
}

/// Names the folder to mount a small volume on, for the child process.
const VOLUME: &str = "CAUSEWAY_TEST_VOLUME";

#[test]
fn a_volume_that_fills_up_stops_the_journal_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = std::env::current_exe().expect("this is a program");
    // A namespace of its own, so that nobody else sees the volume, and it goes with the process.
    let script = "mount -t tmpfs -o size=4m none \"$1\" || exit 77; shift; exec \"$@\"";
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(folder.path()).arg(own);
    unshare.args(["disk::on_a_small_volume", "--exact", "--ignored", "--nocapture"]);
    let output = match unshare.env(VOLUME, folder.path()).output() {
        Ok(output) => output,
        Err(error) => return skipped(&error.to_string()),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    if !said.contains("running on a small volume") {
        return skipped(&said);
    }
    assert!(output.status.success(), "{}{said}", String::from_utf8_lossy(&output.stdout));
}

/// Where this system lets nobody mount anything, `causeway-faults` shows the same by errors of the calls.
fn skipped(why: &str) {
    let _ =
        std::io::Write::write_all(&mut std::io::stderr(), format!("not tested: no small volume: {why}\n").as_bytes());
}

#[test]
#[ignore = "the child process of the test above"]
fn on_a_small_volume() {
    let Some(volume) = std::env::var_os(VOLUME) else { return };
    skipped("running on a small volume");
    let volume = Path::new(&volume);
    let data_dir = volume.join("data");
    // The keys are elsewhere, as in production, and nothing is kept back: somebody else fills the disk.
    let setting = Setting::new();
    let start = || setting.start_in(&data_dir, Box::new(SledLog::open(&data_dir)?));
    let journal = start().expect("there is room to start");
    genesis(&journal);
    let mut acknowledged = 2;
    let failed = loop {
        match wait_for(journal.append(draft_with_body(acknowledged, 30_000, None))) {
            Ok(committed) => acknowledged = committed.leaf.0 + 1,
            Err(failure) => break failure,
        }
    };
    assert!(acknowledged > 20, "it took some");
    assert!(matches!(&failed, AppendFailure::Stopped(_)), "{failed:?}");
    assert!(!journal.is_healthy());
    assert!(matches!(wait_for(journal.append(denied(0))), Err(AppendFailure::Stopped(_))), "for good");
    journal.close();
    drop(journal);
    // To the last byte, and then a start: it may fail, but must leave nothing behind that keeps a later one from it.
    let filler = volume.join("filler");
    fs::write(&filler, vec![0; 4 << 20]).expect_err("there is not so much room");
    let mut failed = 0;
    for _ in 0..3 {
        match start() {
            Ok(journal) => journal.close(),
            Err(_) => failed += 1,
        }
    }
    assert!(failed > 0, "a start writes, and there was no room");
    fs::remove_file(&filler).expect("removed");
    let larger = Command::new("mount").args(["-o", "remount,size=16m"]).arg(volume).status();
    assert!(larger.expect("there is such a command").success());
    let journal = start().unwrap_or_else(|error| panic!("there is room again: {error:?}"));
    let size = journal.read(|state| state.tree().size());
    assert!(size == acknowledged || size == acknowledged + 1, "{size} entries, {acknowledged} acknowledged");
    for leaf in 2..acknowledged {
        let body = wait_for(journal.bodies(vec![LeafIndex(leaf)])).expect("read").remove(0);
        assert_eq!(body.expect("it is there").body.classified.len(), 30_000);
    }
    assert_eq!(append(&journal, draft(7)).leaf, LeafIndex(size), "and it goes on");
    journal.close();
}
