//! The resources of a log (C2SP tlog-tiles): paths of tiles and entry bundles, and their bytes.

use std::fmt;

use causeway_crypto::Digest;

use crate::tree::{MAX_TREE_SIZE, TILE_HEIGHT, TILE_WIDTH};
use crate::{JournalError, MAX_ENTRY_BYTES, decimal};

/// The width of a full tile or bundle.
pub const FULL_WIDTH: u16 = 256;

/// Longest path that is read, in bytes: `tile/entries/`, six groups of four, `.p/255`, with room to spare.
pub const MAX_TILE_PATH_BYTES: usize = 64;

/// Longest entry bundle that is read, in bytes: 256 entries of 16 KiB, each with its length of two bytes.
pub const MAX_BUNDLE_BYTES: usize = TILE_WIDTH * (2 + MAX_ENTRY_BYTES);

/// Tiles of higher levels are of no tree that is at most 2^62 leaves large; the specification lets paths go so far.
const MAX_LEVEL: u64 = 63;

/// The path of a tile or bundle, below the log's prefix. Its `Display` is the path, without a slash before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TilePath {
    /// Hashes next to each other: `tile/<level>/<index>[.p/<width>]`.
    Hashes {
        /// 0 holds leaf hashes, each further one the roots of the full tiles below it.
        level: u8,
        /// The index on that level.
        index: u64,
        /// How many hashes: 1 to 256, and 256 is a full tile.
        width: u16,
    },
    /// Entries next to each other: `tile/entries/<index>[.p/<width>]`.
    Entries {
        /// The index of the bundle.
        index: u64,
        /// How many entries: 1 to 256, and 256 is a full bundle.
        width: u16,
    },
}

impl TilePath {
    /// The tile at this place in a tree of this size, full or partial; none where that tree has nothing there.
    pub fn hashes_in(size: u64, level: u8, index: u64) -> Option<Self> {
        tile_width(size, level, index).map(|width| Self::Hashes { level, index, width })
    }

    /// The bundle with this index in a log of this size, full or partial; none where that log has nothing there.
    pub fn entries_in(size: u64, index: u64) -> Option<Self> {
        tile_width(size, 0, index).map(|width| Self::Entries { index, width })
    }

    /// Reads a path. Each resource has exactly one.
    ///
    /// # Errors
    /// Another form, or an index beyond any tree of 2^62 leaves.
    pub fn parse(path: &str) -> Result<Self, JournalError> {
        if path.len() > MAX_TILE_PATH_BYTES {
            return Err(JournalError::TooLarge { what: "tile path", limit: MAX_TILE_PATH_BYTES });
        }
        // What was read must print as the same path: this refuses zeros before numbers and empty groups.
        let read = Self::read(path).filter(|read| read.to_string() == path);
        read.ok_or(JournalError::Malformed("tile path"))
    }

    fn read(path: &str) -> Option<Self> {
        let (kind, place) = path.strip_prefix("tile/")?.split_once('/')?;
        let (groups, width) = match place.split_once(".p/") {
            Some((groups, width)) => {
                (groups, u16::try_from(decimal(width)?).ok().filter(|width| (1..FULL_WIDTH).contains(width))?)
            }
            None => (place, FULL_WIDTH),
        };
        let mut index = 0u64;
        for group in groups.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            if digits.len() != 3 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
                return None;
            }
            index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        if index > MAX_TREE_SIZE >> TILE_HEIGHT {
            return None;
        }
        match kind {
            "entries" => Some(Self::Entries { index, width }),
            level => {
                let level = u8::try_from(decimal(level).filter(|level| *level <= MAX_LEVEL)?).ok()?;
                Some(Self::Hashes { level, index, width })
            }
        }
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (index, width) = match self {
            Self::Hashes { level, index, width } => {
                write!(f, "tile/{level}/")?;
                (*index, *width)
            }
            Self::Entries { index, width } => {
                f.write_str("tile/entries/")?;
                (*index, *width)
            }
        };
        let groups = index.checked_ilog(1000).unwrap_or(0);
        for group in (1..=groups).rev() {
            write!(f, "x{:03}/", index / 1000u64.pow(group) % 1000)?;
        }
        write!(f, "{:03}", index % 1000)?;
        if width == FULL_WIDTH { Ok(()) } else { write!(f, ".p/{width}") }
    }
}

/// How many hashes the tile at this place has in a tree of this size: 1 to 256; none where the tile would be empty.
pub fn tile_width(size: u64, level: u8, index: u64) -> Option<u16> {
    let on_level = size.checked_shr(TILE_HEIGHT * u32::from(level)).unwrap_or(0);
    let before = index.checked_mul(u64::from(FULL_WIDTH))?;
    let width = on_level.checked_sub(before)?.min(u64::from(FULL_WIDTH));
    u16::try_from(width).ok().filter(|width| *width > 0)
}

/// The bytes of a tile: its hashes, one after the other.
pub fn encode_tile(hashes: &[Digest]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The hashes of a tile of this width.
///
/// # Errors
/// Another length than 32 bytes for each hash.
pub fn decode_tile(bytes: &[u8], width: u16) -> Result<Vec<Digest>, JournalError> {
    if bytes.len() != usize::from(width) * 32 {
        return Err(JournalError::Malformed("tile"));
    }
    Ok(bytes.as_chunks::<32>().0.iter().map(|hash| Digest(*hash)).collect())
}

/// The bytes of an entry bundle: each entry after its length of two bytes, big-endian.
///
/// # Errors
/// More than 256 entries, or one over 16 KiB.
pub fn encode_bundle<E: AsRef<[u8]>>(entries: &[E]) -> Result<Vec<u8>, JournalError> {
    if entries.len() > TILE_WIDTH {
        return Err(JournalError::OutOfRange("entries of a bundle"));
    }
    let mut bundle = Vec::new();
    for entry in entries.iter().map(AsRef::as_ref) {
        let too_large = JournalError::TooLarge { what: "entry", limit: MAX_ENTRY_BYTES };
        let length = u16::try_from(entry.len()).ok().filter(|_| entry.len() <= MAX_ENTRY_BYTES).ok_or(too_large)?;
        bundle.extend(length.to_be_bytes());
        bundle.extend(entry);
    }
    Ok(bundle)
}

/// The entries' bytes of a bundle of this width, not decoded.
///
/// # Errors
/// More or fewer entries, one over 16 KiB, or bytes that are left over.
pub fn decode_bundle(bytes: &[u8], width: u16) -> Result<Vec<Vec<u8>>, JournalError> {
    if bytes.len() > MAX_BUNDLE_BYTES {
        return Err(JournalError::TooLarge { what: "entry bundle", limit: MAX_BUNDLE_BYTES });
    }
    if width > FULL_WIDTH {
        return Err(JournalError::OutOfRange("entries of a bundle"));
    }
    let mut entries = Vec::with_capacity(usize::from(width));
    let mut rest = bytes;
    for _ in 0..width {
        let cut_off = JournalError::Malformed("entry bundle");
        let (length, after) = rest.split_first_chunk::<2>().ok_or_else(|| cut_off.clone())?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length > MAX_ENTRY_BYTES {
            return Err(JournalError::TooLarge { what: "entry", limit: MAX_ENTRY_BYTES });
        }
        let (entry, after) = after.split_at_checked(length).ok_or(cut_off)?;
        entries.push(entry.to_vec());
        rest = after;
    }
    if rest.is_empty() { Ok(entries) } else { Err(JournalError::Malformed("entry bundle")) }
}
