//! The two ways that frames go, made of what a start has found: into this machine's log, or into the one that nodes share.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use async_channel::WeakSender;

use crate::checkpoint_timer::CheckpointTimer;
use crate::error::StoreError;
use crate::framer::Framer;
use crate::index::Index;
use crate::key_pages::KeyPages;
use crate::lanes::Lanes;
use crate::node::{Node, Upstream};
use crate::node_keys::NodeKeys;
use crate::publisher::Publisher;
use crate::sequencer::Way;
use crate::shared::Shared;
use crate::tail_of_shared::TailOfShared;
use crate::vault::Vault;
use crate::work::Work;

/// What a start has found out about the way.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) publisher: Publisher,
    pub(crate) upstream: Option<Upstream>,
    pub(crate) node_keys: Option<NodeKeys>,
}

/// A way, and the pages that its frames fill.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) way: Way,
    pub(crate) pages: KeyPages,
    /// What a node's threads look at together.
    pub(crate) node: Option<Arc<Node>>,
    pub(crate) threads: Vec<JoinHandle<()>>,
}

impl Joined {
    /// Makes the way, and starts the threads that it needs.
    pub(crate) fn way(
        self,
        shared: &Arc<Shared>,
        index: &Arc<Index>,
        vault: &Arc<Vault>,
        queue: WeakSender<Work>,
    ) -> Result<Found, StoreError> {
        let Self { publisher, upstream, node_keys } = self;
        let (Some(upstream), Some(peers)) = (upstream, node_keys) else {
            let pages = KeyPages::new(Arc::clone(vault));
            return Ok(Found { way: Way::Own(Box::new(publisher)), pages, node: None, threads: Vec::new() });
        };
        let pages = || KeyPages::shared(Arc::clone(vault));
        let timer = CheckpointTimer::new(upstream.checkpoint_frames, Instant::now());
        let node = Arc::new(Node::new(upstream, queue.clone()));
        let lanes = Lanes::start(&node, shared, &peers, pages)?;
        let (shared, index, vault) = (Arc::clone(shared), Arc::clone(index), Arc::clone(vault));
        let tail = TailOfShared { node: Arc::clone(&node), shared, index, vault, publisher, timer, queue };
        let threads = tail.start()?;
        let way = Way::Shared(Framer { node: Arc::clone(&node), lanes });
        Ok(Found { way, pages: pages(), node: Some(node), threads })
    }
}
