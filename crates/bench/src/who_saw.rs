//! `who-saw`: asking a gateway over mutual TLS who saw a record, in a journal of many entries.

mod filling;
mod installation;

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use causeway_gateway::client::Clients;
use causeway_proto::v1;
use serde_json::json;

use crate::numbers::Numbers;
use crate::sample::Sample;
use crate::{disk, processor};
use installation::Installation;

type Failed = Box<dyn Error>;

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
    /// Print one JSON object instead of lines.
    #[arg(long)]
    json: bool,
    /// Where the installation is made. The system's folder for temporary files otherwise; it goes in any case.
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// Runs the benchmark and prints what came of it.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failed> {
    let parent = arguments.dir.clone().unwrap_or_else(std::env::temp_dir);
    std::fs::create_dir_all(&parent)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(arguments, &Installation::within(&parent)?))
}

async fn measure(arguments: &Arguments, installation: &Installation) -> Result<(), Failed> {
    let gateway = installation.start().await?;
    let records =
        filling::submit(&installation.clients(&gateway, filling::SUBMITTER).await?, arguments.records).await?;
    gateway.stop().await?;
    filling::consult(installation, &records, arguments.entries)?;
    let begun = Instant::now();
    let gateway = installation.start().await?;
    let start = begun.elapsed();
    let sync = disk::sync_pace(&installation.path("data"), 200)?.at(500);
    let clients = installation.clients(&gateway, "gb-nca/audit").await?;
    let mut numbers = Numbers::from_seed(0x5a11);
    let (mut plain, mut shown, mut rows) = (Sample::default(), Sample::default(), Vec::new());
    let before = processor::seconds();
    for _ in 0..arguments.questions {
        for (sample, with_texts) in [(&mut plain, false), (&mut shown, true)] {
            let record = &records[numbers.below(records.len())];
            let begun = Instant::now();
            rows.push(ask(&clients, record, with_texts).await?);
            sample.add(begun.elapsed());
        }
    }
    let used = (processor::seconds() - before) / (2 * arguments.questions.max(1)) as f64;
    let size = asked_size(&clients, &records[0]).await?;
    gateway.stop().await?;
    rows.sort_unstable();
    let rows = rows.get(rows.len() / 2).copied().unwrap_or(0);
    print(arguments.json, &Found { size, rows, plain, shown, sync, start, used })
}

/// What was measured.
struct Found {
    size: u64,
    /// Rows of an answer in the middle.
    rows: usize,
    /// Answers without, and with, the texts that entries commit to and the items of pages, as the command line asks for.
    plain: Sample,
    shown: Sample,
    sync: Duration,
    start: Duration,
    /// Processor time of a question, client and gateway together, in seconds.
    used: f64,
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

fn print(as_json: bool, found: &Found) -> Result<(), Failed> {
    let mut out = std::io::stdout().lock();
    let Found { size, rows, plain, shown, sync, start, used } = found;
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    let of = |sample: &Sample| [500, 990, 1_000].map(|thousandths| ms(sample.at(thousandths)));
    if as_json {
        let found = json!({
            "entries": size,
            "rows": rows,
            "questions": plain.len(),
            "who_saw_millis_p50_p99_max": of(plain),
            "with_texts_millis_p50_p99_max": of(shown),
            "fdatasync_millis": ms(*sync),
            "start_millis": ms(*start),
            "processor_millis_a_question": used * 1e3,
        });
        writeln!(out, "{found}")?;
        return Ok(());
    }
    writeln!(
        out,
        "who saw a record, in a journal of {size} entries: {rows} rows in the middle, {} questions",
        plain.len()
    )?;
    for (sample, what) in [(plain, "the rows"), (shown, "with texts and items")] {
        let [middle, most, all] = of(sample);
        writeln!(out, "{what:<22} p50 {middle:.2} ms, p99 {most:.2} ms, max {all:.2} ms")?;
    }
    writeln!(out, "processor time of a question, client and gateway together: {:.2} ms", used * 1e3)?;
    writeln!(out, "fdatasync {:.2} ms (median); start of the gateway {:.0} ms", ms(*sync), ms(*start))?;
    Ok(())
}
