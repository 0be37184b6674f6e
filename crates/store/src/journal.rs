//! The journal as the rest of the gateway sees it: start, append, read, close.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use async_channel::{Receiver, Sender, TrySendError};
use causeway_crypto::Digest;
use causeway_journal::{State, VerifierKey, v1};
use causeway_model::LeafIndex;
use event_listener::EventListener;
use futures_channel::oneshot;

use crate::building::{Request, Stamp};
use crate::checkpoint_file::{CheckpointFile, Keeper};
use crate::clock::Clock;
use crate::committed::{Appending, Committed, stopped};
use crate::draft::{Draft, Prepared};
use crate::error::{AppendFailure, StoreError};
use crate::folder;
use crate::key_pages::KeyPages;
use crate::keys::Keys;
use crate::log::{FrameLog, ReadError};
use crate::page_keys::PageKeys;
use crate::reader::{OpenedBody, Readers};
use crate::replay::replay;
use crate::sequencer::{Sequencer, Writer};
use crate::shared::Shared;

/// What a journal is started with.
#[derive(Debug)]
pub struct Options {
    /// Where the log, the page-key file and the checkpoint file are. Made with mode 0700 where it is absent.
    pub data_dir: PathBuf,
    /// Where the keys are, and what has no history: page keys, rewritten key pages, the register of erasures.
    pub keys_dir: PathBuf,
    /// Where what has no history is kept a second time, write by write: a folder on another volume.
    pub mirror_dir: Option<PathBuf>,
    /// The gateway's keys, from `keys_dir`.
    pub keys: Arc<Keys>,
    /// The clock that entries get their time from.
    pub clock: Clock,
    /// The name of this node, in every entry.
    pub node: String,
    /// The log's name in checkpoints: a URL without scheme, as `gateway.causeway.example/journal`.
    pub origin: String,
    /// The software and its version, in every entry, as `causeway/0.1.0`.
    pub software: String,
    /// Drafts that may wait for the sequencer.
    pub queue_depth: usize,
}

/// A running journal. Cloning shares it; it ends when it is closed or the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Journal {
    shared: Arc<Shared>,
    readers: Readers,
    queue: Sender<Request>,
    /// Closed to let the sequencer thread close the log; never sent on.
    closing: Sender<()>,
    /// Closed when that is done.
    closed: Receiver<()>,
}

impl Journal {
    /// Starts over a log: replays it, compares it with the newest signed checkpoint, and begins to take drafts.
    ///
    /// # Errors
    /// [`StoreError::RolledBack`] when the log is not, or is no longer all of, what was signed; a hole, a frame that the
    /// rules refuse, or key files that do not belong to it. Nothing is served or signed then.
    pub fn start(log: Box<dyn FrameLog>, options: Options) -> Result<Self, StoreError> {
        folder::prepare(&options.data_dir)?;
        log.assure()?;
        let signing_key = options.keys.ring().checkpoint_keys().swap_remove(0);
        let verifier_key = VerifierKey::new(&options.origin, signing_key.public_key())
            .map_err(|error| StoreError::Engine(Box::new(error)))?;
        let file = CheckpointFile::in_dir(&options.data_dir);
        let signed = file.read(&verifier_key, &options.origin)?;
        let is_first_start = signed.is_none();
        let (state, tiles) = replay(log.as_ref(), signed)?;
        let page_keys = open_page_keys(log.as_ref(), &options)?;
        let writer = Writer {
            log_id: state.log_id().unwrap_or_else(causeway_crypto::random),
            clock: options.clock,
            stamp: Stamp { node: options.node, software: options.software },
            origin: options.origin,
            signing_key,
        };
        let checkpoint = writer.sign(state.tree().size(), state.tree().root());
        if is_first_start {
            // From here on the file is there whenever the log holds anything: without it, a log that was cut back would
            // look like any other.
            if state.tree().size() > 0 {
                return Err(StoreError::CheckpointMissing { path: options.data_dir.join("checkpoint") });
            }
            file.write(&checkpoint)?;
        }
        let shared = Arc::new(Shared::new(log, verifier_key, state, checkpoint, tiles));
        let (readers, reader_threads) = Readers::start(&shared, &page_keys)?;
        let keeper = Keeper::start(file.clone(), Arc::clone(&shared))?;
        let (queue, drafts) = async_channel::bounded(options.queue_depth.max(1));
        let (closing, until_closing) = async_channel::bounded(1);
        let (done, closed) = async_channel::bounded(1);
        let sequencer = Sequencer {
            shared: Arc::clone(&shared),
            queue: drafts,
            pages: KeyPages::new(page_keys),
            writer,
            held: None,
        };
        let end = End { until_closing, done, readers: readers.clone(), reader_threads, keeper, file };
        thread::Builder::new()
            .name("journal-append".into())
            .spawn(move || run(sequencer, end))
            .map_err(|error| StoreError::Engine(Box::new(error)))?;
        Ok(Self { shared, readers, queue, closing, closed })
    }

