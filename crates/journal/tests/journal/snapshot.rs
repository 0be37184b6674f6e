//! A state that was saved and is loaded is the one that the same frames make. What every other test here appends is held to that too
//! (`Log::append`).

use causeway_crypto::sha256;
use causeway_journal::{SNAPSHOT_VERSION, State, apply};
use causeway_model::FrameSeq;

use crate::log::{Log, saved, saved_and_loaded};
use crate::replay::grown;

fn replayed(log: &Log, frames: usize) -> State {
    let mut state = State::new();
    for (seq, frame) in (1..).map(FrameSeq).zip(&log.frames[..frames]) {
        apply(&mut state, seq, frame).expect("it was applied before");
    }
    state
}

#[test]
fn a_state_loaded_after_any_frame_goes_on_to_the_same_state() {
    let log = grown(20, 150);
    let mut state = State::new();
    for (seq, frame) in (1..).map(FrameSeq).zip(&log.frames) {
        state = saved_and_loaded(&state);
        apply(&mut state, seq, frame).expect("it was applied before");
    }
    assert_eq!(state.tree().root(), log.state.tree().root());
    assert_eq!(format!("{state:?}"), format!("{:?}", log.state));
}

#[test]
fn a_snapshot_stays_as_it_was_while_the_state_goes_on() {
    let log = grown(30, 200);
    let mut state = State::new();
    let mut taken = Vec::new();
    for (seq, frame) in (1..).map(FrameSeq).zip(&log.frames) {
        taken.push(state.snapshot());
        apply(&mut state, seq, frame).expect("it was applied before");
    }
    for frames in [0, 1, 9, 60, 199] {
        let loaded = State::load(&mut saved(&taken[frames]).as_slice()).expect("loaded");
        assert_eq!(format!("{loaded:?}"), format!("{:?}", replayed(&log, frames)), "after {frames} frames");
        assert_eq!(taken[frames].head(), loaded.head());
    }
}

#[test]
fn the_state_of_no_frame_is_saved_too() {
    assert_eq!(format!("{:?}", saved_and_loaded(&State::new())), format!("{:?}", State::new()));
}

#[test]
fn bytes_that_end_too_early_are_no_state() {
    let bytes = saved(&grown(31, 30).state.snapshot());
    for length in (0..bytes.len()).step_by(7) {
        assert!(State::load(&mut &bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
    }
}

/// Where this fails, the bytes are others than those that a gateway of before has kept: [`SNAPSHOT_VERSION`] takes its next number, and
/// this test the new digest.
#[test]
fn the_bytes_are_those_of_their_version() {
    let digest = sha256(&[&saved(&grown(1, 60).state.snapshot())]);
    let begins = digest.0[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!((SNAPSHOT_VERSION, begins.as_str()), (1, "8c8f80e0d11dfc88"));
}
