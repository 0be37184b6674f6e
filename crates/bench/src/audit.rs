//! `audit`: searching a large journal by every kind of key, what its index takes, and what indexing costs the commits.

mod commits;
mod mix;
mod queries;
mod report;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_journal::v1;
use causeway_store::{Clock, Draft, Journal, Keys, Options, SledLog};

use crate::disk;
use crate::waiting::wait_for;
use commits::Round;
use mix::Mix;
use report::Report;

/// Most entries of a round of commits: two blocks of the index.
const ROUND_ENTRIES: u64 = 131_072;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Entries of the journal that is searched.
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// Drafts in flight while committing.
    #[arg(long, default_value_t = 512)]
    in_flight: usize,
    /// Rounds of commits with and without indexing, each.
    #[arg(long, default_value_t = 7)]
    rounds: u64,
    /// Searches of each kind, frequency and direction.
    #[arg(long, default_value_t = 100)]
    searches: usize,
    /// Print one JSON object instead of tables.
    #[arg(long)]
    json: bool,
    /// Where the journals are made; the folder stays, and one that was made without rounds is gone on with. A temporary one otherwise,
    /// which goes.
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// Entries that a new journal begins with.
const GENESIS: u64 = 2;

type Failed = Box<dyn Error>;

/// Runs the benchmark and prints what came of it.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failed> {
    let temporary = tempfile::tempdir()?;
    let dir = arguments.dir.as_deref().unwrap_or_else(|| temporary.path());
    std::fs::create_dir_all(dir)?;
    let mut report = Report { syncs: disk::sync_pace(dir, 200)?, ..Report::default() };
    let mut mix = Mix::new();
    let journal = start(&dir.join("indexed"), true)?;
    for _ in GENESIS..journal.read(|state| state.tree().size()) {
        mix.draft();
    }
    let without = start(&dir.join("plain"), false)?;
    let round = ROUND_ENTRIES.min(arguments.entries / arguments.rounds.max(1)).max(1);
    for number in 0..arguments.rounds {
        let size = (round, arguments.in_flight);
        let mut run = |journal: &Journal, is_indexed| Round::run(dir, journal, &mut mix, size, is_indexed);
        // Each goes first as often as the other: a machine that grows slower would count against the second.
        if number.is_multiple_of(2) {
            report.plain.push(run(&without, false)?);
        }
        report.indexed.push(run(&journal, true)?);
        if !number.is_multiple_of(2) {
            report.plain.push(run(&without, false)?);
        }
    }
    without.close();
    let size = journal.read(|state| state.tree().size());
    commits::rate(&journal, &mut mix, arguments.entries.saturating_sub(size), arguments.in_flight)?;
    covered(&journal);
    report.entries = journal.read(|state| state.tree().size());
    report.index = journal.index_measures();
    report.searches = queries::measure(&journal, &mut mix, arguments.searches)?;
    report.proofs = queries::proofs(&journal, &mut mix, 500)?;
    journal.close();
    let begun = Instant::now();
    let journal = start(&dir.join("indexed"), true)?;
    report.start = begun.elapsed();
    report.index_after_start = journal.index_measures();
    journal.close();
    report.print(arguments.json)?;
    Ok(())
}

/// Waits until the index has all entries but the few that it is not woken for, no more than a block's of them in memory; gives how long
/// that took.
fn covered(journal: &Journal) -> Duration {
    let begun = Instant::now();
    let size = journal.read(|state| state.tree().size());
    let is_behind = |now: causeway_store::IndexMeasures| {
        now.in_memory >= 65_536 || now.in_blocks + now.in_memory + 2 * 4_096 < size
    };
    while is_behind(journal.index_measures()) {
        std::thread::sleep(Duration::from_millis(5));
    }
    // Merges go on for a moment: until nothing has changed for a while.
    let mut before = journal.index_measures();
    loop {
        std::thread::sleep(Duration::from_millis(300));
        let now = journal.index_measures();
        if now == before {
            return begun.elapsed().saturating_sub(Duration::from_millis(300));
        }
        before = now;
    }
}

/// Starts a journal, with its genesis where it is new.
fn start(dir: &Path, index: bool) -> Result<Journal, Failed> {
    let keys_dir = dir.join("keys");
    let (keys, _) = Keys::load_or_create(&keys_dir)?;
    let data_dir = dir.join("data");
    let options = Options {
        data_dir: data_dir.clone(),
        keys_dir,
        mirror_dir: None,
        keys: Arc::new(keys),
        clock: Clock::system(),
        node: "bench".into(),
        origin: "bench.causeway.example/journal".into(),
        software: concat!("causeway/", env!("CARGO_PKG_VERSION")).into(),
        queue_depth: 1_024,
        signing_overlap: Duration::ZERO,
        headroom_bytes: 0,
        index,
    };
    let journal = Journal::start(Box::new(SledLog::open(&data_dir)?), options)?;
    if !journal.read(causeway_journal::State::genesis_complete) {
        for reason in [causeway_journal::REASON_GENESIS, causeway_journal::REASON_GENESIS_COMPLETE] {
            let entry = v1::Entry {
                entry_id: causeway_crypto::random::<16>().to_vec(),
                operation: v1::Operation::Administration.into(),
                decision: v1::Decision::Allowed.into(),
                reason: reason.into(),
                actor: Some(v1::Actor { agency: "gb-nca".into(), ..Default::default() }),
                ..Default::default()
            };
            wait_for(journal.append(Draft { entry, openings: None, body: None, document_text: None }))?;
        }
    }
    Ok(journal)
}
