//! A world of its own for each test: a copy of the shipped configuration, identities issued at run time, an empty data
//! directory, a clock that stands where the test puts it, and a log that can be watched, held up and made to fail.

pub(crate) mod calls;
pub(crate) mod documents;
pub(crate) mod files;
mod gateway;
mod lines;
mod log;
mod mirror;
pub(crate) mod node_files;
pub(crate) mod raw_h2;
pub(crate) mod raw_tls;
pub(crate) mod shared_log;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use causeway_cli::certs;
use causeway_gateway::{Config, Logs};
use causeway_model::{AgencyId, Date, SystemId, Timestamp};
use causeway_store::{Clock, ManualClock, SharedLog, SledLog, StoreError};
use tempfile::TempDir;

pub(crate) use gateway::{Gateway, Reach, Stated};
pub(crate) use log::{Faults, Persist};
pub(crate) use mirror::{Mirror, Seen};
use node_files::NodeFiles;
use shared_log::Stream;
pub(crate) use shared_log::{own_log_only, rules_version};

/// Everything between the first start and the last stop. It can be started again after a stop, on the same data.
pub(crate) struct World {
    root: Arc<TempDir>,
    config: Config,
    clock: Clock,
    hand: ManualClock,
    faults: Faults,
    mirror: Mirror,
    /// What makes its gateway a node, where the tests run over a shared log.
    node: Option<(Stream, NodeFiles)>,
}

/// A change of the gateway's settings.
type Configure = Box<dyn FnOnce(&mut Config)>;

/// What a test may change before anything is issued and started.
pub(crate) struct Setup {
    root: PathBuf,
    /// Where the world's clock stands at first: 2026-11-21, noon.
    pub(crate) now: Timestamp,
    configure: Vec<Configure>,
}

impl Setup {
    /// Changes a file of the world, as `config/agreements/ISA-AL-2026-014.toml`. A change that changes nothing is a mistake.
    pub(crate) fn edit(&mut self, file: &str, change: impl FnOnce(&str) -> String) {
        edit(&self.root.join(file), change);
    }

    /// Changes the text of an agreement.
    pub(crate) fn agreement(&mut self, id: &str, change: impl FnOnce(&str) -> String) {
        self.edit(&format!("config/agreements/{id}.toml"), change);
    }

    /// Changes the gateway's settings, as its limits.
    pub(crate) fn configure(&mut self, change: impl FnOnce(&mut Config) + 'static) {
        self.configure.push(Box::new(change));
    }
}

impl World {
    /// The shipped configuration, unchanged.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// The shipped configuration with changes.
    pub(crate) fn with(change: impl FnOnce(&mut Setup)) -> Self {
        lines::capture();
        let root = tempfile::tempdir().expect("a temporary folder");
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../config"), &root.path().join("config"));
        let now = Timestamp(Date::new(2026, 11, 21).expect("a day").start().plus_seconds(12 * 3600).0);
        let mut setup = Setup { root: root.path().to_owned(), now, configure: Vec::new() };
        change(&mut setup);
        let mut config = Config::load(&root.path().join("config/gateway.toml")).expect("the settings are valid");
        config.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        // A journal that a test has stopped stays so, however slow the machine is.
        config.disk.reopen = std::time::Duration::MAX;
        config.disk.give_up = std::time::Duration::MAX;
        setup.configure.into_iter().for_each(|change| change(&mut config));
        let (clock, hand) = Clock::manual(setup.now);
        let world = Self {
            root: Arc::new(root),
            config,
            clock,
            hand,
            faults: Faults::default(),
            mirror: Mirror::new(),
            node: None,
        };
        world.reissue();
        let stream = Stream::lease();
        let node = stream.map(|stream| (stream, NodeFiles::issue(&world.path("certs-nodes"), 1)));
        Self { node, ..world }
    }

    /// As [`World::with`], with a log of its own however the tests run.
    pub(crate) fn alone(change: impl FnOnce(&mut Setup)) -> Self {
        Self { node: None, ..Self::with(change) }
    }

