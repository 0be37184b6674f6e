//! Verifying a whole log that was mirrored as tlog-tiles: every entry, tile and root, and what `apply` makes of it all.

mod applying;
mod approvals;
mod layout;
mod notes;
mod reading;
mod turns;
mod writer;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::Path;
use std::thread;

use causeway_crypto::Digest;
use causeway_journal::tlog_path::encode_tile;
use causeway_journal::{Tile, TilePath, Tree};

use crate::trust::{Trust, Vouched};
use crate::{VerifyError, files};
use applying::Applying;
use layout::{CHECKPOINT, MAX_CHECKPOINT_BYTES, SUMS, sum_line};
use reading::read_bundle;
use turns::Turns;

pub(crate) use applying::is_text_of;
#[cfg(feature = "fuzzing")]
pub(crate) use {
    applying::Applying as AppliedEntries,
    notes::Notes as BundleNotes,
    reading::{Batch as ReadEntries, decode as decode_entries},
};

pub use approvals::Approvals;
pub use notes::MAX_NOTES_BYTES;
pub use writer::{KnownCheckpoint, MirrorWriter};

/// Threads that read and apply at most: what applies is one at a time, and takes about as long as reading does.
const MOST_THREADS: usize = 4;

/// A mirror that holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Mirrored {
    /// Its checkpoint, and who vouches for it.
    pub vouched: Vouched,
    /// The signed checkpoint.
    pub note: String,
    /// Whether the entries were applied again: a mirror that another program made has no notes, and proves entries and tree alone.
    pub applied: bool,
    /// How many entries came to each outcome, by its name.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// The approvals, each signature checked.
    pub approvals: Approvals,
    /// The texts of governed documents and published tables, each of its digest.
    pub texts: u64,
    /// The time of the newest entry, in microseconds since 1970-01-01T00:00:00Z; none in a log without entries.
    pub newest_micros: Option<u64>,
    /// The root at the size that was asked for; none where none was, or where the log is smaller.
    pub root_asked: Option<Digest>,
}

/// Verifies a mirror: that it has the files of its size and no others, that every entry, tile and the root are those of the signed
/// checkpoint and, where it has notes, that every outcome is the one that is stated. `asked` is a size whose root is wanted, to compare
/// it with a checkpoint from before. Reads and applies with as many threads as there are processors, up to four.
///
/// # Errors
/// The first thing that does not hold, with its place. Whether somebody vouches for the checkpoint is for [`Trust::vouch`].
pub fn mirror(folder: &Path, trust: &Trust, asked: Option<u64>) -> Result<Mirrored, VerifyError> {
    let note = files::read_text(&folder.join(CHECKPOINT), MAX_CHECKPOINT_BYTES)?;
    let vouched = trust.check(&note)?;
    let (size, root) = (vouched.checkpoint.size, vouched.checkpoint.root);
    let with_notes = folder.join("causeway").exists();
    layout::check_strays(folder, size, with_notes)?;
    let (applying, sums) = apply_all(folder, size, with_notes, asked)?;
    if with_notes && files::read_text(&folder.join(SUMS), layout::max_sums_bytes(size))? != sums {
        return Err(VerifyError::at(folder.join(SUMS).display(), "the notes are not those that were received"));
    }
    let tree = applying.tree();
    if (tree.size(), tree.root()) != (size, root) {
        return Err(VerifyError::at(folder.display(), "its entries do not make the root of its checkpoint"));
    }
    partial_tiles(tree).try_for_each(|tile| check_tile(folder, &tile))?;
    let root_asked = applying.root_asked();
    let found = applying.found;
    Ok(Mirrored {
        vouched,
        note,
        applied: with_notes,
        outcomes: found.outcomes,
        approvals: found.approvals,
        texts: found.texts,
        newest_micros: found.newest_micros,
        root_asked,
    })
}

/// Applies every bundle; gives the text that [`SUMS`] has to be beside what came of it.
fn apply_all(
    folder: &Path,
    size: u64,
    with_notes: bool,
    asked: Option<u64>,
) -> Result<(Applying, String), VerifyError> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).clamp(2, MOST_THREADS);
    let made = (Applying::new(with_notes, asked), String::new());
    Turns::making(made).run(layout::bundles(size), threads, |turns, index| {
        let Some(bundle) = TilePath::entries_in(size, index) else { return Ok(()) };
        let read = read_bundle(folder, bundle, with_notes);
        let mut tiles = Vec::new();
        turns.add(index, read.as_ref().map_err(Clone::clone), |(applying, sums), read| {
            sums.extend(read.notes_sum.map(|sum| sum_line(bundle, sum)));
            applying.take(&read.batch, &mut |tile| {
                tiles.push(tile.clone());
                Ok(())
            })
        })?;
        tiles.iter().try_for_each(|tile| check_tile(folder, tile))
    })
}

/// A tile's file must hold the hashes that the entries make.
fn check_tile(folder: &Path, tile: &Tile) -> Result<(), VerifyError> {
    let path = tile_path(tile);
    let expected = encode_tile(&tile.hashes);
    let bytes = files::read(&folder.join(path.to_string()), expected.len())?;
    if bytes == expected { Ok(()) } else { Err(VerifyError::at(path, "its hashes are not those of the entries")) }
}

fn tile_path(tile: &Tile) -> TilePath {
    let width = u16::try_from(tile.hashes.len()).expect("a tile has at most 256 hashes");
    TilePath::Hashes { level: tile.level, index: tile.index, width }
}

/// The partial tiles at the right edge of a tree, lowest level first.
fn partial_tiles(tree: &Tree) -> impl Iterator<Item = Tile> {
    (0..8).filter_map(|level| tree.partial_tile(level))
}
