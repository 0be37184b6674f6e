//! Where a backup stands: what is given to the gateway for it to go on from there.

use std::fmt;

use causeway_crypto::{Digest, SealingKeyId};
use causeway_model::FrameSeq;

use super::header::Header;

/// The newest part of a backup, by its header and its digest.
#[derive(Clone, PartialEq, Eq)]
pub struct BackupPlace {
    pub(super) header: Header,
    pub(super) digest: Digest,
}

impl BackupPlace {
    /// Reads it from the part's header and the SHA-256 of the whole part.
    ///
    /// # Errors
    /// Says what is wrong with the header.
    pub fn new(header: &[u8], digest: Digest) -> Result<Self, &'static str> {
        Ok(Self { header: Header::decode(header)?, digest })
    }

    /// The part's header.
    pub fn header(&self) -> Vec<u8> {
        self.header.encode()
    }

    /// The SHA-256 of the whole part.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The part's number, from 1.
    pub const fn part(&self) -> u64 {
        self.header.part
    }

    /// The newest frame in the backup; 0 for none.
    pub const fn through(&self) -> FrameSeq {
        self.header.through
    }

    /// The size of the newest checkpoint that a run ended with: so many entries can be restored.
    pub const fn entries(&self) -> u64 {
        self.header.tree_size
    }

    /// Whether the last run was ended: a backup that was interrupted can be restored up to the end of the run before.
    pub const fn is_complete(&self) -> bool {
        self.header.closes
    }

    /// The key that the part is sealed to.
    pub const fn recipient(&self) -> SealingKeyId {
        self.header.recipient
    }

    /// The backup's own id.
    pub const fn id(&self) -> [u8; 16] {
        self.header.id
    }
}

impl fmt::Debug for BackupPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BackupPlace(part {}, frame {})", self.header.part, self.header.through)
    }
}
