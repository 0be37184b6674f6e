//! What the witness holds outlives it, and no signature leaves before it is on disk.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use causeway_crypto::SigningKey;

use crate::client;
use crate::fake_log::{FakeLog, ORIGIN};
use crate::harness::{NOW, Place, hex};

#[test]
fn a_restart_keeps_what_is_held_and_shows_it_to_monitors() {
    let log = FakeLog::new("a");
    let place = Place::for_log(&log);
    let witness = place.start();
    assert_eq!(witness.shown(ORIGIN).status, 404, "nothing is held yet");
    assert_eq!(witness.add(&log, 0, 4).status, 200);
    let shown = witness.shown(ORIGIN);
    assert_eq!(shown.status, 200);
    assert_eq!(causeway_journal::verify_checkpoint(&shown.body, &log.verifier(), ORIGIN), Ok(log.checkpoint(4)));
    witness.stop();

    let witness = place.start();
    assert_eq!(witness.shown(ORIGIN).body, shown.body, "the very note");
    assert_eq!(fs::read_to_string(place.file(ORIGIN)).expect("a text"), shown.body);
    let refused = witness.add(&log, 0, 6);
    assert_eq!((refused.status, refused.body.as_str()), (409, "4\n"));
    assert_eq!(witness.add(&log, 4, 6).status, 200);
    assert_eq!(witness.shown("other.example").status, 404);
    witness.stop();
}

#[test]
fn the_same_request_again_is_cosigned_again_as_after_an_answer_that_was_lost() {
    let log = FakeLog::new("a");
    let place = Place::for_log(&log);
    let witness = place.start();
    assert_eq!(witness.add(&log, 0, 4).status, 200);
    place.set_clock(NOW + 5);
    let again = witness.add(&log, 4, 4);
    assert_eq!(witness.time_of(&again, &log, 4), NOW + 5);
    witness.stop();
}

#[test]
fn times_of_cosignatures_do_not_go_back() {
    let (log, other) = (FakeLog::new("a"), FakeLog::named("other.example", "a", SigningKey::generate()));
    let place = Place::for_keys(&[&[log.verifier()], &[other.verifier()]]);
    let witness = place.start();
    assert_eq!(witness.time_of(&witness.add(&log, 0, 1), &log, 1), NOW);
    place.set_clock(NOW - 1000);
    assert_eq!(witness.time_of(&witness.add(&log, 1, 2), &log, 2), NOW);
    witness.stop();
    let witness = place.start();
    assert_eq!(witness.time_of(&witness.add(&log, 2, 3), &log, 3), NOW, "after a restart");
    assert_eq!(witness.time_of(&witness.add(&other, 0, 1), &other, 1), NOW, "nor of another log");
    place.set_clock(NOW + 1);
    assert_eq!(witness.time_of(&witness.add(&log, 3, 4), &log, 4), NOW + 1);
    witness.stop();
}

#[test]
fn what_a_kill_before_the_rename_leaves_behind_is_harmless() {
    let log = FakeLog::new("a");
    let place = Place::for_log(&log);
    let witness = place.start();
    assert_eq!(witness.add(&log, 0, 4).status, 200);
    let held = fs::read(place.file(ORIGIN)).expect("there");
    assert_eq!(witness.add(&log, 4, 6).status, 200);
    let next = fs::read(place.file(ORIGIN)).expect("there");
    witness.stop();
    let beside = place.config.state_dir.join(hex(ORIGIN) + ".new");
    for leftover in [&next[..], &next[..next.len() / 2], b""] {
        fs::write(place.file(ORIGIN), &held).expect("written");
        fs::write(&beside, leftover).expect("written");
        let witness = place.start();
        assert_eq!(witness.add(&log, 0, 9).body, "4\n", "the rename had not happened");
        assert_eq!(witness.add(&log, 4, 6).status, 200);
        assert!(!beside.exists());
        witness.stop();
    }
}

