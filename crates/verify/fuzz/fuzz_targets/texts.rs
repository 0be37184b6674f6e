//! What is read as text: consistency files, which read back as the same text, and what is shown of others' texts on a terminal.
#![no_main]

use causeway_verify::{ConsistencyFile, hex, plain};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(file) = ConsistencyFile::parse(text) {
        assert_eq!(file.to_string(), text);
    }
    if let Some(bytes) = hex::unhex(text) {
        assert_eq!(hex::hex(&bytes), text);
    }
    assert!(!plain::plain(text).chars().any(char::is_control));
    assert!(!plain::plain_json(text).chars().any(char::is_control));
});
