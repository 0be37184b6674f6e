//! The audit index: which entries have which terms, behind the commit path and made of the log alone. What it answers are
//! candidates, of everything that was acknowledged before it was asked.
//!
//! The newest entries are in memory; every 65,536 of them become an immutable block on disk, and eight blocks of a size one
//! larger. What no block covers, or what a damaged one covered, is read from the log until it is covered again.

mod block;
mod build;
mod clauses;
mod covered;
mod follower;
mod opening;
mod pages;
mod postings;
mod query;
mod row;
mod scan;
mod search;
mod segment;
mod term;
mod time;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use causeway_crypto::Digest;
use causeway_journal::{Applied, Outcome};
use causeway_model::LeafIndex;
use event_listener::Event;

pub use clauses::clauses_of;
pub use search::Search;
pub use term::Term;

pub(crate) use follower::Follower;
pub(crate) use row::Row;

use crate::draft::Draft;
use crate::error::StoreError;
use crate::one_entry::item_offsets;
use crate::reader::Reader;
use crate::shared::Shared;
use block::{Block, Mark};
use clauses::held_clauses;
use covered::{Arrival, Arrived, Covered, Piece, Waiting};
use pages::{PageCache, PageKey};
use term::TermKey;

/// How the index stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IndexMeasures {
    /// Entries in blocks, on disk.
    pub in_blocks: u64,
    /// Entries in memory, not in a block yet.
    pub in_memory: u64,
    /// Blocks.
    pub blocks: usize,
    /// Bytes of the blocks' files.
    pub bytes: u64,
}

/// How large blocks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Entries that become a block.
    pub(crate) block_entries: u32,
    /// Blocks of one size that become one.
    pub(crate) fan: usize,
    /// Whether entries are indexed at all.
    pub(crate) follows: bool,
    /// Steps of a search after which others get their turn.
    pub(crate) turn: u32,
}

impl Settings {
    /// The sizes of a journal in use.
    pub(crate) const fn standard(follows: bool) -> Self {
        Self { block_entries: 65_536, fan: 8, follows, turn: 65_536 }
    }
}

/// Waiting entries at which the follower is woken: far fewer wakes than commits. A search takes them itself.
const WAKE_AT: usize = 4_096;

/// Segments that may wait to be written. Where the disk takes none, the oldest is forgotten and made anew from the log.
const MAX_SEGMENTS: usize = 4;

/// The index of one journal.
#[derive(Debug)]
pub(crate) struct Index {
    /// The log's id as of the start.
    log_id: [u8; 16],
    terms: TermKey,
    pages: PageKey,
    settings: Settings,
    /// None where the folder cannot be made: then nothing is written.
    folder: Option<PathBuf>,
    covered: RwLock<Covered>,
    waiting: Mutex<Waiting>,
    cache: Arc<PageCache>,
    files: AtomicU64,
    /// Wakes the follower.
    woken: Event,
    /// Wakes who merges.
    changed: Event,
    /// Wakes searches that wait for the follower.
    grown: Event,
    /// Wakes who rests after a failure.
    stopped: Event,
    stopping: AtomicBool,
}

impl Index {
    /// The hashes of a draft's terms; none where entries are not indexed.
    pub(crate) fn terms_of(&self, draft: &Draft, shared: &Shared) -> Vec<u64> {
        if !self.follows() {
            return Vec::new();
        }
        let operator = draft.openings.as_ref().map_or("", |openings| &openings.operator);
        let clauses = held_clauses(shared, &draft.entry, LeafIndex(u64::MAX));
        self.terms.of_entry(&draft.entry, operator, &clauses)
    }

    /// Where an entry is, where the index covers it.
    pub(crate) fn row(&self, leaf: LeafIndex) -> Option<Row> {
        let covered = self.covered();
        if let Some(row) = covered.open.row(leaf.0) {
            return Some(row);
        }
        let piece = covered.piece_of(leaf.0)?.clone();
        drop(covered);
        match piece {
            Piece::Segment(segment) => segment.row(leaf.0),
            Piece::Block(block) => block.row(leaf.0).unwrap_or_else(|error| {
                self.discard(&block, &error);
                None
            }),
        }
    }

