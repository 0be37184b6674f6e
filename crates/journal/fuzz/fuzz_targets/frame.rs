//! Frames: what is read prints back as the same bytes; what is applied was read, and leaves a state that was checked.
#![no_main]

use causeway_journal::{State, apply, check, decode_frame, encode_frame};
use causeway_model::FrameSeq;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let read = decode_frame(bytes);
    if let Ok(frame) = &read {
        assert_eq!(encode_frame(frame).expect("it was read"), bytes);
    }
    let mut state = State::new();
    let checked = check(&state, FrameSeq(1), bytes).is_ok();
    let applied = apply(&mut state, FrameSeq(1), bytes).is_ok();
    assert_eq!(checked, applied);
    assert!(read.is_ok() || !applied);
});
