//! A node's way into its cluster: the shared log, found in order; then its page keys, of which a majority of the nodes has to have said
//! what it has, at a port where the others ask for them meanwhile. And its way out.

use std::sync::Arc;
use std::time::Duration;

use causeway_exchange::{Releaser, Roster};
use causeway_store::{
    AssureError, Clock, Keys, NodeKeySettings, NodeKeys, ReadError, SHARED_WITHIN, SharedLog, StoreError, Upstream,
};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::logs::OpenShared;
use super::opening::aside;
use crate::config::{ClusterOptions, Config};
use crate::error::Error;
use crate::nodes::{NodeCredentials, NodeServer, NodeSettings, peers, releaser_peers};
use crate::shutdown::{self, Stop};

/// Frames of one node that may be on their way at once: more than four bring little, and each lane fills key pages of its own.
const IN_FLIGHT: usize = 4;

/// Frames after which the nodes' roots are compared.
const CHECKPOINT_FRAMES: u64 = 1_000;

/// How soon the other nodes are asked again, while they are too few.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// How often it is said which ones are waited for.
const SAY_AGAIN: Duration = Duration::from_secs(10);

/// How long the other nodes' last calls may take, when this one stops.
const LAST_CALLS: Duration = Duration::from_secs(2);

/// The shared log, connected and found in order.
#[derive(Debug)]
pub(super) struct SharedPart {
    log: Arc<dyn SharedLog>,
    is_empty: bool,
}

impl SharedPart {
    /// Connects to the log, and has its servers say what they enforce.
    ///
    /// # Errors
    /// `Faults` with all that they do not; `Store` where they cannot be asked.
    pub(super) async fn reach(cluster: &ClusterOptions, open: OpenShared) -> Result<Self, Error> {
        let settings = cluster.log.clone();
        aside(move || {
            let named = |fault: &String| format!("cluster: the shared log {}: {fault}", settings.stream);
            let log = open(settings.clone())?;
            let assurance = log.assure().map_err(|error| match error {
                AssureError::Faults(faults) => Error::Faults(faults.iter().map(named).collect()),
                error => Error::Store(StoreError::Upstream(Box::new(error))),
            })?;
            if !assurance.away.is_empty() {
                tracing::warn!(away = ?assurance.away, "servers of the shared log are away, and were not checked");
            }
            let unread = |error: ReadError| Error::Store(StoreError::Upstream(Box::new(error)));
            let is_empty = log.head().map_err(unread)?.last.0 == 0;
            Ok(Self { log, is_empty })
        })
        .await
    }

    /// Whether nobody has written it yet.
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Opens this node's page keys, answers the others, and asks them until a majority has said what it has.
    ///
    /// # Errors
    /// `Faults` of the node's certificate; `Listen`; `Store` of its keys.
    pub(super) async fn join(
        self,
        config: &Config,
        cluster: &ClusterOptions,
        keys: &Arc<Keys>,
        clock: &Clock,
    ) -> Result<(Membership, NodeKeys), Error> {
        let nodes = &cluster.nodes;
        let credentials = NodeCredentials::load(nodes.own, &nodes.certificate, &nodes.key, &nodes.ca);
        let credentials = credentials.map_err(Error::Faults)?;
        let settings = NodeKeySettings {
            data_dir: config.data_dir.clone(),
            keys_dir: config.keys_dir.clone(),
            mirror_dir: config.keys.mirror_dir.clone(),
            keys: Arc::clone(keys),
            own: nodes.own,
            peers: peers(nodes, &credentials, clock)?,
            shared_within: SHARED_WITHIN,
        };
        let node_keys = aside(move || Ok(NodeKeys::open(settings)?)).await?;
        if self.is_empty {
            node_keys.log_is_empty();
        }
        let listener = TcpListener::bind(nodes.listen).await.map_err(Error::Listen)?;
        let others = nodes.others().map(|node| node.number).collect();
        let server = NodeServer::new(listener, &credentials, others, node_keys.clone(), clock.clone())?;
        let releaser = Releaser::among(releaser_peers(nodes, &credentials, clock)?);
        let server = server.with_releaser(releaser.clone());
        let (stop, stopping) = shutdown::channel();
        let answering = tokio::spawn(server.serve(async move { stopping.wait().await }));
        let membership = Membership { log: self.log, releaser, stop, answering };
        match caught_up(&node_keys).await {
            Ok(()) => Ok((membership, node_keys)),
            Err(error) => {
                membership.give_up().await;
                Err(error)
            }
        }
    }
}

/// Asks the other nodes for page keys until a majority has said what it has.
async fn caught_up(keys: &NodeKeys) -> Result<(), Error> {
    let mut said: Option<Instant> = None;
    loop {
        let asked = keys.clone();
        let caught = aside(move || Ok(asked.catch_up()?)).await?;
        if keys.has_caught_up() {
            return Ok(());
        }
        if said.is_none_or(|said| said.elapsed() >= SAY_AGAIN) {
            said = Some(Instant::now());
            let away: Vec<u16> = caught.away.iter().map(|node| node.0).collect();
            if keys.waits_for_all() {
                tracing::warn!(
                    ?away,
                    "this node has no page keys of its own, as one that is new or has lost them: waiting until every other node answers \
                     at the port of page keys"
                );
            } else {
                tracing::warn!(?away, "waiting until a majority of the nodes answers at the port of page keys");
            }
        }
        sleep(ASK_AGAIN).await;
    }
}

/// The roster of these settings, as the log states it.
pub(super) fn roster(nodes: &NodeSettings) -> Roster {
    let stated = nodes.roster.iter().map(|node| (u32::from(node.number.0), node.name.clone()));
    Roster { version: nodes.version, nodes: stated.collect() }
}

/// What a node holds beside its journal: the log that it shares, and the port at which it answers the others.
#[derive(Debug)]
pub(crate) struct Membership {
    log: Arc<dyn SharedLog>,
    releaser: Releaser,
    stop: Stop,
    answering: JoinHandle<Result<(), Error>>,
}

impl Membership {
    /// The log as the journal is started with it.
    pub(super) fn upstream(&self) -> Upstream {
        Upstream { log: Arc::clone(&self.log), in_flight: IN_FLIGHT, checkpoint_frames: CHECKPOINT_FRAMES }
    }

    /// Whether this node is the releaser, as it tells the others.
    pub(super) fn releaser(&self) -> Releaser {
        self.releaser.clone()
    }

    /// Answers no other node any more: to be called before the journal closes, which has the keys folder.
    pub(crate) async fn stop_answering(&mut self) {
        self.stop.now();
        if tokio::time::timeout(LAST_CALLS, &mut self.answering).await.is_err() {
            // A call that is cut is made again, at this node's next start or at another one.
            self.answering.abort();
            let _ = (&mut self.answering).await;
        }
    }

    /// Lets go of all of it where no journal was opened with it.
    pub(super) async fn give_up(mut self) {
        self.stop_answering().await;
        self.leave().await;
    }

    /// Lets go of the shared log, after the journal has been closed.
    pub(crate) async fn leave(self) {
        let log = Arc::clone(&self.log);
        let closed = tokio::task::spawn_blocking(move || log.close()).await;
        if !matches!(closed, Ok(Ok(()))) {
            tracing::warn!("the connection to the shared log did not close in order");
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        // A start that was broken off leaves no port behind.
        self.answering.abort();
    }
}
