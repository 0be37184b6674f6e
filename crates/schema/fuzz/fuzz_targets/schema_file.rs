//! Schema files and code lists: whatever is proposed compiles or is refused in words, and what compiles reads records.
#![no_main]

use causeway_schema::{Schemas, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (file, list) = text.split_once('\u{0}').unwrap_or((text, ""));
    let id = "victim-profile/1.0".parse().expect("a kind and a version");
    let lists: &[&str] = if list.is_empty() { &[] } else { &[list] };
    match Schemas::compile(&[(id, file)], lists) {
        Ok(schemas) => {
            let schema = schemas.get(id).expect("it was compiled");
            let record = parse(b"{\"given_name\":\"A\",\"nationalities\":[\"AL\"]}").expect("JSON");
            if schema.validate(&record, "2026-11-21".parse().expect("a date")).is_empty() {
                schema.facts(&schema.split(&record, &|_, _| [7; 32]).classified);
            }
        }
        Err(faults) => assert!(!faults.is_empty()),
    }
});
