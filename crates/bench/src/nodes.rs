//! `nodes`: submitting to a gateway that writes a log of its own, and to one, two and three nodes of a log that is shared, on the same
//! machine in turns: what sharing costs, and what another node brings.

mod stand;

use std::path::Path;
use std::time::Duration;

use causeway_rig::{Failed, nats};

use crate::check::Check;
use crate::latency::Latency;
use crate::records;
use crate::sample::median;
use crate::say;
use stand::Stand;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Nodes of the largest cluster.
    #[arg(long, default_value_t = 3)]
    nodes: u16,
    /// Records of one round, over one stream to each node.
    #[arg(long, default_value_t = 20_000)]
    records: usize,
    /// Records of one round that are submitted one after the other.
    #[arg(long, default_value_t = 300)]
    single: usize,
    /// Bytes of a record's JSON, about: 1,000 to 16,000.
    #[arg(long, default_value_t = records::DESIGN_BYTES)]
    size: usize,
    /// Rounds, after one that does not count.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

impl Arguments {
    /// For a look at everything in a few minutes.
    pub(crate) fn short() -> Self {
        Self { records: 10_000, single: 200, rounds: 3, ..Self::smoke() }
    }

    /// For seeing that it runs.
    pub(crate) fn smoke() -> Self {
        Self { nodes: 3, records: 60, single: 6, size: records::DESIGN_BYTES, rounds: 1 }
    }
}

/// What was done to a stand in one round.
#[derive(Debug)]
struct Turn {
    records: usize,
    took: Duration,
    /// From where the transport takes a record until its verdict.
    streamed: Latency,
    /// Of calls that are made one after the other, each to the next node.
    single: Latency,
    /// Seconds of processor time, up to where the gateways are at rest again.
    used: Used,
}

/// Seconds of processor time.
#[derive(Debug, Clone, Copy, Default)]
struct Used {
    gateways: f64,
    servers: f64,
    client: f64,
}

/// Runs the benchmark on installations of its own. Where there is no NATS server it says so, and measures nothing.
pub(crate) fn run(arguments: &Arguments, dir: &Path) -> Result<Vec<Check>, Failed> {
    if arguments.nodes == 0 || arguments.rounds == 0 || arguments.single == 0 || arguments.records == 0 {
        return Err("--nodes, --records, --single and --rounds are at least 1".into());
    }
    let Some(program) = nats::program()? else {
        say("skipped: there is no nats-server; .ci/nats-server installs it");
        return Ok(Vec::new());
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(arguments, dir, &program))
}

async fn measure(arguments: &Arguments, dir: &Path, program: &Path) -> Result<Vec<Check>, Failed> {
    let mut stands = vec![Stand::alone(dir).await?];
    for nodes in 1..=arguments.nodes {
        stands.push(Stand::of_nodes(nodes, dir, program).await?);
    }
    let mut turns: Vec<Vec<Turn>> = stands.iter().map(|_| Vec::new()).collect();
    let mut order: Vec<usize> = (0..stands.len()).collect();
    for round in 0..=arguments.rounds {
        say(format_args!("nodes: round {round} of {}", arguments.rounds));
        for &place in &order {
            let turn = turn(&stands[place], arguments, round).await?;
            if round > 0 {
                turns[place].push(turn);
            }
        }
        order.reverse();
    }
    let alone = rate(&turns[0]);
    let mut checks = Vec::new();
    for (stand, turns) in stands.iter().zip(&turns) {
        checks.extend(report(stand, turns, alone)?);
    }
    stands.into_iter().try_for_each(Stand::stop)?;
    Ok(checks)
}

async fn turn(stand: &Stand, arguments: &Arguments, round: usize) -> Result<Turn, Failed> {
    let seed = 0x5b + u64::try_from(round)?;
    let count = if round == 0 { arguments.records.div_ceil(2) } else { arguments.records };
    let requests = records::requests(seed, count, arguments.size, &format!("nodes-{round}"));
    let one_by_one = records::requests(seed, arguments.single, arguments.size, &format!("single-{round}"));
    stand.rest().await;
    let before = stand.used();
    let (took, streamed) = stand.stream(requests).await?;
    stand.rest().await;
    let used = stand.used().since(before);
    Ok(Turn { records: count, took, streamed, single: stand.call(one_by_one).await?, used })
}

fn rate(turns: &[Turn]) -> f64 {
    median(&turns.iter().map(|turn| turn.records as f64 / turn.took.as_secs_f64().max(1e-9)).collect::<Vec<_>>())
}

fn report(stand: &Stand, turns: &[Turn], alone: f64) -> Result<Vec<Check>, Failed> {
    let name = |what: &str| format!("nodes, {}: {what}", stand.name());
    let all = |of: fn(&Turn) -> &Latency| {
        let mut all = Latency::new();
        turns.iter().try_for_each(|turn| all.merge(of(turn))).map(|()| all)
    };
    let (streamed, single) = (all(|turn| &turn.streamed)?, all(|turn| &turn.single)?);
    let records: usize = turns.iter().map(|turn| turn.records).sum();
    let each =
        |of: fn(&Used) -> f64| turns.iter().map(|turn| of(&turn.used)).sum::<f64>() * 1e6 / records.max(1) as f64;
    Ok(vec![
        Check::shown(name("streamed, records/s"), rate(turns), "records/s"),
        Check::shown(name("streamed, over a gateway alone"), rate(turns) / alone, "ratio"),
        Check::shown(name("streamed, p50"), streamed.millis(500), "ms"),
        Check::shown(name("streamed, p99"), streamed.millis(990), "ms"),
        Check::shown(name("one call at a time, p50"), single.millis(500), "ms"),
        Check::shown(name("one call at a time, p99"), single.millis(990), "ms"),
        Check::shown(name("processor time of the gateways, each record"), each(|used| used.gateways), "us"),
        Check::shown(name("processor time of the log's servers, each record"), each(|used| used.servers), "us"),
        Check::shown(name("processor time of the client, each record"), each(|used| used.client), "us"),
    ])
}

impl Used {
    fn since(self, before: Self) -> Self {
        Self {
            gateways: self.gateways - before.gateways,
            servers: self.servers - before.servers,
            client: self.client - before.client,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_run_measures_a_gateway_alone_and_clusters() {
        let folder = tempfile::tempdir().expect("a folder");
        let checks = run(&Arguments { nodes: 2, ..Arguments::smoke() }, folder.path()).expect("measured");
        if nats::program().expect("none is stated, or it is there").is_none() {
            assert!(checks.is_empty());
            return;
        }
        for stand in ["alone", "1 node", "2 nodes"] {
            for what in ["streamed, records/s", "one call at a time, p50", "streamed, over a gateway alone"] {
                let name = format!("nodes, {stand}: {what}");
                let check = checks.iter().find(|check| check.name == name);
                assert!(check.is_some_and(|check| check.value > 0.0), "{name}: {checks:#?}");
            }
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "it left something");
    }
}