#[test]
fn a_full_disk_lets_no_signature_out_and_forgets_nothing() {
    if !Path::new("/dev/full").exists() {
        return eprintln!("skipped: there is no /dev/full");
    }
    let log = FakeLog::new("a");
    let place = Place::for_log(&log);
    let witness = place.start();
    assert_eq!(witness.add(&log, 0, 4).status, 200);
    let held = fs::read(place.file(ORIGIN)).expect("there");
    let beside = place.config.state_dir.join(hex(ORIGIN) + ".new");
    symlink("/dev/full", &beside).expect("linked");
    for _ in 0..2 {
        let refused = witness.add(&log, 4, 6);
        assert_eq!(refused.status, 500, "{refused:?}");
        assert!(!refused.body.contains('—'), "{refused:?}");
    }
    assert_eq!(fs::read(place.file(ORIGIN)).expect("there"), held);
    assert_eq!(witness.add(&log, 4, 4).status, 200, "what is on disk to the second needs no writing");
    place.set_clock(NOW + 1);
    assert_eq!(witness.add(&log, 4, 4).status, 500);
    assert_eq!(witness.shown(ORIGIN).body.as_bytes(), held);
    fs::remove_file(&beside).expect("removed");
    assert_eq!(witness.add(&log, 4, 6).status, 200, "once there is room again");
    witness.stop();
}

#[test]
fn a_write_that_failed_and_yet_happened_is_found_before_anything_else_is_signed() {
    let (log, other) = (FakeLog::new("a"), FakeLog::new("b"));
    let place = Place::for_log(&log);
    let witness = place.start();
    // The log's file takes its place, and the register, which comes after it, cannot be written.
    let blocked = place.config.state_dir.join("register.new");
    fs::create_dir(&blocked).expect("made");
    assert_eq!(witness.add(&log, 0, 4).status, 500);
    for (history, old) in [(&other, 0), (&log, 0), (&log, 4)] {
        assert_eq!(witness.add(history, old, 4).status, 500, "nothing can be signed for");
    }
    assert_eq!(witness.shown(ORIGIN).status, 500, "nor shown");
    fs::remove_dir(&blocked).expect("removed");
    let refused = witness.add(&other, 0, 4);
    assert_eq!((refused.status, refused.body.as_str()), (409, "4\n"), "the first of the two is on disk");
    assert_eq!(witness.add(&log, 4, 4).status, 200);
    fs::remove_file(place.file(ORIGIN)).expect("removed");
    witness.stop();
    assert!(place.faults()[0].contains("is not there"), "it is in the register");
}

#[test]
fn a_file_that_goes_missing_while_the_witness_runs_is_no_new_beginning() {
    let (log, other) = (FakeLog::new("a"), FakeLog::new("b"));
    let place = Place::for_log(&log);
    let witness = place.start();
    assert_eq!(witness.add(&log, 0, 4).status, 200);
    fs::remove_file(place.file(ORIGIN)).expect("removed");
    fs::create_dir(place.file(ORIGIN)).expect("made");
    assert_eq!(witness.add(&log, 4, 6).status, 500, "it cannot take its place");
    fs::remove_dir(place.file(ORIGIN)).expect("removed");
    // The write that failed made it unsure of what is held, and now there is nothing.
    assert_eq!(client::add(witness.address, &other.request(0, 4).to_string()).status, 500);
    assert_eq!(witness.shown(ORIGIN).status, 500);
    witness.stop();
}

#[test]
fn only_the_logs_own_signatures_are_kept_of_what_is_offered() {
    let log = FakeLog::new("a");
    let place = Place::for_log(&log);
    let witness = place.start();
    let mut request = log.request(0, 4);
    let stranger = SigningKey::generate();
    for number in 0..60 {
        let signed = log.checkpoint(4).sign(&stranger);
        let line = signed.lines().last().expect("a line").replace(ORIGIN, &format!("stranger-{number}"));
        request.checkpoint += &format!("{line}\n");
    }
    assert_eq!(client::add(witness.address, &request.to_string()).status, 200);
    let shown = witness.shown(ORIGIN).body;
    assert_eq!(shown.matches('—').count(), 2, "{shown}");
    witness.stop();
    place.start().stop();
}
