//! Certificates in PEM, as an agency's bundle or a peer brings them.
#![no_main]

use causeway_gateway::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|pem: &[u8]| fuzzing::certificates(pem));
