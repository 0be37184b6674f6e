//! Three nodes over copies of one log, whose page keys reach each other without a network, or not where one is away.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use causeway_crypto::RootKey;
use causeway_model::LeafIndex;
use causeway_store::{
    Journal, Keys, NodeKeySettings, NodeKeys, NodeNumber, Options, PageKey, PageKeyPeer, PeerFailure, SledLog,
    SlotStanding, SlotStandings, StoreError, Upstream,
};

use crate::key_search::{Body, Search, bodies};
use crate::setting::{Setting, append, copy_dir, draft_with_body, genesis, wait_for};
use crate::shared_doubles::Memory;

/// The bodies that the tests append: more than two key pages of them.
pub(crate) const BODIES: u64 = 300;

/// What is behind each node's number while it is there.
type There = Arc<Mutex<[Option<NodeKeys>; 4]>>;

/// A way from one node to another.
#[derive(Debug)]
struct Way {
    from: NodeNumber,
    to: NodeNumber,
    there: There,
}

impl Way {
    fn ask<R>(&self, ask: impl FnOnce(&NodeKeys) -> Result<R, String>) -> Result<R, PeerFailure> {
        let node = self.there.lock().expect("not poisoned")[usize::from(self.to.0)].clone();
        let node = node.ok_or_else(|| PeerFailure::Away("switched off".into()))?;
        ask(&node).map_err(PeerFailure::Refused)
    }
}

impl PageKeyPeer for Way {
    fn node(&self) -> NodeNumber {
        self.to
    }
    fn put(&self, keys: &[PageKey]) -> Result<(), PeerFailure> {
        self.ask(|node| node.take_keys(self.from, keys).map_err(|refused| refused.to_string()))
    }
    fn standings(&self, writer: NodeNumber, first: u64) -> Result<SlotStandings, PeerFailure> {
        self.ask(|node| node.standings(writer, first).map_err(|error| error.to_string()))
    }
    fn keys_of(&self, slots: &[u64]) -> Result<Vec<PageKey>, PeerFailure> {
        self.ask(|node| node.keys_of(slots).map_err(|error| error.to_string()))
    }
    fn pages_written_anew(&self, numbers: &[u64]) -> Result<Vec<(u64, Vec<u8>)>, PeerFailure> {
        self.ask(|node| node.pages_written_anew(numbers).map_err(|error| error.to_string()))
    }
}

/// A node that never comes to the end of its slots.
#[derive(Debug)]
pub(crate) struct Endless(pub(crate) NodeKeys);

impl PageKeyPeer for Endless {
    fn node(&self) -> NodeNumber {
        self.0.own()
    }
    fn put(&self, _: &[PageKey]) -> Result<(), PeerFailure> {
        Ok(())
    }
    fn standings(&self, writer: NodeNumber, first: u64) -> Result<SlotStandings, PeerFailure> {
        let own = self.0.standings(writer, first).map_err(|error| PeerFailure::Away(error.to_string()))?;
        Ok(SlotStandings { slots: vec![SlotStanding::Nothing; 1024], ..own })
    }
    fn keys_of(&self, _: &[u64]) -> Result<Vec<PageKey>, PeerFailure> {
        Ok(Vec::new())
    }
    fn pages_written_anew(&self, _: &[u64]) -> Result<Vec<(u64, Vec<u8>)>, PeerFailure> {
        Ok(Vec::new())
    }
}

/// Nodes 1, 2 and 3, each with a folder of its own.
pub(crate) struct Nodes {
    setting: Setting,
    there: There,
    /// What nodes share that write all three.
    log: Memory,
    /// Whether something is in the log.
    is_begun: AtomicBool,
}

impl Nodes {
    pub(crate) fn new() -> Self {
        Self {
            setting: Setting::new(),
            there: Arc::default(),
            log: Memory::default(),
            is_begun: AtomicBool::new(false),
        }
    }

    pub(crate) fn at(&self, node: u16, name: &str) -> PathBuf {
        self.setting.folder.path().join(format!("node-{node}")).join(name)
    }

