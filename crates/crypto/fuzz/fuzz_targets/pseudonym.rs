//! Pseudonyms as people type them: one that reads well has one spelling, and no neighbour of it reads well.
#![no_main]

use causeway_crypto::pseudonym_is_well_formed;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if !pseudonym_is_well_formed(text) {
        return;
    }
    assert!(text.is_ascii() && text.len() <= 1 + 10 + 1 + 26 + 1 + 2);
    for at in 0..text.len() {
        let mut changed = text.as_bytes().to_vec();
        changed[at] = if changed[at] == b'2' { b'3' } else { b'2' };
        let changed = String::from_utf8(changed).expect("ASCII");
        assert!(!pseudonym_is_well_formed(&changed), "one character of {text}");
    }
});
