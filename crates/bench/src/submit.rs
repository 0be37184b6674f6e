//! `submit`: records into a gateway by single calls or over a stream, beside the bare echo in the same run.

mod report;

use std::path::Path;
use std::time::Duration;

use causeway_gateway::client::Clients;
use causeway_proto::v1;
use causeway_rig::{Failed, Process};

use crate::callers;
use crate::check::Check;
use crate::disk;
use crate::ground::Ground;
use crate::limits::{Echo, PART_RECORDS, Parts, connect};
use crate::processor;
use crate::records;
use crate::round::Round;

use report::Report;

/// What to measure.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// How the records are submitted.
    #[arg(long, value_enum, default_value_t = Mode::Stream)]
    pub(crate) mode: Mode,
    /// Callers of `Submit`, each making one call after the other. A stream has as many under way as the gateway takes.
    #[arg(long, default_value_t = 64)]
    pub(crate) in_flight: usize,
    /// Records of one round: 50,000 over a stream, 300 for each call in flight otherwise (2,000 where it is one), unless it is stated.
    #[arg(long)]
    pub(crate) records: Option<usize>,
    /// Bytes of a record's JSON, about: 1,000 to 16,000.
    #[arg(long, default_value_t = records::DESIGN_BYTES)]
    pub(crate) size: usize,
    /// Connections that the callers share; as many streams.
    #[arg(long, default_value_t = 1)]
    pub(crate) systems: usize,
    /// Rounds, after one that does not count.
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
}

/// How records are submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Mode {
    /// One call each.
    Unary,
    /// All over a stream.
    Stream,
}

impl Arguments {
    /// For a look at everything in a few minutes.
    pub(crate) fn short(mode: Mode, in_flight: usize) -> Self {
        Self { mode, in_flight, records: None, size: records::DESIGN_BYTES, systems: 1, rounds: 3 }
    }

    /// For seeing that it runs.
    pub(crate) fn smoke(mode: Mode, in_flight: usize) -> Self {
        Self { records: Some(200), rounds: 1, ..Self::short(mode, in_flight) }
    }

    fn round_records(&self) -> usize {
        let usual = match (self.mode, self.in_flight) {
            (Mode::Stream, _) => 50_000,
            (Mode::Unary, 1) => 2_000,
            (Mode::Unary, in_flight) => 300 * in_flight,
        };
        self.records.unwrap_or(usual).max(1)
    }

    /// What its checks begin with.
    fn name(&self) -> String {
        match self.mode {
            Mode::Stream => "submit stream".into(),
            Mode::Unary => format!("submit unary {}", self.in_flight),
        }
    }
}

/// Syncs that the disk's pace is taken from, before each round.
const SYNCS: usize = 50;

/// A gateway is at rest where it has used at most this much of a core in so long.
const QUIET_SECONDS: f64 = 0.01;
const LOOK: Duration = Duration::from_millis(200);

/// How long it is waited for that, at most.
const LOOKS: usize = 600;

/// Runs the benchmark on an installation of its own.
pub(crate) fn run(arguments: &Arguments, dir: &Path) -> Result<Vec<Check>, Failed> {
    if arguments.in_flight == 0 || arguments.systems == 0 || arguments.rounds == 0 {
        return Err("--in-flight, --systems and --rounds are at least 1".into());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ground = Ground::within(dir)?;
    runtime.block_on(measure(arguments, &ground))?.checks()
}

/// The rounds go echo, gateway, gateway, echo and so on: what the machine does beside falls on both.
async fn measure(arguments: &Arguments, ground: &Ground) -> Result<Report, Failed> {
    let dir = ground.installation.root();
    let (gateway, _) = ground.start()?;
    let run = Run { arguments, gateway: &gateway, connections: connections(arguments, ground, &gateway).await? };
    let receipt = run.warm_up().await?;
    let echo = Echo::start(&ground.installation, &receipt, arguments.systems).await?;
    let sample = run.requests(0, PART_RECORDS.min(arguments.round_records()), "parts");
    let mut report = Report::of(arguments, records::mean_bytes(&sample))?;
    let mut parts = Parts::of(&sample, &ground.installation.path("config/schemas"))?;
    run.echo(&echo, sample).await?;
    for round in 1..=arguments.rounds {
        crate::say(format_args!("{}: round {round} of {}", arguments.name(), arguments.rounds));
        parts.measure();
        let requests = run.requests(round, arguments.round_records(), "record");
        let (same, goes_first) = (requests.clone(), round.is_multiple_of(2));
        let (bare, real) = if goes_first {
            let real = run.submit(requests, dir).await?;
            (run.echo(&echo, same).await?, real)
        } else {
            let bare = run.echo(&echo, same).await?;
            (bare, run.submit(requests, dir).await?)
        };
        report.add(bare, real);
    }
    report.parts = parts.micros();
    report.memory = processor::memory_of(gateway.id());
    gateway.stop()?;
    Ok(report)
}

async fn connections(arguments: &Arguments, ground: &Ground, gateway: &Process) -> Result<Vec<Clients>, Failed> {
    connect(&ground.installation, gateway, arguments.systems).await
}

/// A round of submissions, and what went with it.
#[derive(Debug)]
struct Submitted {
    round: Round,
    /// The disk's median just before.
    fdatasync: Duration,
    /// Bytes that the gateway wrote in it.
    written: u64,
    /// Seconds of processor time that the gateway used after it, until it was at rest: what it releases to partners goes on behind the
    /// receipts.
    after: f64,
}

/// A gateway that is submitted to.
#[derive(Debug)]
struct Run<'a> {
    arguments: &'a Arguments,
    gateway: &'a Process,
    connections: Vec<Clients>,
}

