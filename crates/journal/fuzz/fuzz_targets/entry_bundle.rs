//! Entry bundles and tiles: what is read prints back as the same bytes.
#![no_main]

use causeway_journal::tlog_path::{decode_bundle, decode_tile, encode_bundle, encode_tile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, &[u8])| {
    let (width, bytes) = input;
    if let Ok(entries) = decode_bundle(bytes, width) {
        assert_eq!(entries.len(), usize::from(width));
        assert_eq!(encode_bundle(&entries).expect("they were read"), bytes);
    }
    if let Ok(hashes) = decode_tile(bytes, width) {
        assert_eq!(encode_tile(&hashes), bytes);
    }
});
