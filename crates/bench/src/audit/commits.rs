//! Committing drafts with many in flight.

use std::path::Path;
use std::time::{Duration, Instant};

use causeway_rig::Failed;
use causeway_store::Journal;

use super::mix::Mix;
use crate::{disk, journals, processor};

/// One round of commits.
#[derive(Debug, Clone)]
pub(crate) struct Round {
    /// Entries a second.
    pub(crate) rate: f64,
    /// Processor time of this process for an entry, in microseconds, with what the index did after the round.
    pub(crate) micros_an_entry: f64,
    /// How long the index was at work after the round.
    pub(crate) lag: Duration,
    /// What the disk's `fdatasync` took just before, in the middle.
    pub(crate) sync: Duration,
}

impl Round {
    pub(crate) fn run(
        dir: &Path,
        journal: &Journal,
        mix: &mut Mix,
        (entries, in_flight): (u64, usize),
        is_indexed: bool,
    ) -> Result<Self, Failed> {
        let sync = disk::sync_pace(dir, 50)?.at(500);
        let before = processor::seconds();
        let rate = rate(journal, mix, entries, in_flight)?;
        let lag = if is_indexed { journals::index_done(journal) } else { Duration::ZERO };
        let micros_an_entry = (processor::seconds() - before) * 1e6 / entries.max(1) as f64;
        Ok(Self { rate, micros_an_entry, lag, sync })
    }
}

/// Drafts that are made before the clock runs, and then appended: making them is not what is measured.
const MADE_AT_ONCE: u64 = 32_768;

/// Appends so many entries; gives how many a second became durable. The drafts' own making is not in it, their encryption is.
pub(crate) fn rate(journal: &Journal, mix: &mut Mix, entries: u64, in_flight: usize) -> Result<f64, Failed> {
    let (mut left, mut seconds) = (entries, 0.0);
    while left > 0 {
        let now = left.min(MADE_AT_ONCE);
        let drafts: Vec<_> = (0..now).map(|_| mix.draft()).collect();
        let begun = Instant::now();
        journals::append_all(journal, drafts, in_flight)?;
        seconds += begun.elapsed().as_secs_f64();
        left -= now;
    }
    Ok(entries as f64 / seconds.max(1e-9))
}
