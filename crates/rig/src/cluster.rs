//! Several gateways that share a log: an installation with settings, keys and a certificate for each node, and the log's servers.

use std::fmt::Write;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use causeway_store::{ClientFiles, JetStreamSettings, Keys, create_stream};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType};

use crate::nats::{NatsServers, gateway_user};
use crate::{Failed, Installation, Launch, Process, Reach};

/// The stream that keeps the log.
pub const STREAM: &str = "LOG";

/// Who connects to the servers as a gateway.
const GATEWAY: &str = "gateway";

/// Bytes of the stream on each server: they set it aside, of 2 GB.
const ROOM: u64 = 1 << 30;

/// What each node has in its folder `node-N`, of the keys folder that the first gateway of an installation makes.
const KEYS: [&str; 2] = ["root.key", "ring"];

/// The servers with an empty stream, and nodes that have one key ring and nothing else. Everything goes when it is dropped.
#[derive(Debug)]
pub struct Cluster {
    servers: NatsServers,
    installation: Installation,
}

impl Cluster {
    /// Makes an installation's settings those of so many nodes, numbered from 1, and starts the servers.
    ///
    /// # Errors
    /// When something cannot be made or started.
    pub fn over(installation: Installation, program: &Path, nodes: u16) -> Result<Self, Failed> {
        let servers = NatsServers::start(program, &[gateway_user(GATEWAY, &[STREAM])])?;
        let cluster = Self { servers, installation };
        create_stream(&cluster.log_settings("admin")?, ROOM)?;
        let roster = cluster.issue(nodes)?;
        let ring = cluster.installation.path("ring");
        drop(Keys::load_or_create(&ring)?);
        for (number, address) in (1..).zip(&roster) {
            let keys = cluster.path(number, "keys");
            fs::create_dir_all(&keys)?;
            KEYS.iter().try_for_each(|name| fs::copy(ring.join(name), keys.join(name)).map(drop))?;
            cluster.write_settings(number, address, &roster)?;
        }
        Ok(cluster)
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
        self.installation.path(&format!("config/gateway-{node}.toml"))
    }

    /// Starts a node in a process of its own and waits until it serves. On an empty log each waits until a majority runs: start them
    /// beside each other.
    ///
    /// # Errors
    /// When it does not start; the error holds its last lines.
    pub fn start(&self, node: u16, launch: &Launch) -> Result<Process, Failed> {
        Process::start(&self.settings(node), launch)
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

    /// Issues a CA and each node's certificate by it; gives the addresses at which nodes answer each other.
    fn issue(&self, nodes: u16) -> Result<Vec<String>, Failed> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        fs::write(self.installation.path("certs-dev/nodes-ca.pem"), params.self_signed(&key)?.pem())?;
        let issuer = Issuer::new(params, key);
        // All held at once, so that they differ, and then let go.
        let mut held = Vec::new();
        for node in 1..=nodes {
            let mut params = CertificateParams::default();
            params.subject_alt_names = vec![SanType::URI(format!("causeway-node:{node}").try_into()?)];
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
            let key = KeyPair::generate()?;
            let at = |end: &str| self.installation.path(&format!("certs-dev/node-{node}.{end}"));
            fs::write(at("pem"), params.signed_by(&key, &issuer)?.pem())?;
            fs::write(at("key"), key.serialize_pem())?;
            held.push(TcpListener::bind(("127.0.0.1", 0))?);
        }
        held.iter().map(|listener| Ok(listener.local_addr()?.to_string())).collect()
    }

    fn write_settings(&self, node: u16, address: &str, roster: &[String]) -> Result<(), Failed> {
        let text = fs::read_to_string(self.installation.settings())?;
        let changed = text
            .replace("node = \"node-1\"", &format!("node = \"node-{node}\"\ncluster = \"cluster-{node}.toml\""))
            .replace("\"../data/journal\"", &format!("\"../node-{node}/journal\""))
            .replace("\"../data/keys\"", &format!("\"../node-{node}/keys\""))
            .replace("\"../mirror\"", &format!("\"../node-{node}/mirror\""));
        fs::write(self.settings(node), changed)?;
        let log = self.log_settings(GATEWAY)?;
        let mut cluster = format!(
            "servers = {:?}\nstream = \"{STREAM}\"\n[tls]\nca = {:?}\ncertificate = {:?}\nkey = {:?}\n\
             [nodes]\nown = {node}\nversion = 1\nlisten = \"{address}\"\nca = \"../certs-dev/nodes-ca.pem\"\n\
             certificate = \"../certs-dev/node-{node}.pem\"\nkey = \"../certs-dev/node-{node}.key\"\n",
            log.servers, log.files.ca, log.files.certificate, log.files.key
        );
        for (number, address) in (1..).zip(roster) {
            let number: u16 = number;
            write!(
                cluster,
                "[[nodes.roster]]\nnumber = {number}\nname = \"node-{number}\"\naddress = \"{address}\"\n"
            )?;
        }
        Ok(fs::write(self.installation.path(&format!("config/cluster-{node}.toml")), cluster)?)
    }
}
