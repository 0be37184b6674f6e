//! The hashes of the Merkle tree (RFC 6962 section 2.1): leaves and nodes are kept apart by their first byte.

use causeway_crypto::{Digest, sha256};

/// The hash of a leaf: SHA-256 of a zero byte and the entry's bytes.
pub fn leaf_hash(entry: &[u8]) -> Digest {
    sha256(&[&[0], entry])
}

/// The hash of a node: SHA-256 of a one byte and its two children.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    sha256(&[&[1], &left.0, &right.0])
}

/// The root of the tree without leaves: SHA-256 of nothing.
pub fn empty_root() -> Digest {
    sha256(&[])
}
