//! `limits`: the physical bill. What the wire, the disk and the libraries take on this machine when nothing is built on them.

mod appends;
mod bill;
mod echo;
mod parts;
mod server;

use std::path::Path;

use causeway_proto::v1;
use causeway_rig::{Failed, Installation, Launch};

use crate::check::Check;
use crate::disk;
use crate::records;
use crate::round::Rounds;

use appends::Appends;
pub(crate) use bill::Bill;
pub(crate) use echo::{Echo, connect};
pub(crate) use parts::Parts;
pub(crate) use server::run as run_echo;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Messages of a stream in one round. At 64 and 256 calls in flight a round has a quarter as many calls, at 1 a twentieth.
    #[arg(long, default_value_t = 100_000)]
    pub(crate) messages: usize,
    /// Rounds of each kind, after one that does not count.
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// Bytes of a record's JSON, about.
    #[arg(long, default_value_t = records::DESIGN_BYTES)]
    pub(crate) size: usize,
}

impl Arguments {
    /// For a look at everything in a few minutes.
    pub(crate) fn short() -> Self {
        Self { messages: 50_000, rounds: 3, size: records::DESIGN_BYTES }
    }

    /// For seeing that it runs.
    pub(crate) fn smoke() -> Self {
        Self { messages: 400, rounds: 1, size: records::DESIGN_BYTES }
    }
}

/// Calls in flight, and the part of `--messages` that they make.
const IN_FLIGHT: [(usize, usize); 3] = [(1, 20), (64, 4), (256, 4)];

/// Appends of each size in one round.
const SYNCS: usize = 100;

/// Records of the sample that the parts are measured on, in each round.
pub(crate) const PART_RECORDS: usize = 512;

/// Runs the benchmark.
pub(crate) fn run(arguments: &Arguments, dir: &Path) -> Result<Vec<Check>, Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let installation = Installation::plain_within(dir)?;
    runtime.block_on(measure(arguments, dir, &installation))
}

async fn measure(arguments: &Arguments, dir: &Path, installation: &Installation) -> Result<Vec<Check>, Failed> {
    let size = arguments.size;
    let made = records::requests(0x11, PART_RECORDS, size, "limits");
    let some = |count: usize| made.iter().cycle().take(count).cloned().collect::<Vec<_>>();
    let echo = Echo::start(installation, &receipt(installation, &made[0]).await?, 1).await?;
    let mut parts = Parts::of(&made, &installation.path("config/schemas"))?;
    let mut disk = [Appends::of("4 KiB", 4 << 10), Appends::of("256 KiB", 256 << 10)];
    let (mut unary, mut both_ways, mut down) =
        (IN_FLIGHT.map(|_| Rounds::default()), Rounds::default(), Rounds::default());
    for round in 0..=arguments.rounds {
        crate::say(format_args!("limits: round {round} of {}", arguments.rounds));
        parts.measure();
        disk.iter_mut().try_for_each(|appends| appends.measure(dir, SYNCS))?;
        for (rounds, (in_flight, part)) in unary.iter_mut().zip(IN_FLIGHT) {
            rounds.0.push(echo.unary(in_flight, some((arguments.messages / part).max(in_flight))).await?);
        }
        both_ways.0.push(echo.both_ways(some(arguments.messages)).await?);
        down.0.push(echo.down(&made[0], arguments.messages).await?);
        if round == 0 {
            // The first one finds nothing warm.
            unary.iter_mut().chain([&mut both_ways, &mut down]).for_each(|rounds| rounds.0.clear());
        }
    }
    let mut checks = Vec::new();
    for (rounds, (in_flight, _)) in unary.iter().zip(IN_FLIGHT) {
        let name = format!("limits unary {in_flight}");
        checks.extend(rounds.checks(&name, "calls/s"));
        checks.extend(rounds.latency()?.checks(&format!("{name}:")));
    }
    checks.extend(both_ways.checks("limits both ways", "messages/s"));
    checks.extend(down.checks("limits server stream", "messages/s"));
    disk.iter().for_each(|appends| checks.extend(appends.checks()));
    checks.extend(parts.checks());
    checks.extend(bill(dir, &parts, &both_ways, &unary[1])?);
    Ok(checks)
}

/// The bill that all of it comes to.
fn bill(dir: &Path, parts: &Parts, both_ways: &Rounds, at_64: &Rounds) -> Result<Vec<Check>, Failed> {
    let (client, server) = both_ways.micros();
    let cores = std::thread::available_parallelism()?.get();
    let bill = Bill { cores, parts: parts.micros(), wire: client + server };
    let sync = disk::sync_pace(dir, SYNCS)?.at(500);
    Ok(vec![
        Check::shown("limits bill: streamed submit, at most", bill.streamed(), "records/s"),
        Check::shown("limits bill: unary submit at 64, at most", Bill::unary(at_64.rate(), 64, sync), "calls/s"),
    ])
}

/// What a gateway on this installation answers to a submission: the echo answers with the same bytes.
async fn receipt(installation: &Installation, request: &v1::SubmitRequest) -> Result<v1::Receipt, Failed> {
    let gateway = installation.start(&Launch::default())?;
    let connections = connect(installation, &gateway, 1).await?;
    let receipts = records::submit_all(&connections[0], vec![request.clone()]).await?;
    drop(connections);
    gateway.stop()?;
    receipts.into_iter().next().ok_or_else(|| "a gateway that gives no receipt".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_run_measures_everything() {
        let folder = tempfile::tempdir().expect("a folder");
        let checks = run(&Arguments::smoke(), folder.path()).expect("measured");
        let value = |name: &str| checks.iter().find(|check| check.name == name).map(|check| check.value);
        for name in ["limits unary 256: calls/s", "limits both ways: messages/s", "limits server stream: messages/s"] {
            assert!(value(name).is_some_and(|rate| rate > 0.0), "{name}: {checks:#?}");
        }
        let (bill, wire) = ("limits bill: streamed submit, at most", value("limits both ways: messages/s"));
        assert!(value(bill).is_some_and(|bill| bill > 0.0 && bill.is_finite()), "beside {wire:?}: {checks:#?}");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "it left something");
    }
}
