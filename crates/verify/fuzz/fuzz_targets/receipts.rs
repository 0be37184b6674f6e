//! Files of receipts and single proof files: each is refused or proves an entry that reads back as the same bytes.
#![no_main]

use causeway_journal::encode_entry;
use causeway_verify::{Included, Trust, entry_fields, included_in_file, receipts};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let trust = Trust::default();
    let holds = |included: Included| {
        assert!(included.index.0 < included.vouched.checkpoint.size);
        let bytes = encode_entry(&included.entry).expect("it was read");
        assert_eq!(causeway_journal::leaf_hash(&bytes), included.leaf_hash);
        assert!(!entry_fields(&included.entry).is_empty());
    };
    let _ = receipts(bytes, &trust, |_, receipt| {
        let _ = receipt.map(holds);
    });
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = included_in_file(text, &trust).map(holds);
    }
});
