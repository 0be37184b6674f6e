//! `peer postgres`: the same records submitted to a service on PostgreSQL and to a gateway, and pulled from both, in turns.

mod feed;
mod ingest;
mod refusal;
mod service;
mod store;

use std::path::{Path, PathBuf};

use causeway_rig::Failed;

use super::cluster::{self, Cluster};
use super::job::{Job, ratio};
use super::jobs::Jobs;
use super::side::{Gateway, Side};
use crate::check::Check;
use crate::say;
use service::Service;

pub(super) use service::run_service;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Rounds of each side; one side goes first in every other of them.
    #[arg(long, default_value_t = Self::full().rounds)]
    rounds: usize,
    /// Records that each side gets in a round over a stream; a quarter of them one by one.
    #[arg(long, default_value_t = Self::full().records)]
    records: usize,
    /// Calls under way at a time, where records are submitted one by one.
    #[arg(long, default_value_t = Self::full().in_flight)]
    in_flight: usize,
    /// Records of a page.
    #[arg(long, default_value_t = Self::full().page, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    page: u32,
    /// The service's connections to its database.
    #[arg(long, default_value_t = Self::full().connections)]
    connections: usize,
    /// The folder of PostgreSQL's programs, where they are in no usual place.
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
}

/// Streamed submission is to be so many times as fast as that of the service.
const STREAMED_TIMES: f64 = 5.0;

impl Arguments {
    /// In about a minute.
    pub(super) fn short() -> Self {
        Self { rounds: 3, records: 20_000, ..Self::full() }
    }

    /// To see that it runs.
    pub(super) fn smoke() -> Self {
        Self { rounds: 1, records: 400, ..Self::full() }
    }

    fn full() -> Self {
        Self { rounds: 5, records: 40_000, in_flight: 64, page: 1_000, connections: 16, programs: None }
    }
}

/// Runs the benchmark.
pub(super) async fn run(arguments: &Arguments, dir: &Path) -> Result<Vec<Check>, Failed> {
    let cluster = Cluster::start(dir, arguments.programs.as_deref())?;
    store::create(cluster.socket(), cluster::OWNER).await?;
    let gateway = Gateway::start(dir)?;
    let at = |name: &str| gateway.ground.installation.path(name);
    let service = Service::start(cluster.socket(), &at("certs-dev"), &at("config/schemas"), arguments.connections)?;
    let other = Side::connect(vec![service.id(), cluster.id()], &service.reach, arguments.page).await?;
    let mut causeway = Jobs::new("peer postgres: Causeway", gateway.side(arguments.page).await?);
    let mut postgres = Jobs::new("peer postgres: PostgreSQL", other);
    for round in 0..arguments.rounds {
        say(format_args!("round {} of {}", round + 1, arguments.rounds));
        let mut order = [&mut causeway, &mut postgres];
        if !round.is_multiple_of(2) {
            order.reverse();
        }
        for jobs in order {
            jobs.round(round, arguments.records, arguments.in_flight).await?;
        }
    }
    Ok(checks(&causeway, &postgres))
}

fn checks(causeway: &Jobs, postgres: &Jobs) -> Vec<Check> {
    let of = |name: &str, job: fn(&Jobs) -> &Job, aim| {
        ratio(&format!("peer postgres: {name} over PostgreSQL's"), job(causeway).rate(), job(postgres).rate(), aim)
    };
    let ratios = [
        of("streamed", |jobs| &jobs.streamed, Some(STREAMED_TIMES)),
        of("one by one", |jobs| &jobs.unary, None),
        of("pulled", |jobs| &jobs.pulled, None),
    ];
    causeway.checks().into_iter().chain(postgres.checks()).chain(ratios.into_iter().flatten()).collect()
}
