//! Compiles `proto/causeway/v1` with protox, so that no `protoc` is needed, and keeps the descriptor set for reflection.

use std::path::PathBuf;

use prost::Message;

const FILES: [&str; 6] = [
    "causeway/v1/record.proto",
    "causeway/v1/ingest.proto",
    "causeway/v1/feed.proto",
    "causeway/v1/audit.proto",
    "causeway/v1/protection.proto",
    "causeway/v1/admin.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let descriptors = protox::compile(FILES, [&root])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
