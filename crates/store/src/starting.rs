//! Starting a journal over a log: recovery of keys and state, the comparison with what was signed, and the threads.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use async_channel::{Receiver, Sender};
use causeway_journal::{RULES_SHARED, RULES_VERSION, State};

use crate::building::Stamp;
use crate::catching_up::catch_up;
use crate::checkpoint_file::Keeper;
use crate::clock_guard::ClockGuard;
use crate::erasures::Erasures;
use crate::error::StoreError;
use crate::folder;
use crate::index::{Follower, Index, Settings};
use crate::joining::{Found, Joined};
use crate::journal::{Journal, Options};
use crate::key_folders::KeyFolders;
use crate::keys::Keys;
use crate::log::{FrameLog, ReadError};
use crate::moved_page_keys;
use crate::node::Upstream;
use crate::page_keys::{self, NodeNumber};
use crate::past::Past;
use crate::publisher::{Publisher, Signer};
use crate::reader::{Reader, Readers};
use crate::replay::{Replayed, replay};
use crate::room::Gauge;
use crate::root_rotation;
use crate::sequencer::{Sequencer, Way, Writer};
use crate::shared::Shared;
use crate::snapshot::{self, SnapshotKeeper, Snapshots};
use crate::vault::Vault;

/// Entries after which the state is kept where blocks are small.
const SMALL_EVERY: u64 = 300;

/// What is said of a node that would number its key pages as others do.
const NUMBERLESS: &str = "a node needs page keys under a number of its own";

/// What is said of a node's own log that is started without the one that it follows.
const ALONE: &str = "several nodes have written this journal's log: alone it would become another one; start it with the settings of \
                     its cluster (docs/cluster.md)";

impl Journal {
    /// Starts over a log: replays it, from the state that is kept on the disk on, compares it with every checkpoint that is known to
    /// have been signed of it, brings the keys folder and its mirror in order, and begins to take drafts.
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

    /// Starts a node: a journal over its own log that follows one which several nodes share, and appends to that one. It reads what it
    /// lacks before this returns. Where the shared log is another one than it has followed, or shorter, the journal is halted.
    ///
    /// # Errors
    /// As [`Journal::start`], and [`StoreError::Upstream`] where the shared log cannot be relied on or not be reached.
    pub fn start_as_node(log: Box<dyn FrameLog>, options: Options, upstream: Upstream) -> Result<Self, StoreError> {
        let settings = Settings::standard(options.index);
        Self::start_keeping(log, options, settings, snapshot::EVERY, Some(upstream))
    }

    /// The same with an index of small blocks, which are made and merged after a few hundred entries, as the state is kept: for those
    /// who break it.
    ///
    /// # Errors
    /// As [`Journal::start`].
    pub fn start_with_small_blocks(log: Box<dyn FrameLog>, options: Options) -> Result<Self, StoreError> {
        let settings = Settings { block_entries: 64, fan: 3, follows: true, turn: 300 };
        Self::start_keeping(log, options, settings, SMALL_EVERY, None)
    }

    /// The same with blocks of other sizes.
    pub(crate) fn start_with(log: Box<dyn FrameLog>, options: Options, settings: Settings) -> Result<Self, StoreError> {
        Self::start_keeping(log, options, settings, snapshot::EVERY, None)
    }

