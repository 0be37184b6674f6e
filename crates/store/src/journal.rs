//! The journal as the rest of the gateway sees it: append, read, close. It is started in `starting`; what it does with
//! keys is in `key_keeping`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_channel::{Receiver, Sender, TrySendError};
use causeway_journal::{State, VerifierKey, v1};
use causeway_model::{FrameSeq, LeafIndex, Timestamp};
use event_listener::{EventListener, Listener};
use futures_channel::oneshot;

use crate::building::Request;
use crate::clock::Clock;
use crate::committed::{Appending, Committed, stopped};
use crate::draft::{Draft, Prepared};
use crate::erasures::Erasures;
use crate::error::{AppendFailure, StoreError};
use crate::expected::Expected;
use crate::index::Index;
use crate::keys::Keys;
use crate::node::Node;
use crate::node_keys::NodeKeys;
use crate::page_keys::NodeNumber;
use crate::past::Past;
use crate::reader::{OpenedBody, Readers};
use crate::room::{FreeBytes, Room};
use crate::shared::Shared;
use crate::work::Work;

/// What a journal is started with.
#[derive(Debug)]
pub struct Options {
    /// Where the log and the checkpoint file are. Made with mode 0700 where it is absent.
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
    /// How long the signing key of before a planned rotation signs beside the new one, by the log's time.
    pub signing_overlap: Duration,
    /// Bytes of the journal's volume that are kept for refusals, withdrawals and erasures, and a sixteenth of them on the volumes
    /// of the keys; 0 keeps none. See [`Room`](crate::Room).
    pub headroom_bytes: u64,
    /// Of a node that shares its log with others: its page keys, opened before, and caught up with a majority of the nodes.
    pub node_keys: Option<NodeKeys>,
    /// Whether entries are indexed as they come. Without, every search reads the log: for measuring what indexing costs.
    pub index: bool,
}

/// A running journal. Cloning shares it; it ends when it is closed or the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Journal {
    pub(crate) shared: Arc<Shared>,
    /// Where it is one of several over one log.
    pub(crate) node: Option<Arc<Node>>,
    pub(crate) readers: Readers,
    /// What auditors' answers are read by.
    pub(crate) auditors: Readers,
    pub(crate) erasures: Arc<Erasures>,
    /// The node's name, in every entry that it writes.
    pub(crate) name: Arc<str>,
    pub(crate) node_keys: Option<NodeKeys>,
    pub(crate) index: Arc<Index>,
    pub(crate) past: Past,
    pub(crate) queue: Sender<Work>,
    /// Closed to let the sequencer thread close the log; never sent on.
    pub(crate) closing: Sender<()>,
    /// Closed when that is done.
    pub(crate) closed: Receiver<()>,
}

