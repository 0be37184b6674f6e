//! Which log the gateways of the tests write: one of their own, or, where `CAUSEWAY_TEST_LOG` is `nats`, a stream on three real servers that
//! this process shares, each world one of its own, as the one node of its cluster.
//!
//!     CAUSEWAY_TEST_LOG=nats cargo test -p causeway-tests --test gateway
//!
//! Tests of what only a gateway that is alone does ask [`own_log_only`], and are skipped with their reason.

use std::io::Write;
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use causeway_gateway::config::ClusterOptions;
use causeway_gateway::nodes::NodeSettings;
use causeway_journal::{RULES_SHARED, RULES_VERSION};
use causeway_rig::nats::{self, NatsServers, gateway_user};
use causeway_store::{ClientFiles, JetStreamSettings, create_stream};

use super::node_files::NodeFiles;

/// Streams at a time: the servers' permissions name them. Each has its raft group, and room set aside.
const STREAMS: usize = 24;

/// Room of each; the servers have 2 GB.
const ROOM: u64 = 64 << 20;

/// The user by which gateways connect.
const USER: &str = "gateway";

/// The servers, and the streams that nobody uses.
struct Servers {
    servers: NatsServers,
    free: Mutex<Vec<String>>,
    freed: Condvar,
}

/// Whether the tests run over a log that is shared.
pub(crate) fn is_shared() -> bool {
    match std::env::var("CAUSEWAY_TEST_LOG").as_deref() {
        Ok("nats") => true,
        Ok(other) => panic!("CAUSEWAY_TEST_LOG is {other}; it is `nats`, or not there"),
        Err(_) => false,
    }
}

/// Whether a test can go on that is about a log of the gateway's own; says why not otherwise.
pub(crate) fn own_log_only(why: &str) -> bool {
    if is_shared() {
        // Nobody can do anything about a standard error that is closed.
        let _ = writeln!(std::io::stderr().lock(), "skipped over a shared log: {why}");
    }
    !is_shared()
}

/// The rules that a gateway of the tests writes its log by.
pub(crate) fn rules_version() -> u32 {
    if is_shared() { RULES_SHARED } else { RULES_VERSION }
}

fn servers() -> &'static Servers {
    static SERVERS: OnceLock<Servers> = OnceLock::new();
    SERVERS.get_or_init(|| {
        let program = nats::program().expect("what was stated is there");
        let program = program.expect("CAUSEWAY_TEST_LOG=nats needs the server that .ci/nats-server installs");
        let names: Vec<String> = (1..=STREAMS).map(|number| format!("T{number:02}")).collect();
        let user = gateway_user(USER, &names.iter().map(String::as_str).collect::<Vec<_>>());
        let servers = NatsServers::start(&program, &[user]).expect("started");
        Servers { servers, free: Mutex::new(names), freed: Condvar::new() }
    })
}

fn settings(stream: &str, user: &str) -> JetStreamSettings {
    let servers = &servers().servers;
    let files = ClientFiles {
        ca: servers.file("ca.pem"),
        certificate: servers.file(&format!("{user}.pem")),
        key: servers.file(&format!("{user}.key")),
    };
    let stream = stream.parse().expect("a stream's name");
    JetStreamSettings { servers: servers.addresses(), files, stream, log_id: None, patience: Duration::from_secs(30) }
}

/// A stream for one world, until that is dropped.
pub(crate) struct Stream(String);

impl Stream {
    /// An empty stream, where the tests run over one. It waits for one that is free.
    pub(crate) fn lease() -> Option<Self> {
        if !is_shared() {
            return None;
        }
        let Servers { free, freed, .. } = servers();
        let waited = freed.wait_while(free.lock().unwrap_or_else(PoisonError::into_inner), |free| free.is_empty());
        let name = waited.unwrap_or_else(PoisonError::into_inner).pop().expect("waited for");
        create_stream(&settings(&name, "admin"), ROOM).expect("created");
        Some(Self(name))
    }

    /// The settings of the one node of a cluster over it.
    pub(crate) fn cluster(&self, files: &NodeFiles) -> ClusterOptions {
        // Nobody calls it.
        let listen = "127.0.0.1:0".parse().expect("an address");
        ClusterOptions { log: settings(&self.0, USER), nodes: NodeSettings { listen, ..files.settings(1) } }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let name = self.0.clone();
        // A world may be dropped by a thread of a runtime, in which no other one can wait.
        let removed = std::thread::spawn(move || remove(&name).map(|()| name)).join();
        if let Ok(Some(name)) = removed {
            servers().free.lock().unwrap_or_else(PoisonError::into_inner).push(name);
            servers().freed.notify_one();
        }
    }
}

/// Removes a stream as an administrator; one that stays is not used again.
fn remove(name: &str) -> Option<()> {
    let settings = settings(name, "admin");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(async {
        let client = async_nats::ConnectOptions::new()
            .require_tls(true)
            .add_root_certificates(settings.files.ca)
            .add_client_certificate(settings.files.certificate, settings.files.key)
            .connect(settings.servers[0].as_str())
            .await
            .ok()?;
        let answer = client.request(format!("$JS.API.STREAM.DELETE.{name}"), Vec::new().into()).await.ok()?;
        let answer: serde_json::Value = serde_json::from_slice(&answer.payload).ok()?;
        (answer["success"] == true).then_some(())
    })
}
