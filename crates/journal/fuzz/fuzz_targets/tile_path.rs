//! Paths of tiles and bundles: what is read prints back as the same text.
#![no_main]

use causeway_journal::TilePath;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(path) = TilePath::parse(text) {
        assert_eq!(path.to_string(), text);
    }
});
