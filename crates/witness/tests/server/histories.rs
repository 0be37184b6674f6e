//! Two histories of one log: only one of them is ever cosigned, and the other one is kept as evidence.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use causeway_crypto::SigningKey;
use causeway_journal::{Checkpoint, verify_cosignature};

use crate::client;
use crate::fake_log::{FakeLog, ORIGIN};
use crate::harness::{Place, Running, hex};

fn evidence(place: &Place) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(place.config.state_dir.join("evidence")) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    files.sort();
    files
}

#[test]
fn a_second_history_of_one_size_is_refused_and_both_notes_are_kept() {
    let (log, other) = (FakeLog::new("a"), FakeLog::new("b"));
    let place = Place::for_log(&log);
    let witness = place.start();
    assert_eq!(witness.add(&log, 0, 5).status, 200);
    for old in [5, 0] {
        let reply = witness.add(&other, old, 5);
        assert_eq!((reply.status, reply.body.as_str()), (409, "5\n"), "{reply:?}");
    }
    let files = evidence(&place);
    let name = |end| place.config.state_dir.join("evidence").join(format!("{}-5-{end}.note", hex(ORIGIN)));
    assert_eq!(files, [name('a'), name('b')]);
    let key = log.verifier();
    let of = |file: &PathBuf| fs::read_to_string(file).expect("a text");
    let checkpoints: Vec<Checkpoint> = files
        .iter()
        .map(|file| causeway_journal::verify_checkpoint(&of(file), &key, ORIGIN).expect("signed by the log"))
        .collect();
    assert_eq!(checkpoints, [log.checkpoint(5), other.checkpoint(5)], "two roots of one size, both signed by the log");
    assert!(verify_cosignature(&of(&files[0]), &witness.verifier).expect("a note").is_some());
    assert!(verify_cosignature(&of(&files[1]), &witness.verifier).expect("a note").is_none());
    assert_eq!(witness.add(&log, 5, 9).status, 200, "the first history goes on");
    witness.stop();
}

#[test]
fn a_second_history_that_has_grown_is_refused_by_its_proof_and_kept_until_there_is_better() {
    let (log, other) = (FakeLog::new("a"), FakeLog::new("b"));
    let place = Place::for_log(&log);
    let witness = place.start();
    assert_eq!(witness.add(&log, 0, 5).status, 200);
    let refused = witness.add(&other, 5, 8);
    assert_eq!(refused.status, 422, "{refused:?}");
    assert_eq!(evidence(&place).len(), 2);
    let kept = fs::read_to_string(&evidence(&place)[1]).expect("a text");
    assert_eq!(kept, other.checkpoint(8).sign(&other.key));

    // The log goes on past it: that is no answer.
    assert_eq!(witness.add(&log, 5, 7).status, 200);
    assert_eq!(evidence(&place).len(), 2);
    assert_eq!(witness.add(&log, 7, 8).status, 200);
    let held = fs::read_to_string(&evidence(&place)[0]).expect("a text");
    assert!(held.starts_with(&log.checkpoint(8).to_string()), "proof takes the place of suspicion: {held}");
    assert_eq!(fs::read_to_string(&evidence(&place)[1]).expect("a text"), kept);
    assert_eq!(witness.add(&other, 8, 8).status, 409);
    assert_eq!(evidence(&place).len(), 2);
    witness.stop();
}

/// Offers a checkpoint of the log with a wrong proof, as anybody can.
fn offer_with_a_wrong_proof(witness: &Running, log: &FakeLog, held: usize, size: usize) {
    let mut request = log.request(held, size);
    request.proof.reverse();
    request.proof.push(log.checkpoint(1).root);
    assert_eq!(client::add(witness.address, &request.to_string()).status, 422);
}

/// Makes all evidence look as old as the number in its place says, the first the oldest.
fn let_it_age(place: &Place) {
    let files = evidence(place).into_iter().zip(0..);
    for (file, number) in files {
        let file = fs::File::options().write(true).open(file).expect("opens");
        let written = file.metadata().and_then(|about| about.modified()).expect("known");
        file.set_modified(written - Duration::from_secs(10_000 - number)).expect("set");
    }
}

