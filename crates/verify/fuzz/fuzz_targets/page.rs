//! Kept pages: whatever a partner's folder holds is refused in words, and what holds has no more fields than a page can have.
#![no_main]

use causeway_verify::{Trust, fuzzing, is_bounded_page};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if fuzzing::page(bytes, &Trust::default()).is_ok() {
        assert!(is_bounded_page(bytes));
    }
});
