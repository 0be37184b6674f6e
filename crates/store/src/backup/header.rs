//! What stands in clear before a part: its place in the backup, what the backup reaches to with it, and the key's encapsulation.
//!
//! Everything in it is bound to each of its chunks. The gateway goes on from the newest part's header, which nobody but the recipient
//! can verify: so it compares that with its own log, and what is made from a wrong one is refused when it is restored.

use causeway_crypto::{BACKUP_ENCAPSULATION_BYTES, Digest, SealingKeyId};
use causeway_model::FrameSeq;

/// What every part begins with. The last byte is the version of the format.
pub(crate) const MAGIC: &[u8; 16] = b"causeway-backup\x01";

/// Bytes of a header.
pub(crate) const HEADER_BYTES: usize = 16 + 16 + 8 + 8 + 32 + 8 + 8 + 1 + 8 + 32 + 16 + BACKUP_ENCAPSULATION_BYTES;

/// Bytes of what a part holds that one chunk seals.
pub(crate) const CHUNK_BYTES: usize = 64 * 1024;

/// What sealing adds to a chunk: nonce and tag.
pub(crate) const CHUNK_OVERHEAD: usize = 12 + 16;

/// Longest part, before it is sealed: one is ended by the record that makes it [`super::making::PART_BYTES`] or more.
pub(crate) const MAX_PART_BYTES: u64 = 64 << 20;

/// A header, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// The backup: the same in all its parts.
    pub(crate) id: [u8; 16],
    /// The part's number, from 1.
    pub(crate) part: u64,
    /// The newest frame that the backup holds with this part; 0 for none.
    pub(crate) through: FrameSeq,
    /// That frame's id.
    pub(crate) through_id: Digest,
    /// Key pages below this one are in the backup as they will stay.
    pub(crate) next_page: u64,
    /// The size of the newest checkpoint that ends a run within the backup; 0 for none.
    pub(crate) tree_size: u64,
    /// Whether this part ends with it.
    pub(crate) closes: bool,
    /// Bytes that the part holds, before they were sealed.
    pub(crate) length: u64,
    /// SHA-256 of the whole part before; zeros in the first.
    pub(crate) previous: Digest,
    /// The key that it is sealed to.
    pub(crate) recipient: SealingKeyId,
    /// How the recipient gets the part's key.
    pub(crate) encapsulation: Vec<u8>,
}

impl Header {
    /// Its bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let fields: [&[u8]; 12] = [
            MAGIC,
            &self.id,
            &self.part.to_be_bytes(),
            &self.through.0.to_be_bytes(),
            &self.through_id.0,
            &self.next_page.to_be_bytes(),
            &self.tree_size.to_be_bytes(),
            &[u8::from(self.closes)],
            &self.length.to_be_bytes(),
            &self.previous.0,
            &self.recipient.0,
            &self.encapsulation,
        ];
        fields.concat()
    }

    /// Reads [`HEADER_BYTES`]. An error says what is wrong.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut rest = Fields(bytes);
        let magic: [u8; 16] = rest.take()?;
        if magic != *MAGIC {
            let same_name = magic[..MAGIC.len() - 1] == MAGIC[..MAGIC.len() - 1];
            return Err(if same_name { OF_ANOTHER_VERSION } else { "is no part of a backup" });
        }
        let header = Self {
            id: rest.take()?,
            part: rest.number()?,
            through: FrameSeq(rest.number()?),
            through_id: Digest(rest.take()?),
            next_page: rest.number()?,
            tree_size: rest.number()?,
            closes: match rest.take()? {
                [0] => false,
                [1] => true,
                [_] => return Err(MALFORMED),
            },
            length: rest.number()?,
            previous: Digest(rest.take()?),
            recipient: SealingKeyId(rest.take()?),
            encapsulation: rest.take::<BACKUP_ENCAPSULATION_BYTES>()?.to_vec(),
        };
        let sound = rest.0.is_empty() && header.part > 0 && (1..=MAX_PART_BYTES).contains(&header.length);
        if sound { Ok(header) } else { Err(MALFORMED) }
    }

    /// Chunks of the part.
    pub(crate) fn chunks(&self) -> u64 {
        self.length.div_ceil(CHUNK_BYTES as u64)
    }

    /// Bytes of the whole part, its header included.
    pub(crate) fn file_bytes(&self) -> u64 {
        HEADER_BYTES as u64 + self.length + self.chunks() * CHUNK_OVERHEAD as u64
    }

    /// Whether a part with this header may come behind one with that, whose file has this digest.
    pub(crate) fn follows(&self, before: &Self, digest: &Digest) -> Result<(), &'static str> {
        if self.id != before.id {
            return Err("is of another backup than the part before it");
        }
        if self.part != before.part + 1 || self.previous != *digest {
            return Err("does not go on from the part before it: one of them was lost, altered or exchanged");
        }
        if self.through < before.through || self.next_page < before.next_page || self.tree_size < before.tree_size {
            return Err("reaches less far than the part before it");
        }
        Ok(())
    }

    /// Whether a backup may begin with a part of this header.
    pub(crate) fn begins(&self) -> Result<(), &'static str> {
        let begins = self.part == 1 && self.previous == Digest([0; 32]);
        if begins { Ok(()) } else { Err("is not the first part of a backup: the parts before it are missing") }
    }
}