    /// The same, which keeps the state after so many entries.
    fn start_keeping(
        log: Box<dyn FrameLog>,
        options: Options,
        settings: Settings,
        every: u64,
        upstream: Option<Upstream>,
    ) -> Result<Self, StoreError> {
        folder::prepare(&options.data_dir)?;
        log.assure()?;
        let past = Past::open(&options)?;
        let signed = past.file.read()?;
        let is_first_start = signed.is_none();
        let snapshots = Snapshots::in_dir(&options.data_dir, &options.keys);
        let mut replayed = replay(log.as_ref(), &past, signed.clone(), &snapshots)?;
        let is_unsigned = is_first_start && replayed.state.tree().size() > 0;
        let node_keys = options.node_keys.clone();
        let opened = OpenedKeys::open(log.as_ref(), &options)?;
        let halting = brought_up(
            upstream.as_ref(),
            (log.as_ref(), &opened.vault),
            &options,
            &past,
            (&mut replayed, is_first_start),
        )?;
        if upstream.is_some() && halting.is_none() {
            // Once more: a node that lost its own log with its keys finds only now what it has used.
            reaches(&opened.vault, log.as_ref(), &opened.folders)?;
        }
        let Replayed { state, tiles, contradiction, kept, met } = replayed;
        // One that is halted signs nothing, so it does not have to find the key that the old log names.
        let signing_state = if contradiction.is_some() { &State::new() } else { &state };
        let signer = Signer::of(signing_state, log.as_ref(), &options)?;
        let rules = if upstream.is_some() { RULES_SHARED } else { RULES_VERSION };
        let stamp = Stamp { node: options.node, software: options.software, rules };
        let writer = Writer { log_id: state.log_id().unwrap_or_else(causeway_crypto::random), stamp };
        let mirror_dir = options.mirror_dir.as_deref();
        let gauge = Gauge::of(options.headroom_bytes, &options.data_dir, &options.keys_dir, mirror_dir);
        let (keys, queue_depth) = (options.keys, options.queue_depth);
        let data_dir = options.data_dir.clone();
        // What is halted signs nothing: what was signed last is shown.
        let kept_note = signed.filter(|_| halting.is_some()).map(|signed| signed.note);
        let contradicting = contradiction.as_ref().and_then(|contradiction| contradiction.shown.as_ref());
        let checkpoint = match (contradicting.map(|signed| Arc::clone(&signed.note)).or(kept_note), &halting) {
            (Some(note), _) => note,
            // Without the file, a log that was cut back would look like any other.
            (None, _) if is_unsigned => {
                return Err(StoreError::CheckpointMissing { path: data_dir.join("checkpoint") });
            }
            (None, Some(reason)) => return Err(StoreError::Upstream(reason.as_str().into())),
            (None, None) => in_order(&state, &signer, &keys, &past, is_first_start)?,
        };
        let newest = (state.tree().size() > 0).then(|| state.last_time());
        let shared = Arc::new(Shared::new(
            log,
            (gauge, ClockGuard::starting(options.clock, newest)),
            signer.verifier_keys(),
            state,
            checkpoint,
            tiles,
        ));
        if let Some(contradiction) = contradiction {
            past.halt_from_the_start(&shared, &contradiction);
        }
        if let Some(reason) = halting {
            past.halt_by_the_shared_log(&shared, &reason);
        }
        let upstream = upstream.filter(|_| shared.halted().is_none());
        let history = Arc::clone(&past.history);
        let keeping = snapshot::Work { snapshots, shared: Arc::clone(&shared), history, every, kept, met };
        if let Some(node_keys) = &node_keys {
            node_keys.attach(&shared);
        }
        let publisher = Publisher { shared: Arc::clone(&shared), signer, keys: Arc::clone(&keys), past: past.clone() };
        let joined = Joined { publisher, upstream, node_keys };
        run_threads(Parts { shared, writer, joined, opened, keys, past, queue_depth, data_dir, settings, keeping })
    }
}

/// Brings a node to where the log is that it shares with others. Says why it may not follow that one, where it may not; a journal that is
/// halted anyway follows nothing.
fn brought_up(
    upstream: Option<&Upstream>,
    (log, vault): (&dyn FrameLog, &Vault),
    options: &Options,
    past: &Past,
    (replayed, is_first_start): (&mut Replayed, bool),
) -> Result<Option<String>, StoreError> {
    if replayed.contradiction.is_some() {
        return Ok(None);
    }
    let Some(upstream) = upstream else {
        let is_shared = replayed.state.rules() >= RULES_SHARED;
        return if is_shared { Err(StoreError::Upstream(ALONE.into())) } else { Ok(None) };
    };
    if options.node_keys.is_none() {
        return Err(StoreError::Upstream(NUMBERLESS.into()));
    }
    if is_first_start && replayed.state.tree().size() == 0 {
        // If we stop while it catches up, the next start finds that it has signed nothing, and not that its file is gone.
        Signer::of(&replayed.state, log, options)?.keep_first(past)?;
    }
    catch_up(upstream, (log, vault), &mut replayed.state, &mut replayed.tiles)
}

