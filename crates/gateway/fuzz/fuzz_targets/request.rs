//! Requests, from bytes to what a use case is given: nothing panics, and no refusal says anything of the request.
//!
//! The first byte chooses the kind of request.
#![no_main]

use causeway_gateway::fuzzing;
use libfuzzer_sys::fuzz_target;

/// Long enough that no message of ours holds it by chance.
const TOLD: usize = 12;

fuzz_target!(|input: &[u8]| {
    let Some((choice, bytes)) = input.split_first() else { return };
    let Some(Err(message)) = fuzzing::request(choice % fuzzing::REQUESTS, bytes) else { return };
    assert!(!message.is_empty() && !message.chars().any(char::is_control));
    // Words that a message lists are ours: what is looked for is what is in the request and in no message.
    let mut foreign = bytes.windows(TOLD).filter(|part| part.iter().any(|byte| !byte.is_ascii_lowercase()));
    let told = foreign.find(|part| {
        let ours = part.iter().all(|byte| byte.is_ascii_lowercase() || b" ,.-_\"".contains(byte));
        !ours && message.as_bytes().windows(TOLD).any(|said| said == *part)
    });
    assert!(told.is_none(), "a refusal repeats the request: {message}");
});
