//! Map files: read, or refused with every fault; one that is read takes a table.
#![no_main]

use std::path::Path;

use causeway_cli::import::ImportMap;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match ImportMap::parse(text, Path::new("/nowhere")) {
        Ok(map) => {
            if let Ok(rows) = map.rows(b"a,b\n1,2\n".as_slice()) {
                rows.for_each(drop);
            }
        }
        Err(faults) => assert!(!faults.is_empty()),
    }
});