/// The newest checkpoint of a log that is what was signed of it; file and ring are as the next start needs them then.
fn in_order(
    state: &State,
    signer: &Signer,
    keys: &Keys,
    past: &Past,
    is_first_start: bool,
) -> Result<Arc<str>, StoreError> {
    let checkpoint = signer.sign(state.tree().size(), state.tree().root());
    let drops_keys = is_named(state, signer) && keys.ring().checkpoint_keys().len() > 1;
    if is_first_start || drops_keys {
        // From here on the file is there whenever the log holds anything, and signed by the key that stays.
        past.file.write(|| Arc::clone(&checkpoint), |_| true)?;
    }
    if drops_keys {
        signer.signers.keep_alone(keys)?;
    }
    Ok(checkpoint)
}

/// What the threads are made of.
struct Parts {
    shared: Arc<Shared>,
    writer: Writer,
    joined: Joined,
    opened: OpenedKeys,
    keys: Arc<Keys>,
    past: Past,
    queue_depth: usize,
    data_dir: PathBuf,
    settings: Settings,
    keeping: snapshot::Work,
}

fn run_threads(parts: Parts) -> Result<Journal, StoreError> {
    let Parts { shared, writer, joined, opened, keys, past, queue_depth, data_dir, settings, keeping } = parts;
    let OpenedKeys { folders, lock, vault, erasures } = opened;
    let reader = || Reader { shared: Arc::clone(&shared), vault: Arc::clone(&vault), index: None };
    let index_key = keys.ring().index_mac();
    let index = Arc::new(Index::open(&data_dir, &index_key, writer.log_id, settings, &reader()));
    let follower = Follower::start(&index, reader)?;
    let (readers, mut reader_threads) = Readers::start("journal-read", &shared, &vault, &index)?;
    let (auditors, audit_threads) = Readers::start("journal-audit", &shared, &vault, &index)?;
    reader_threads.extend(audit_threads);
    let keeper = Keeper::start(past.clone(), Arc::clone(&shared))?;
    let snapshots = SnapshotKeeper::start(keeping)?;
    let (queue, drafts) = async_channel::bounded(queue_depth.max(1));
    let (closing, until_closing) = async_channel::bounded(1);
    let (done, closed) = async_channel::bounded(1);
    let (node_keys, name) = (joined.node_keys.clone(), writer.stamp.node.as_str().into());
    let Found { way, pages, node, threads: node_threads } = joined.way(&shared, &index, &vault, queue.downgrade())?;
    let sequencer = Sequencer {
        shared: Arc::clone(&shared),
        queue: drafts,
        index: Arc::clone(&index),
        pages,
        writer,
        keys,
        folders,
        vault,
        node_keys: node_keys.clone(),
        way,
        held: None,
    };
    let kept = ([readers.clone(), auditors.clone()], past.clone());
    let end = End {
        until_closing,
        done,
        node_threads,
        readers: kept.0,
        reader_threads,
        follower,
        keeper,
        snapshots,
        past: kept.1,
        lock,
    };
    thread::Builder::new()
        .name("journal-append".into())
        .spawn(move || run(sequencer, end))
        .map_err(|error| StoreError::Engine(Box::new(error)))?;
    Ok(Journal { shared, node, readers, auditors, erasures, name, node_keys, index, past, queue, closing, closed })
}

/// What the sequencer thread does and lets go of when the journal is closed.
#[derive(Debug)]
struct End {
    until_closing: Receiver<()>,
    done: Sender<()>,
    /// Those that follow the log that nodes share.
    node_threads: Vec<JoinHandle<()>>,
    readers: [Readers; 2],
    reader_threads: Vec<JoinHandle<()>>,
    follower: Follower,
    keeper: Keeper,
    snapshots: SnapshotKeeper,
    past: Past,
    /// Keeps others away from the keys folder.
    lock: File,
}

