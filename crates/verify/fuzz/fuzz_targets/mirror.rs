//! Mirrored bundles and their notes: read, applied again or refused.
//!
//! The first byte is how many entries there are, and one more; the next two are the length of the bundle.
#![no_main]

use causeway_verify::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(([width, high, low], rest)) = input.split_first_chunk::<3>() else { return };
    let (bundle, notes) = rest.split_at(rest.len().min(u16::from_be_bytes([*high, *low]).into()));
    let _ = fuzzing::first_bundle(u16::from(*width) + 1, bundle, notes);
});
