//! Journals that no gateway serves while they are measured: opening them, and appending to them with many drafts in flight.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_gateway::Config;
use causeway_journal::v1;
use causeway_rig::{Failed, Installation};
use causeway_store::{Clock, Draft, IndexMeasures, Journal, Keys, Options, SledLog};

use crate::waiting::wait_for;

/// Entries that a new journal begins with.
pub(crate) const GENESIS: u64 = 2;

/// Drafts that may wait in a journal: more than any benchmark has in flight.
const QUEUE_DEPTH: usize = 1_024;

/// How often the index is looked at, and how long it has to stand still before it counts as done.
const INDEX_LOOK: Duration = Duration::from_millis(5);
const INDEX_STILL: Duration = Duration::from_millis(300);

/// Entries that the index keeps in memory before it makes a block of them, and those that it is not woken for.
const INDEX_BLOCK: u64 = 65_536;
const INDEX_UNWOKEN: u64 = 2 * 4_096;

/// Opens the journal of this folder, `data` with its keys in `keys`; a new one gets a genesis without documents.
pub(crate) fn open(dir: &Path, index: bool) -> Result<Journal, Failed> {
    let journal = start(&dir.join("data"), &dir.join("keys"), "bench.causeway.example/journal", index)?;
    if journal.read(causeway_journal::State::genesis_complete) {
        return Ok(journal);
    }
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
    Ok(journal)
}

/// Opens an installation's journal, which a gateway has begun and none serves now.
pub(crate) fn of(installation: &Installation) -> Result<Journal, Failed> {
    let config = Config::load(&installation.settings()).map_err(|faults| faults.join("; "))?;
    start(&config.data_dir, &config.keys_dir, &config.origin, true)
}

/// With the options that differ in no benchmark.
fn start(data_dir: &Path, keys_dir: &Path, origin: &str, index: bool) -> Result<Journal, Failed> {
    let (keys, _) = Keys::load_or_create(keys_dir)?;
    let options = Options {
        data_dir: data_dir.to_owned(),
        keys_dir: keys_dir.to_owned(),
        mirror_dir: None,
        keys: Arc::new(keys),
        clock: Clock::system(),
        node: "bench".into(),
        origin: origin.into(),
        software: concat!("causeway/", env!("CARGO_PKG_VERSION")).into(),
        queue_depth: QUEUE_DEPTH,
        signing_overlap: Duration::ZERO,
        headroom_bytes: 0,
        node_keys: None,
        index,
    };
    Ok(Journal::start(Box::new(SledLog::open(data_dir)?), options)?)
}

/// Entries of a journal.
pub(crate) fn size(journal: &Journal) -> u64 {
    journal.read(|state| state.tree().size())
}

/// Appends drafts, so many in flight, and waits until the last is durable.
pub(crate) fn append_all(
    journal: &Journal,
    drafts: impl IntoIterator<Item = Draft>,
    in_flight: usize,
) -> Result<(), Failed> {
    let mut waiting = VecDeque::with_capacity(in_flight);
    for draft in drafts {
        if waiting.len() >= in_flight
            && let Some(first) = waiting.pop_front()
        {
            wait_for(first)?;
        }
        waiting.push_back(wait_for(journal.enqueue(draft))?);
    }
    for appending in waiting {
        wait_for(appending)?;
    }
    Ok(())
}

/// Waits until the index has all entries but the few that it is not woken for, no more than a block's of them in memory; gives how long
/// that took.
pub(crate) fn index_done(journal: &Journal) -> Duration {
    let begun = Instant::now();
    let size = size(journal);
    let is_behind =
        |now: IndexMeasures| now.in_memory >= INDEX_BLOCK || now.in_blocks + now.in_memory + INDEX_UNWOKEN < size;
    while is_behind(journal.index_measures()) {
        std::thread::sleep(INDEX_LOOK);
    }
    // Merges go on for a moment: until nothing has changed for a while.
    let mut before = journal.index_measures();
    loop {
        std::thread::sleep(INDEX_STILL);
        let now = journal.index_measures();
        if now == before {
            return begun.elapsed().saturating_sub(INDEX_STILL);
        }
        before = now;
    }
}
