//! What a call states beside its request, identities and paths: each has one spelling, and what is refused is not repeated.
#![no_main]

use causeway_gateway::fuzzing;
use causeway_gateway::identity::SpiffeId;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let cut = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (purpose, operator) = bytes.split_at(cut);
    if let Err(message) = fuzzing::statement(purpose, operator.get(1..).unwrap_or_default()) {
        assert!(!message.chars().any(char::is_control));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(id) = text.parse::<SpiffeId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Some(path) = fuzzing::log_file(text) {
        assert_eq!(path, text);
    }
});
