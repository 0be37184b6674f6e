//! Whether something that was signed is of the past of a state whose frames have not been read again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_crypto::Digest;
use causeway_journal::{JournalError, State, TileNodes, TileSource, Tree, consistency_proof, verify_consistency};
use causeway_model::LeafIndex;

use super::Loaded;
use crate::log::FrameLog;

/// Tiles that are remembered: 2 MiB. Those of neighbouring sizes are mostly the same.
const REMEMBERED: usize = 128;

/// Whether the tree of this size and root is the beginning of another. `full` gives that one's full tiles; what it gives is not taken
/// on trust, since it has to lead from the one root to the other. Where a tile is missing, the answer is no.
pub(crate) fn is_beginning(size: u64, root: Digest, of: &Tree, full: &TileSource<'_>) -> bool {
    let whole = of.size();
    let leads = |proof: Vec<Digest>| verify_consistency(size, whole, &proof, root, of.root()).is_ok();
    (1..=whole).contains(&size) && consistency_proof(of, size, whole, full).is_ok_and(leads)
}

/// Whether a frame ends with so many entries: checkpoints are of no other sizes.
pub(crate) fn ends_frame(state: &State, size: u64) -> bool {
    size == state.tree().size() || state.place(LeafIndex(size)).is_some_and(|place| place.item == 0)
}

/// The full tiles of a state that was kept.
#[derive(Debug)]
pub(crate) struct Tiles<'a> {
    loaded: &'a Loaded,
    log: &'a dyn FrameLog,
    read: RefCell<BTreeMap<(u8, u64), Arc<TileNodes>>>,
}

impl<'a> Tiles<'a> {
    pub(crate) fn of(loaded: &'a Loaded, log: &'a dyn FrameLog) -> Self {
        Self { loaded, log, read: RefCell::default() }
    }

    /// A tile, from the log where it is there already.
    pub(crate) fn tile(&self, level: u8, index: u64) -> Result<Arc<TileNodes>, JournalError> {
        let mut read = self.read.borrow_mut();
        if let Some(tile) = read.get(&(level, index)) {
            return Ok(Arc::clone(tile));
        }
        let at_hand = self.loaded.tiles.iter().find(|tile| (tile.level, tile.index) == (level, index));
        let found = match at_hand {
            Some(tile) => Some(tile.hashes.clone()),
            None => self.log.tile(level, index).ok().flatten(),
        };
        let tile = found.and_then(TileNodes::above).ok_or(JournalError::Tile { level, index })?;
        let tile = Arc::new(tile);
        if read.len() == REMEMBERED {
            // Sizes are asked for in ascending order: what is lowest is done with.
            read.pop_first();
        }
        read.insert((level, index), Arc::clone(&tile));
        Ok(tile)
    }
}
