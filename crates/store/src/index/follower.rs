//! The threads behind the commit path: one takes entries into memory and writes blocks, one merges them and makes anew what
//! was lost. Whatever fails here makes searches slower and stops nothing.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use event_listener::Listener;

use super::block::{Block, MAX_LEAVES};
use super::scan::{Operators, Scan};
use super::segment::Segment;
use super::{Index, build};
use crate::error::StoreError;
use crate::reader::Reader;

/// Entries that are read from the log at once.
const READ_ENTRIES: u64 = 4_096;

/// How far the open segment may be behind without being brought up from the log: what is on its way from the sequencer.
const ON_THE_WAY: u64 = 512;

/// How long after a failure the same is tried again.
const PAUSE: Duration = Duration::from_secs(30);

/// What a thread does until the journal stops.
type Work = fn(&Index, &Reader);

/// Whether a thread has something more to do at once.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    GoOn,
    Wait,
}

/// The threads, to be stopped.
#[derive(Debug)]
pub(crate) struct Follower {
    index: Arc<Index>,
    threads: Vec<JoinHandle<()>>,
}

impl Follower {
    /// Starts the threads, each with a reader of its own. An index that does not follow has none.
    pub(crate) fn start(index: &Arc<Index>, reader: impl Fn() -> Reader) -> Result<Self, StoreError> {
        let works: [(&str, Work); 2] = [("journal-index", Index::follow), ("journal-merge", Index::tidy)];
        let spawn = |(name, work): (&str, Work)| {
            let (index, reader) = (Arc::clone(index), reader());
            thread::Builder::new()
                .name(name.into())
                .spawn(move || {
                    if catch_unwind(AssertUnwindSafe(|| work(&index, &reader))).is_err() {
                        tracing::error!(
                            "a thread of the audit index panicked; until the next start searches are slower"
                        );
                    }
                })
                .map_err(|error| StoreError::Engine(Box::new(error)))
        };
        let works = works.into_iter().filter(|_| index.follows());
        Ok(Self { index: Arc::clone(index), threads: works.map(spawn).collect::<Result<_, _>>()? })
    }

    /// Ends the threads; what is in memory is written first, for the next start.
    pub(crate) fn stop(self) {
        self.index.stop();
        for thread in self.threads {
            // A panic has been told of where it happened.
            let _ = thread.join();
        }
    }
}

/// Says each kind of failure once, until it is over.
#[derive(Debug, Default)]
struct Complaint(AtomicBool);

impl Complaint {
    fn of(&self, what: &'static str, error: &StoreError) {
        if !self.0.swap(true, Ordering::Relaxed) {
            tracing::error!(what, error = error as &dyn Error, "the audit index does not follow; searches are slower");
        }
    }

