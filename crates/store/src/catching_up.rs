//! What a node does at its start before it serves: it looks whether the shared log is the one that it has followed, and reads what it
//! lacks.

use causeway_journal::{State, Tile, apply_judged, frame_id, judge};

use crate::carried_pages::those_that_go_on;
use crate::error::StoreError;
use crate::log::{Beside, FrameLog, ReadError};
use crate::node::{Upstream, is_another};
use crate::shared_log::SharedLog;
use crate::tail_of_shared::{contradicts, not_to_be_applied};
use crate::vault::Vault;

/// Bytes of frames that are read at once.
const READ_BYTES: usize = 4 << 20;

/// How long somebody who gives nothing is waited for.
const LOOK: std::time::Duration = std::time::Duration::from_millis(250);

/// Brings a node's own log and state to where the shared log is. Says in words why that is none that this node may follow; it serves
/// nothing then.
///
/// # Errors
/// A shared log that does not enforce what it has to or cannot be reached, and an own one that does not take a frame.
pub(crate) fn catch_up(
    upstream: &Upstream,
    (own, vault): (&dyn FrameLog, &Vault),
    state: &mut State,
    tiles: &mut Vec<Tile>,
) -> Result<Option<String>, StoreError> {
    let shared = upstream.log.as_ref();
    let assurance = shared.assure().map_err(|error| StoreError::Upstream(Box::new(error)))?;
    let (seq, newest) = state.head();
    if let Some(reason) = is_another(shared, (state.log_id(), seq, newest)).map_err(upstream_failed)? {
        return Ok(Some(reason));
    }
    let last = shared.head().map_err(upstream_failed)?.last.max(assurance.head);
    if state.head().0 < last {
        tracing::info!(
            from = state.head().0.0,
            to = last.0,
            "frames of the shared log are read before anything is served"
        );
    }
    while state.head().0 < last {
        if let Some(reason) = take_some(shared, (own, vault), state, tiles)? {
            return Ok(Some(reason));
        }
    }
    Ok(None)
}

fn take_some(
    shared: &dyn SharedLog,
    (own, vault): (&dyn FrameLog, &Vault),
    state: &mut State,
    tiles: &mut Vec<Tile>,
) -> Result<Option<String>, StoreError> {
    let head = state.head().0;
    let frames = match shared.read(head.next(), READ_BYTES) {
        Ok(frames) => frames,
        Err(error @ (ReadError::Hole { .. } | ReadError::Damaged(_))) => return Ok(Some(error.to_string())),
        Err(error) => return Err(upstream_failed(error)),
    };
    if frames.is_empty() {
        shared.wait(head, LOOK);
    }
    for (seq, bytes) in frames {
        let judged = match judge(state, seq, &bytes) {
            Ok(judged) => judged,
            Err(error) => return Ok(Some(not_to_be_applied(seq, &error))),
        };
        if let Some(reason) = contradicts(state, &judged) {
            return Ok(Some(reason));
        }
        let beside = Beside { key_pages: those_that_go_on(&judged, vault, own)?, tiles: std::mem::take(tiles) };
        own.append_at(seq, &frame_id(&bytes), &bytes, &beside).map_err(|error| StoreError::Engine(Box::new(error)))?;
        *tiles = apply_judged(state, judged).map_err(|source| StoreError::Replay { at: seq, source })?.tiles;
    }
    Ok(None)
}

fn upstream_failed(error: ReadError) -> StoreError {
    StoreError::Upstream(Box::new(error))
}
