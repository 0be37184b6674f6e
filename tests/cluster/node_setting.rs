//! Nodes of the library over the shared log on real servers, and what has to hold of them after everything.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use causeway_journal::{decode_entry, v1};
use causeway_model::{FrameSeq, LeafIndex};
use causeway_store::{
    AppendFailure, Clock, Committed, Draft, JetStreamLog, JetStreamSettings, Journal, Keys, NodeKeySettings, NodeKeys,
    NodeNumber, Options, SharedLog, SledLog, Upstream, create_stream,
};
use tempfile::TempDir;

use crate::servers::{Cluster, ROOM};

/// Long enough for what has to happen; what takes as long is a failure.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A node's folders. Ring and root key are the same with all of them.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new(like: Option<&Place>) -> Self {
        let place = Self(tempfile::tempdir().expect("a folder"));
        if let Some(like) = like {
            std::fs::create_dir_all(place.keys_dir()).expect("made");
            for name in ["root.key", "ring"] {
                std::fs::copy(like.keys_dir().join(name), place.keys_dir().join(name)).expect("copied");
            }
        }
        place
    }

    fn keys_dir(&self) -> PathBuf {
        self.0.path().join("keys")
    }

    /// Starts the node with this number.
    pub(crate) fn start(&self, number: u16, log: Arc<dyn SharedLog>) -> Journal {
        let (data_dir, keys_dir) = (self.0.path().join("data"), self.keys_dir());
        let keys = Arc::new(Keys::load_or_create(&keys_dir).expect("keys").0);
        let node_keys = NodeKeys::open(NodeKeySettings {
            data_dir: data_dir.clone(),
            keys_dir: keys_dir.clone(),
            mirror_dir: None,
            keys: Arc::clone(&keys),
            own: NodeNumber(number),
            peers: Vec::new(),
            shared_within: Duration::from_secs(1),
        });
        let options = Options {
            data_dir: data_dir.clone(),
            keys_dir,
            mirror_dir: None,
            keys,
            clock: Clock::system(),
            node: format!("node-{number}"),
            origin: "gateway.causeway.example/journal".into(),
            software: "causeway/0.1.0".into(),
            queue_depth: 1_024,
            signing_overlap: Duration::ZERO,
            headroom_bytes: 0,
            node_keys: Some(node_keys.expect("page keys")),
            index: true,
        };
        let upstream = Upstream { log, in_flight: 4, checkpoint_frames: 50 };
        let own = SledLog::open(Path::new(&data_dir)).expect("the own log opens");
        Journal::start_as_node(Box::new(own), options, upstream).expect("the node starts")
    }
}

/// Two nodes over a stream of their own, behind genesis.
pub(crate) struct Pair {
    pub(crate) settings: JetStreamSettings,
    pub(crate) nodes: [Journal; 2],
    /// The third is nobody's yet.
    pub(crate) places: [Place; 3],
}

impl Pair {
    pub(crate) fn over(settings: JetStreamSettings) -> Self {
        let places = places();
        let first = places[0].start(1, connect(&settings));
        begin(&first);
        let second = places[1].start(2, connect(&settings));
        Self { settings, nodes: [first, second], places }
    }

    pub(crate) fn both(&self) -> [&Journal; 2] {
        self.nodes.each_ref()
    }

    /// That both have what was acknowledged, once, and are one; and closes them.
    pub(crate) fn are_one(&self, acknowledged: &[Committed]) {
        are_one(&self.both(), connect(&self.settings).as_ref(), acknowledged);
        self.nodes.iter().for_each(Journal::close);
    }
}

/// An entry of the operator's that has nothing beside it.
pub(crate) fn draft(operation: v1::Operation, reason: &str) -> Draft {
    let entry = v1::Entry {
        entry_id: causeway_crypto::random::<16>().to_vec(),
        operation: operation.into(),
        decision: v1::Decision::Allowed.into(),
        reason: reason.into(),
        actor: Some(v1::Actor { agency: "gb-nca".into(), ..v1::Actor::default() }),
        ..v1::Entry::default()
    };
    Draft { entry, openings: None, body: None, document_text: None }
}

/// Appends an entry that changes nothing.
pub(crate) fn append(journal: &Journal) -> Result<Committed, AppendFailure> {
    wait_for(journal.append(draft(v1::Operation::Consultation, "accepted")))
}

pub(crate) fn wait_for<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

/// A stream without a frame; gives what a node connects to it by.
pub(crate) fn stream(cluster: &Cluster, name: &str) -> JetStreamSettings {
    stream_of(cluster, name, ROOM)
}