    /// Issues what is missing and approves the documents as they stand now. The gateway's own certificate and the revocation
    /// lists are good for any day, since clients judge it by the real date and everything else goes by the world's clock.
    pub(crate) fn reissue(&self) {
        let dir = self.path("certs-dev");
        let made = certs::issue(&dir, &self.path("config"), self.clock.now()).expect("identities are issued");
        let lists = made.written.iter().filter(|path| path.parent().is_some_and(|folder| folder.ends_with("crls")));
        for agency in lists.filter_map(|path| path.file_stem()?.to_str()) {
            self.list(agency, Date::new(2120, 1, 1).expect("a day"));
        }
        let own: SystemId = "gb-nca/gateway".parse().expect("well formed");
        let day = |year| Date::new(year, 1, 1).expect("a day");
        let validity = certs::Validity { from: day(2020), until: day(2120) };
        let profile = certs::Profile { validity, ..certs::Profile::gateway(&own, self.clock.now()) };
        let issued = self.authority("gb-nca").issue(&profile).expect("any profile can be minted");
        fs::write(dir.join("gb-nca/gateway.pem"), issued.certificate_pem).expect("writable");
        fs::write(dir.join("gb-nca/gateway.key"), issued.key_pem).expect("writable");
    }

    /// Puts an empty revocation list of an agency in place, made yesterday and due on this day.
    pub(crate) fn list(&self, agency: &str, until: Date) {
        let validity = certs::Validity { until, ..certs::Validity::days(self.clock.now(), 1) };
        let list = self.authority(agency).list(&[], validity, self.clock.now()).expect("any list can be made");
        fs::write(self.path(&format!("certs-dev/crls/{agency}.pem")), list).expect("writable");
    }

    /// Gives a system a certificate that is good for any day, for tests in which months pass.
    pub(crate) fn lasting(&self, system: &str) {
        let id: SystemId = system.parse().expect("well formed");
        let day = |year| Date::new(year, 1, 1).expect("a day");
        let validity = certs::Validity { from: day(2020), until: day(2036) };
        let profile = certs::Profile { validity, ..certs::Profile::client(&id, self.clock.now()) };
        let issued = self.authority(id.agency.as_str()).issue(&profile).expect("any profile can be minted");
        let at = |end: &str| self.path(&format!("certs-dev/{system}.{end}"));
        fs::write(at("pem"), issued.certificate_pem).expect("writable");
        fs::write(at("key"), issued.key_pem).expect("writable");
    }

    /// An agency's CA, to issue what no honest one would.
    pub(crate) fn authority(&self, agency: &str) -> certs::Authority {
        let agency: AgencyId = agency.parse().expect("well formed");
        certs::authority(&self.path("certs-dev"), &agency).expect("issued with the world")
    }

