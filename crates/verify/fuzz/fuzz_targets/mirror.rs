//! Mirrored bundles and their notes: read, applied again or refused.
//!
//! The first two bytes are how many entries there are (one byte, and one more) and how many 256ths of the rest are the bundle.
#![no_main]

use causeway_verify::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(([width, cut], rest)) = input.split_first_chunk::<2>() else { return };
    let (bundle, notes) = rest.split_at(rest.len() * usize::from(*cut) / 256);
    let _ = fuzzing::first_bundle(u16::from(*width) + 1, bundle, notes);
});