    /// Appends a draft, waiting for room in the queue; answers when the entry is durable and applied.
    ///
    /// # Errors
    /// See [`AppendFailure`]. Dropping the future after the draft has its place in the queue does not take it back.
    pub async fn append(&self, draft: Draft) -> Result<Committed, AppendFailure> {
        self.enqueue(draft).await?.await
    }

    /// Waits for room in the queue and takes a place there; what is returned answers when the entry is durable and
    /// applied. Drafts that one task enqueues one after the other take their leaves in that order.
    ///
    /// # Errors
    /// As [`Journal::append`], for what can be told at once.
    pub async fn enqueue(&self, draft: Draft) -> Result<Appending, AppendFailure> {
        let (request, appending) = self.request(draft)?;
        self.queue.send(request).await.map_err(|_| stopped(&self.shared))?;
        Ok(appending)
    }

    /// Takes a place in the queue at once.
    ///
    /// # Errors
    /// [`AppendFailure::Busy`] when the queue is full.
    pub fn try_append(&self, draft: Draft) -> Result<Appending, AppendFailure> {
        let (request, appending) = self.request(draft)?;
        match self.queue.try_send(request) {
            Ok(()) => Ok(appending),
            Err(TrySendError::Full(_)) => Err(AppendFailure::Busy),
            Err(TrySendError::Closed(_)) => Err(stopped(&self.shared)),
        }
    }

    /// Looks at the state. Nothing is appended or applied meanwhile, so be brief.
    pub fn read<R>(&self, read: impl FnOnce(&State) -> R) -> R {
        self.shared.read(read)
    }

    /// The newest checkpoint, signed; everything in it is durable.
    pub fn checkpoint(&self) -> Arc<str> {
        self.shared.checkpoint()
    }

    /// The key that verifies this journal's newest checkpoint.
    pub fn verifier_key(&self) -> VerifierKey {
        self.shared.verifier_key.clone()
    }

    /// The audit path of a leaf in the tree of `size` leaves, which the journal must have had.
    ///
    /// # Errors
    /// [`StoreError::Proof`] for a leaf or size beyond the tree, or a tile that is missing.
    pub async fn inclusion_proof(&self, leaf: LeafIndex, size: u64) -> Result<Vec<Digest>, StoreError> {
        self.readers.ask(move |reader| reader.inclusion_proof(leaf, size)).await
    }

    /// An entry's bytes.
    ///
    /// # Errors
    /// [`StoreError::NoSuchEntry`] beyond the newest.
    pub async fn entry(&self, leaf: LeafIndex) -> Result<Vec<u8>, StoreError> {
        self.readers.ask(move |reader| reader.entry(leaf)).await
    }

