//! How frames, key pages and tiles lie in sled's one tree: keys, chunks and their reassembly.

use causeway_crypto::Digest;
use causeway_journal::{MAX_FRAME_BYTES, frame_id};
use causeway_model::FrameSeq;
use sled::{Batch, IVec};

use crate::log::{Beside, ReadError};

/// The longest value. A leaf of sled's tree holds up to 17 items; beyond about 7.5 KB each, a node goes to a blob file,
/// which sled never syncs.
pub(super) const MAX_VALUE: usize = 7_000;

const FRAME: u8 = b'f';
const KEY_PAGE: u8 = b'k';
const TILE: u8 = b't';

/// What stands before a frame's bytes in its first chunk: the frame's id and its length.
const HEADER: usize = 32 + 4;

/// A full tile is 256 hashes; half of it fits a value.
const HALF_TILE: usize = 128;

/// The key of a chunk of a frame: `f`, sequence, chunk number.
pub(super) fn frame_key(seq: FrameSeq, chunk: u16) -> [u8; 11] {
    let mut key = [FRAME; 11];
    key[1..9].copy_from_slice(&seq.0.to_be_bytes());
    key[9..].copy_from_slice(&chunk.to_be_bytes());
    key
}

/// The frame and chunk that a key is of; none for a key of something else.
pub(super) fn frame_place(key: &[u8]) -> Option<(FrameSeq, u16)> {
    let [FRAME, rest @ ..] = key else { return None };
    let (seq, chunk) = rest.split_first_chunk::<8>()?;
    Some((FrameSeq(u64::from_be_bytes(*seq)), u16::from_be_bytes(chunk.try_into().ok()?)))
}

/// The key of a key page: `k`, page number.
pub(super) fn key_page_key(page: u64) -> [u8; 9] {
    let mut key = [KEY_PAGE; 9];
    key[1..].copy_from_slice(&page.to_be_bytes());
    key
}

/// The page number in a key page's key.
pub(super) fn key_page_number(key: &[u8]) -> Option<u64> {
    let [KEY_PAGE, page @ ..] = key else { return None };
    Some(u64::from_be_bytes(page.try_into().ok()?))
}

/// The key of half a tile: `t`, level, index, half.
pub(super) fn tile_key(level: u8, index: u64, half: u8) -> [u8; 11] {
    let mut key = [TILE; 11];
    key[1] = level;
    key[2..10].copy_from_slice(&index.to_be_bytes());
    key[10] = half;
    key
}

/// The one batch of a commit. An error names what does not fit.
pub(super) fn batch(seq: FrameSeq, id: &Digest, bytes: &[u8], beside: &Beside) -> Result<Batch, &'static str> {
    let mut batch = Batch::default();
    put_frame(&mut batch, seq, id, bytes)?;
    for (page, value) in &beside.key_pages {
        if value.len() > MAX_VALUE {
            return Err("a key page is longer than a value may be");
        }
        batch.insert(&key_page_key(*page), value.as_slice());
    }
    for tile in &beside.tiles {
        if tile.hashes.len() != 2 * HALF_TILE {
            return Err("a tile is not full");
        }
        for (half, hashes) in (0u8..).zip(tile.hashes.chunks(HALF_TILE)) {
            let value: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
            batch.insert(&tile_key(tile.level, tile.index, half), value);
        }
    }
    Ok(batch)
}

fn put_frame(batch: &mut Batch, seq: FrameSeq, id: &Digest, bytes: &[u8]) -> Result<(), &'static str> {
    let length = u32::try_from(bytes.len()).map_err(|_| "a frame is longer than 4 GiB")?;
    let (first, rest) = bytes.split_at(bytes.len().min(MAX_VALUE - HEADER));
    let mut value = Vec::with_capacity(HEADER + first.len());
    value.extend_from_slice(&id.0);
    value.extend_from_slice(&length.to_be_bytes());
    value.extend_from_slice(first);
    batch.insert(&frame_key(seq, 0), value);
    for (index, chunk) in rest.chunks(MAX_VALUE).enumerate() {
        let chunk_number = u16::try_from(index + 1).map_err(|_| "a frame has more than 65,535 chunks")?;
        batch.insert(&frame_key(seq, chunk_number), chunk);
    }
    Ok(())
}

