//! The way back: a data directory of its own from a shared log, with the key pages and checkpoints that this node has kept.

use std::mem;
use std::path::Path;

use causeway_crypto::{Digest, sha256};
use causeway_journal::{State, Tile, apply_judged, frame_id, judge};
use causeway_model::FrameSeq;

use super::local::{LocalLog, Opened, Signed};
use super::{Migrated, Migrating, each_frame, not_migrated};
use crate::backup::WorkFolder;
use crate::carried_pages::key_pages;
use crate::error::StoreError;
use crate::log::{Beside, FrameLog};
use crate::page_keys::NodeNumber;
use crate::shared_log::SharedLog;
use crate::sled_log::{Filling, SledLog};

/// Copies a shared log into a new data directory. This node's own, stopped, gives what is nowhere else: key pages and checkpoints. It
/// is compared with the shared log, and left as it is.
///
/// # Errors
/// [`StoreError::NotMigrated`] where the two are not the same journal, or the shared one is shorter; what a start of either would fail
/// with. Nothing is in the new one's place then.
pub fn migrate_from_shared(
    own: &LocalLog,
    shared: &dyn SharedLog,
    to: &Path,
    progress: &mut dyn FnMut(Migrating),
) -> Result<Migrated, StoreError> {
    let opened = own.open()?;
    let before = opened.signed.replay(&opened.log, &mut |done, all| progress(Migrating::Own(done, all)))?;
    let (own_last, _) = before.head();
    let there = shared.head()?;
    let (Some(log_id), true) = (there.log, there.log == before.log_id()) else {
        return Err(not_migrated("the shared log does not hold this journal's log"));
    };
    if there.last < own_last {
        return Err(not_migrated(format!(
            "the shared log holds {} frames and this node's own {own_last}: it was cut back, or the migration to it was not ended",
            there.last
        )));
    }
    let work = WorkFolder::beside(to)?;
    let done = (|| {
        let filled = fill(&work, shared, there.last, &before, &opened, progress)?;
        read_back(&work, &filled, opened.signed.clone(), progress)?;
        work.settle(&opened.checkpoint, &opened.past)?;
        let tree = filled.state.tree();
        let (frames, beyond) = (there.last.0, there.last.0 - own_last.0);
        Ok(Migrated { log: log_id, frames, were_there: 0, entries: tree.size(), root: tree.root(), beyond })
    })();
    done.inspect_err(|_| work.remove())
}

/// What the new log has to come to when it is read back.
struct Filled {
    state: State,
    /// Level, index and digest of each full tile.
    tiles: Vec<(u8, u64, Digest)>,
}

fn fill(
    work: &WorkFolder,
    shared: &dyn SharedLog,
    last: FrameSeq,
    before: &State,
    opened: &Opened,
    progress: &mut dyn FnMut(Migrating),
) -> Result<Filled, StoreError> {
    let log = Filling::of(SledLog::open(work.path())?);
    let (mut state, mut waiting, mut tiles) = (State::new(), Vec::new(), Vec::new());
    each_frame(shared, FrameSeq(1), last, |seq, bytes| {
        let refused = |source| StoreError::Replay { at: seq, source };
        let judged = judge(&state, seq, bytes).map_err(refused)?;
        let key_pages = key_pages(&judged);
        let applied = apply_judged(&mut state, judged).map_err(refused)?;
        if seq == before.head().0 && state.tree().root() != before.tree().root() {
            return Err(not_migrated("the shared log is another than this node's own"));
        }
        let beside = Beside { key_pages, tiles: mem::replace(&mut waiting, applied.tiles) };
        tiles.extend(beside.tiles.iter().map(stated));
        log.frame(&frame_id(bytes), bytes, &beside)?;
        progress(Migrating::Copied(seq.0, last.0));
        Ok(())
    })?;
    // Those of nodes are in the frames themselves, as they are by then.
    let mut next = 0;
    while let Some(number) = opened.log.next_key_page(next)?.filter(|number| is_of_one(*number)) {
        if let Some(page) = opened.log.key_page(number)? {
            log.key_page(number, &page)?;
        }
        next = number.saturating_add(1);
    }
    log.close()?;
    Ok(Filled { state, tiles })
}

/// Reads the new log from the disk, by the way that a start takes.
fn read_back(
    work: &WorkFolder,
    filled: &Filled,
    signed: Signed,
    progress: &mut dyn FnMut(Migrating),
) -> Result<(), StoreError> {
    let log = SledLog::open(work.path())?;
    let state = signed.replay(&log, &mut |done, all| progress(Migrating::ReadBack(done, all)))?;
    if state.head() != filled.state.head() || state.tree().root() != filled.state.tree().root() {
        return Err(not_migrated("what was read back does not come to the shared log's size and root"));
    }
    for (level, index, digest) in &filled.tiles {
        if log.tile(*level, *index)?.is_none_or(|hashes| digest_of(&hashes) != *digest) {
            return Err(not_migrated(format!("the tile {index} of level {level} does not read back")));
        }
    }
    Ok(FrameLog::close(&log)?)
}

/// Whether a page is of a gateway that was alone.
fn is_of_one(page: u64) -> bool {
    NodeNumber::of_page(page) == NodeNumber::ALONE
}

fn stated(tile: &Tile) -> (u8, u64, Digest) {
    (tile.level, tile.index, digest_of(&tile.hashes))
}

fn digest_of(hashes: &[Digest]) -> Digest {
    let parts: Vec<&[u8]> = hashes.iter().map(|hash| hash.0.as_slice()).collect();
    sha256(&parts)
}
