//! Migration of a stopped journal between a node's own log and a shared one: copied frame by frame under the id of each, read back,
//! replayed, and compared with what the journal has signed.
//!
//! Frames alone are copied. Key pages and page keys are a node's own, and stay where they are.

mod back;
mod local;

use std::error::Error;
use std::time::{Duration, Instant};

use causeway_crypto::Digest;
use causeway_journal::{State, apply, frame_id};
use causeway_model::FrameSeq;

pub use back::migrate_from_shared;
pub use local::LocalLog;

use crate::error::StoreError;
use crate::log::AppendError;
use crate::shared_log::SharedLog;
use local::Opened;

/// Bytes of frames that are read at once.
const READ_BYTES: usize = 4 << 20;

/// For so long a log may give nothing of what it says it has: a copy that is asked may lag behind.
const LAG: Duration = Duration::from_secs(30);

/// How far a migration has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migrating {
    /// So many frames of so many of this node's own log were replayed.
    Own(u64, u64),
    /// So many frames of so many that the other log had already were compared.
    Compared(u64, u64),
    /// So many frames of so many are there.
    Copied(u64, u64),
    /// So many frames of so many were read back from there and replayed.
    ReadBack(u64, u64),
}

/// What has been migrated, all of it read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// The log's id.
    pub log: [u8; 16],
    /// Frames that the log holds there now.
    pub frames: u64,
    /// Those of them that were there before.
    pub were_there: u64,
    /// Entries.
    pub entries: u64,
    /// The tree's root.
    pub root: Digest,
    /// Frames that this node's own log did not have: it has no keys for their bodies.
    pub beyond: u64,
}

/// Copies a stopped journal into a shared log that is empty, or that an interrupted migration of the same journal has begun.
///
/// # Errors
/// [`StoreError::NotMigrated`] where the other log holds something else, or refuses a frame; what a start of the journal would fail
/// with. What was copied stays there, and the same call goes on behind it.
pub fn migrate_to_shared(
    own: &LocalLog,
    shared: &dyn SharedLog,
    progress: &mut dyn FnMut(Migrating),
) -> Result<Migrated, StoreError> {
    let Opened { log, signed, .. } = own.open()?;
    let state = signed.replay(&log, &mut |done, all| progress(Migrating::Own(done, all)))?;
    let (last, _) = state.head();
    let Some(log_id) = state.log_id().filter(|_| last.0 > 0) else {
        return Err(not_migrated("the journal is empty: start the gateway on it once"));
    };
    let there = shared.head()?;
    if there.log.is_some_and(|other| other != log_id) {
        return Err(not_migrated("the shared log holds another journal's log"));
    }
    if there.last > last {
        return Err(not_migrated(format!(
            "the shared log holds {} frames and this journal {last}: others append to it, or this is an old copy",
            there.last
        )));
    }
    each_frame(shared, FrameSeq(1), there.last, |seq, bytes| {
        progress(Migrating::Compared(seq.0, there.last.0));
        let own = SharedLog::read(&log, seq, 1)?;
        let is_same = own.first().is_some_and(|(_, own)| frame_id(own) == frame_id(bytes));
        if is_same { Ok(()) } else { Err(not_migrated(format!("frame {seq} of the shared log is not this journal's"))) }
    })?;
    each_frame(&log, there.last.next(), last, |seq, bytes| {
        let before = FrameSeq(seq.0 - 1);
        // If we stop here, the next run finds this frame or not, and goes on behind it.
        let at = shared.append(&frame_id(bytes), bytes, Some(before)).map_err(|error| refused(seq, &error))?;
        if at != seq {
            return Err(not_migrated(format!("frame {seq} is at {at} in the shared log: others append to it")));
        }
        progress(Migrating::Copied(seq.0, last.0));
        Ok(())
    })?;
    compare(shared, &state, progress)?;
    Ok(Migrated {
        log: log_id,
        frames: last.0,
        were_there: there.last.0,
        entries: state.tree().size(),
        root: state.tree().root(),
        beyond: 0,
    })
}

/// Reads everything back, and compares what it makes with what it should.
fn compare(shared: &dyn SharedLog, own: &State, progress: &mut dyn FnMut(Migrating)) -> Result<(), StoreError> {
    let (last, _) = own.head();
    let mut state = State::new();
    each_frame(shared, FrameSeq(1), last, |seq, bytes| {
        apply(&mut state, seq, bytes).map_err(|source| StoreError::Replay { at: seq, source })?;
        progress(Migrating::ReadBack(seq.0, last.0));
        Ok(())
    })?;
    let is_same = state.head() == own.head()
        && state.tree().size() == own.tree().size()
        && state.tree().root() == own.tree().root();
    if !is_same {
        return Err(not_migrated("what was read back does not come to the journal's size and root"));
    }
    let head = shared.head()?.last;
    if head == last { Ok(()) } else { Err(not_migrated(format!("the shared log has grown to frame {head} meanwhile"))) }
}

/// Shows each frame from one to another, both included, in order.
fn each_frame(
    log: &dyn SharedLog,
    from: FrameSeq,
    to: FrameSeq,
    mut look: impl FnMut(FrameSeq, &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut next = from.max(FrameSeq(1));
    let mut since = Instant::now();
    while next <= to {
        for (seq, bytes) in log.read(next, READ_BYTES)? {
            if seq <= to {
                look(seq, &bytes)?;
            }
            next = seq.next();
            since = Instant::now();
        }
        if next <= to && since.elapsed() > LAG {
            return Err(not_migrated(format!("frame {next} does not come, though the log says that it is there")));
        }
        if next <= to {
            log.wait(FrameSeq(next.0 - 1), Duration::from_millis(50));
        }
    }
    Ok(())
}

fn refused(seq: FrameSeq, error: &AppendError) -> StoreError {
    let why = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    not_migrated(format!("frame {seq}: {error}{why}"))
}

fn not_migrated(what: impl Into<String>) -> StoreError {
    StoreError::NotMigrated { what: what.into() }
}