    /// The bytes of up to `count` entries, from `from` on; fewer at the journal's end.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn entries(&self, from: LeafIndex, count: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        self.readers.ask(move |reader| reader.entries(from, count)).await
    }

    /// The bodies beside these entries, in their order; none where there was none or it has been erased.
    ///
    /// # Errors
    /// When one of them cannot be read or does not open.
    pub async fn bodies(&self, leaves: Vec<LeafIndex>) -> Result<Vec<Option<OpenedBody>>, StoreError> {
        self.readers.ask(move |reader| leaves.into_iter().map(|leaf| reader.body(leaf)).collect()).await
    }

    /// The openings of an entry's commitments; none where it commits to nothing or they have been erased.
    ///
    /// # Errors
    /// When they cannot be read or do not open.
    pub async fn openings(&self, leaf: LeafIndex) -> Result<Option<v1::Openings>, StoreError> {
        self.readers.ask(move |reader| reader.openings(leaf)).await
    }

    /// Wakes when something has been appended, or the journal has stopped. Listen first, then look.
    pub fn changed(&self) -> EventListener {
        self.shared.listen()
    }

    /// Whether the journal takes drafts.
    pub fn is_healthy(&self) -> bool {
        self.shared.stopped().is_none() && !self.queue.is_closed()
    }

    /// Why the journal has stopped; none while it runs or after it was closed in order.
    pub fn stopped(&self) -> Option<Arc<str>> {
        self.shared.stopped()
    }

    /// Takes no more drafts, appends those that wait, writes the checkpoint file and lets go of the log. Blocks until
    /// that is done, for a sync or two; what goes wrong is logged. Closing again does nothing.
    pub fn close(&self) {
        self.queue.close();
        self.closing.close();
        // Nothing is ever sent: this returns when the thread has dropped its half.
        let _ = self.closed.recv_blocking();
    }

    fn request(&self, draft: Draft) -> Result<(Request, Appending), AppendFailure> {
        let prepared = Prepared::new(draft)?;
        let (answer, answered) = oneshot::channel();
        Ok((Request { prepared, answer }, Appending::new(answered, Arc::clone(&self.shared))))
    }
}

/// What the sequencer thread does and lets go of when the journal is closed.
#[derive(Debug)]
struct End {
    until_closing: Receiver<()>,
    done: Sender<()>,
    readers: Readers,
    reader_threads: Vec<JoinHandle<()>>,
    keeper: Keeper,
    file: CheckpointFile,
}

fn run(mut sequencer: Sequencer, end: End) {
    if catch_unwind(AssertUnwindSafe(|| sequencer.run())).is_err() {
        let reason = sequencer.shared.stop("the sequencer panicked".into());
        sequencer.abandon(&reason);
    }
    // After a failure, what is durable can still be read until somebody closes the journal.
    let _ = end.until_closing.recv_blocking();
    end.readers.close();
    for thread in end.reader_threads {
        if thread.join().is_err() {
            tracing::error!("a reader thread panicked");
        }
    }
    end.keeper.stop();
    if let Err(error) = end.file.write(&sequencer.shared.checkpoint()) {
        tracing::error!(error = &error as &dyn std::error::Error, "the last checkpoint was not kept");
    }
    if let Err(error) = sequencer.shared.log.close() {
        tracing::error!(error = &error as &dyn std::error::Error, "the log did not close cleanly");
    }
    drop(end.done);
}

/// The page-key file, which must reach as far as the key pages of the log.
fn open_page_keys(log: &dyn FrameLog, options: &Options) -> Result<Arc<PageKeys>, StoreError> {
    let page_keys = PageKeys::open(&options.data_dir, options.keys.root())?;
    match log.last_key_page() {
        Ok(Some(page)) if page >= page_keys.end() => Err(StoreError::Keys {
            path: options.data_dir.join("page-keys"),
            what: "ends before the log's key pages do: restore the copy that belongs to the log",
        }),
        Ok(_) => Ok(Arc::new(page_keys)),
        Err(ReadError::Closed) => Err(StoreError::Closed),
        Err(error) => Err(error.into()),
    }
}
