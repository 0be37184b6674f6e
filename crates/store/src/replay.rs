//! Recovery: the state that the log's frames make, through the same `apply` as in the running journal; of all frames, or of those after
//! the state that is kept on the disk.

use std::collections::BTreeMap;

use causeway_crypto::Digest;
use causeway_journal::{Applied, State, Tile, apply};
use causeway_model::FrameSeq;

use crate::checkpoint_file::Signed;
use crate::error::StoreError;
use crate::log::FrameLog;
use crate::past::{Comparison, Contradiction, Past};
use crate::snapshot::{Loaded, Snapshots, Unusable};

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
    /// Entries of the state that is kept and was gone on from; 0 where all of the log was replayed.
    pub(crate) kept: u64,
    /// See [`Loaded::met`].
    pub(crate) met: BTreeMap<u64, Digest>,
}

/// Comes to the state of a log and compares it with what was signed of it: from the state that is kept on, where there is one and it
/// leads to nothing that contradicts what was signed; otherwise, and so before anything is refused, from the log's beginning.
pub(crate) fn replay(
    log: &dyn FrameLog,
    past: &Past,
    signed: Option<Signed>,
    snapshots: &Snapshots,
) -> Result<Replayed, StoreError> {
    match snapshots.load(log).and_then(|loaded| go_on(log, past, signed.clone(), loaded)) {
        Ok(replayed) => return Ok(replayed),
        Err(Unusable::Missing) => tracing::info!("no state is kept: the log is replayed from its beginning"),
        Err(unusable) => tracing::warn!(
            error = &unusable as &dyn std::error::Error,
            "the state that is kept is not used: the log is replayed from its beginning"
        ),
    }
    replay_all(log, past, signed)
}

/// Goes on from a state that is kept.
///
/// # Errors
/// Whatever is not as it should be: only the whole log says what.
fn go_on(log: &dyn FrameLog, past: &Past, signed: Option<Signed>, loaded: Loaded) -> Result<Replayed, Unusable> {
    let mut comparison = Comparison::with(past, signed)?;
    comparison.look_back(&loaded, log);
    let (kept, from) = (loaded.state.tree().size(), loaded.head());
    let Loaded { mut state, mut tiles, .. } = loaded;
    apply_all(log, &mut state, |_, _, applied| {
        comparison.look(applied.size, applied.root);
        tiles = applied.tiles;
        Ok(())
    })?;
    tracing::info!(from = from.0, to = state.head().0.0, "frames after the state that is kept are replayed");
    let met = comparison.met();
    match comparison.conclude(state.tree().size()) {
        None => Ok(Replayed { state, tiles, contradiction: None, kept, met }),
        Some(_) => Err(Unusable::Because("something that was signed is not found to be of its past")),
    }
}

/// Replays the whole log.
fn replay_all(log: &dyn FrameLog, past: &Past, signed: Option<Signed>) -> Result<Replayed, StoreError> {
    let mut state = State::new();
    let mut tiles = Vec::new();
    let mut comparison = Comparison::with(past, signed)?;
    apply_all(log, &mut state, |_, _, applied| {
        comparison.look(applied.size, applied.root);
        tiles = applied.tiles;
        Ok(())
    })?;
    let met = comparison.met();
    let contradiction = comparison.conclude(state.tree().size());
    Ok(Replayed { state, tiles, contradiction, kept: 0, met })
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
