//! Whole feeds: how many items and records a second, page by page, by a watch, and by `causeway pull`, which checks what it gets.

use causeway_proto::v1;
use causeway_rig::Failed;

use super::feed::{Read, Reader};
use super::partner::Partner;
use super::stage::{Shares, Stage, released};
use super::usage::{Usage, Used, micros_each};
use super::{Arguments, shipped};
use crate::check::Check;
use crate::latency::Latency;
use crate::limits::Echo;
use crate::round::Rounds;
use crate::sample::median;
use crate::{processor, say};

/// Records a second that a partner's pages are made from at least, where it is released so many percent of them.
const RECORDS_A_SECOND: f64 = 150_000.0;
const AIM_SHARE: usize = 90;

/// How a feed is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// By `Pull`, page after page, and only counted.
    Pages,
    /// By `Watch`, until its end, and only counted.
    Watch,
    /// By `causeway pull --all`, which checks chain, digests, proofs and signatures, and writes lines of JSON.
    Command,
}

impl Way {
    const ALL: [Self; 3] = [Self::Pages, Self::Watch, Self::Command];

    const fn name(self) -> &'static str {
        match self {
            Self::Pages => "pages",
            Self::Watch => "watch",
            Self::Command => "causeway pull",
        }
    }
}

/// One feed, read in one way, over and over.
#[derive(Debug)]
struct Series<'a> {
    way: Way,
    partner: &'a Partner,
    percent: usize,
    reader: Reader,
    latency: Latency,
    runs: Vec<(Read, Used)>,
}

/// Reads the feed of each partner in each way, in rounds.
pub(super) async fn measure(arguments: &Arguments, stage: &Stage, shares: &Shares) -> Result<Vec<Check>, Failed> {
    let key = shipped::verifier_key(stage).await?;
    let (echo, mut bare) =
        (Echo::start(&stage.ground.installation, &v1::Receipt::default(), 1).await?, Rounds::default());
    let mut all = Vec::new();
    for (partner, percent) in shares.all() {
        let reader = Reader::connect(&stage.reach, partner, arguments.page).await?;
        for way in Way::ALL {
            let (reader, percent, latency) = (reader.clone(), *percent, Latency::new());
            all.push(Series { way, partner, percent, reader, latency, runs: Vec::new() });
        }
    }
    for round in 0..arguments.rounds {
        say(format_args!("reading whole feeds, round {} of {}", round + 1, arguments.rounds));
        for series in &mut all {
            series.read(stage, arguments.page, &key).await?;
            if series.is_beside_bare(arguments) {
                let (document, items) = series.newest_size()?;
                bare.0.push(echo.down(&document, items).await?);
            }
        }
        all.reverse();
    }
    if !arguments.rounds.is_multiple_of(2) {
        all.reverse();
    }
    let (now, most) = processor::memory_of(stage.gateway.id());
    let mut checks: Vec<Check> = all.iter().flat_map(|series| series.checks(stage.records)).collect();
    checks.extend(bare.checks("pull beside a bare stream of such documents", "items/s"));
    if let Some(pages) = all.iter().find(|series| series.is_beside_bare(arguments)) {
        let ratio = pages.items_a_second() / bare.rate();
        checks.push(Check::shown(
            format!("pull {}% by pages: of a bare stream's items/s", pages.percent),
            ratio,
            "ratio",
        ));
    }
    checks.push(Check::shown("pull: memory of the gateway now", now as f64 / MIB, "MiB"));
    checks.push(Check::shown("pull: memory of the gateway at most", most as f64 / MIB, "MiB"));
    Ok(checks)
}

/// Bytes.
const MIB: f64 = 1_048_576.0;

impl Series<'_> {
    async fn read(&mut self, stage: &Stage, page: u32, key: &str) -> Result<(), Failed> {
        let before = Usage::of(stage.gateway.id());
        let (read, other) = match self.way {
            Way::Pages => (self.reader.pull_all(&mut self.latency).await?, 0.0),
            Way::Watch => (self.reader.watch_all().await?, 0.0),
            Way::Command => shipped::pull_all(stage, self.partner, page, key).await?,
        };
        let used = before.so_far();
        // What a process of its own has used is the client's as well.
        self.runs.push((read, Used { own: used.own + other, ..used }));
        let expected = released(self.percent, stage.records);
        if read.items == expected { Ok(()) } else { Err(format!("{} items came of {expected}", read.items).into()) }
    }

    /// Whether a bare stream is measured beside it.
    fn is_beside_bare(&self, arguments: &Arguments) -> bool {
        self.way == Way::Pages && arguments.share.first() == Some(&self.percent)
    }

    /// A submission whose document is as long as those of the last run were in the middle, and how many they were.
    fn newest_size(&self) -> Result<(v1::SubmitRequest, usize), Failed> {
        let (read, _) = self.runs.last().ok_or("nothing was read")?;
        let document = vec![b'x'; usize::try_from(read.bytes / read.items.max(1))?];
        let record = Some(v1::Record { document, ..Default::default() });
        Ok((v1::SubmitRequest { record, ..Default::default() }, usize::try_from(read.items)?))
    }

    /// Of the run in the middle.
    fn middle(&self, of: &dyn Fn(&Read, &Used) -> f64) -> f64 {
        median(&self.runs.iter().map(|(read, used)| of(read, used)).collect::<Vec<_>>())
    }

    /// Microseconds an item. Of all runs together, since the system counts in hundredths of a second.
    fn micros(&self, of: &dyn Fn(&Used) -> f64) -> f64 {
        micros_each(
            self.runs.iter().map(|(_, used)| of(used)).sum(),
            self.runs.iter().map(|(read, _)| read.items).sum(),
        )
    }

    fn items_a_second(&self) -> f64 {
        self.middle(&|read, used| read.items as f64 / used.seconds)
    }

    fn checks(&self, records: usize) -> Vec<Check> {
        let name = |what: &str| format!("pull {}% by {}: {what}", self.percent, self.way.name());
        let middle = |of: &dyn Fn(&Read, &Used) -> f64| self.middle(of);
        let records_a_second = middle(&|_, used| records as f64 / used.seconds);
        let mut checks = vec![
            match (self.way, self.percent) {
                (Way::Pages, AIM_SHARE) => {
                    Check::at_least(name("records/s"), records_a_second, "records/s", RECORDS_A_SECOND)
                }
                _ => Check::shown(name("records/s"), records_a_second, "records/s"),
            },
            Check::shown(name("items/s"), self.items_a_second(), "items/s"),
            Check::shown(name("processor time of the gateway an item"), self.micros(&|used| used.gateway), "us"),
            Check::shown(name("processor time of the client an item"), self.micros(&|used| used.own), "us"),
        ];
        if self.way == Way::Pages {
            checks.extend(self.latency.checks(&name("page")));
            let bytes = middle(&|read, _| read.bytes as f64 / read.items.max(1) as f64);
            let written = middle(&|read, used| used.written as f64 / read.items.max(1) as f64);
            checks.push(Check::shown(name("document of an item"), bytes, "bytes"));
            checks.push(Check::shown(name("written to the disk an item"), written, "bytes"));
        }
        checks
    }
}
