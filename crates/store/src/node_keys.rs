//! The page keys of a node that shares its log with others: opened before the journal, since other nodes ask for them while this one starts.
//!
//! Page keys never go into the log. A node puts those that it makes to the others before it appends a frame that uses them; what it lacks,
//! and what the others have destroyed, it asks them for. Each key page has one node that writes it anew, its *keeper*: the node that gave it
//! its number, or the lowest of the roster where that one is in it no more. So no two nodes write one page anew.

mod answering;
mod catching_up;
mod erasing;
mod peers;
mod sharing;

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use causeway_crypto::AeadKey;

use crate::erasures::Erasures;
use crate::error::StoreError;
use crate::key_folders::KeyFolders;
use crate::keys::Keys;
use crate::page_keys::{NodeNumber, Slot};
use crate::shared::Shared;
use crate::starting::OpenedKeys;
use crate::vault::Vault;

pub use answering::{PageKeyRefused, SlotStandings};
pub use catching_up::CaughtUp;
pub use peers::{PageKeyPeer, PeerFailure};
pub use sharing::{PageKeyPeers, SHARED_WITHIN, TooFewNodes};

/// Domain of the code that tells one key ring from another, under the key of submission ids, which no rotation changes.
const RING_CHECK_DOMAIN: &str = "causeway/v1/ring-check";

/// What a node's page keys are opened with.
#[derive(Debug)]
pub struct NodeKeySettings {
    /// The data directory of the journal that they are of: none of these folders may be another's.
    pub data_dir: PathBuf,
    /// The keys folder.
    pub keys_dir: PathBuf,
    /// Its mirror.
    pub mirror_dir: Option<PathBuf>,
    /// The node's keys, from `keys_dir`.
    pub keys: Arc<Keys>,
    /// This node's number, which is never given to another.
    pub own: NodeNumber,
    /// Every other node of the roster.
    pub peers: Vec<Arc<dyn PageKeyPeer>>,
    /// How long a frame waits for its page keys to be on a majority of the nodes ([`SHARED_WITHIN`]).
    pub shared_within: Duration,
}

/// A node's page keys. Cloning shares them. Whoever answers other nodes with them stops before the journal is closed: after that the keys
/// folder may be another's.
#[derive(Debug, Clone)]
pub struct NodeKeys {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    own: NodeNumber,
    ring_check: [u8; 32],
    peers: Vec<Arc<dyn PageKeyPeer>>,
    folders: KeyFolders,
    vault: Arc<Vault>,
    erasures: Arc<Erasures>,
    /// Until a journal takes it.
    lock: Mutex<Option<File>>,
    /// Whether enough nodes have said what they have, so that this node knows every slot that it ever used.
    caught_up: AtomicBool,
    /// Whether no file here says what numbers this node has given out, so that every other node has to.
    is_unnumbered: AtomicBool,
    shared_within: Duration,
    /// This node's slots before this one are on a majority of the nodes, or in no page.
    shared_to: Mutex<Slot>,
    /// Once it is open.
    journal: OnceLock<Arc<Shared>>,
}

/// A page key on its way between two nodes. It is wiped from memory when it is dropped, and never printed.
#[derive(Clone)]
pub struct PageKey {
    slot: Slot,
    key: AeadKey,
}

impl PageKey {
    /// The key of a slot.
    pub fn new(slot: u64, key: [u8; 32]) -> Self {
        Self { slot: Slot(slot), key: AeadKey::new(key) }
    }

    /// Its slot's number.
    pub fn slot(&self) -> u64 {
        self.slot.0
    }

    /// The key itself.
    pub fn expose(&self) -> &[u8; 32] {
        self.key.expose()
    }
}

impl fmt::Debug for PageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PageKey({})", self.slot.0)
    }
}

