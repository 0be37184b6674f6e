//! The sets of servers that the tests share, and an administrator's calls to it.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use causeway_rig::nats::{self, NatsServers, SERVERS, User, gateway_user};
use causeway_store::{ClientFiles, JetStreamLog, JetStreamSettings, StoreError, create_stream};
use serde_json::{Value, json};

use crate::frames::LOG;

/// The streams of all tests: the servers' permissions name them.
const STREAMS: &[&str] = &[
    "SAME", "WRITERS", "KILLED", "ALL", "HALTED", "QUORUM", "ROTTEN", "ANEW", "FOREIGN", "FULL", "DENIED", "GOOD",
    "BAD", "MOVED", "BROKEN", "NODES", "REMADE", "STOPPED", "ENDED", "SLOW", "FILLED", "RACED", "ROT",
];

/// Room for what a test appends: the servers set it aside, and have 2 GB for all streams, 64 MB of memory.
pub(crate) const ROOM: u64 = 32 << 20;

/// Sets of servers: most of a test's time is waiting, so two wait beside each other.
static SETS: [Mutex<Option<NatsServers>>; 2] = [const { Mutex::new(None) }; 2];

/// Who comes when all are taken waits for the next in turn.
static TURN: AtomicUsize = AtomicUsize::new(0);

/// The servers, well, for one test at a time.
pub(crate) struct Cluster(MutexGuard<'static, Option<NatsServers>>);

/// None where there is no server program; the test is skipped then, and says so.
pub(crate) fn cluster() -> Option<Cluster> {
    let program = nats::program().expect("what was stated is there");
    let Some(program) = program else {
        return skip("there is no nats-server; .ci/nats-server installs it");
    };
    // A test that failed has left nothing that the next one uses, once the servers are well.
    let mut held = SETS.iter().find_map(free).unwrap_or_else(|| {
        let turn = TURN.fetch_add(1, Ordering::SeqCst) % SETS.len();
        SETS[turn].lock().unwrap_or_else(PoisonError::into_inner)
    });
    match held.as_mut() {
        Some(servers) => servers.heal().expect("well again"),
        None => *held = Some(NatsServers::start(&program, &users()).expect("started")),
    }
    Some(Cluster(held))
}

/// A set, where nobody has it.
fn free(set: &'static Mutex<Option<NatsServers>>) -> Option<MutexGuard<'static, Option<NatsServers>>> {
    match set.try_lock() {
        Ok(held) => Some(held),
        Err(TryLockError::Poisoned(held)) => Some(held.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// What a user connects to a stream by.
pub(crate) fn settings_at(servers: &NatsServers, stream: &str, user: &str) -> JetStreamSettings {
    let files = ClientFiles {
        ca: servers.file("ca.pem"),
        certificate: servers.file(&format!("{user}.pem")),
        key: servers.file(&format!("{user}.key")),
    };
    let stream = stream.parse().expect("a stream's name");
    let patience = Duration::from_secs(30);
    JetStreamSettings { servers: servers.addresses(), files, stream, log_id: Some(LOG), patience }
}

/// Says that a test is skipped, and why.
pub(crate) fn skip<T>(why: &str) -> Option<T> {
    // Nobody can do anything about a standard error that is closed.
    let _ = writeln!(std::io::stderr().lock(), "skipped: {why}");
    None
}

/// The gateway, and those with too few rights or too many.
fn users() -> Vec<User> {
    let gateway = || gateway_user("gateway", STREAMS);
    let without = |name: &str, denied: &str| {
        let mut user = User { name: name.to_owned(), ..gateway() };
        user.publish.retain(|subject| subject != denied);
        user.subscribe.retain(|subject| subject != denied);
        user
    };
    let mut strong = User { name: "strong".to_owned(), ..gateway() };
    strong.publish.push("$JS.API.STREAM.UPDATE.DENIED".to_owned());
    vec![
        gateway(),
        without("mute", "denied.>"),
        without("blind", "deniedservers"),
        without("deaf", "deniedtail.>"),
        without("unread", "$JS.API.DIRECT.GET.DENIED"),
        strong,
    ]
}

impl Cluster {
    pub(crate) fn servers(&mut self) -> &mut NatsServers {
        self.0.as_mut().expect("started before it was given out")
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        self.0.as_ref().expect("started").addresses()
    }

    pub(crate) fn settings(&self, stream: &str, user: &str) -> JetStreamSettings {
        settings_at(self.0.as_ref().expect("started"), stream, user)
    }

    /// Makes a stream as an operator does, and opens it as a gateway.
    pub(crate) fn made(&self, stream: &str) -> JetStreamLog {
        create_stream(&self.settings(stream, "admin"), ROOM).expect("created");
        self.open(stream).expect("opened")
    }

    pub(crate) fn open(&self, stream: &str) -> Result<JetStreamLog, StoreError> {
        JetStreamLog::open(self.settings(stream, "gateway"))
    }

    /// A call of an administrator's, which is answered with JSON: made again while the servers find each other.
    pub(crate) fn administer(&self, call: &str, payload: &Value) -> Value {
        causeway_rig::administer(&self.settings("GOOD", "admin"), call, payload).expect("answered")
    }

    /// The settings of a stream, to be made again with a change.
    pub(crate) fn config(&self, stream: &str) -> Value {
        self.administer(&format!("STREAM.INFO.{stream}"), &Value::Null)["config"].clone()
    }

    /// Which server leads a stream; the servers agree on one soon.
    pub(crate) fn leader(&self, stream: &str) -> usize {
        for _ in 0..600 {
            let info = self.administer(&format!("STREAM.INFO.{stream}"), &Value::Null);
            if let Some(leader) = info["cluster"]["leader"].as_str() {
                return (0..SERVERS).find(|index| leader == format!("n{}", index + 1)).expect("one of the three");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("stream {stream} has no leader");
    }

    /// A follower of a stream, for as long as the leader stays.
    pub(crate) fn follower(&self, stream: &str) -> usize {
        (self.leader(stream) + 1) % SERVERS
    }

    /// What a server says of its own copy of a stream.
    pub(crate) fn copy(&self, index: usize, stream: &str) -> Value {
        let servers = self.0.as_ref().expect("started");
        let told = servers.monitor(index, "/jsz?accounts=true&streams=true&config=true").expect("answered");
        let told: Value = serde_json::from_str(&told).expect("JSON");
        let accounts = told["account_details"].as_array().cloned().unwrap_or_default();
        let mut streams =
            accounts.iter().flat_map(|account| account["stream_detail"].as_array().cloned().unwrap_or_default());
        streams.find(|copy| copy["name"] == stream).unwrap_or_else(|| json!({}))
    }
}
