//! Three nodes in this process, each with folders and ports of its own, over one log.

use std::fmt;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_crypto::Digest;
use causeway_gateway::Config;
use causeway_gateway::config::ClusterOptions;
use causeway_journal::{Tree, decode_frame};
use causeway_model::FrameSeq;
use causeway_proto::v1::GetCheckpointRequest;
use causeway_store::{
    AppendError, Assurance, AssureError, ClientFiles, Head, JetStreamSettings, Keys, ReadError, SharedLog,
};
use futures_util::future::join_all;

use super::gate::{Gate, Gated};
use crate::harness::node_files::NodeFiles;
use crate::harness::{Faults, Gateway, Mirror, Seen, Setup, World};

/// The system that submits.
pub(crate) const SYSTEM: &str = "gb-nca/case-management";

const NODES: u16 = 3;

/// What all nodes are made of. Each can be stopped and started again.
pub(crate) struct Cluster {
    pub(crate) world: World,
    config: Config,
    files: NodeFiles,
    log: Shared,
    mirrors: Vec<Mirror>,
    faults: Vec<Faults>,
    gates: Vec<Gate>,
}

impl Cluster {
    /// An empty log, and three nodes with nothing but one key ring.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// The same with changes of the shipped configuration.
    pub(crate) fn with(change: impl FnOnce(&mut Setup)) -> Self {
        let mut world = World::alone(change);
        let config = world.config().clone();
        let files = NodeFiles::issue(&world.path("certs-nodes"), NODES);
        drop(Keys::load_or_create(&world.path("ring")).expect("made"));
        for node in 1..=NODES {
            let keys = world.path(&format!("node-{node}/keys"));
            fs::create_dir_all(&keys).expect("made");
            for name in ["root.key", "ring"] {
                fs::copy(world.path("ring").join(name), keys.join(name)).expect("copied");
            }
        }
        let (mirrors, faults) = (0..NODES).map(|_| (Mirror::new(), Faults::default())).unzip();
        let gates = (0..NODES).map(|_| Gate::default()).collect();
        Self { world, config, files, log: Shared::default(), mirrors, faults, gates }
    }

    fn config(&self, node: u16) -> Config {
        let at = |name: &str| self.world.path(&format!("node-{node}/{name}"));
        let files = ClientFiles { ca: at("none"), certificate: at("none"), key: at("none") };
        let stream = "LOG".parse().expect("a stream's name");
        let log =
            JetStreamSettings { servers: Vec::new(), files, stream, log_id: None, patience: Duration::from_secs(30) };
        let mut config = self.config.clone();
        config.node = format!("node-{node}");
        (config.data_dir, config.keys_dir) = (at("journal"), at("keys"));
        config.keys.mirror_dir = Some(at("mirror"));
        config.cluster = Some(ClusterOptions { log, nodes: self.files.settings(node) });
        config
    }

    /// Starts a node.
    pub(crate) async fn start(&self, node: u16) -> Gateway {
        let shared = Arc::new(Gated { log: Arc::new(self.log.clone()), gate: self.gate(node).clone() });
        let mirror = self.mirror(node);
        let started = self.world.start_node(self.config(node), shared, mirror, self.faults(node)).await;
        started.unwrap_or_else(|error| panic!("node {node} does not start: {error:?}"))
    }

    /// Starts all nodes at once, in order of their numbers.
    pub(crate) async fn start_all(&self) -> Vec<Gateway> {
        join_all((1..=NODES).map(|node| self.start(node))).await
    }

    /// Stops these, one after the other.
    pub(crate) async fn stop(&self, gateways: Vec<Gateway>) {
        for gateway in gateways {
            gateway.stop().await;
        }
    }

    /// What a node has applied, a second time.
    pub(crate) fn mirror(&self, node: u16) -> &Mirror {
        &self.mirrors[usize::from(node) - 1]
    }

    /// What makes a node's own log fail or wait.
    pub(crate) fn faults(&self, node: u16) -> &Faults {
        &self.faults[usize::from(node) - 1]
    }

    /// A node's way to the shared log.
    pub(crate) fn gate(&self, node: u16) -> &Gate {
        &self.gates[usize::from(node) - 1]
    }

    /// Has the shared log answer nobody, or everybody again.
    pub(crate) fn silence(&self, is_silent: bool) {
        self.log.silence(is_silent);
    }

    /// The entries that a node has.
    pub(crate) fn entries(&self, node: u16) -> Vec<Seen> {
        self.mirror(node).entries()
    }

    /// The newest frame of the log that they share.
    fn head(&self) -> FrameSeq {
        SharedLog::head(&self.log).expect("read").last
    }