const MALFORMED: &str = "is a part of a backup with a malformed header";
const OF_ANOTHER_VERSION: &str = "is a part of a backup in another format than 1, which this version reads: restore it with the version that made it, or a newer one";

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let (field, rest) = self.0.split_first_chunk::<N>().ok_or("is cut off within its header")?;
        self.0 = rest;
        Ok(*field)
    }

    fn number(&mut self) -> Result<u64, &'static str> {
        self.take().map(u64::from_be_bytes)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn header(part: u64, previous: Digest) -> Header {
        Header {
            id: [7; 16],
            part,
            through: FrameSeq(9 * part),
            through_id: Digest([3; 32]),
            next_page: 2,
            tree_size: 11,
            closes: true,
            length: 70_000,
            previous,
            recipient: SealingKeyId([5; 16]),
            encapsulation: vec![1; BACKUP_ENCAPSULATION_BYTES],
        }
    }

    #[test]
    fn a_header_reads_back_and_nothing_else_does() {
        let first = header(1, Digest([0; 32]));
        let bytes = first.encode();
        assert_eq!(bytes.len(), HEADER_BYTES);
        assert_eq!(Header::decode(&bytes).as_ref(), Ok(&first));
        assert_eq!((first.chunks(), first.file_bytes()), (2, HEADER_BYTES as u64 + 70_000 + 56));
        for length in [0, 15, 16, 40, HEADER_BYTES - 1] {
            assert!(Header::decode(&bytes[..length]).is_err(), "{length}");
        }
        assert!(Header::decode(&[&bytes[..], &[0]].concat()).is_err(), "longer");
        let mut later = bytes.clone();
        later[15] = 2;
        assert_eq!(Header::decode(&later), Err(OF_ANOTHER_VERSION));
        for broken in [Header { length: 0, ..first.clone() }, Header { length: u64::MAX, ..first }] {
            assert_eq!(Header::decode(&broken.encode()), Err(MALFORMED));
        }
    }

    #[test]
    fn parts_follow_each_other_by_number_digest_and_reach() {
        let (first, digest) = (header(1, Digest([0; 32])), Digest([4; 32]));
        let second = header(2, digest);
        assert_eq!((first.begins(), second.begins().is_err()), (Ok(()), true));
        assert_eq!(second.follows(&first, &digest), Ok(()));
        for wrong in [
            Header { id: [8; 16], ..second.clone() },
            Header { part: 3, ..second.clone() },
            Header { previous: Digest([5; 32]), ..second.clone() },
            Header { through: FrameSeq(8), ..second.clone() },
            Header { next_page: 1, ..second.clone() },
            Header { tree_size: 10, ..second.clone() },
        ] {
            assert!(wrong.follows(&first, &digest).is_err(), "{wrong:?}");
        }
    }
}