impl Journal {
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
        self.queue.send(Work::Append(request)).await.map_err(|_| stopped(&self.shared))?;
        Ok(appending)
    }

    /// Takes a place in the queue at once.
    ///
    /// # Errors
    /// [`AppendFailure::Busy`] when the queue is full.
    pub fn try_append(&self, draft: Draft) -> Result<Appending, AppendFailure> {
        let (request, appending) = self.request(draft)?;
        match self.queue.try_send(Work::Append(request)) {
            Ok(()) => Ok(appending),
            Err(TrySendError::Full(_)) => Err(AppendFailure::Busy),
            Err(TrySendError::Closed(_)) => Err(stopped(&self.shared)),
        }
    }

    /// Says that so many drafts are about to be enqueued, for as long as what is returned lives.
    pub fn expect(&self, drafts: usize) -> Expected {
        Expected::new(&self.shared, drafts)
    }

    /// The name of this node, in every entry that it writes.
    pub fn node_name(&self) -> &str {
        &self.name
    }

    /// This node's number among those that share its log; none where it is alone.
    pub fn node_number(&self) -> Option<NodeNumber> {
        self.node.as_ref().and(self.node_keys.as_ref()).map(NodeKeys::own)
    }

    /// Whether it is one of several over one log, whose entries are of the rules of such a log.
    pub fn is_shared(&self) -> bool {
        self.node.is_some()
    }

    /// Whether a draft would be taken at this moment. Another may come first.
    pub fn has_room(&self) -> bool {
        !self.queue.is_full()
    }

    /// Looks at the state. Nothing is appended or applied meanwhile, so be brief.
    pub fn read<R>(&self, read: impl FnOnce(&State) -> R) -> R {
        self.shared.read(read)
    }

    /// The newest checkpoint, signed; everything in it is durable. Of a journal that is halted, the largest that it has signed.
    pub fn checkpoint(&self) -> Arc<str> {
        self.shared.checkpoint()
    }

    /// The key that verifies this journal's newest checkpoint.
    pub fn verifier_key(&self) -> VerifierKey {
        self.shared.verifier_key()
    }

    /// The keys that verify this journal's newest checkpoint: the signing key's first; after it, while a planned rotation is not
    /// long ago, that of the one before.
    pub fn verifier_keys(&self) -> Vec<VerifierKey> {
        self.shared.verifier_keys()
    }

    /// An entry's bytes.
    ///
    /// # Errors
    /// [`StoreError::NoSuchEntry`] beyond the newest.
    pub async fn entry(&self, leaf: LeafIndex) -> Result<Vec<u8>, StoreError> {
        self.readers.ask(move |reader| reader.entry(leaf)).await
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

    /// The same journal, whose reads are made by threads and wait in a queue of their own: however much auditors ask, nothing else
    /// waits behind it.
    #[must_use]
    pub fn for_auditors(&self) -> Self {
        Self { readers: self.auditors.clone(), ..self.clone() }
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

    /// The time that an entry would get now, where the clock can be relied on. To be asked about once a second, since a jump counts from
    /// when it is seen.
    ///
    /// # Errors
    /// `ClockBehind` and `ClockAhead`.
    pub fn entry_time(&self) -> Result<Timestamp, AppendFailure> {
        let newest = self.read(|state| state.last_time());
        self.shared.clock.time_of_entry(newest)
    }

    /// Whether what is being written has not come to the disk for so long that nothing more is taken until it has.
    pub fn is_stalled(&self) -> bool {
        self.shared.at_work.is_stalled()
    }

    /// Whether the log that nodes share has not answered for so long that nothing more is taken until it does. What was sent before is
    /// tried on; what is here can be read.
    pub fn is_cut_off(&self) -> bool {
        self.node.as_ref().is_some_and(|node| node.is_cut_off())
    }

    /// What the shared log does not enforce though it has to, or why it could not be asked, as of a minute ago at most; none where nothing
    /// was found, and where no log is shared.
    pub fn shared_log_fault(&self) -> Option<Arc<str>> {
        self.node.as_ref().and_then(|node| node.fault())
    }

    /// Waits until this journal has come to a frame that another node, or this one, has [answered with](Committed::frame); says whether
    /// it has. Then whatever was written there by then is read here. Blocks, for as long as is stated at the most.
    pub fn wait_for(&self, frame: FrameSeq, at_most: Duration) -> bool {
        let until = Instant::now() + at_most;
        loop {
            let changed = self.changed();
            if self.read(|state| state.head().0) >= frame {
                return true;
            }
            if self.stopped().is_some() || changed.wait_deadline(until).is_none() {
                return self.read(|state| state.head().0) >= frame;
            }
        }
    }

    /// How much room there is, as of a second ago at most, and how many bytes are free.
    pub fn room(&self) -> (Room, FreeBytes) {
        self.shared.room()
    }

    /// Whether a journal that has stopped may be opened again with some hope: there is room, and each volume takes a little and
    /// syncs it. Blocks for a few syncs.
    ///
    /// # Errors
    /// Why not.
    pub fn try_out_volumes(&self) -> Result<(), StoreError> {
        match self.room() {
            // A start finds what it needs in the last quarter; with little room it takes back, which is worth opening it for.
            (Room::Ample | Room::Low, _) => self.shared.gauge.try_out(),
            (Room::None, _) => Err(StoreError::DiskLow),
        }
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
        if self.is_stalled() {
            return Err(AppendFailure::Stalled);
        }
        if self.is_cut_off() {
            return Err(AppendFailure::NotTaken("it does not answer".into()));
        }
        let terms = self.index.terms_of(&draft, &self.shared);
        let prepared = Prepared { terms, ..Prepared::new(draft)? };
        let (answer, answered) = oneshot::channel();
        Ok((Request { prepared, answer }, Appending::new(answered, Arc::clone(&self.shared))))
    }
}
