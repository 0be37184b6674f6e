//! Watches while records come at a fixed pace: how long after the receipt each of them has the page.

use std::path::Path;
use std::time::{Duration, Instant};

use causeway_gateway::client::Clients;
use causeway_proto::v1;
use causeway_rig::{Failed, Process};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::Arguments;
use super::arrivals::{Arrivals, Delays, Follow, in_order};
use super::partner::{self, Partner, release_to};
use super::usage::{Usage, Used, micros_each};
use crate::check::Check;
use crate::ground::{self, Ground};
use crate::sample::median;
use crate::{pacing, processor, records, say};

/// From the receipt to the page at a watch, at most, in milliseconds.
const WITHIN_MILLIS: f64 = 20.0;

/// How long what was submitted is waited for after the last receipt.
const PATIENCE: Duration = Duration::from_secs(30);

/// To whom each record is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fan {
    /// To one partner, each in turn.
    One,
    /// To every partner.
    All,
}

/// One way of fanning out, round after round.
#[derive(Debug)]
struct Case {
    fan: Fan,
    rounds: Vec<(Delays, Used, f64)>,
}

/// A gateway with partners who watch it.
#[derive(Debug)]
struct Watched<'a> {
    arguments: &'a Arguments,
    partners: Vec<Partner>,
    gateway: Process,
    submitter: Clients,
    arrivals: Arrivals,
}

pub(super) async fn measure(arguments: &Arguments, dir: &Path) -> Result<Vec<Check>, Failed> {
    let partners: Vec<Partner> = (0..arguments.watch_partners.max(1)).map(Partner::new).collect();
    let ground = Ground::prepared_within(dir, |config| partners.iter().try_for_each(|one| one.add_to(config)))?;
    let (gateway, reach) = ground.start()?;
    let mut arrivals = Arrivals::none();
    for watch in 0..arguments.watches {
        let feed = watch % partners.len();
        let clients = reach.clients(&partners[feed].system(), partner::PURPOSE).await?;
        let agreement = partners[feed].agreement.clone();
        arrivals.open(&clients, Follow { feed, agreement, cursor: String::new() }).await?;
    }
    let submitter = reach.clients(ground::SUBMITTER, ground::PURPOSE).await?;
    let mut watched = Watched { arguments, partners, gateway, submitter, arrivals };
    let mut cases = [Fan::One, Fan::All].map(|fan| Case { fan, rounds: Vec::new() });
    'rounds: for round in 0..arguments.rounds {
        say(format_args!("watches, round {} of {}", round + 1, arguments.rounds));
        for case in &mut cases {
            let ran = watched.round(case.fan, round).await?;
            let missing = ran.0.missing;
            case.rounds.push(ran);
            if missing > 0 {
                let waited = PATIENCE.as_secs();
                say(format_args!("{missing} items did not come to a watch within {waited} s: no more rounds"));
                break 'rounds;
            }
        }
        cases.reverse();
    }
    cases.sort_unstable_by_key(|case| case.fan);
    let measured = cases.iter().filter(|case| !case.rounds.is_empty());
    let mut checks: Vec<Check> = measured.flat_map(|case| case.checks(arguments)).collect();
    let (now, _) = processor::memory_of(watched.gateway.id());
    checks.push(Check::shown("pull watches: memory of the gateway", now as f64 / 1_048_576.0, "MiB"));
    Ok(checks)
}

impl Watched<'_> {
    /// Submits at the pace, and waits until every watch has what it is to have; gives the pace that was kept as well.
    async fn round(&mut self, fan: Fan, round: usize) -> Result<(Delays, Used, f64), Failed> {
        let (pace, lasting) = (f64::from(self.arguments.watch_pace), Duration::from_secs(self.arguments.watch_seconds));
        let requests = self.requests(fan, round, pacing::calls_in(pace, lasting));
        let count = requests.len();
        let (before, begun) = (Usage::of(self.gateway.id()), Instant::now());
        let receipts = submit(&self.submitter, requests, pace, lasting).await?;
        let kept = count as f64 / begun.elapsed().as_secs_f64();
        let feeds = self.partners.len();
        let of = |feed: usize| {
            let own = receipts.iter().enumerate().filter(|(number, _)| fan == Fan::All || number % feeds == feed);
            in_order(own.map(|(_, receipt)| *receipt).collect())
        };
        let since: Vec<Vec<Instant>> = (0..feeds).map(of).collect();
        let delays = self.arrivals.come(&since, PATIENCE).await?;
        Ok((delays, before.so_far(), kept))
    }

    fn requests(&self, fan: Fan, round: usize, count: usize) -> Vec<v1::SubmitRequest> {
        let prefix = format!("watched-{fan:?}-{round}");
        records::requests_with(round as u64, count, self.arguments.size, &prefix, |number, record| match fan {
            Fan::One => release_to(record, &[&self.partners[number % self.partners.len()].agency]),
            Fan::All => release_to(record, &[partner::COUNTRY]),
        })
    }
}

/// Submits over one stream at a pace; gives of each record its entry and when its receipt came.
async fn submit(
    clients: &Clients,
    requests: Vec<v1::SubmitRequest>,
    pace: f64,
    lasting: Duration,
) -> Result<Vec<(u64, Instant)>, Failed> {
    let mut receipts = Vec::with_capacity(requests.len());
    let mut requests = requests.into_iter();
    let dues = UnboundedReceiverStream::new(pacing::ticks(pace, lasting));
    let paced = dues.map_while(move |_| Some(v1::SubmitStreamRequest { submission: Some(requests.next()?) }));
    let mut verdicts = clients.ingest().submit_stream(paced).await?.into_inner();
    while let Some(verdict) = verdicts.message().await? {
        let at = Instant::now();
        receipts.push((records::taken(verdict)?.leaf_index, at));
    }
    Ok(receipts)
}

impl Case {
    fn checks(&self, arguments: &Arguments) -> Vec<Check> {
        let to = match self.fan {
            Fan::One => "one partner",
            Fan::All => "every partner",
        };
        let name = |what: &str| format!("pull {} watches, each record to {to}: {what}", arguments.watches);
        let middle = |of: &dyn Fn(&Delays, &Used, f64) -> f64| {
            median(&self.rounds.iter().map(|(delays, used, kept)| of(delays, used, *kept)).collect::<Vec<_>>())
        };
        let submitted = u64::from(arguments.watch_pace) * arguments.watch_seconds;
        vec![
            Check::shown(name("submitted"), middle(&|_, _, kept| kept), "records/s"),
            Check::shown(name("p50"), middle(&|delays, _, _| delays.latency.millis(500)), "ms"),
            Check::at_most(name("p99"), middle(&|delays, _, _| delays.latency.millis(990)), "ms", WITHIN_MILLIS),
            Check::shown(name("p99.9"), middle(&|delays, _, _| delays.latency.millis(999)), "ms"),
            Check::shown(name("items of a page"), middle(&|delays, _, _| per_page(delays)), "items"),
            Check::shown(
                name("processor time of the gateway a record"),
                middle(&|_, used, _| micros_each(used.gateway, submitted)),
                "us",
            ),
            Check::shown(
                name("processor time of the client a record"),
                middle(&|_, used, _| micros_each(used.own, submitted)),
                "us",
            ),
        ]
    }
}

fn per_page(delays: &Delays) -> f64 {
    delays.items as f64 / delays.pages.max(1) as f64
}
