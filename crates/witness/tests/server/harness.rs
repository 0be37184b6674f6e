//! A witness in a folder of its own, which can be stopped, changed and started again.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use causeway_crypto::{SigningKey, sha256};
use causeway_journal::VerifierKey;
use causeway_witness::{Clock, Config, Error, Limits, Log, LogKeys, Witness};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client::{self, Reply};
use crate::fake_log::FakeLog;

pub(crate) const NAME: &str = "witness.example";

/// When the tests begin, in seconds since 1970.
pub(crate) const NOW: u64 = 1_800_000_000;

/// A witness's files and settings.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) config: Config,
    pub(crate) clock: Arc<AtomicU64>,
}

/// A witness that is running.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) verifier: VerifierKey,
    runtime: Runtime,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Place {
    /// For logs with these keys, each log's in one list.
    pub(crate) fn for_keys(logs: &[&[VerifierKey]]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config {
            name: NAME.into(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            state_dir: folder.path().join("state"),
            key: folder.path().join("witness.key"),
            former_keys: Vec::new(),
            logs: logs.iter().map(|keys| LogKeys { origin: keys[0].name().into(), keys: keys.to_vec() }).collect(),
            tls: None,
            limits: Limits {
                connections: 128,
                requests: 64,
                handshake: Duration::from_secs(60),
                head: Duration::from_secs(60),
                body: Duration::from_secs(60),
                connection: Duration::from_secs(60),
                shutdown: Duration::from_secs(60),
            },
            log: Log {
                json: false,
                level: tracing_subscriber::filter::LevelFilter::INFO.into_level().expect("a level"),
            },
        };
        let place = Self { folder, config, clock: Arc::new(AtomicU64::new(NOW)) };
        place.write_key(&SigningKey::generate());
        causeway_witness::begin(&place.config).expect("begun");
        place
    }

    pub(crate) fn for_log(log: &FakeLog) -> Self {
        Self::for_keys(&[&[log.verifier()]])
    }

    pub(crate) fn write_key(&self, key: &SigningKey) {
        fs::write(&self.config.key, causeway_witness::encode_key(key).as_bytes()).expect("written");
        fs::set_permissions(&self.config.key, fs::Permissions::from_mode(0o600)).expect("set");
    }

    /// The file of a log.
    pub(crate) fn file(&self, origin: &str) -> PathBuf {
        self.config.state_dir.join(hex(origin))
    }

    pub(crate) fn set_clock(&self, seconds: u64) {
        self.clock.store(seconds, Ordering::SeqCst);
    }

    pub(crate) fn try_start(&self) -> Result<Running, Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind(self.config.listen)).expect("bound");
        let clock = Arc::clone(&self.clock);
        let witness = Witness::start(&self.config, Clock::new(move || clock.load(Ordering::SeqCst)), listener)?;
        let (address, verifier) = (witness.address(), witness.verifier_key().clone());
        let (stop, stopped) = oneshot::channel::<()>();
        let served = runtime.spawn(witness.serve(async {
            let _ = stopped.await;
        }));
        Ok(Running { address, verifier, runtime, stop, served })
    }

    pub(crate) fn start(&self) -> Running {
        self.try_start().unwrap_or_else(|error| panic!("{error}"))
    }

    /// The faults of a start that is refused.
    pub(crate) fn faults(&self) -> Vec<String> {
        match self.try_start() {
            Err(Error::Faults(faults)) => faults,
            Err(error) => panic!("{error}"),
            Ok(running) => {
                running.stop();
                panic!("the witness starts");
            }
        }
    }
}

impl Running {
    pub(crate) fn add(&self, log: &FakeLog, old: usize, new: usize) -> Reply {
        client::add(self.address, &log.request(old, new).to_string())
    }

    /// The checkpoint that monitors are shown.
    pub(crate) fn shown(&self, origin: &str) -> Reply {
        client::request(self.address, "GET", &format!("/{}/checkpoint", hex(origin)), b"")
    }

    /// The time of the cosignature in an answer to this request, verified.
    pub(crate) fn time_of(&self, reply: &Reply, log: &FakeLog, size: usize) -> u64 {
        assert_eq!(reply.status, 200, "{reply:?}");
        let note = log.checkpoint(size).sign(&log.key) + &reply.body;
        let time = causeway_journal::verify_cosignature(&note, &self.verifier).expect("a note");
        time.expect("cosigned")
    }

    pub(crate) fn stop(self) {
        self.stop.send(()).expect("it is running");
        self.runtime.block_on(self.served).expect("served");
    }
}

pub(crate) fn hex(origin: &str) -> String {
    sha256(&[origin.as_bytes()]).to_string()
}