    /// Takes the entries of a frame that has been applied, with the hashes of their terms. All the commit path does for the
    /// index: it neither waits for the disk nor for a search.
    pub(crate) fn offer(&self, frame_bytes: &[u8], terms: Vec<Vec<u64>>, applied: &Applied) {
        if !self.follows() {
            return;
        }
        let rows = item_offsets(frame_bytes).into_iter().zip(&applied.leaf_hashes);
        let entries = terms.into_iter().zip(&applied.outcomes).zip(rows);
        let arrived = |((terms, outcome), (offset, leaf_hash)): ((_, &Outcome), (_, &Digest))| Arrived {
            terms,
            outcome: outcome.as_str(),
            row: Row { offset, leaf_hash: *leaf_hash },
        };
        let arrival = Arrival {
            first: applied.first_leaf.0,
            time_micros: applied.time.0,
            entries: entries.map(arrived).collect(),
        };
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).add(arrival);
        if waiting >= WAKE_AT {
            self.woken.notify(1);
        }
    }

    /// Something is in the log that nobody offers: the follower reads it there.
    pub(crate) fn has_grown(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).miss();
        self.woken.notify(1);
    }

    /// How the index stands.
    pub(crate) fn measures(&self) -> IndexMeasures {
        let covered = self.covered();
        let mut measures = IndexMeasures { in_memory: u64::from(covered.open.length()), ..IndexMeasures::default() };
        for piece in covered.pieces.values() {
            let entries = piece.leaves().end - piece.leaves().start;
            match piece {
                Piece::Segment(_) => measures.in_memory += entries,
                Piece::Block(block) => {
                    measures.in_blocks += entries;
                    measures.blocks += 1;
                    measures.bytes += block.bytes();
                }
            }
        }
        measures
    }

    pub(crate) fn follows(&self) -> bool {
        self.settings.follows
    }

    /// Tells the threads to end.
    fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        for event in [&self.woken, &self.changed, &self.stopped, &self.grown] {
            event.notify(usize::MAX);
        }
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    fn covered(&self) -> RwLockReadGuard<'_, Covered> {
        self.covered.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn covered_mut(&self) -> RwLockWriteGuard<'_, Covered> {
        self.covered.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn outcome(&self, name: &str) -> u64 {
        self.terms.of_outcome(name)
    }

    /// Takes what waits into the open segment.
    fn absorb(&self) {
        let mut covered = self.covered_mut();
        loop {
            let end = covered.open.range().end;
            let next = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).next(end);
            let Some(arrival) = next else { return };
            // Most of a frame's entries have one outcome.
            let (mut name, mut hash) = ("", 0);
            let known = usize::try_from(end - arrival.first).unwrap_or(usize::MAX);
            for Arrived { terms, outcome, row } in arrival.entries.into_iter().skip(known) {
                if outcome != name {
                    (name, hash) = (outcome, self.outcome(outcome));
                }
                self.push(&mut covered, terms, hash, arrival.time_micros, row);
            }
        }
    }

    /// Whether what comes after the open segment is on its way from the sequencer.
    fn is_on_the_way(&self, end: u64) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).follows(end)
    }

    fn push(&self, covered: &mut Covered, terms: Vec<u64>, outcome: u64, time_micros: u64, row: Row) {
        covered.open.push(terms.into_iter().chain([outcome]), time_micros, row);
        if covered.open.length() >= self.settings.block_entries {
            covered.close_open();
            covered.keep_segments(MAX_SEGMENTS);
            self.woken.notify(1);
        }
    }

    /// Closes the open segment where it is long enough for the next start to be glad of it.
    fn close_last(&self) {
        let mut covered = self.covered_mut();
        if covered.open.length() >= (self.settings.block_entries / 16).max(1) {
            covered.close_open();
        }
    }

    fn folder(&self) -> Result<&Path, StoreError> {
        self.folder.as_deref().ok_or(StoreError::Corrupt("the index has no folder"))
    }

    /// Opens a block that has just been written, in the place of what it covers.
    fn take(&self, path: &Path) -> Result<(), StoreError> {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let block = Block::open(path, &self.pages, number, &self.cache)?;
        self.covered_mut().put(Arc::new(block));
        self.changed.notify(usize::MAX);
        self.grown.notify(usize::MAX);
        Ok(())
    }

    /// Forgets a block that is not as it was written, and its file; it is made anew from the log.
    fn discard(&self, block: &Arc<Block>, error: &StoreError) {
        if self.covered_mut().remove(block) {
            let (first, end) = (block.mark.leaves.start, block.mark.leaves.end);
            let error = error as &dyn std::error::Error;
            tracing::error!(first, end, error, "a block of the audit index is damaged; it is made anew from the log");
            sweep(block.path());
            self.changed.notify(usize::MAX);
        }
    }

    fn mark(&self, reader: &Reader, leaves: std::ops::Range<u64>) -> Result<Mark, StoreError> {
        let root = reader.shared.root_at(leaves.end)?;
        let log_id = reader.shared.read(|state| state.log_id()).unwrap_or(self.log_id);
        Ok(Mark { log_id, key_check: self.terms.check(), leaves, root })
    }
}

/// Removes a file of the index. One that stays is looked at again by the next start.
fn sweep(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), error = &error as &dyn std::error::Error, "an index file was not removed");
    }
}

#[cfg(test)]
mod tests;
