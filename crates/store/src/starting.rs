//! Starting a journal over a log: recovery of keys and state, the comparison with what was signed, and the threads.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use async_channel::{Receiver, Sender};
use causeway_journal::State;

use crate::building::Stamp;
use crate::checkpoint_file::Keeper;
use crate::clock_guard::ClockGuard;
use crate::erasures::Erasures;
use crate::error::StoreError;
use crate::folder;
use crate::index::{Follower, Index, Settings};
use crate::journal::{Journal, Options};
use crate::key_folders::KeyFolders;
use crate::key_pages::KeyPages;
use crate::keys::Keys;
use crate::log::{FrameLog, ReadError};
use crate::moved_page_keys;
use crate::page_keys;
use crate::past::Past;
use crate::reader::{Reader, Readers};
use crate::replay::{Replayed, replay};
use crate::room::Gauge;
use crate::root_rotation;
use crate::sequencer::{Sequencer, Writer};
use crate::shared::Shared;
use crate::signers::Signers;
use crate::vault::Vault;

impl Journal {
    /// Starts over a log: replays it, compares it with every checkpoint that is known to have been signed of it, brings the keys
    /// folder and its mirror in order, and begins to take drafts.
    ///
    /// A log that is not, or is no longer all of, what was signed gives a journal that is halted: see [`Journal::halted`].
    ///
    /// # Errors
    /// A checkpoint file that is gone or that no key of the ring has signed; a hole, a frame that the rules refuse, or key files
    /// that do not belong to it. Nothing is served or signed then.
    pub fn start(log: Box<dyn FrameLog>, options: Options) -> Result<Self, StoreError> {
        let settings = Settings::standard(options.index);
        Self::start_with(log, options, settings)
    }

    /// The same with an index of small blocks, which are made and merged after a few hundred entries: for those who break it.
    ///
    /// # Errors
    /// As [`Journal::start`].
    pub fn start_with_small_blocks(log: Box<dyn FrameLog>, options: Options) -> Result<Self, StoreError> {
        Self::start_with(log, options, Settings { block_entries: 64, fan: 3, follows: true, turn: 300 })
    }

    /// The same with blocks of other sizes.
    pub(crate) fn start_with(log: Box<dyn FrameLog>, options: Options, settings: Settings) -> Result<Self, StoreError> {
        folder::prepare(&options.data_dir)?;
        log.assure()?;
        let past = Past::open(&options)?;
        let signed = past.file.read()?;
        let is_first_start = signed.is_none();
        let Replayed { state, tiles, contradiction } = replay(log.as_ref(), &past, signed)?;
        let opened = OpenedKeys::open(log.as_ref(), &options)?;
        // One that is halted signs nothing, so it does not have to find the key that the old log names.
        let signing_state = if contradiction.is_some() { &State::new() } else { &state };
        let writer = Writer {
            log_id: state.log_id().unwrap_or_else(causeway_crypto::random),
            stamp: Stamp { node: options.node, software: options.software },
            signers: Signers::of(signing_state, log.as_ref(), &options.keys, options.signing_overlap)?,
            origin: options.origin,
        };
        let mirror_dir = options.mirror_dir.as_deref();
        let gauge = Gauge::of(options.headroom_bytes, &options.data_dir, &options.keys_dir, mirror_dir);
        let (keys, queue_depth) = (options.keys, options.queue_depth);
        let data_dir = options.data_dir.clone();
        let checkpoint = match contradiction.as_ref().and_then(|contradiction| contradiction.shown.as_ref()) {
            Some(signed) => Arc::clone(&signed.note),
            None if is_first_start && state.tree().size() > 0 => {
                // Without the file, a log that was cut back would look like any other.
                return Err(StoreError::CheckpointMissing { path: options.data_dir.join("checkpoint") });
            }
            None => in_order(&state, &writer, &keys, &past, is_first_start)?,
        };
        let newest = (state.tree().size() > 0).then(|| state.last_time());
        let shared = Arc::new(Shared::new(
            log,
            (gauge, ClockGuard::starting(options.clock, newest)),
            writer.verifier_keys(),
            state,
            checkpoint,
            tiles,
        ));
        if let Some(contradiction) = contradiction {
            past.halt_from_the_start(&shared, &contradiction);
        }
        run_threads(Parts { shared, writer, opened, keys, past, queue_depth, data_dir, settings })
    }
}

/// The newest checkpoint of a log that is what was signed of it; file and ring are as the next start needs them then.
fn in_order(
    state: &State,
    writer: &Writer,
    keys: &Keys,
    past: &Past,
    is_first_start: bool,
) -> Result<Arc<str>, StoreError> {
    let checkpoint = writer.sign(state.tree().size(), state.tree().root());
    let drops_keys = is_named(state, writer) && keys.ring().checkpoint_keys().len() > 1;
    if is_first_start || drops_keys {
        // From here on the file is there whenever the log holds anything, and signed by the key that stays.
        past.file.write(|| Arc::clone(&checkpoint), |_| true)?;
    }
    if drops_keys {
        writer.signers.keep_alone(keys)?;
    }
    Ok(checkpoint)
}

/// What the threads are made of.
struct Parts {
    shared: Arc<Shared>,
    writer: Writer,
    opened: OpenedKeys,
    keys: Arc<Keys>,
    past: Past,
    queue_depth: usize,
    data_dir: PathBuf,
    settings: Settings,
}

