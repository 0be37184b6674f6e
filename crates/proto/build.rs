//! Compiles `proto/causeway/v1` and `proto/causeway/node/v1` with protox, so that no `protoc` is needed, and keeps the descriptor set of the
//! first for reflection.

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

/// What nodes say to each other: at an address of its own, and in no reflection.
const NODE_FILES: [&str; 2] = ["causeway/node/v1/page_keys.proto", "causeway/node/v1/releaser.proto"];

/// Its messages that hold keys print nothing of them: what is generated for them is written by hand.
const SECRET: [&str; 3] =
    [".causeway.node.v1.PageKey", ".causeway.node.v1.PutKeysRequest", ".causeway.node.v1.FetchKeysResponse"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let descriptors = protox::compile(FILES, [&root])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    tonic_prost_build::configure().skip_debug(SECRET).compile_fds(protox::compile(NODE_FILES, [&root])?)?;
    Ok(())
}
