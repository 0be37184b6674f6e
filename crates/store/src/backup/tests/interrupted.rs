//! A backup that is stopped at every step of its writing, and one of which bytes are lost.

use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::steps::with_at_most;

#[test]
fn wherever_a_backup_is_stopped_the_next_run_goes_on_and_all_of_it_is_there() {
    let setting = Setting::new();
    let journal = setting.begin(24);
    let mut stops = 0;
    for steps in 0.. {
        let backup = setting.at(&format!("backup-{steps}"));
        let (made, _) = with_at_most(steps, || setting.back_up(&journal, &backup));
        if made.is_ok() {
            break;
        }
        stops += 1;
        let kept = BackupFolder::open(&backup).expect("what is there is whole").newest().map_or(0, BackupPlace::part);
        let ended = setting.back_up(&journal, &backup).expect("gone on with");
        assert!(ended.is_complete() && ended.entries() == 26 && ended.part() > kept, "{steps}: {ended:?}");
        let left: Vec<_> =
            fs::read_dir(&backup).expect("listed").map(|entry| entry.expect("one").file_name()).collect();
        assert_eq!(left.len() as u64, ended.part() + 1, "the parts and the lock: {left:?}");
        // Each is a journal by itself; every one of them restored would take long.
        if steps % 4 == 1 {
            let restored = setting.restore(&backup, &setting.at(&format!("restored-{steps}"))).expect("restored");
            assert_eq!((restored.entries, restored.bodies), (26, 24), "{steps}");
        }
    }
    assert!(stops > 12, "{stops}: several parts of six steps each");
    journal.close();
}

#[test]
fn a_backup_that_was_never_ended_is_none_and_one_that_was_interrupted_is_that_of_the_run_before() {
    let setting = Setting::new();
    let (backup, to) = (setting.at("backup"), setting.at("restored"));
    let journal = setting.begin(24);
    let (stopped, _) = with_at_most(14, || setting.back_up(&journal, &backup));
    stopped.expect_err("stopped");
    let refused = setting.restore(&backup, &to).expect_err("never ended").to_string();
    assert!(refused.contains("run `causeway backup` again"), "{refused}");
    setting.back_up(&journal, &backup).expect("ended");
    append(&journal, 24);
    let (stopped, _) = with_at_most(14, || setting.back_up(&journal, &backup));
    stopped.expect_err("stopped");
    // What an interrupted restore has left is in nobody's way.
    fs::create_dir(setting.at("restored.restoring")).expect("made");
    fs::write(setting.at("restored.restoring/format"), "causeway journal 2\n").expect("written");
    let restored = setting.restore(&backup, &to).expect("the run before");
    assert!(restored.entries == 26 && restored.unused_parts > 0, "{restored:?}");
    // What is not a restore is.
    fs::create_dir(setting.at("other.restoring")).expect("made");
    fs::write(setting.at("other.restoring/diary"), "").expect("written");
    let refused = setting.restore(&backup, &setting.at("other")).expect_err("in the way").to_string();
    assert!(refused.contains("is in the way"), "{refused}");
    journal.close();
}

#[test]
fn what_is_lost_of_a_backup_or_changed_on_its_volume_is_found_and_nothing_is_put_in_place() {
    let setting = Setting::new();
    let (backup, to) = (setting.at("backup"), setting.at("restored"));
    let journal = setting.begin(24);
    let parts = setting.back_up(&journal, &backup).expect("made").part();
    journal.close();
    let name = |part: u64| format!("part-{part:08}");
    let whole: Vec<Vec<u8>> = (1..=parts).map(|part| fs::read(backup.join(name(part))).expect("read")).collect();
    let put = |part: u64, bytes: &[u8]| fs::write(backup.join(name(part)), bytes).expect("written");
    let refused = |what: &str| {
        setting.restore(&backup, &to).map(drop).expect_err(what);
        assert!(!to.exists() && !setting.at("restored.restoring").exists(), "{what}");
    };
    for (part, bytes) in (1..).zip(&whole) {
        // The header, the encapsulation, the first chunk, the last byte.
        for at in [0, 20, 60, 100, 130, 160, 1_000, 1_300, bytes.len() - 1] {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            put(part, &altered);
            refused(&format!("byte {at} of part {part}"));
        }
        put(part, &bytes[..bytes.len() - 1]);
        refused("cut off");
        put(part, &[bytes.as_slice(), &[0]].concat());
        refused("longer");
        if part < parts {
            fs::remove_file(backup.join(name(part))).expect("removed");
            refused("one is missing");
            put(part, &whole[usize::try_from(part).expect("small")]);
            refused("another in its place");
        }
        put(part, bytes);
    }
    setting.restore(&backup, &to).expect("and as it was, it holds");
}

#[test]
fn a_volume_without_room_is_said_and_the_backup_goes_on_once_there_is() {
    let setting = Setting::new();
    let backup = setting.at("backup");
    let journal = setting.begin(24);
    let mut run = wait_for(journal.backup(None, setting.recipient.public_key())).expect("begun");
    run.part_bytes = PART_BYTES;
    let mut folder = BackupFolder::open(&backup).expect("opened");
    for number in 1..3 {
        let part = wait_for(run.next()).expect("made").expect("a part");
        let unfinished = backup.join(format!("part-{number:08}.new"));
        // What is written there meets a full disk.
        symlink("/dev/full", &unfinished).expect("linked");
        let full = folder.begin(&part.header).expect_err("full");
        assert!(matches!(full, StoreError::VolumeFull { .. }) && full.to_string().contains("no more room"), "{full}");
        assert!(!unfinished.exists(), "nothing half written takes the room");
        folder.begin(&part.header).expect("there is room again");
        assert!(folder.write(&part.sealed).expect("written"));
    }
    drop(folder);
    assert!(setting.back_up(&journal, &backup).expect("gone on with").part() > 2);
    setting.restore(&backup, &setting.at("restored")).expect("it holds");
    journal.close();
}
