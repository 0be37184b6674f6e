//! Three nodes in this process, each with folders and ports of its own, over one log.

use std::fmt;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_crypto::Digest;
use causeway_gateway::Config;
use causeway_gateway::config::ClusterOptions;
use causeway_journal::Tree;
use causeway_model::FrameSeq;
use causeway_proto::v1::GetCheckpointRequest;
use causeway_store::{
    AppendError, Assurance, AssureError, ClientFiles, Head, JetStreamSettings, Keys, ReadError, SharedLog, SledLog,
};
use futures_util::future::join_all;

use crate::harness::node_files::NodeFiles;
use crate::harness::{Gateway, Mirror, Seen, Setup, World};

/// The system that submits.
pub(crate) const SYSTEM: &str = "gb-nca/case-management";

const NODES: u16 = 3;

/// What all nodes are made of. Each can be stopped and started again.
pub(crate) struct Cluster {
    pub(crate) world: World,
    config: Config,
    files: NodeFiles,
    log: Arc<SledLog>,
    mirrors: Vec<Mirror>,
}

impl Cluster {
    /// An empty log, and three nodes with nothing but one key ring.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// The same with changes of the shipped configuration.
    pub(crate) fn with(change: impl FnOnce(&mut Setup)) -> Self {
        let mut world = World::with(change);
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
        let log = Arc::new(SledLog::open(&world.path("shared")).expect("opens"));
        Self { world, config, files, log, mirrors: (0..NODES).map(|_| Mirror::new()).collect() }
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
        let (shared, mirror) = (Arc::new(Lasting(Arc::clone(&self.log))), self.mirror(node));
        let started = self.world.start_node(self.config(node), shared, mirror).await;
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

    /// The entries that a node has.
    pub(crate) fn entries(&self, node: u16) -> Vec<Seen> {
        self.mirror(node).entries()
    }

    /// The newest frame of the log that they share.
    fn head(&self) -> FrameSeq {
        SharedLog::head(self.log.as_ref()).expect("read").last
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

/// A log that outlives the nodes: each of them closes what it was given.
struct Lasting(Arc<SledLog>);

impl fmt::Debug for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lasting(..)")
    }
}

impl SharedLog for Lasting {
    fn append(&self, id: &Digest, bytes: &[u8], expect: Option<FrameSeq>) -> Result<FrameSeq, AppendError> {
        SharedLog::append(self.0.as_ref(), id, bytes, expect)
    }

    fn read(&self, from: FrameSeq, max_bytes: usize) -> Result<Vec<(FrameSeq, Vec<u8>)>, ReadError> {
        SharedLog::read(self.0.as_ref(), from, max_bytes)
    }

    fn wait(&self, after: FrameSeq, until: Duration) -> FrameSeq {
        SharedLog::wait(self.0.as_ref(), after, until)
    }

    fn head(&self) -> Result<Head, ReadError> {
        SharedLog::head(self.0.as_ref())
    }

    fn assure(&self) -> Result<Assurance, AssureError> {
        SharedLog::assure(self.0.as_ref())
    }

    fn close(&self) -> Result<(), ReadError> {
        Ok(())
    }
}