impl NodeKeys {
    /// Opens, or makes, what the keys folder holds, brings its mirror up to date, and ends what a stop has interrupted. No other process
    /// may have the folder open.
    ///
    /// # Errors
    /// As [`Journal::start`](crate::Journal::start), of the keys; for a number or a roster that cannot be.
    pub fn open(settings: NodeKeySettings) -> Result<Self, StoreError> {
        let NodeKeySettings { data_dir, keys_dir, mirror_dir, keys, own, peers, shared_within } = settings;
        let numbers: BTreeSet<NodeNumber> = peers.iter().map(|peer| peer.node()).collect();
        if own == NodeNumber::ALONE
            || numbers.len() != peers.len()
            || numbers.contains(&own)
            || numbers.contains(&NodeNumber::ALONE)
        {
            return Err(StoreError::keys(&keys_dir, "each node of a cluster needs a number of its own, from 1 on"));
        }
        let folders = KeyFolders::prepare(&keys_dir, mirror_dir.as_deref(), &data_dir)?;
        let OpenedKeys { folders, lock, vault, erasures } = OpenedKeys::of(folders, &data_dir, &keys, own)?;
        let shared_to = Mutex::new(vault.page_keys().end());
        let caught_up = AtomicBool::new(peers.is_empty());
        let is_unnumbered = AtomicBool::new(!peers.is_empty() && vault.page_keys().end().index() == 0);
        let (lock, journal) = (Mutex::new(Some(lock)), OnceLock::new());
        let ring_check = keys.ring().submission_mac().tag(RING_CHECK_DOMAIN, &[]);
        let inner = Inner {
            own,
            ring_check,
            peers,
            folders,
            vault,
            erasures,
            lock,
            caught_up,
            is_unnumbered,
            shared_within,
            shared_to,
            journal,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// This node's number.
    pub fn own(&self) -> NodeNumber {
        self.inner.own
    }

    /// How many nodes there are, this one counted.
    pub fn nodes(&self) -> usize {
        self.inner.peers.len() + 1
    }

    /// Says that the shared log is empty: no frame uses any number, so that a node without page keys of its own waits for a majority only.
    pub fn log_is_empty(&self) {
        self.inner.is_unnumbered.store(false, Ordering::Release);
    }

    /// Whether this node has no page keys of its own. Until every other node has said which of its numbers it has, it takes nothing from
    /// them and no journal starts: it is new, or has lost its files and would give numbers again that are in no frame, but under which
    /// another node has pages that were written anew.
    pub fn waits_for_all(&self) -> bool {
        self.inner.is_unnumbered.load(Ordering::Acquire)
    }

    /// What a journal is to start with. It may be taken once: after that the keys folder is the journal's.
    pub(crate) fn take(&self) -> Result<OpenedKeys, StoreError> {
        if !self.inner.caught_up.load(Ordering::Acquire) {
            // Where this node's own file was lost, it would give numbers to new keys that others have under the old ones.
            return Err(StoreError::NodesAway { nodes: self.inner.peers.iter().map(|peer| peer.node()).collect() });
        }
        let Inner { folders, vault, erasures, lock, .. } = &*self.inner;
        let lock = lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        let lock = lock.ok_or_else(|| StoreError::Locked { path: folders.primary().to_owned() })?;
        let (folders, vault, erasures) = (folders.clone(), Arc::clone(vault), Arc::clone(erasures));
        Ok(OpenedKeys { folders, lock, vault, erasures })
    }

    /// From here on the journal's pages are looked at, too.
    pub(crate) fn attach(&self, journal: &Arc<Shared>) {
        // Taken once, it is attached once.
        let _ = self.inner.journal.set(Arc::clone(journal));
    }

    /// Whether this node is the one that writes a page anew.
    pub(crate) fn keeps(&self, page: u64) -> bool {
        self.keeper(page) == self.inner.own
    }

    fn keeper(&self, page: u64) -> NodeNumber {
        let writer = NodeNumber::of_page(page);
        let mut roster = self.inner.peers.iter().map(|peer| peer.node()).chain([self.inner.own]);
        if roster.clone().any(|node| node == writer) { writer } else { roster.by_ref().min().unwrap_or(self.inner.own) }
    }

    /// How many nodes beside this one make a majority with it.
    fn others_for_a_majority(&self) -> usize {
        self.nodes() / 2
    }
}
