//! `audit`: searching a large journal by every kind of key, what its index takes, and what indexing costs the commits.

mod commits;
pub(crate) mod mix;
mod queries;
mod report;

use std::path::{Path, PathBuf};
use std::time::Instant;

use causeway_rig::Failed;
use causeway_store::Journal;

use crate::check::Check;
use crate::{journals, say};
use commits::Round;
use mix::Mix;
use report::Report;

/// Most entries of a round of commits: two blocks of the index.
const ROUND_ENTRIES: u64 = 131_072;

/// Inclusion proofs that are made and verified.
const PROOFS: usize = 500;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Entries of the journal that is searched.
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// Drafts in flight while committing.
    #[arg(long, default_value_t = 512)]
    in_flight: usize,
    /// Rounds of commits with and without indexing, each; 0 to search alone.
    #[arg(long, default_value_t = 7)]
    rounds: u64,
    /// Searches of each kind, frequency and direction.
    #[arg(long, default_value_t = 100)]
    searches: usize,
    /// A folder whose journals stay; those that were made without rounds are gone on with. Temporary ones otherwise, which go.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

impl Arguments {
    /// For a look at everything in a few minutes.
    pub(crate) fn short() -> Self {
        Self { entries: 300_000, in_flight: 512, rounds: 3, searches: 50, keep: None }
    }

    /// For seeing that it runs.
    pub(crate) fn smoke() -> Self {
        Self { entries: 4_000, in_flight: 512, rounds: 1, searches: 1, keep: None }
    }
}

/// Runs the benchmark in a folder of its own, or in the one that is kept.
pub(crate) fn run(arguments: &Arguments, dir: &Path) -> Result<Vec<Check>, Failed> {
    let temporary = tempfile::tempdir_in(dir)?;
    let dir = arguments.keep.as_deref().unwrap_or_else(|| temporary.path());
    std::fs::create_dir_all(dir)?;
    let mut mix = Mix::new();
    let mut report = Report::default();
    let journal = journals::open(&dir.join("indexed"), true)?;
    for _ in journals::GENESIS..journals::size(&journal) {
        mix.draft();
    }
    commit(arguments, dir, &journal, &mut mix, &mut report)?;
    report.entries = journals::size(&journal);
    report.index = journal.index_measures();
    say(format!("searching {} entries", report.entries));
    report.searches = queries::measure(&journal, &mut mix, arguments.searches)?;
    report.proofs = queries::proofs(&journal, &mut mix, PROOFS)?;
    journal.close();
    let begun = Instant::now();
    let journal = journals::open(&dir.join("indexed"), true)?;
    report.start = begun.elapsed();
    journal.close();
    say(format!("what the lines below are made of\n{report}"));
    Ok(report.checks())
}

/// The rounds with the index and without, and then what is missing of the journal that is searched.
fn commit(
    arguments: &Arguments,
    dir: &Path,
    journal: &Journal,
    mix: &mut Mix,
    report: &mut Report,
) -> Result<(), Failed> {
    let without = journals::open(&dir.join("plain"), false)?;
    let round = ROUND_ENTRIES.min(arguments.entries / arguments.rounds.max(1)).max(1);
    for number in 0..arguments.rounds {
        say(format!("round {} of {} with the index and without", number + 1, arguments.rounds));
        let size = (round, arguments.in_flight);
        let mut run = |journal: &Journal, is_indexed| Round::run(dir, journal, mix, size, is_indexed);
        // Each goes first as often as the other: a machine that grows slower would count against the second.
        if number.is_multiple_of(2) {
            report.plain.push(run(&without, false)?);
        }
        report.indexed.push(run(journal, true)?);
        if !number.is_multiple_of(2) {
            report.plain.push(run(&without, false)?);
        }
    }
    without.close();
    let left = arguments.entries.saturating_sub(journals::size(journal));
    say(format!("{left} more entries"));
    commits::rate(journal, mix, left, arguments.in_flight)?;
    journals::index_done(journal);
    Ok(())
}
