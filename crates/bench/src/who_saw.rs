//! `who-saw`: asking a gateway over mutual TLS who saw a record, in a journal of many entries.

mod filling;

use std::path::Path;
use std::time::Instant;

use causeway_gateway::client::Clients;
use causeway_proto::v1;
use causeway_rig::{Failed, Installation, Launch};

use crate::check::Check;
use crate::ground::{self, Ground};
use crate::latency::Latency;
use crate::numbers::Numbers;
use crate::{processor, records};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Entries of the journal.
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// Records that are submitted; all other entries are consultations, each of one of them.
    #[arg(long, default_value_t = 20_000)]
    records: usize,
    /// Questions, each about a record by chance.
    #[arg(long, default_value_t = 500)]
    questions: usize,
}

impl Arguments {
    /// For a look at everything in a few minutes.
    pub(crate) fn short() -> Self {
        Self { entries: 100_000, records: 5_000, questions: 200 }
    }

    /// For seeing that it runs.
    pub(crate) fn smoke() -> Self {
        Self { entries: 500, records: 50, questions: 5 }
    }
}

/// Most that the answer may take at 10^6 entries, in milliseconds.
const WHO_SAW_MILLIS: f64 = 10.0;

/// Runs the benchmark in an installation of its own.
pub(crate) fn run(arguments: &Arguments, dir: &Path) -> Result<Vec<Check>, Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(arguments, &Ground::within(dir)?.installation))
}

async fn measure(arguments: &Arguments, installation: &Installation) -> Result<Vec<Check>, Failed> {
    let gateway = installation.start(&Launch::default())?;
    let submitter = installation.reach(&gateway).clients(ground::SUBMITTER, ground::PURPOSE).await?;
    let requests = records::requests(7, arguments.records, records::DESIGN_BYTES, "bench");
    let receipts = records::submit_all(&submitter, requests).await?;
    let records: Vec<String> = receipts.into_iter().map(|receipt| receipt.record_id).collect();
    gateway.stop()?;
    filling::consult(installation, &records, arguments.entries)?;
    let gateway = installation.start(&Launch::default())?;
    let clients = installation.reach(&gateway).clients("gb-nca/audit", "lawfulness").await?;
    let mut numbers = Numbers::from_seed(0x5a11);
    let (mut plain, mut shown, mut rows) = (Latency::new(), Latency::new(), Vec::new());
    let used = || (processor::seconds(), processor::seconds_of(gateway.id()));
    let before = used();
    for _ in 0..arguments.questions {
        for (latency, with_texts) in [(&mut plain, false), (&mut shown, true)] {
            let record = &records[numbers.below(records.len())];
            let begun = Instant::now();
            rows.push(ask(&clients, record, with_texts).await?);
            latency.add(begun.elapsed());
        }
    }
    let after = used();
    let each = |seconds: f64| seconds * 1e3 / (2 * arguments.questions.max(1)) as f64;
    let size = asked_size(&clients, &records[0]).await?;
    let took = gateway.took();
    gateway.stop()?;
    rows.sort_unstable();
    let rows = rows.get(rows.len() / 2).copied().unwrap_or(0);
    let mut checks = vec![
        Check::shown("who-saw: entries of the journal", size as f64, "entries"),
        Check::shown("who-saw: rows of an answer in the middle", rows as f64, "rows"),
        Check::shown("who-saw: start of the gateway", took.as_secs_f64() * 1e3, "ms"),
        Check::shown("who-saw: processor time of the gateway a question", each(after.1 - before.1), "ms"),
        Check::shown("who-saw: processor time of the client a question", each(after.0 - before.0), "ms"),
        Check::at_most("who-saw: the rows, p50", plain.millis(500), "ms", WHO_SAW_MILLIS),
        Check::shown("who-saw: the rows, p99", plain.millis(990), "ms"),
    ];
    checks.extend(shown.checks("who-saw: with texts and items,"));
    Ok(checks)
}

/// Asks who saw a record, to the end of the answer; gives how many rows it had.
async fn ask(clients: &Clients, record: &str, with_texts: bool) -> Result<usize, Failed> {
    let question = v1::QueryRequest {
        record_id: record.into(),
        with_openings: with_texts,
        with_items: with_texts,
        ..Default::default()
    };
    let mut answer = clients.audit().query(question).await?.into_inner();
    let (mut rows, mut ended) = (0, false);
    while let Some(part) = answer.message().await? {
        match part.part {
            Some(v1::query_response::Part::Row(_)) => rows += 1,
            Some(v1::query_response::Part::End(_)) => ended = true,
            _ => {}
        }
    }
    if ended && rows > 0 { Ok(rows) } else { Err("an answer without rows or end".into()) }
}

/// Of how many entries an answer speaks.
async fn asked_size(clients: &Clients, record: &str) -> Result<u64, Failed> {
    let question = v1::QueryRequest { record_id: record.into(), limit: 1, ..Default::default() };
    let mut answer = clients.audit().query(question).await?.into_inner();
    match answer.message().await?.and_then(|part| part.part) {
        Some(v1::query_response::Part::Begin(begin)) => Ok(begin.tree_size),
        _ => Err("an answer without its beginning".into()),
    }
}
