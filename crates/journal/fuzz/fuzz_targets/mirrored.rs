//! Mirrored entries: what is read applies or is refused, and a refusal changes nothing.
//!
//! The first byte is the rules version; each entry then stands behind two lengths of two bytes, its own and its text's.
#![no_main]

use causeway_journal::{MirroredEntry, State, apply_mirrored};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((rules, mut rest)) = input.split_first() else { return };
    let mut entries = Vec::new();
    while let Some(([a, b, c, d], after)) = rest.split_first_chunk::<4>() {
        let (of_entry, of_text) = (u16::from_be_bytes([*a, *b]).into(), u16::from_be_bytes([*c, *d]).into());
        let Some((entry, after)) = after.split_at_checked(of_entry) else { break };
        let Some((text, after)) = after.split_at_checked(of_text) else { break };
        rest = after;
        match MirroredEntry::read(entry, text.to_vec()) {
            Ok(entry) => entries.push(entry),
            Err(_) => return,
        }
    }
    let mut state = State::new();
    match apply_mirrored(&mut state, u32::from(*rules), &entries) {
        Ok(applied) => {
            assert_eq!(applied.outcomes.len(), entries.len());
            assert_eq!((state.tree().size(), state.tree().root()), (applied.size, applied.root));
        }
        Err(_) => assert_eq!(format!("{state:?}"), format!("{:?}", State::new())),
    }
});
