//! `peer opentaxii`: the same records submitted to OpenTAXII and to a gateway, and pulled from both, in turns.

mod https;
mod server;
mod stix;
mod taxii;
mod venv;

use std::path::{Path, PathBuf};

use causeway_rig::Failed;

use super::Absent;
use super::cluster::Cluster;
use super::family;
use super::job::{Job, ratio};
use super::jobs::Jobs;
use super::side::Gateway;
use crate::check::Check;
use crate::say;
use server::Strength;
use taxii::{Load, Taxii};
use venv::Environment;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Rounds of each side; one side goes first in every other of them.
    #[arg(long, default_value_t = Self::full().rounds)]
    rounds: usize,
    /// Records that Causeway gets in a round, over a stream; a quarter of them one by one.
    #[arg(long, default_value_t = Self::full().records)]
    records: usize,
    /// Records that OpenTAXII gets in a round, one in a request and one after the other; and as many by callers side by side, two of
    /// each of them at least.
    #[arg(long, default_value_t = Self::full().singles)]
    singles: usize,
    /// Records that OpenTAXII gets in a request of many.
    #[arg(long, default_value_t = Self::full().envelope)]
    envelope: usize,
    /// Such requests in a round; an eighth of them one after the other.
    #[arg(long, default_value_t = Self::full().envelopes)]
    envelopes: usize,
    /// Requests under way at a time, beside one.
    #[arg(long, default_value_t = Self::full().in_flight)]
    in_flight: usize,
    /// Records of a page.
    #[arg(long, default_value_t = Self::full().page, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    page: u32,
    /// Pages that are pulled from OpenTAXII in a round; from Causeway, all there are.
    #[arg(long, default_value_t = Self::full().pages)]
    pages: usize,
    /// Where OpenTAXII keeps its records; each is measured.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Self::full().storage)]
    storage: Vec<Storage>,
    /// Processes of OpenTAXII.
    #[arg(long, default_value_t = Self::full().workers)]
    workers: usize,
    /// Threads in each of them.
    #[arg(long, default_value_t = Self::full().threads)]
    threads: usize,
    /// The Python environment's folder, made where it is not there; below the user's cache otherwise.
    #[arg(long, value_name = "DIR")]
    venv: Option<PathBuf>,
    /// The folder of PostgreSQL's programs, where they are in no usual place.
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
}

/// Where OpenTAXII keeps its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Storage {
    Sqlite,
    Postgres,
}

/// Streamed submission is to be so many times as fast as OpenTAXII's fastest.
const STREAMED_TIMES: f64 = 200.0;

/// Runs the benchmark.
pub(super) async fn run(arguments: &Arguments, dir: &Path) -> Result<Vec<Check>, Failed> {
    let environment = Environment::in_folder(arguments.venv.as_deref())?;
    let gateway = Gateway::start(dir)?;
    let mut causeway = Jobs::new("peer opentaxii: Causeway", gateway.side(arguments.page).await?);
    let mut peers = Vec::new();
    for storage in &arguments.storage {
        match peer(*storage, arguments, &environment, &gateway, dir) {
            Ok(peer) => peers.push(peer),
            Err(error) if error.is::<Absent>() => say(format_args!("without {storage:?}: {error}")),
            Err(error) => return Err(error),
        }
    }
    for round in 0..arguments.rounds {
        say(format_args!("round {} of {}", round + 1, arguments.rounds));
        if round.is_multiple_of(2) {
            causeway.round(round, arguments.records, arguments.in_flight).await?;
        }
        for peer in &mut peers {
            peer.round(round, &arguments.load()).await?;
        }
        if !round.is_multiple_of(2) {
            causeway.round(round, arguments.records, arguments.in_flight).await?;
        }
    }
    Ok(checks(&causeway, &peers))
}

impl Arguments {
    /// In about a minute, on the storage that is there everywhere.
    pub(super) fn short() -> Self {
        Self {
            rounds: 2,
            records: 20_000,
            singles: 20,
            envelopes: 16,
            pages: 3,
            storage: vec![Storage::Sqlite],
            ..Self::full()
        }
    }

    /// To see that it runs.
    pub(super) fn smoke() -> Self {
        let few = Self { singles: 2, envelope: 10, envelopes: 8, in_flight: 4, pages: 1, ..Self::short() };
        Self { rounds: 1, records: 400, ..few }
    }

    fn full() -> Self {
        Self {
            rounds: 3,
            records: 40_000,
            singles: 100,
            envelope: 100,
            envelopes: 64,
            in_flight: 64,
            page: 100,
            pages: 10,
            storage: vec![Storage::Sqlite, Storage::Postgres],
            workers: 2,
            threads: 4,
            venv: None,
            programs: None,
        }
    }

    fn load(&self) -> Load {
        let Self { singles, envelope, envelopes, in_flight, page, pages, .. } = *self;
        Load { singles, envelope, envelopes, in_flight, page, pages }
    }
}

fn peer(
    storage: Storage,
    arguments: &Arguments,
    environment: &Environment,
    gateway: &Gateway,
    dir: &Path,
) -> Result<Taxii, Failed> {
    let (name, cluster) = match storage {
        Storage::Sqlite => ("OpenTAXII on SQLite", None),
        Storage::Postgres => ("OpenTAXII on PostgreSQL", Some(Cluster::start(dir, arguments.programs.as_deref())?)),
    };
    let strength = Strength { workers: arguments.workers, threads: arguments.threads };
    Taxii::start(name, environment, dir, &gateway.ground.installation.path("certs-dev"), cluster, strength)
}

fn checks(causeway: &Jobs, peers: &[Taxii]) -> Vec<Check> {
    let Jobs { streamed, unary, pulled, .. } = causeway;
    let mut checks = causeway.checks();
    for peer in peers {
        checks.extend(peer.jobs().into_iter().flat_map(Job::checks));
        let memory = family::memory_of(&peer.processes()) as f64;
        checks.push(Check::shown(format!("peer opentaxii: {}: memory", peer.name()), memory, "bytes"));
    }
    let best = |of: fn(&Taxii) -> f64| peers.iter().map(of).fold(0.0, f64::max);
    let ratios = [
        ratio(
            "peer opentaxii: streamed over OpenTAXII's fastest",
            streamed.rate(),
            best(Taxii::submitted),
            Some(STREAMED_TIMES),
        ),
        ratio(
            "peer opentaxii: one by one over OpenTAXII's one by one",
            unary.rate(),
            best(Taxii::submitted_singly),
            None,
        ),
        ratio("peer opentaxii: pulled over OpenTAXII's pages", pulled.rate(), best(Taxii::pulled), None),
    ];
    checks.extend(ratios.into_iter().flatten());
    checks
}