    fn keys(&self, node: u16) -> Arc<Keys> {
        let keys_dir = self.at(node, "keys");
        if !keys_dir.exists() {
            fs::create_dir_all(&keys_dir).expect("made");
            for name in ["root.key", "ring"] {
                fs::copy(self.setting.keys_dir().join(name), keys_dir.join(name)).expect("copied");
            }
        }
        Arc::new(Keys::load_or_create(&keys_dir).expect("keys are read").0)
    }

    /// Gives a node a key ring of its own, where it has none yet.
    pub(crate) fn other_ring(&self, node: u16) {
        fs::create_dir_all(self.at(node, "keys")).expect("made");
        drop(Keys::load_or_create(&self.at(node, "keys")).expect("keys are made"));
    }

    /// Opens a node's page keys, which the other nodes can ask for from here on.
    pub(crate) fn open(&self, node: u16) -> NodeKeys {
        let (own, others) = (NodeNumber(node), (1..=3).filter(|other| *other != node));
        let way = |to| Arc::new(Way { from: own, to: NodeNumber(to), there: Arc::clone(&self.there) }) as Arc<_>;
        self.open_among(node, others.map(way).collect())
    }

    /// The same of a node that asks these others.
    pub(crate) fn open_among(&self, node: u16, peers: Vec<Arc<dyn PageKeyPeer>>) -> NodeKeys {
        let own = NodeNumber(node);
        let settings = NodeKeySettings {
            data_dir: self.at(node, "data"),
            keys_dir: self.at(node, "keys"),
            mirror_dir: Some(self.at(node, "mirror")),
            keys: self.keys(node),
            own,
            peers,
            shared_within: Duration::from_millis(300),
        };
        let keys = NodeKeys::open(settings).expect("opened");
        if self.is_begun.load(Ordering::SeqCst) {
            assert_eq!(
                self.at(node, "keys").join(format!("page-keys.{node}")).metadata().expect("there").len() == 0,
                keys.waits_for_all()
            );
        } else {
            keys.log_is_empty();
        }
        self.there.lock().expect("not poisoned")[usize::from(node)] = Some(keys.clone());
        keys
    }

    /// From here on the log is not empty.
    pub(crate) fn begun(&self) {
        self.is_begun.store(true, Ordering::SeqCst);
    }

    /// Nobody reaches a node from here on.
    pub(crate) fn switch_off(&self, node: u16) -> Option<NodeKeys> {
        self.there.lock().expect("not poisoned")[usize::from(node)].take()
    }

    pub(crate) fn switch_on(&self, node: u16, keys: Option<NodeKeys>) {
        self.there.lock().expect("not poisoned")[usize::from(node)] = keys;
    }

    /// A node's journal over its page keys. They must have caught up.
    pub(crate) fn start(&self, node: u16, keys: &NodeKeys) -> Journal {
        self.try_start(node, keys).expect("the journal starts")
    }

    pub(crate) fn try_start(&self, node: u16, keys: &NodeKeys) -> Result<Journal, StoreError> {
        Journal::start(Box::new(self.own_log(node)), self.options(node, keys))
    }

    /// A node's journal over the log that all three append to.
    pub(crate) fn join(&self, node: u16, keys: &NodeKeys) -> Journal {
        let upstream = Upstream { log: Arc::new(self.log.clone()), in_flight: 4, checkpoint_frames: 1_000_000 };
        let options = self.options(node, keys);
        Journal::start_as_node(Box::new(self.own_log(node)), options, upstream).expect("the node starts")
    }

    fn own_log(&self, node: u16) -> SledLog {
        SledLog::open(&self.at(node, "data")).expect("the log opens")
    }

    fn options(&self, node: u16, keys: &NodeKeys) -> Options {
        Options {
            keys_dir: self.at(node, "keys"),
            mirror_dir: Some(self.at(node, "mirror")),
            node_keys: Some(keys.clone()),
            node: format!("node-{node}"),
            ..self.setting.options(&self.at(node, "data"), self.keys(node))
        }
    }

