//! `pull`: what a partner's feed costs and how fast it leaves: whole feeds by pages, by a watch and by `causeway pull`; pages over the size of
//! the feed; and how soon watches have what is submitted meanwhile.

mod arrivals;
mod curve;
mod fan_out;
mod feed;
mod partner;
mod shipped;
mod stage;
mod usage;
mod whole;

use std::path::Path;

use causeway_rig::Failed;

use crate::check::Check;
use crate::{records, say};

pub(crate) use arrivals::{Arrivals, Follow, in_order};
pub(crate) use feed::Reader;
pub(crate) use partner::{PURPOSE, Partner, release_to};
pub(crate) use stage::{Shares, Stage};
pub(crate) use usage::{Usage, Used};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Records that are submitted; a feed has its share of them.
    #[arg(long, default_value_t = 1_000_000)]
    items: usize,
    /// Items of a page, at most 1,000.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    page: u32,
    /// Percent of the records that a partner has been released; of each of these there is a partner.
    #[arg(long, value_delimiter = ',', default_values_t = [90, 5])]
    share: Vec<usize>,
    /// About so many bytes of JSON a record.
    #[arg(long, default_value_t = records::DESIGN_BYTES)]
    size: usize,
    /// Rounds; each reads every feed in every way.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Measure pages in feeds of a tenth, a hundredth and so on of the records too.
    #[arg(long)]
    curve: bool,
    /// Seconds of each round of watches; 0 for none.
    #[arg(long, default_value_t = 5)]
    watch_seconds: u64,
    /// Records submitted a second while watches are open.
    #[arg(long, default_value_t = 2_000)]
    watch_pace: u32,
    /// Watches, each on a connection of its own.
    #[arg(long, default_value_t = 50)]
    watches: usize,
    /// Partners that the watches are spread over.
    #[arg(long, default_value_t = 10)]
    watch_partners: usize,
}

impl Arguments {
    /// For a look at everything in a few minutes.
    pub(crate) fn short() -> Self {
        let watches = Self { watch_seconds: 3, watch_pace: 2_000, watches: 50, watch_partners: 10, ..Self::smoke() };
        Self { items: 50_000, page: 1_000, rounds: 2, ..watches }
    }

    /// For seeing that it runs.
    pub(crate) fn smoke() -> Self {
        Self {
            items: 90,
            page: 20,
            share: vec![90, 5],
            size: records::DESIGN_BYTES,
            rounds: 1,
            curve: true,
            watch_seconds: 1,
            watch_pace: 20,
            watches: 4,
            watch_partners: 2,
        }
    }
}

/// Runs the benchmark in installations of its own.
pub(crate) fn run(arguments: &Arguments, dir: &Path) -> Result<Vec<Check>, Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(arguments, dir))
}

async fn measure(arguments: &Arguments, dir: &Path) -> Result<Vec<Check>, Failed> {
    let shares = Shares::of(&arguments.share);
    let mut checks = Vec::new();
    if arguments.items > 0 {
        let stage = Stage::prepared(dir, &shares, arguments.items, arguments.size).await?;
        checks.extend(whole::measure(arguments, &stage, &shares).await?);
        if arguments.curve {
            checks.extend(curve::measure(arguments, dir, stage, &shares).await?);
        }
    }
    if arguments.watch_seconds > 0 {
        checks.extend(fan_out::measure(arguments, dir).await?);
    } else {
        say("no watches, as was asked for");
    }
    Ok(checks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_run_reads_every_feed_in_every_way() {
        let folder = tempfile::tempdir().expect("a folder");
        // A number of which nine tenths are whole.
        let checks = run(&Arguments { items: 100, ..Arguments::smoke() }, folder.path()).expect("measured");
        let names = [
            "pull 90% by pages: records/s",
            "pull 5% by watch: records/s",
            "pull 90% by causeway pull: items/s",
            "pull 90% by pages: of a bare stream's items/s",
            "pull curve: page p99 of the largest feed over the smallest",
            "pull 4 watches, each record to one partner: p99",
            "pull 4 watches, each record to every partner: p99",
        ];
        for name in names {
            let check = checks.iter().find(|check| check.name == name);
            assert!(check.is_some_and(|check| check.value > 0.0), "{name}: {checks:#?}");
        }
        let value = |name: &str| checks.iter().find(|check| check.name == name).map(|check| check.value);
        let (all, some) = (value("pull 90% by pages: records/s"), value("pull 90% by pages: items/s"));
        let share = some.zip(all).map(|(items, records)| items / records);
        assert!(share.is_some_and(|share| (share - 0.9).abs() < 1e-6), "{share:?}");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "it left something");
    }
}