impl Run<'_> {
    fn requests(&self, round: usize, count: usize, prefix: &str) -> Vec<v1::SubmitRequest> {
        let seed = 0x5b + u64::try_from(round).unwrap_or_default();
        records::requests(seed, count, self.arguments.size, &format!("{prefix}-{round}"))
    }

    /// A round that does not count; gives one of its receipts.
    async fn warm_up(&self) -> Result<v1::Receipt, Failed> {
        let count = self.arguments.round_records();
        let requests = self.requests(0, count.div_ceil(2), "warm");
        let receipts = records::submit_all(&self.connections[0], requests).await?;
        callers::call(&self.connections, self.arguments.in_flight, self.requests(1, count.min(2_000), "warm")).await?;
        self.rest().await;
        receipts.into_iter().next_back().ok_or_else(|| "a round without records".into())
    }

    /// A round of the echo.
    async fn echo(&self, echo: &Echo, requests: Vec<v1::SubmitRequest>) -> Result<Round, Failed> {
        match self.arguments.mode {
            Mode::Unary => echo.unary(self.arguments.in_flight, requests).await,
            Mode::Stream => echo.both_ways(requests).await,
        }
    }

    async fn submit(&self, requests: Vec<v1::SubmitRequest>, dir: &Path) -> Result<Submitted, Failed> {
        let fdatasync = disk::sync_pace(dir, SYNCS)?.at(500);
        let (count, written) = (requests.len(), processor::written_by(self.gateway.id()));
        let round = match self.arguments.mode {
            Mode::Unary => {
                let calls = callers::call(&self.connections, self.arguments.in_flight, requests);
                Round::of(self.gateway.id(), count, calls).await?
            }
            Mode::Stream => Round::of(self.gateway.id(), count, callers::stream(&self.connections, requests)).await?,
        };
        let written = processor::written_by(self.gateway.id()).saturating_sub(written);
        Ok(Submitted { round, fdatasync, written, after: self.rest().await })
    }

    /// Waits until the gateway has done what it does behind its receipts; gives the processor time that this took.
    async fn rest(&self) -> f64 {
        let used = || processor::seconds_of(self.gateway.id());
        let begun = used();
        let mut before = begun;
        for _ in 0..LOOKS {
            tokio::time::sleep(LOOK).await;
            let now = used();
            if now - std::mem::replace(&mut before, now) <= QUIET_SECONDS {
                return now - begun;
            }
        }
        crate::say("the gateway does not come to rest: what it does behind its receipts goes on into the next round");
        before - begun
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_run_of_each_mode_is_taken_and_measured() {
        let folder = tempfile::tempdir().expect("a folder");
        for (mode, name) in [(Mode::Stream, "submit stream"), (Mode::Unary, "submit unary 8")] {
            let arguments = Arguments { systems: 2, rounds: 2, ..Arguments::smoke(mode, 8) };
            let checks = run(&arguments, folder.path()).expect("measured");
            let value =
                |of: &str| checks.iter().find(|check| check.name == format!("{name}: {of}")).map(|check| check.value);
            for of in ["records/s", "bytes written, each", "ratio to the limit", "p99"] {
                assert!(value(of).is_some_and(|value| value > 0.0 && value.is_finite()), "{of}: {checks:#?}");
            }
            assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "it left something");
        }
    }
}
