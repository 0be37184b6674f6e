//! What is submitted to: a gateway alone, or nodes of a cluster, each in a process of its own, with a connection to each.

use std::path::Path;
use std::time::{Duration, Instant};

use causeway_gateway::client::Clients;
use causeway_proto::v1;
use causeway_rig::{Cluster, Failed, Process, Reach};

use super::Used;
use crate::callers;
use crate::ground::{self, Ground};
use crate::latency::Latency;
use crate::{processor, say};

/// Gateways are at rest where together they have used at most so much of a core for each of them in so long: nodes look at the log while
/// nothing happens.
const QUIET_SECONDS: f64 = 0.01;
const LOOK: Duration = Duration::from_millis(200);

/// How long it is waited for that, at most.
const LOOKS: usize = 600;

/// Gateways that run.
#[derive(Debug)]
pub(super) struct Stand {
    name: String,
    gateways: Vec<Process>,
    connections: Vec<Clients>,
    /// Of the log's servers.
    servers: Vec<u32>,
    /// Goes with them.
    _kept: Kept,
}

#[derive(Debug)]
#[expect(dead_code, reason = "they are kept until the gateways have ended")]
enum Kept {
    Alone(Ground),
    Nodes(Cluster),
}

impl Stand {
    /// A gateway with a log of its own.
    pub(super) async fn alone(dir: &Path) -> Result<Self, Failed> {
        let ground = Ground::within(dir)?;
        let (gateway, reach) = ground.start()?;
        let connections = vec![connected(&reach).await?];
        let (gateways, servers) = (vec![gateway], Vec::new());
        Ok(Self { name: "alone".into(), gateways, connections, servers, _kept: Kept::Alone(ground) })
    }

    /// So many nodes on three servers of their own.
    pub(super) async fn of_nodes(nodes: u16, dir: &Path, program: &Path) -> Result<Self, Failed> {
        let mut cluster = Cluster::over(Ground::within(dir)?.installation, program, nodes)?;
        let gateways = cluster.start_all(nodes)?;
        let mut connections = Vec::new();
        for gateway in &gateways {
            connections.push(connected(&cluster.reach(gateway)).await?);
        }
        let name = if nodes == 1 { "1 node".into() } else { format!("{nodes} nodes") };
        let servers = cluster.servers().ids();
        Ok(Self { name, gateways, connections, servers, _kept: Kept::Nodes(cluster) })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Submits these over one stream to each gateway, all at once; gives how long that took, and each record.
    pub(super) async fn stream(&self, requests: Vec<v1::SubmitRequest>) -> Result<(Duration, Latency), Failed> {
        let begun = Instant::now();
        let latency = callers::stream(&self.connections, requests).await?;
        Ok((begun.elapsed(), latency))
    }

    /// Submits these one after the other, each to the next gateway.
    pub(super) async fn call(&self, requests: Vec<v1::SubmitRequest>) -> Result<Latency, Failed> {
        let mut latency = Latency::new();
        for (request, clients) in requests.into_iter().zip(self.connections.iter().cycle()) {
            latency.merge(&callers::call(std::slice::from_ref(clients), 1, vec![request]).await?)?;
        }
        Ok(latency)
    }

    /// Processor time so far.
    pub(super) fn used(&self) -> Used {
        Used {
            gateways: self.used_by_gateways(),
            servers: self.servers.iter().map(|server| processor::seconds_of(*server)).sum(),
            client: processor::seconds(),
        }
    }

    fn used_by_gateways(&self) -> f64 {
        self.gateways.iter().map(|gateway| processor::seconds_of(gateway.id())).sum()
    }

    /// Waits until the gateways have done what they do behind their receipts.
    pub(super) async fn rest(&self) {
        let mut before = self.used_by_gateways();
        for _ in 0..LOOKS {
            tokio::time::sleep(LOOK).await;
            let now = self.used_by_gateways();
            if now - std::mem::replace(&mut before, now) <= QUIET_SECONDS * self.gateways.len() as f64 {
                return;
            }
        }
        say(format_args!("{}: the gateways do not come to rest, and go on into the next round", self.name));
    }

    pub(super) fn stop(self) -> Result<(), Failed> {
        self.gateways.into_iter().try_for_each(|gateway| gateway.stop().map(drop))
    }
}

async fn connected(reach: &Reach) -> Result<Clients, Failed> {
    reach.clients(ground::SUBMITTER, ground::PURPOSE).await
}
