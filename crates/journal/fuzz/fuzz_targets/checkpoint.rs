//! Checkpoints: what is read prints back as the beginning of the same text.
#![no_main]

use causeway_journal::{Checkpoint, MAX_TREE_SIZE};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        assert!(text.starts_with(&checkpoint.to_string()));
        assert!(checkpoint.size <= MAX_TREE_SIZE);
    }
});
