//! Settings files: read, or refused with every fault on a line of its own.
#![no_main]

use std::path::Path;

use causeway_gateway::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(faults) = Config::parse(text, Path::new("/nowhere")) {
        assert!(!faults.is_empty() && faults.iter().all(|fault| !fault.is_empty()));
    }
});