    /// Waits until these nodes, which are all, have come to what the log holds now, and holds them against each other: their entries, and the
    /// checkpoint that each signs against the entries of another.
    pub(crate) async fn are_one(&self, gateways: &[Gateway]) {
        let head = self.head();
        for mirror in &self.mirrors {
            mirror.until(&format!("frame {head}"), |state| state.head().0 >= head).await;
        }
        for (index, gateway) in gateways.iter().enumerate() {
            let mut audit = gateway.audit("gb-nca/audit").await;
            let note = audit.get_checkpoint(GetCheckpointRequest::default()).await.expect("published").into_inner();
            let mut lines = note.checkpoint.lines().skip(1);
            let (size, root) = (lines.next().expect("a size"), lines.next().expect("a root"));
            let size: u64 = size.parse().expect("a number");
            let other = &self.mirrors[(index + 1) % self.mirrors.len()];
            other.until(&format!("{size} entries"), |state| state.tree().size() >= size).await;
            let mut tree = Tree::new();
            for seen in other.entries().iter().take(usize::try_from(size).expect("few")) {
                tree.push(causeway_journal::leaf_hash(&seen.bytes));
            }
            assert_eq!(STANDARD.encode(tree.root().0), root, "node {}", index + 1);
        }
    }
}

/// A frame and its id.
type Kept = (Digest, Vec<u8>);

/// A log in memory, for any number of nodes, that outlives them and can be kept from answering.
#[derive(Clone, Default)]
struct Shared(Arc<Inner>);

#[derive(Default)]
struct Inner {
    frames: Mutex<Vec<Kept>>,
    grown: Condvar,
    silent: AtomicBool,
}

impl Shared {
    /// Has it answer nobody, or everybody again.
    fn silence(&self, is_silent: bool) {
        self.0.silent.store(is_silent, Ordering::SeqCst);
    }

    /// What it holds, where it answers.
    fn frames(&self) -> Option<MutexGuard<'_, Vec<Kept>>> {
        if self.0.silent.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(50));
            return None;
        }
        Some(self.0.frames.lock().expect("not poisoned"))
    }

    fn last(frames: &[Kept]) -> FrameSeq {
        FrameSeq(frames.len() as u64)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared(..)")
    }
}

fn unread() -> ReadError {
    ReadError::Engine("nobody answers".into())
}

impl SharedLog for Shared {
    fn append(&self, id: &Digest, bytes: &[u8], expect: Option<FrameSeq>) -> Result<FrameSeq, AppendError> {
        let mut frames = self.frames().ok_or_else(|| AppendError::Unknown("nobody answers".into()))?;
        if let Some(place) = frames.iter().position(|(known, _)| known == id) {
            return Ok(FrameSeq(place as u64 + 1));
        }
        let head = Self::last(&frames);
        if expect.is_some_and(|expected| expected != head) {
            return Err(AppendError::Conflict { head });
        }
        frames.push((*id, bytes.to_vec()));
        self.0.grown.notify_all();
        Ok(head.next())
    }

    fn read(&self, from: FrameSeq, max_bytes: usize) -> Result<Vec<(FrameSeq, Vec<u8>)>, ReadError> {
        let frames = self.frames().ok_or_else(unread)?;
        let (mut taken, mut bytes) = (Vec::new(), 0);
        for (seq, (_, frame)) in (1..).map(FrameSeq).zip(frames.iter()).skip_while(|(seq, _)| *seq < from) {
            if bytes >= max_bytes {
                break;
            }
            bytes += frame.len();
            taken.push((seq, frame.clone()));
        }
        Ok(taken)
    }

    fn wait(&self, after: FrameSeq, until: Duration) -> FrameSeq {
        let Some(frames) = self.frames() else { return after };
        let waited = self.0.grown.wait_timeout_while(frames, until, |frames| Self::last(frames) <= after);
        Self::last(&waited.expect("not poisoned").0)
    }

    fn head(&self) -> Result<Head, ReadError> {
        let frames = self.frames().ok_or_else(unread)?;
        let id = |(_, bytes): &Kept| decode_frame(bytes).expect("a frame").log_id.try_into().expect("an id");
        Ok(Head { log: frames.first().map(id), last: Self::last(&frames) })
    }

    fn assure(&self) -> Result<Assurance, AssureError> {
        let head = Self::last(&self.frames().ok_or_else(unread)?);
        Ok(Assurance { head, checked: vec!["memory".into()], away: Vec::new(), bytes: 0, max_bytes: None })
    }

    fn close(&self) -> Result<(), ReadError> {
        Ok(())
    }
}
