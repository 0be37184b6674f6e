//! A cluster to break: three log servers and three gateways, and how they are reached, by clients who are on one of the hosts.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use causeway_rig::nats;
use causeway_rig::{Cluster, Installation, Lab, Launch, Process, Reach, STREAM};

use super::clients::{Ways, Work};
use crate::Failed;
use crate::faults::runtime;
use crate::load::Ledger;

/// How many gateways there are.
pub(crate) const NODES: usize = 3;

/// Clients who submit.
const SUBMITTERS: u64 = 4;

/// How long the clients are at work before a fault, and after it.
const BEFORE: Duration = Duration::from_secs(2);
const AFTER: Duration = Duration::from_secs(2);

/// How long servers may take to agree on a leader.
const PATIENCE: Duration = Duration::from_secs(60);

/// Servers, gateways and what was acknowledged.
pub(crate) struct Stand {
    pub(crate) cluster: Cluster,
    pub(crate) ledger: Ledger,
    pub(crate) ways: Ways,
    gateways: Vec<Option<Process>>,
    lab: Option<Arc<Lab>>,
    loads: usize,
}

impl Stand {
    /// One on the loopback, with every gateway serving.
    pub(crate) fn new() -> Result<Self, Failed> {
        Self::of(Cluster::over(Installation::new()?, &program()?, u16::try_from(NODES)?)?, None)
    }

    /// One with each gateway and its server on a host of its own.
    pub(crate) fn on_hosts(lab: Arc<Lab>) -> Result<Self, Failed> {
        let cluster = Cluster::over_hosts(Installation::new()?, &program()?, Arc::clone(&lab))?;
        Self::of(cluster, Some(lab))
    }

    fn of(cluster: Cluster, lab: Option<Arc<Lab>>) -> Result<Self, Failed> {
        let gateways = (0..NODES).map(|_| None).collect();
        let (ledger, ways) = (Ledger::default(), Ways::default());
        let mut stand = Self { cluster, ledger, ways, gateways, lab, loads: 0 };
        stand.start_all()?;
        Ok(stand)
    }

    /// Starts all gateways beside each other, where none runs.
    pub(crate) fn start_all(&mut self) -> Result<(), Failed> {
        for (node, process) in self.cluster.start_all(u16::try_from(NODES)?)?.into_iter().enumerate() {
            self.ways.set(node, Some(self.cluster.reach(&process)));
            self.gateways[node] = Some(process);
        }
        Ok(())
    }

    /// Starts a gateway again.
    pub(crate) fn start(&mut self, node: usize) -> Result<(), Failed> {
        let process = self.cluster.start(u16::try_from(node + 1)?, &Launch::default())?;
        self.ways.set(node, Some(self.cluster.reach(&process)));
        self.gateways[node] = Some(process);
        Ok(())
    }

    /// Kills a gateway (SIGKILL).
    pub(crate) fn kill(&mut self, node: usize) -> Result<(), Failed> {
        self.ways.set(node, None);
        self.gateways[node].take().map_or(Ok(()), Process::kill)
    }

    /// Stops every gateway in order (SIGTERM).
    pub(crate) fn stop_all(&mut self) -> Result<(), Failed> {
        for node in 0..NODES {
            self.ways.set(node, None);
            if let Some(process) = self.gateways[node].take() {
                process.stop()?;
            }
        }
        Ok(())
    }

    /// The way to a gateway that runs.
    pub(crate) fn reach(&self, node: usize) -> Result<Reach, Failed> {
        self.ways.to(node).ok_or_else(|| format!("node {} does not run", node + 1).into())
    }

    /// The server that leads the log.
    pub(crate) fn leader(&mut self) -> Result<usize, Failed> {
        let begun = Instant::now();
        loop {
            match self.cluster.servers().leader(STREAM) {
                Some(leader) => return Ok(leader),
                None if begun.elapsed() > PATIENCE => return Err("the log has no leader".into()),
                None => sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Does something on a host: there alone its network is.
    pub(crate) fn on<R: Send>(&self, host: usize, work: impl FnOnce() -> R + Send) -> R {
        match &self.lab {
            Some(lab) => Lab::on(lab, host, work),
            None => work(),
        }
    }

    /// Asks something as a client on a host.
    pub(crate) fn ask<R: Send>(&self, host: usize, question: impl Future<Output = R> + Send) -> Result<R, Failed> {
        self.on(host, || Ok(runtime()?.block_on(question)))
    }

    /// Has clients at work on a host while something is done; gives the longest that one waited for an acceptance.
    pub(crate) fn while_at_work(
        &mut self,
        host: usize,
        act: impl FnOnce(&mut Self) -> Result<(), Failed>,
    ) -> Result<Duration, Failed> {
        // What its threads open is there.
        let runtime = self.on(host, runtime)?;
        self.loads += 1;
        let work = {
            let _entered = runtime.enter();
            Work::begin(&self.ways, &format!("load-{}", self.loads), SUBMITTERS, &self.ledger)
        };
        sleep(BEFORE);
        let acted = act(self);
        sleep(AFTER);
        let longest = runtime.block_on(work.end());
        acted?;
        longest
    }
}

/// The servers' program.
fn program() -> Result<PathBuf, Failed> {
    nats::program()?.ok_or_else(|| "there is no nats-server: .ci/nats-server installs it".into())
}
