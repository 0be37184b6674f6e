//! Where an entry is in its frame, and what it has to be: with that, one entry is read without the others of its frame and without a
//! tile of the tree.

use causeway_crypto::Digest;

/// Of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    /// Where its item begins in the bytes of its frame.
    pub(crate) offset: u32,
    /// Its leaf hash in the tree.
    pub(crate) leaf_hash: Digest,
}

/// Bytes of a row in a block: the offset, little-endian, and the hash.
pub(crate) const ROW: usize = 4 + 32;

impl Row {
    pub(crate) fn to_bytes(self) -> [u8; ROW] {
        let mut bytes = [0; ROW];
        bytes[..4].copy_from_slice(&self.offset.to_le_bytes());
        bytes[4..].copy_from_slice(&self.leaf_hash.0);
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8; ROW]) -> Self {
        let (offset, hash) = bytes.split_at(4);
        Self {
            offset: u32::from_le_bytes(*offset.first_chunk().expect("4 bytes")),
            leaf_hash: Digest(*hash.first_chunk().expect("32 bytes")),
        }
    }
}

#[cfg(test)]
impl Default for Row {
    /// Of no entry: for tests that read none.
    fn default() -> Self {
        Self { offset: 0, leaf_hash: Digest([0; 32]) }
    }
}
