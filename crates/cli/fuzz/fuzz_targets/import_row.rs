//! Rows of somebody else's table or JSON: each becomes a document with its own submission id, or is refused by rules that hold no
//! value of it; counting rows and reading them agree.
//!
//! The first byte chooses the map.
#![no_main]

use std::path::Path;

use causeway_cli::import::ImportMap;
use libfuzzer_sys::fuzz_target;

const MAPS: [&str; 2] = [include_str!("../maps/table.toml"), include_str!("../maps/objects.toml")];

fuzz_target!(|input: &[u8]| {
    let Some((choice, source)) = input.split_first() else { return };
    let map = || {
        let text = MAPS[usize::from(choice % 2)];
        ImportMap::parse(text, Path::new("/nowhere")).unwrap_or_else(|faults| panic!("{faults:?}"))
    };
    let counted = map().count(source);
    let Ok(rows) = map().rows(source) else {
        assert!(counted.is_err());
        return;
    };
    let mut read = 0;
    for row in rows {
        read += 1;
        assert_eq!(row.number, read);
        match row.result {
            Ok(mapped) => {
                let document: serde_json::Value = serde_json::from_slice(&mapped.document).expect("a document is JSON");
                assert!(document.is_object() && mapped.document.len() < 1 << 20);
            }
            Err(rejects) => assert!(!rejects.is_empty() && rejects.iter().all(|reject| !reject.rule.is_empty())),
        }
    }
    assert_eq!(counted, Ok(read));
});
