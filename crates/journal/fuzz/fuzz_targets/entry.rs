//! Entries: what is read prints back as the same bytes.
#![no_main]

use causeway_journal::{decode_entry, encode_entry};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(entry) = decode_entry(bytes) {
        assert_eq!(encode_entry(&entry).expect("it was read"), bytes);
    }
});
