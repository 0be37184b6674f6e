//! Several gateways that share a log: an installation with settings, keys and a certificate for each node, and the log's servers; on the
//! loopback, or each node with its server on a host of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use causeway_cli::nats::{Hosts, Loopback, NatsServers, SERVERS, free_ports};
use causeway_cli::trial_nodes::{self, Place, Template};
use causeway_store::{ClientFiles, JetStreamSettings, create_stream};

use crate::{Failed, Installation, Lab, Launch, Process, Reach};

pub use causeway_cli::trial_nodes::STREAM;

/// Bytes of the stream on each server: they set it aside, of 2 GB.
const ROOM: u64 = 1 << 30;

/// Where a gateway listens on a host of its own, on which no port is taken.
const PORT: u16 = 8443;

/// The servers with an empty stream, and nodes that have one key ring and nothing else. Everything goes when it is dropped.
#[derive(Debug)]
pub struct Cluster {
    servers: NatsServers,
    installation: Installation,
    hosts: Arc<dyn Hosts>,
    settings: Vec<PathBuf>,
}

impl Cluster {
    /// Makes an installation's settings those of so many nodes, numbered from 1, and starts the servers.
    ///
    /// # Errors
    /// When something cannot be made or started.
    pub fn over(installation: Installation, program: &Path, nodes: u16) -> Result<Self, Failed> {
        let servers = NatsServers::start(program, &[trial_nodes::log_user()])?;
        let cluster = Self { servers, installation, hosts: Arc::new(Loopback), settings: Vec::new() };
        create_stream(&cluster.log_settings("admin")?, ROOM)?;
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let ports = free_ports(usize::from(nodes))?.into_iter();
        let place = |port| Place { agencies: any, nodes: (Ipv4Addr::LOCALHOST, port).into(), metrics: None };
        cluster.with_nodes_at(&ports.map(place).collect::<Vec<_>>())
    }

    /// The same with as many nodes as there are servers, the node with number 1 and its server on the lab's host 0, and so on.
    ///
    /// # Errors
    /// As [`Cluster::over`].
    pub fn over_hosts(installation: Installation, program: &Path, lab: Arc<Lab>) -> Result<Self, Failed> {
        let hosts: Arc<dyn Hosts> = lab.clone();
        let servers = NatsServers::start_on(Arc::clone(&hosts), program, &[trial_nodes::log_user()])?;
        let cluster = Self { servers, installation, hosts, settings: Vec::new() };
        let settings = cluster.log_settings("admin")?;
        lab.on(0, || create_stream(&settings, ROOM))?;
        let place = |host| {
            let at = |port| SocketAddr::new(cluster.hosts.address(host), port);
            Place { agencies: at(PORT), nodes: at(PORT - 1), metrics: None }
        };
        let places: Vec<_> = (0..SERVERS).map(place).collect();
        cluster.with_nodes_at(&places)
    }

    fn with_nodes_at(mut self, places: &[Place]) -> Result<Self, Failed> {
        let (config, certs) = (self.installation.path("config"), self.installation.path("certs-dev"));
        let template = Template { config_dir: &config, certs_dir: &certs };
        self.settings = trial_nodes::prepare(self.installation.root(), template, &self.servers, places)?;
        Ok(self)
    }

    /// The servers of the log.
    pub fn servers(&mut self) -> &mut NatsServers {
        &mut self.servers
    }

    /// How somebody whom the servers know, as `admin`, reaches the log.
    ///
    /// # Errors
    /// When the stream's name is none.
    pub fn log_settings(&self, user: &str) -> Result<JetStreamSettings, Failed> {
        Ok(JetStreamSettings {
            servers: self.servers.addresses(),
            files: ClientFiles {
                ca: self.servers.file("ca.pem"),
                certificate: self.servers.file(&format!("{user}.pem")),
                key: self.servers.file(&format!("{user}.key")),
            },
            stream: STREAM.parse()?,
            log_id: None,
            patience: Duration::from_secs(30),
        })
    }

    /// A file or folder of a node's: `journal`, `keys`, `mirror`.
    pub fn path(&self, node: u16, name: &str) -> PathBuf {
        self.installation.path(&format!("node-{node}/{name}"))
    }

    /// The settings of a node.
    pub fn settings(&self, node: u16) -> PathBuf {
        self.settings[usize::from(node) - 1].clone()
    }

    /// Starts a node in a process of its own and waits until it serves. On an empty log each waits until a majority runs: start them
    /// beside each other.
    ///
    /// # Errors
    /// When it does not start; the error holds its last lines.
    pub fn start(&self, node: u16, launch: &Launch) -> Result<Process, Failed> {
        let mut launch = launch.clone();
        launch.under.splice(0..0, self.hosts.words(usize::from(node) - 1));
        Process::start(&self.settings(node), &launch)
    }

    /// Starts the first so many nodes beside each other.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub fn start_all(&self, nodes: u16) -> Result<Vec<Process>, Failed> {
        std::thread::scope(|scope| {
            let starting: Vec<_> =
                (1..=nodes).map(|node| scope.spawn(move || self.start(node, &Launch::default()))).collect();
            starting.into_iter().map(|start| start.join().map_err(|_| "a start panicked")?).collect()
        })
    }

    /// The way to a node, for clients.
    pub fn reach(&self, process: &Process) -> Reach {
        self.installation.reach(process)
    }
}