    /// A file or folder of the world: `config`, `certs-dev`, `data/journal`, `data/keys` and what is in them.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.root.path().join(file)
    }

    /// Changes a file after the identities have been issued; see [`World::reissue`].
    pub(crate) fn edit(&self, file: &str, change: impl FnOnce(&str) -> String) {
        edit(&self.path(file), change);
    }

    /// The settings that the next start uses.
    pub(crate) fn config(&mut self) -> &mut Config {
        &mut self.config
    }

    /// The hand that moves the world's clock.
    pub(crate) fn clock(&self) -> &ManualClock {
        &self.hand
    }

    /// The world's clock, for whoever else goes by it.
    pub(crate) fn time(&self) -> Clock {
        self.clock.clone()
    }

    /// What makes the log fail or wait.
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Makes every append after `after` more of them fail.
    pub(crate) fn fail_appends(&self, after: usize, persist: Persist) {
        self.faults.fail_after(after, persist);
    }

    /// The log as it grows, applied a second time: what it holds, and a way to wait for it, without asking the gateway.
    pub(crate) fn journal(&self) -> &Mirror {
        &self.mirror
    }

    /// Forgets what the log was: another one, restored from before, is in its place.
    pub(crate) fn forget_log(&mut self) {
        self.mirror = Mirror::new();
    }

    /// Starts the gateway.
    pub(crate) async fn start(&self) -> Gateway {
        match self.try_start().await {
            Ok(gateway) => self.begun(gateway).await,
            Err(error) => panic!("the gateway does not start: {error:?}"),
        }
    }

    /// Starts the gateway, which calls this where its calls are.
    pub(crate) async fn start_with(&self, probe: causeway_gateway::Probe) -> Gateway {
        let launched = self.launch().await.unwrap_or_else(|error| panic!("the gateway does not start: {error:?}"));
        self.begun(Gateway::serve(launched.with_probe(probe), Arc::clone(&self.root), self.mirror.clone())).await
    }

    /// Waits until the gateway of a shared log has begun its term, which is an entry: tests count theirs. One that cannot write begins none.
    async fn begun(&self, gateway: Gateway) -> Gateway {
        let begins = || self.node.is_some() && gateway.exchange().is_healthy();
        let begun = async {
            while begins() && !gateway.exchange().measures().is_releaser {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        calls::within("the releaser's term", begun).await;
        gateway
    }

    /// Starts the gateway, or says why it did not.
    pub(crate) async fn try_start(&self) -> Result<Gateway, causeway_gateway::Error> {
        let size = self.mirror.size();
        let launched = self.launch().await?;
        let gateway = Gateway::serve(launched, Arc::clone(&self.root), self.mirror.clone());
        if self.node.is_some() {
            self.term_begun(&gateway, size).await;
        }
        Ok(gateway)
    }

    /// A node begins a term as soon as it serves: so that no test counts that entry among its own. One that cannot write begins none.
    async fn term_begun(&self, gateway: &Gateway, size: u64) {
        /// What takes longer than this a test waits for by itself.
        const MOST: std::time::Duration = std::time::Duration::from_secs(5);
        if gateway.exchange().is_healthy() {
            let begun = self.mirror.until("a term", |state| state.term().is_some_and(|term| term.leaf.0 >= size));
            let _ = tokio::time::timeout(MOST, begun).await;
        }
    }

    async fn launch(&self) -> Result<causeway_gateway::Gateway, causeway_gateway::Error> {
        let (faults, mirror) = (self.faults.clone(), self.mirror.clone());
        let log = move |data_dir: &Path| -> Result<Box<dyn causeway_store::FrameLog>, StoreError> {
            let inner = SledLog::open(data_dir)?;
            Ok(Box::new(log::WatchedLog::over(inner, faults, mirror)))
        };
        let mut config = self.config.clone();
        config.cluster = self.node.as_ref().map(|(stream, files)| stream.cluster(files));
        causeway_gateway::launch_over(config, self.clock.clone(), log).await
    }

    /// Starts a gateway of this world's clock and identities by other settings, as a node of the cluster that they name; `mirror` takes what
    /// it has, and `faults` make its own log fail or wait.
    pub(crate) async fn start_node(
        &self,
        config: Config,
        shared: Arc<dyn SharedLog>,
        mirror: &Mirror,
        faults: &Faults,
    ) -> Result<Gateway, causeway_gateway::Error> {
        let (faults, taking) = (faults.clone(), mirror.clone());
        let logs =
            Logs::over(move |data_dir| Ok(Box::new(log::WatchedLog::over(SledLog::open(data_dir)?, faults, taking))));
        let launched = causeway_gateway::launch_with(config, self.clock.clone(), logs.sharing(shared)).await?;
        Ok(Gateway::serve(launched, Arc::clone(&self.root), mirror.clone()))
    }

    /// The way to a gateway of this world that runs in another process.
    pub(crate) fn reach(&self, address: SocketAddr) -> Reach {
        Reach::to(address, Arc::clone(&self.root))
    }

    /// Every log line so far that this process wrote, of all tests that ran.
    pub(crate) fn log_lines() -> String {
        lines::all()
    }
}

fn edit(path: &Path, change: impl FnOnce(&str) -> String) {
    let text = fs::read_to_string(path).expect("the file is there");
    let changed = change(&text);
    assert_ne!(text, changed, "this change of {} changes nothing", path.display());
    fs::write(path, changed).expect("the world's folder is writable");
}

/// Puts a copy of a folder, modes included, in a place where there may be another.
pub(crate) fn copy(from: &Path, to: &Path) {
    if to.exists() {
        fs::remove_dir_all(to).expect("the world's folder is writable");
    }
    fs::create_dir_all(to).expect("the world's folder is writable");
    fs::set_permissions(to, fs::metadata(from).expect("there").permissions()).expect("owned");
    for entry in fs::read_dir(from).expect("there") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            // Copies the mode too.
            fs::copy(entry.path(), &target).expect("copied");
        }
    }
}