#[test]
fn wrong_proofs_neither_fill_the_folder_for_ever_nor_drive_out_proof() {
    let (log, other) = (FakeLog::new("a"), FakeLog::new("b"));
    let place = Place::for_log(&log);
    let witness = place.start();
    assert_eq!(witness.add(&log, 0, 10).status, 200);
    assert_eq!(witness.add(&other, 10, 10).status, 409);
    for size in 11..62 {
        offer_with_a_wrong_proof(&witness, &log, 10, size);
    }
    assert_eq!(evidence(&place).len(), 2 * 33, "the proof, and so many that prove nothing");
    // What comes later is kept all the same, in the place of the oldest, and never in that of proof.
    let_it_age(&place);
    let before = evidence(&place);
    assert_eq!(witness.add(&other, 10, 62).status, 422);
    let after = evidence(&place);
    assert_eq!(after.len(), 2 * 33);
    assert_eq!(before[..2], after[..2], "the proof");
    let gone: Vec<_> = before.iter().filter(|file| !after.contains(file)).collect();
    assert_eq!(gone, [&before[2], &before[3]], "the oldest");
    let kept = fs::read_to_string(after.last().expect("kept")).expect("a text");
    assert_eq!(kept, other.checkpoint(62).sign(&other.key));
    assert_eq!(witness.add(&other, 10, 63).status, 422);
    assert_eq!(evidence(&place), after, "but not so soon after the one before");
    witness.stop();
}

#[test]
fn a_wrong_proof_is_no_evidence_once_its_checkpoint_is_cosigned() {
    let log = FakeLog::new("a");
    let place = Place::for_log(&log);
    let witness = place.start();
    assert_eq!(witness.add(&log, 0, 5).status, 200);
    for size in 6..40 {
        offer_with_a_wrong_proof(&witness, &log, size - 1, size);
        assert_eq!(evidence(&place).len(), 2);
        assert_eq!(witness.add(&log, size - 1, size).status, 200);
        assert_eq!(evidence(&place).len(), 0, "{size}");
    }
    witness.stop();
}

#[test]
fn nobody_else_makes_evidence_and_wrong_proofs_leave_room_for_it() {
    let (log, other) = (FakeLog::new("a"), FakeLog::new("b"));
    let place = Place::for_log(&log);
    let witness = place.start();
    assert_eq!(witness.add(&log, 0, 5).status, 200);
    // Signed by another key, and by none.
    let stranger = FakeLog::named(ORIGIN, "b", SigningKey::generate());
    assert_eq!(witness.add(&stranger, 5, 5).status, 403);
    assert_eq!(evidence(&place).len(), 0);
    for size in 6..60 {
        offer_with_a_wrong_proof(&witness, &log, 5, size);
    }
    assert_eq!(evidence(&place).len(), 2 * 32, "bounded");
    assert_eq!(witness.add(&log, 5, 60).status, 200);
    assert_eq!(witness.add(&other, 60, 60).status, 409);
    assert_eq!(evidence(&place).len(), 2 * 33, "there is room for proof");
    witness.stop();
}

#[test]
fn concurrent_requests_never_get_two_roots_of_one_size() {
    let place = Place::for_log(&FakeLog::new("a"));
    let witness = place.start();
    let (log, other) = (FakeLog::new("a"), FakeLog::new("b"));
    let mut held = 0;
    for new in [1, 2, 3, 7, 8, 20] {
        let statuses: Vec<(bool, u16, String)> = thread::scope(|scope| {
            let ask = |number: usize| {
                let (witness, is_first) = (&witness, number.is_multiple_of(2));
                let history = if is_first { &log } else { &other };
                scope.spawn(move || {
                    let reply = witness.add(history, held, new);
                    (is_first, reply.status, reply.body)
                })
            };
            let asked: Vec<_> = (0..16).map(ask).collect();
            asked.into_iter().map(|thread| thread.join().expect("answered")).collect()
        });
        let signed: Vec<bool> = statuses.iter().filter(|(_, status, _)| *status == 200).map(|(of, ..)| *of).collect();
        assert_eq!(signed.len(), 1, "size {new}: {statuses:?}");
        assert!(statuses.iter().all(|(_, status, body)| *status == 200 || !body.contains('—')), "{statuses:?}");
        held = new;
        // What is held decides which history can go on.
        let shown = witness.shown(ORIGIN).body;
        let of_first = shown.starts_with(&log.checkpoint(new).to_string());
        assert_eq!(signed, [of_first]);
    }
    witness.stop();
}
