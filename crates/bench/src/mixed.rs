//! `mixed`: whether submitting, pulling, watching and asking slow each other down: each of them alone at its own pace, and then all of them
//! together at the same paces, which keep seven tenths busy of what submitting alone keeps busy at most.

mod call;
mod capacity;
mod kind;
mod scene;
mod turn;

use std::path::Path;
use std::time::Duration;

use causeway_rig::Failed;

use crate::check::Check;
use crate::sample::median;
use crate::{processor, records, say};
use kind::{Kind, Paces};
use scene::Scene;
use turn::Turn;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Records that are there before, to be pulled and asked about.
    #[arg(long, default_value_t = 50_000)]
    records: usize,
    /// Records that are submitted to find out how many can be.
    #[arg(long, default_value_t = 40_000)]
    capacity: usize,
    /// Seconds of each turn.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Rounds: each a turn of every kind alone and one of all together.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Percent of the processors that submitting alone keeps busy which all kinds together are to keep busy.
    #[arg(long, default_value_t = 70)]
    load: u32,
    /// Submissions under way at a time while it is found out how many can be.
    #[arg(long, default_value_t = 64)]
    in_flight: usize,
    /// Watches of one feed.
    #[arg(long, default_value_t = 8)]
    watches: usize,
    /// About so many bytes of JSON a record.
    #[arg(long, default_value_t = records::DESIGN_BYTES)]
    size: usize,
}

impl Arguments {
    /// For a look at everything in a few minutes.
    pub(crate) fn short() -> Self {
        Self { records: 20_000, capacity: 20_000, seconds: 3, rounds: 2, in_flight: 64, watches: 8, ..Self::smoke() }
    }

    /// For seeing that it runs.
    pub(crate) fn smoke() -> Self {
        Self {
            records: 200,
            capacity: 200,
            seconds: 1,
            rounds: 1,
            load: 70,
            in_flight: 8,
            watches: 2,
            size: records::DESIGN_BYTES,
        }
    }
}

/// How much longer the slowest hundredth of the calls of any kind may take in the mix than alone.
const WITHIN: f64 = 2.0;

/// Bytes.
const MIB: f64 = 1_048_576.0;

/// What came of every round.
#[derive(Debug)]
struct Rounds {
    /// Of each kind, its turns alone.
    alone: [Vec<Turn>; Kind::ALL.len()],
    together: Vec<Turn>,
}

/// Runs the benchmark in an installation of its own.
pub(crate) fn run(arguments: &Arguments, dir: &Path) -> Result<Vec<Check>, Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(arguments, dir))
}

async fn measure(arguments: &Arguments, dir: &Path) -> Result<Vec<Check>, Failed> {
    let mut scene = Scene::prepared(arguments, dir).await?;
    let capacity = capacity::of_submitting(&mut scene, arguments).await?;
    let budget = capacity.busy * f64::from(arguments.load) / 100.0;
    let paces = capacity::paces(&mut scene, budget, Duration::from_secs(arguments.seconds)).await?;
    let rounds = rounds(&mut scene, &paces, arguments).await?;
    let (now, most) = processor::memory_of(scene.gateway());
    let busy = median(&rounds.together.iter().map(|turn| turn.used.busy()).collect::<Vec<_>>());
    let mut checks = vec![
        Check::shown("mixed: submit alone, as fast as it goes", capacity.per_second, "records/s"),
        Check::shown("mixed: processors busy then", capacity.busy, "processors"),
        Check::shown("mixed: processors busy in the mix", busy, "processors"),
    ];
    checks.extend(Kind::ALL.into_iter().flat_map(|kind| rounds.checks(kind, &paces)));
    checks.push(Check::shown("mixed: memory of the gateway now", now as f64 / MIB, "MiB"));
    checks.push(Check::shown("mixed: memory of the gateway at most", most as f64 / MIB, "MiB"));
    Ok(checks)
}

async fn rounds(scene: &mut Scene, paces: &Paces, arguments: &Arguments) -> Result<Rounds, Failed> {
    let lasting = Duration::from_secs(arguments.seconds);
    let mut rounds = Rounds { alone: Default::default(), together: Vec::new() };
    let mut order: Vec<Option<Kind>> = Kind::ALL.into_iter().map(Some).chain([None]).collect();
    for round in 0..arguments.rounds {
        say(format_args!("each kind alone and all together, round {} of {}", round + 1, arguments.rounds));
        for turn in &order {
            match turn {
                Some(kind) => rounds.alone[kind.place()].push(scene.turn(&[*kind], paces, lasting).await?),
                None => rounds.together.push(scene.turn(&Kind::ALL, paces, lasting).await?),
            }
        }
        order.reverse();
    }
    Ok(rounds)
}

impl Rounds {
    fn checks(&self, kind: Kind, paces: &Paces) -> Vec<Check> {
        let name = |what: &str| format!("mixed {}: {what}", kind.name());
        let alone: Vec<_> = self.alone[kind.place()].iter().filter_map(|turn| turn.of(kind)).collect();
        let together: Vec<_> = self.together.iter().filter_map(|turn| turn.of(kind)).collect();
        let middle = |of: &[&turn::Done], thousandths: u32| {
            median(&of.iter().map(|done| done.latency.millis(thousandths)).collect::<Vec<_>>())
        };
        let ratio = |thousandths: u32| {
            let pairs = together.iter().zip(&alone);
            let of = |(mix, alone): (&&turn::Done, &&turn::Done)| {
                mix.latency.millis(thousandths) / alone.latency.millis(thousandths)
            };
            median(&pairs.map(of).collect::<Vec<_>>())
        };
        let refused: u64 = alone.iter().chain(&together).map(|done| done.refused).sum();
        vec![
            Check::shown(name("pace"), paces.of(kind), "calls/s"),
            Check::shown(name("alone p50"), middle(&alone, 500), "ms"),
            Check::shown(name("alone p99"), middle(&alone, 990), "ms"),
            Check::shown(name("in the mix p50"), middle(&together, 500), "ms"),
            Check::shown(name("in the mix p99"), middle(&together, 990), "ms"),
            Check::shown(name("in the mix over alone, p50"), ratio(500), "ratio"),
            Check::at_most(name("in the mix over alone, p99"), ratio(990), "ratio", WITHIN),
            Check::shown(name("told to come back"), refused as f64, "calls"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_run_has_every_kind_alone_and_in_the_mix() {
        let folder = tempfile::tempdir().expect("a folder");
        let checks = run(&Arguments::smoke(), folder.path()).expect("measured");
        for kind in Kind::ALL {
            for what in ["pace", "alone p99", "in the mix p99", "in the mix over alone, p99"] {
                let name = format!("mixed {}: {what}", kind.name());
                let check = checks.iter().find(|check| check.name == name);
                assert!(check.is_some_and(|check| check.value > 0.0), "{name}: {checks:#?}");
            }
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "it left something");
    }
}