/// The chunk that holds a frame's byte, and the byte's place in it; none where no frame is so long.
pub(super) fn chunk_at(offset: usize) -> Option<(u16, usize)> {
    let first = MAX_VALUE - HEADER;
    match offset.checked_sub(first) {
        None => Some((0, offset)),
        Some(rest) => Some((u16::try_from(rest / MAX_VALUE + 1).ok()?, rest % MAX_VALUE)),
    }
}

/// The bytes of the frame that a chunk holds; none where it is no first chunk and has to be one.
pub(super) fn frame_bytes(chunk: u16, value: &[u8]) -> Option<&[u8]> {
    if chunk == 0 { value.get(HEADER..) } else { Some(value) }
}

/// The frame id that a first chunk states.
pub(super) fn stated_id(value: &[u8]) -> Option<Digest> {
    value.first_chunk::<32>().map(|id| Digest(*id))
}

/// The hashes of half a tile.
pub(super) fn half_tile(value: &[u8]) -> Result<Vec<Digest>, ReadError> {
    let (hashes, rest) = value.as_chunks::<32>();
    if hashes.len() != HALF_TILE || !rest.is_empty() {
        return Err(ReadError::Damaged("half a tile is not 128 hashes"));
    }
    Ok(hashes.iter().map(|hash| Digest(*hash)).collect())
}

/// Puts frames together from their chunks in key order, and finds every gap.
#[derive(Debug)]
pub(super) struct Assembly {
    next: FrameSeq,
    partial: Option<Partial>,
    whole: Vec<(FrameSeq, Digest, Vec<u8>)>,
    bytes: usize,
}

#[derive(Debug)]
struct Partial {
    id: Digest,
    length: usize,
    bytes: Vec<u8>,
    next_chunk: u16,
}

impl Assembly {
    /// An assembly whose first frame is `from`.
    pub(super) fn starting_at(from: FrameSeq) -> Self {
        Self { next: from, partial: None, whole: Vec::new(), bytes: 0 }
    }

    /// The key of the chunk that it needs next.
    pub(super) fn next_key(&self) -> [u8; 11] {
        frame_key(self.next, self.partial.as_ref().map_or(0, |partial| partial.next_chunk))
    }

    /// The frame that it is at.
    pub(super) fn next_frame(&self) -> FrameSeq {
        self.next
    }

    /// Bytes in whole frames so far.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The gap at the frame that it is at.
    pub(super) fn hole(&self, what: &'static str) -> ReadError {
        ReadError::Hole { at: self.next, what }
    }

    /// Takes the next row.
    pub(super) fn take(&mut self, key: &IVec, value: &IVec) -> Result<(), ReadError> {
        if frame_place(key) != frame_place(&self.next_key()) {
            return Err(self.hole("a chunk is missing"));
        }
        let mut partial = match self.partial.take() {
            None => self.begin(value)?,
            Some(mut partial) => {
                partial.bytes.extend_from_slice(value);
                partial
            }
        };
        partial.next_chunk = partial.next_chunk.checked_add(1).ok_or_else(|| self.hole("too many chunks"))?;
        if partial.bytes.len() > partial.length {
            return Err(self.hole("longer than it says"));
        }
        if partial.bytes.len() < partial.length {
            self.partial = Some(partial);
            return Ok(());
        }
        self.bytes += partial.length;
        self.whole.push((self.next, partial.id, partial.bytes));
        self.next = self.next.next();
        Ok(())
    }

    fn begin(&self, value: &[u8]) -> Result<Partial, ReadError> {
        let short = || self.hole("its first chunk is cut");
        let (id, rest) = value.split_first_chunk::<32>().ok_or_else(short)?;
        let (length, bytes) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| short())?;
        // What it says of itself is not believed beyond what a frame may have.
        let mut begun = Vec::with_capacity(length.min(MAX_FRAME_BYTES));
        begun.extend_from_slice(bytes);
        Ok(Partial { id: Digest(*id), length, bytes: begun, next_chunk: 0 })
    }

    /// The whole frames, each checked against the id that was stored with it.
    pub(super) fn checked(self) -> Result<Vec<(FrameSeq, Vec<u8>)>, ReadError> {
        let check = |(seq, id, bytes): (FrameSeq, Digest, Vec<u8>)| {
            if frame_id(&bytes) == id {
                Ok((seq, bytes))
            } else {
                Err(ReadError::Hole { at: seq, what: "its bytes are not those of its id" })
            }
        };
        self.whole.into_iter().map(check).collect()
    }
}
