//! Recovery: the state that the log's frames make, through the same `apply` as in the running journal.

use causeway_journal::{Checkpoint, State, Tile, apply};

use crate::checkpoint_file::Comparison;
use crate::error::StoreError;
use crate::log::FrameLog;

/// Bytes of frames that are read at once.
const READ_BYTES: usize = 4 << 20;

/// Replays the whole log and compares it with the newest checkpoint that was signed of it. Gives the state and the tiles
/// that only the newest frame completed: those are not in the log yet.
pub(crate) fn replay(log: &dyn FrameLog, signed: Option<Checkpoint>) -> Result<(State, Vec<Tile>), StoreError> {
    let mut state = State::new();
    let mut tiles = Vec::new();
    let mut comparison = Comparison::with(signed);
    loop {
        let frames = log.read(state.head().0.next(), READ_BYTES)?;
        if frames.is_empty() {
            break;
        }
        for (seq, bytes) in frames {
            let applied = apply(&mut state, seq, &bytes).map_err(|source| StoreError::Replay { at: seq, source })?;
            comparison.look(applied.size, applied.root);
            tiles = applied.tiles;
        }
    }
    comparison.conclude(state.tree().size())?;
    Ok((state, tiles))
}
