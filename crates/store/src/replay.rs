//! Recovery: the state that the log's frames make, through the same `apply` as in the running journal.

use causeway_journal::{Applied, State, Tile, apply};
use causeway_model::FrameSeq;

use crate::checkpoint_file::Signed;
use crate::error::StoreError;
use crate::log::FrameLog;
use crate::past::{Comparison, Contradiction, Past};

/// Bytes of frames that are read at once.
const READ_BYTES: usize = 4 << 20;

/// What a log came to.
#[derive(Debug)]
pub(crate) struct Replayed {
    pub(crate) state: State,
    /// The tiles that only the newest frame completed: those are not in the log yet.
    pub(crate) tiles: Vec<Tile>,
    /// What was signed, and the log has never been.
    pub(crate) contradiction: Option<Contradiction>,
}

/// Replays the whole log and compares it with what was signed of it.
pub(crate) fn replay(log: &dyn FrameLog, past: &Past, signed: Option<Signed>) -> Result<Replayed, StoreError> {
    let mut state = State::new();
    let mut tiles = Vec::new();
    let mut comparison = Comparison::with(past, signed)?;
    apply_all(log, &mut state, |_, _, applied| {
        comparison.look(applied.size, applied.root);
        tiles = applied.tiles;
        Ok(())
    })?;
    let contradiction = comparison.conclude(state.tree().size());
    Ok(Replayed { state, tiles, contradiction })
}

/// Applies every frame of a log that a state has not seen, and shows each to `look`.
pub(crate) fn apply_all(
    log: &dyn FrameLog,
    state: &mut State,
    mut look: impl FnMut(FrameSeq, &[u8], Applied) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    loop {
        let frames = log.read(state.head().0.next(), READ_BYTES)?;
        if frames.is_empty() {
            return Ok(());
        }
        for (seq, bytes) in frames {
            let applied = apply(state, seq, &bytes).map_err(|source| StoreError::Replay { at: seq, source })?;
            look(seq, &bytes, applied)?;
        }
    }
}