    /// All three append bodies, each as many and all at once, and have come to the end of the log: what each wrote, in the order of the
    /// bodies' numbers.
    pub(crate) fn written_by_all(&self, each: u64) -> ([Journal; 3], Vec<LeafIndex>) {
        let keys = [1, 2, 3].map(|node| self.open(node));
        keys.iter().for_each(|keys| assert!(keys.catch_up().expect("asked").away.is_empty()));
        let first = self.join(1, &keys[0]);
        genesis(&first);
        let journals = [first, self.join(2, &keys[1]), self.join(3, &keys[2])];
        let mut leaves = Vec::new();
        std::thread::scope(|scope| {
            let write = |(journal, from): (_, u64)| {
                let append = move |number| append(journal, draft_with_body(number, 20, None)).leaf;
                scope.spawn(move || (from..from + each).map(append).collect::<Vec<_>>())
            };
            let writers: Vec<_> = journals.iter().zip([0, each, 2 * each]).map(write).collect();
            leaves.extend(writers.into_iter().flat_map(|writer| writer.join().expect("no panic")));
        });
        let head = journals.iter().map(|journal| journal.read(|state| state.head().0)).max().expect("three");
        for journal in &journals {
            assert!(journal.wait_for(head, Duration::from_secs(30)));
            // A majority has each page key before it is used; the third node asks for what it lacks.
            assert!(wait_for(journal.catch_up_keys()).expect("asked").away.is_empty());
        }
        (journals, leaves)
    }

    /// Node 1 appends bodies, whose page keys it shares; the others get its log. All three run.
    pub(crate) fn filled(&self) -> ([NodeKeys; 3], [Journal; 3], Vec<LeafIndex>) {
        let keys = [1, 2, 3].map(|node| self.open(node));
        keys.iter().for_each(|keys| assert!(keys.catch_up().expect("asked").away.is_empty()));
        let first = self.start(1, &keys[0]);
        genesis(&first);
        let leaves = (0..BODIES).map(|number| append(&first, draft_with_body(number, 20, None)).leaf).collect();
        first.close();
        drop((first, keys));
        for node in 1..=3 {
            self.switch_off(node);
        }
        for node in [2, 3] {
            copy_dir(&self.at(1, "data"), &self.at(node, "data"));
        }
        let keys = [1, 2, 3].map(|node| self.open(node));
        keys.iter().for_each(|keys| assert!(keys.catch_up().expect("asked").away.is_empty()));
        let journals = [1, 2, 3].map(|node: u16| self.start(node, &keys[usize::from(node) - 1]));
        (keys, journals, leaves)
    }

    /// Whoever has every file of these nodes, and of the copies, and tries every key.
    pub(crate) fn search(&self, nodes: &[u16]) -> Search {
        let root = fs::read(self.setting.keys_dir().join("root.key")).expect("read");
        let root = RootKey::try_from(root.as_slice()).expect("32 bytes");
        let mut search = Search::default();
        for node in nodes {
            for name in ["keys", "mirror"] {
                search.keys_folder(&self.at(*node, name), std::slice::from_ref(&root));
            }
            search.data_dir(&self.at(*node, "data"));
        }
        search
    }

    /// The bodies in a node's log.
    pub(crate) fn bodies(&self, node: u16) -> Vec<Body> {
        bodies(&self.at(node, "data"))
    }
}

/// The bodies that a journal reads, by their number.
pub(crate) fn readable(journal: &Journal, leaves: &[LeafIndex]) -> Vec<u64> {
    let bodies = wait_for(journal.bodies(leaves.to_vec())).expect("read");
    (0..).zip(&bodies).filter(|(_, body)| body.is_some()).map(|(number, _)| number).collect()
}

pub(crate) fn all_but(erased: &[u64]) -> Vec<u64> {
    (0..BODIES).filter(|number| !erased.contains(number)).collect()
}
