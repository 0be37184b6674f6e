//! Witnesses of other organisations as a test runs them: the real server behind TLS, on a port that stays its own, with the world's clock.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use causeway_crypto::SigningKey;
use causeway_exchange::WitnessTerms;
use causeway_gateway::config::WitnessOptions;
use causeway_journal::{Policy, VerifierKey};
use causeway_store::Keys;
use causeway_witness::{Clock, Config, Witness};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::harness::World;

pub(crate) const ORIGIN: &str = "gateway.causeway.example/journal";

/// Without a quorum for so long: an alarm.
pub(crate) const ALARM: u64 = 10 * 60;

/// And for so long: no disclosures.
pub(crate) const STOP: u64 = 4 * 3600;

/// A CA for the witnesses' servers.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    roots: Arc<RootCertStore>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).expect("a root");
        Self { issuer: Issuer::new(params, key), roots: Arc::new(roots) }
    }

    fn issue(&self, folder: &Path) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("issued");
        fs::write(folder.join("server.pem"), certificate.pem()).expect("writable");
        fs::write(folder.join("server.key"), key.serialize_pem()).expect("writable");
    }
}

/// One witness, running or not.
pub(crate) struct Party {
    pub(crate) name: String,
    key: SigningKey,
    config: Config,
    clock: causeway_store::Clock,
    address: SocketAddr,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Party {
    /// A witness that has never seen anything, for a world's log.
    pub(crate) async fn begin(world: &World, authority: &Authority, name: &str) -> Self {
        let folder = world.path(&format!("witness-{name}"));
        fs::create_dir(&folder).expect("writable");
        authority.issue(&folder);
        let key = SigningKey::generate();
        let key_file = folder.join("witness.key");
        fs::write(&key_file, causeway_witness::encode_key(&key).as_bytes()).expect("writable");
        fs::set_permissions(&key_file, fs::Permissions::from_mode(0o600)).expect("owned");
        let text = format!(
            "name = \"{name}.example\"\nlisten = \"127.0.0.1:0\"\nstate_dir = \"state\"\nkey = \"witness.key\"\n\n\
             [[logs]]\nkeys = [\"{}\"]\n\n[tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\n",
            log_key(world)
        );
        let config = Config::parse(&text, &folder).expect("valid");
        causeway_witness::begin(&config).expect("begun");
        // Bound once to find a free port; it is the witness's own from then on.
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let mut party = Self { name: name.into(), key, config, clock: world.time(), address, running: None };
        party.serve(listener);
        party
    }

    fn serve(&mut self, listener: TcpListener) {
        let clock = self.clock.clone();
        let clock = Clock::new(move || clock.now().0 / 1_000_000);
        let witness = Witness::start(&self.config, clock, listener).expect("the witness starts");
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(witness.serve(async move {
            let _ = stopped.await;
        }));
        self.running = Some((stop, served));
    }

    /// Runs it again, with what it remembers.
    pub(crate) async fn start(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("its port is free");
        self.serve(listener);
    }

    pub(crate) async fn stop(&mut self) {
        let (stop, served) = self.running.take().expect("it runs");
        let _ = stop.send(());
        served.await.expect("no panic");
    }

    /// Its line in a policy.
    pub(crate) fn line(&self) -> String {
        let key = VerifierKey::cosigner(&format!("{}.example", self.name), self.key.public_key()).expect("a name");
        format!("witness {} {key} https://{}\n", self.name, self.address)
    }
}

/// The world's signing key, made before the first start where there is none yet.
pub(crate) fn log_signing_key(world: &World) -> SigningKey {
    let (keys, _) = Keys::load_or_create(&world.path("data/keys")).expect("keys");
    keys.ring().checkpoint_keys().swap_remove(0)
}

/// A policy's line of the log with this key.
pub(crate) fn log_line(key: &SigningKey) -> String {
    format!("log {}\n", VerifierKey::new(ORIGIN, key.public_key()).expect("the origin is a name"))
}

/// The key that verifies what that has signed.
pub(crate) fn log_key(world: &World) -> VerifierKey {
    VerifierKey::new(ORIGIN, log_signing_key(world).public_key()).expect("the origin is a name")
}

/// Has the world's next start ask witnesses: these lines, so many of which are enough.
pub(crate) fn ask(world: &mut World, authority: &Authority, lines: &[String], quorum: &str) {
    let text = format!("log {}\n{}{quorum}\n", log_key(world), lines.concat());
    let policy = Policy::parse(&text).expect("a policy");
    world.config().witnesses = Some(WitnessOptions {
        policy,
        roots: Arc::clone(&authority.roots),
        period: Duration::from_millis(200),
        terms: WitnessTerms { alarm: Duration::from_secs(ALARM), stop: Duration::from_secs(STOP) },
    });
}

/// A world with three witnesses, two of which are enough.
pub(crate) async fn two_of_three() -> (World, [Party; 3]) {
    let mut world = World::new();
    let authority = Authority::new();
    let mut parties = Vec::new();
    for name in ["one", "two", "three"] {
        parties.push(Party::begin(&world, &authority, name).await);
    }
    let lines: Vec<String> = parties.iter().map(Party::line).collect();
    ask(&mut world, &authority, &lines, "group enough 2 one two three\nquorum enough");
    let parties = parties.try_into().unwrap_or_else(|_| unreachable!("there are three"));
    (world, parties)
}

/// A world with one witness, which is enough.
pub(crate) async fn one_of_one() -> (World, Party) {
    let mut world = World::new();
    let authority = Authority::new();
    let party = Party::begin(&world, &authority, "only").await;
    ask(&mut world, &authority, &[party.line()], "quorum only");
    (world, party)
}

/// What a halted journal left as evidence.
pub(crate) fn evidence(world: &World) -> Vec<String> {
    let folder: PathBuf = world.path("data/journal/evidence");
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| fs::read_to_string(entry.expect("readable").path()).expect("text")).collect()
}