/// The same for at most so many bytes.
pub(crate) fn stream_of(cluster: &Cluster, name: &str, bytes: u64) -> JetStreamSettings {
    let settings = |user: &str| JetStreamSettings {
        log_id: None,
        patience: Duration::from_secs(5),
        ..cluster.settings(name, user)
    };
    create_stream(&settings("admin"), bytes).expect("created");
    settings("gateway")
}

pub(crate) fn connect(settings: &JetStreamSettings) -> Arc<JetStreamLog> {
    Arc::new(JetStreamLog::open(settings.clone()).expect("opened"))
}

/// That every node has what was acknowledged, once, and that all are one.
pub(crate) fn are_one(nodes: &[&Journal], log: &dyn SharedLog, acknowledged: &[Committed]) {
    let head = log.head().expect("a head").last;
    assert!(nodes.iter().all(|node| node.wait_for(head, LONG)), "a node does not come to frame {head}");
    let [first, others @ ..] = nodes else { return };
    // Somebody may have said how far the log goes meanwhile: what they have in common is compared.
    let size = nodes.iter().map(|node| node.read(|state| state.tree().size())).min().expect("some");
    let mut leaves: Vec<_> = acknowledged.iter().map(|committed| committed.leaf).collect();
    leaves.sort();
    leaves.dedup();
    assert_eq!(leaves.len(), acknowledged.len());
    let mut ids = BTreeSet::new();
    for leaf in (0..size).map(LeafIndex) {
        let entry = wait_for(first.entry(leaf)).expect("read");
        for other in others {
            assert_eq!(wait_for(other.entry(leaf)).expect("read"), entry);
        }
        assert!(ids.insert(decode_entry(&entry).expect("an entry").entry_id), "there twice");
    }
    for committed in acknowledged {
        assert_eq!(wait_for(first.entry(committed.leaf)).expect("read"), committed.entry);
    }
    assert!(nodes.iter().all(|node| node.halted().is_none() && node.stopped().is_none()));
    have_one_state(nodes);
}

/// That all nodes have the same state behind the same frame: root, documents, submissions, records, feeds.
fn have_one_state(nodes: &[&Journal]) {
    for _ in 0..600 {
        let heads: BTreeSet<FrameSeq> = nodes.iter().map(|node| node.read(|state| state.head().0)).collect();
        let states: Vec<_> = nodes.iter().map(|node| node.read(|state| (state.head(), format!("{state:?}")))).collect();
        // Somebody may say how far the log goes at this moment.
        if heads.len() == 1 && states.iter().all(|(head, _)| heads.contains(&head.0)) {
            assert!(states.iter().all(|state| *state == states[0]), "the nodes' states differ");
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("the nodes are never at one frame");
}

/// Two writers at each of these nodes, until what is done meanwhile is over and each of them has appended five times more. Gives what was
/// acknowledged.
pub(crate) fn writing(nodes: &[&Journal], act: impl FnOnce()) -> Vec<Committed> {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> =
            nodes.iter().chain(nodes).map(|node| scope.spawn(|| append_until(node, &is_over))).collect();
        thread::sleep(Duration::from_millis(500));
        act();
        is_over.store(true, Ordering::SeqCst);
        writers.into_iter().flat_map(|writer| writer.join().expect("wrote")).collect()
    })
}

fn append_until(node: &Journal, is_over: &AtomicBool) -> Vec<Committed> {
    let (mut done, mut after) = (Vec::new(), 0);
    while after < 5 {
        // A node whose frame came too late, or that is cut off, says so: the same is tried again.
        match append(node) {
            Ok(committed) => {
                done.push(committed);
                after += usize::from(is_over.load(Ordering::SeqCst));
            }
            Err(AppendFailure::NotTaken(_)) => thread::sleep(Duration::from_millis(100)),
            Err(failure) => panic!("{failure}"),
        }
    }
    done
}

/// Of three nodes.
pub(crate) fn places() -> [Place; 3] {
    let first = Place::new(None);
    drop(Keys::load_or_create(&first.keys_dir()).expect("keys are made"));
    let others = [Place::new(Some(&first)), Place::new(Some(&first))];
    let [second, third] = others;
    [first, second, third]
}

pub(crate) fn begin(node: &Journal) {
    for reason in ["genesis", "genesis-complete"] {
        wait_for(node.append(draft(v1::Operation::Administration, reason))).expect("begun");
    }
}
