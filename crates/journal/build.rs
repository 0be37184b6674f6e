//! Generates the prost types of causeway.journal.v1, without a system protoc.

use std::error::Error;

/// These hold secrets or payloads: their `Debug` is written by hand in `src/v1.rs` and prints sizes only.
const NOT_PRINTED: [&str; 4] = [
    ".causeway.journal.v1.Openings",
    ".causeway.journal.v1.Shrouded",
    ".causeway.journal.v1.Body",
    ".causeway.journal.v1.SealedBody",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=../../proto/causeway/journal/v1/journal.proto");
    let descriptors = protox::compile(["causeway/journal/v1/journal.proto"], ["../../proto"])?;
    prost_build::Config::new().skip_debug(NOT_PRINTED).compile_fds(descriptors)?;
    Ok(())
}
