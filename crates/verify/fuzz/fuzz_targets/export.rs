//! Exports: every line is checked or refused; without a key nobody vouches for what holds.
#![no_main]

use causeway_verify::{Trust, export};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(exported) = export(bytes, &Trust::default()) {
        assert!(exported.vouched.is_none_or(|vouched| vouched.signers.is_empty()));
        assert_eq!(exported.rows == 0, exported.leaves.is_none());
    }
});