    fn is_over(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Index {
    /// Takes entries as they come and writes blocks, until the journal stops.
    fn follow(&self, reader: &Reader) {
        let complaint = Complaint::default();
        loop {
            let woken = self.woken.listen();
            if self.is_stopping() {
                break;
            }
            match self.step(reader) {
                Ok(Next::GoOn) => complaint.is_over(),
                Ok(Next::Wait) => woken.wait(),
                Err(error) => {
                    complaint.of("entries", &error);
                    self.rest();
                }
            }
        }
        self.absorb();
        self.close_last();
        while let Some(segment) = self.next_to_write() {
            if let Err(error) = self.write(reader, &segment, &mut || Ok(())) {
                complaint.of("the last entries", &error);
                break;
            }
        }
    }

    fn step(&self, reader: &Reader) -> Result<Next, StoreError> {
        let size = reader.shared.read(|state| state.tree().size());
        self.absorb();
        if let Some(segment) = self.next_to_write() {
            self.write(reader, &segment, &mut || self.unless_stopping())?;
            return Ok(Next::GoOn);
        }
        let end = self.covered().open.range().end;
        let behind = size.saturating_sub(end);
        if behind == 0 || (behind <= ON_THE_WAY && self.is_on_the_way(end)) {
            return Ok(Next::Wait);
        }
        let mut entries = Vec::new();
        let scan = Scan { reader, key: &self.terms, operators: Operators::Opened };
        scan.each(end..size.min(end + READ_ENTRIES), |entry| entries.push(entry))?;
        let mut covered = self.covered_mut();
        // A search may have taken some of them meanwhile.
        let end = covered.open.range().end;
        for entry in entries.into_iter().skip_while(|entry| entry.leaf < end) {
            let outcome = self.outcome(entry.outcome);
            self.push(&mut covered, entry.terms, outcome, entry.time_micros, entry.row);
        }
        drop(covered);
        self.grown.notify(usize::MAX);
        Ok(Next::GoOn)
    }

    /// The segment that becomes a block next. The lock is let go of here, not where its writing ends.
    fn next_to_write(&self) -> Option<Arc<Segment>> {
        self.covered().waiting()
    }

    /// Merges blocks and makes those anew that were lost, until the journal stops.
    fn tidy(&self, reader: &Reader) {
        let complaint = Complaint::default();
        loop {
            let changed = self.changed.listen();
            if self.is_stopping() {
                return;
            }
            let gap = self.covered().gap(u64::from(self.settings.block_entries));
            let run = self.run_to_merge();
            let done = match (gap, run) {
                (Some(gap), _) => self.rebuild(reader, gap),
                (None, Some(run)) => self.merge(reader, &run),
                (None, None) => {
                    changed.wait();
                    continue;
                }
            };
            match done {
                Ok(()) => complaint.is_over(),
                Err(StoreError::Closed) => {}
                Err(error) => {
                    complaint.of("blocks", &error);
                    self.rest();
                }
            }
        }
    }

    /// Makes a block of the part of the log that none covers.
    fn rebuild(&self, reader: &Reader, gap: std::ops::Range<u64>) -> Result<(), StoreError> {
        let mut segment = Segment::starting_at(gap.start);
        let scan = Scan { reader, key: &self.terms, operators: Operators::Opened };
        while segment.range().end < gap.end {
            self.unless_stopping()?;
            let end = segment.range().end;
            scan.each(end..gap.end.min(end + READ_ENTRIES), |entry| {
                let outcome = self.outcome(entry.outcome);
                segment.push(entry.terms.into_iter().chain([outcome]), entry.time_micros, entry.row);
            })?;
            if segment.range().end == end {
                return Err(StoreError::Corrupt("the log ends before what the index covers"));
            }
        }
        self.write(reader, &segment, &mut || self.unless_stopping())
    }

    fn write(&self, reader: &Reader, segment: &Segment, pace: super::pages::Pace<'_>) -> Result<(), StoreError> {
        reader.shared.has_ample_room()?;
        let folder = self.folder()?;
        let mark = self.mark(reader, segment.range())?;
        let path = build::write_segment(folder, mark, &self.pages, segment, pace)?;
        self.take(&path)
    }

    fn merge(&self, reader: &Reader, run: &[Arc<Block>]) -> Result<(), StoreError> {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { return Ok(()) };
        // Both are there for a while: what was merged, and what it was merged from.
        reader.shared.has_ample_room()?;
        let mark = self.mark(reader, first.mark.leaves.start..last.mark.leaves.end)?;
        let path = match build::write_merged(self.folder()?, mark, &self.pages, run, &mut || self.pace()) {
            Ok(path) => path,
            Err(StoreError::Closed) => return Err(StoreError::Closed),
            Err(error) => {
                let damaged: Vec<_> = run.iter().filter_map(|block| Some((block, block.check().err()?))).collect();
                let is_theirs = !damaged.is_empty();
                damaged.into_iter().for_each(|(block, error)| self.discard(block, &error));
                return if is_theirs { Ok(()) } else { Err(error) };
            }
        };
        self.take(&path)?;
        // If we stop before, the next start finds the larger one and sweeps these away.
        run.iter().for_each(|block| super::sweep(block.path()));
        self.grown.notify(usize::MAX);
        Ok(())
    }

    /// Neighbours that become one block: as many of one size as make the next, or what no more will come to.
    pub(crate) fn run_to_merge(&self) -> Option<Vec<Arc<Block>>> {
        let covered = self.covered();
        let blocks: Vec<&Arc<Block>> = covered.blocks().collect();
        let levels: Vec<u32> = blocks.iter().map(|block| self.level(block)).collect();
        let joined = |at: usize| blocks[at - 1].mark.leaves.end == blocks[at].mark.leaves.start;
        let mut start = 0;
        for end in 1..=blocks.len() {
            let goes_on = end < blocks.len() && joined(end) && levels[end] == levels[start];
            let fits =
                |run: &[&Arc<Block>]| run[run.len() - 1].mark.leaves.end - run[0].mark.leaves.start <= MAX_LEAVES;
            let run = &blocks[start..end];
            let is_full = run.len() >= self.settings.fan;
            let is_shut = run.len() > 1 && end < blocks.len() && joined(end) && levels[end] > levels[start];
            if (is_full || (is_shut && !goes_on)) && fits(run) {
                return Some(run.iter().map(|block| Arc::clone(block)).collect());
            }
            if !goes_on {
                start = end;
            }
        }
        None
    }

    /// How many times over a block has been merged, by its size.
    fn level(&self, block: &Block) -> u32 {
        let leaves = &block.mark.leaves;
        let blocks = (leaves.end - leaves.start) / u64::from(self.settings.block_entries).max(1);
        blocks.checked_ilog(self.settings.fan as u64).unwrap_or(0)
    }

    /// Waits a while after a failure, or until the journal stops.
    fn rest(&self) {
        let woken = self.stopped.listen();
        if !self.is_stopping() {
            let _ = woken.wait_timeout(PAUSE);
        }
    }

    fn unless_stopping(&self) -> Result<(), StoreError> {
        if self.is_stopping() { Err(StoreError::Closed) } else { Ok(()) }
    }

    /// Lets commits through between the pages of a merge.
    fn pace(&self) -> Result<(), StoreError> {
        self.unless_stopping()?;
        thread::yield_now();
        Ok(())
    }
}