fn run_threads(parts: Parts) -> Result<Journal, StoreError> {
    let Parts { shared, writer, opened, keys, past, queue_depth, data_dir, settings } = parts;
    let OpenedKeys { folders, lock, vault, erasures } = opened;
    let reader = || Reader { shared: Arc::clone(&shared), vault: Arc::clone(&vault), index: None };
    let index_key = keys.ring().index_mac();
    let index = Arc::new(Index::open(&data_dir, &index_key, writer.log_id, settings, &reader()));
    let follower = Follower::start(&index, reader)?;
    let (readers, mut reader_threads) = Readers::start("journal-read", &shared, &vault, &index)?;
    let (auditors, audit_threads) = Readers::start("journal-audit", &shared, &vault, &index)?;
    reader_threads.extend(audit_threads);
    let keeper = Keeper::start(past.clone(), Arc::clone(&shared))?;
    let (queue, drafts) = async_channel::bounded(queue_depth.max(1));
    let (closing, until_closing) = async_channel::bounded(1);
    let (done, closed) = async_channel::bounded(1);
    let sequencer = Sequencer {
        shared: Arc::clone(&shared),
        queue: drafts,
        index: Arc::clone(&index),
        pages: KeyPages::new(Arc::clone(&vault)),
        writer,
        keys,
        folders,
        vault,
        past: past.clone(),
        held: None,
    };
    let kept = ([readers.clone(), auditors.clone()], past.clone());
    let end = End { until_closing, done, readers: kept.0, reader_threads, follower, keeper, past: kept.1, lock };
    thread::Builder::new()
        .name("journal-append".into())
        .spawn(move || run(sequencer, end))
        .map_err(|error| StoreError::Engine(Box::new(error)))?;
    Ok(Journal { shared, readers, auditors, erasures, index, past, queue, closing, closed })
}

/// What the sequencer thread does and lets go of when the journal is closed.
#[derive(Debug)]
struct End {
    until_closing: Receiver<()>,
    done: Sender<()>,
    readers: [Readers; 2],
    reader_threads: Vec<JoinHandle<()>>,
    follower: Follower,
    keeper: Keeper,
    past: Past,
    /// Keeps others away from the keys folder.
    lock: File,
}

fn run(mut sequencer: Sequencer, end: End) {
    if catch_unwind(AssertUnwindSafe(|| sequencer.run())).is_err() {
        let reason = sequencer.shared.stop("the sequencer panicked".into());
        sequencer.abandon(&reason);
    }
    // After a failure, what is durable can still be read until somebody closes the journal.
    let _ = end.until_closing.recv_blocking();
    end.readers.iter().for_each(Readers::close);
    for thread in end.reader_threads {
        if thread.join().is_err() {
            tracing::error!("a reader thread panicked");
        }
    }
    end.follower.stop();
    end.keeper.stop();
    if let Err(error) = end.past.keep_newest(&sequencer.shared) {
        tracing::error!(error = &error as &dyn std::error::Error, "the last checkpoint was not kept");
    }
    // Before the log's own lock, which whoever comes next waits for.
    drop(end.lock);
    if let Err(error) = sequencer.shared.log.close() {
        tracing::error!(error = &error as &dyn std::error::Error, "the log did not close cleanly");
    }
    drop(end.done);
}

/// What the keys folder and its mirror hold, open and in order.
#[derive(Debug)]
struct OpenedKeys {
    folders: KeyFolders,
    lock: File,
    vault: Arc<Vault>,
    erasures: Arc<Erasures>,
}

impl OpenedKeys {
    fn open(log: &dyn FrameLog, options: &Options) -> Result<Self, StoreError> {
        let folders = KeyFolders::prepare(&options.keys_dir, options.mirror_dir.as_deref(), &options.data_dir)?;
        if folders.mirror().is_none() {
            tracing::warn!("page keys have no mirror: with the keys folder, every record is lost; set keys.mirror_dir");
        }
        let lock = folders.lock()?;
        options.keys.are_those_on_disk()?;
        moved_page_keys::out_of(&options.data_dir, &folders)?;
        root_rotation::recover(&folders)?;
        let vault = Vault::open(&folders, &options.keys.root())?;
        reaches(&vault, log, &folders)?;
        if let Some(next) = options.keys.take_next_root() {
            tracing::info!("wrapping ring and page keys under the new root key");
            root_rotation::rotate(&options.keys, vault.page_keys(), &folders, next, false, || vault.slots_in_use(log))
                .map_err(|failed| failed.error)?;
        }
        let erasures = Arc::new(Erasures::open(&folders)?);
        Ok(Self { folders, lock, vault: Arc::new(vault), erasures })
    }
}

/// Refuses page keys that end before the key pages of the log do.
fn reaches(vault: &Vault, log: &dyn FrameLog, folders: &KeyFolders) -> Result<(), StoreError> {
    match log.last_key_page() {
        Ok(Some(page)) if page >= vault.page_keys().end() => Err(StoreError::keys(
            &folders.primary().join(page_keys::NAME),
            "ends before the log's key pages do: restore page-keys, pages and erasures from the mirror (docs/keys.md)",
        )),
        Ok(_) => Ok(()),
        Err(ReadError::Closed) => Err(StoreError::Closed),
        Err(error) => Err(error.into()),
    }
}

fn is_named(state: &State, writer: &Writer) -> bool {
    state.checkpoint_key() == writer.signers.publics().next()
}