fn run(mut sequencer: Sequencer, end: End) {
    let ran = catch_unwind(AssertUnwindSafe(|| {
        sequencer.begin();
        sequencer.run();
    }));
    if ran.is_err() {
        let reason = sequencer.shared.stop("the sequencer panicked".into());
        sequencer.abandon(&reason);
    }
    // After a failure, what is durable can still be read until somebody closes the journal.
    let _ = end.until_closing.recv_blocking();
    if let Way::Shared(framer) = &mut sequencer.way {
        framer.stop();
    }
    for thread in end.node_threads {
        if thread.join().is_err() {
            tracing::error!("a thread that follows the shared log panicked");
        }
    }
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
    end.snapshots.stop();
    // Before the log's own lock, which whoever comes next waits for.
    drop(end.lock);
    if let Err(error) = sequencer.shared.log.close() {
        tracing::error!(error = &error as &dyn std::error::Error, "the log did not close cleanly");
    }
    drop(end.done);
}

/// What the keys folder and its mirror hold, open and in order.
#[derive(Debug)]
pub(crate) struct OpenedKeys {
    pub(crate) folders: KeyFolders,
    pub(crate) lock: File,
    pub(crate) vault: Arc<Vault>,
    pub(crate) erasures: Arc<Erasures>,
}

impl OpenedKeys {
    fn open(log: &dyn FrameLog, options: &Options) -> Result<Self, StoreError> {
        let opened = match &options.node_keys {
            Some(node_keys) => node_keys.take()?,
            None => {
                let folders = KeyFolders::prepare(&options.keys_dir, options.mirror_dir.as_deref(), &options.data_dir)?;
                Self::of(folders, &options.data_dir, &options.keys, NodeNumber::ALONE)?
            }
        };
        let vault = &opened.vault;
        reaches(vault, log, &opened.folders)?;
        if let Some(next) = options.keys.take_next_root() {
            tracing::info!("wrapping ring and page keys under the new root key");
            let in_use = || vault.slots_in_use(log);
            root_rotation::rotate(&options.keys, vault.page_keys(), &opened.folders, next, false, in_use)
                .map_err(|failed| failed.error)?;
        }
        Ok(opened)
    }

    /// Opens what is in the folders, without a look at any log.
    pub(crate) fn of(folders: KeyFolders, data_dir: &Path, keys: &Keys, own: NodeNumber) -> Result<Self, StoreError> {
        if folders.mirror().is_none() {
            tracing::warn!("page keys have no mirror: with the keys folder, every record is lost; set keys.mirror_dir");
        }
        let lock = folders.lock()?;
        keys.are_those_on_disk()?;
        moved_page_keys::out_of(data_dir, &folders)?;
        root_rotation::recover(&folders)?;
        let vault = Arc::new(Vault::open_as(own, &folders, &keys.root())?);
        let erasures = Arc::new(Erasures::open(&folders)?);
        Ok(Self { folders, lock, vault, erasures })
    }
}

/// Refuses page keys that end before the key pages of the log do that this node has given their numbers. What it lacks of another node's it
/// gets from the others.
fn reaches(vault: &Vault, log: &dyn FrameLog, folders: &KeyFolders) -> Result<(), StoreError> {
    let end = vault.page_keys().end();
    match log.next_key_page(end.0) {
        Ok(Some(page)) if NodeNumber::of_page(page) == end.writer() => Err(StoreError::keys(
            &folders.primary().join(page_keys::NAME),
            "ends before the log's key pages do: restore page-keys, pages and erasures from the mirror (docs/keys.md)",
        )),
        Ok(_) => Ok(()),
        Err(ReadError::Closed) => Err(StoreError::Closed),
        Err(error) => Err(error.into()),
    }
}

fn is_named(state: &State, signer: &Signer) -> bool {
    state.checkpoint_key() == signer.signers.publics().next()
}
