//! Proof files: what is read prints back as the same text.
#![no_main]

use causeway_journal::ProofFile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(file) = ProofFile::parse(text) {
        assert_eq!(file.to_string(), text);
    }
});
