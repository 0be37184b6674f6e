//! Twenty times the load that the gateway has room for, by callers who do not wait when they are told to. Held: as much is accepted as at
//! its best (four fifths), what is accepted waits no longer than the queue is deep, memory is flat, and nothing acknowledged is lost.

use std::time::{Duration, Instant};

use causeway_gateway::client::Clients;

use super::{Context, runtime};
use crate::Failed;
use crate::load::{Ledger, everything};
use crate::pressure::{Submitter, Went, megabytes, memory, serves};
use crate::table::Row;
use causeway_rig::{Installation, Launch, Reach};

/// Calls in flight at which the gateway is at its best.
const BEST: usize = 64;

/// How many times as many the overload has.
const TIMES: usize = 20;

/// Calls of one connection.
const STREAMS: usize = 100;

/// The queue of this fault's gateway: as deep as the best load, so that what is over it is refused.
const QUEUE: usize = 64;

/// Of what is accepted at its best, in hundredths, what has to be accepted under overload.
const GOODPUT: usize = 80;

/// Memory that the gateway may take more than at its best, beside what records take.
const MOST_MORE: u64 = 128 << 20;

/// Measures the best, then the overload.
pub(crate) fn run(context: &Context) -> Result<Row, Failed> {
    let seconds: u64 = if context.short { 6 } else { 60 };
    let installation = Installation::new()?;
    installation.edit(|text| {
        text.replace("# queue_depth = 1024", &format!("queue_depth = {QUEUE}"))
            .replace("# calls = 1024", "calls = 4096")
            .replace("# calls = 512", "calls = 4096")
            .replace("# requests_per_second = 10000", "requests_per_second = 1000000")
    })?;
    let (ledger, runtime) = (Ledger::default(), runtime()?);
    let process = installation.start(&Launch::default())?;
    let reach = installation.reach(&process);
    let lasting = Duration::from_secs(seconds);
    let load = |name, callers| runtime.block_on(offer(&reach, context.seed, name, callers, lasting, &ledger));
    load("warm", BEST)?;
    let best = load("best", BEST)?;
    let before = memory(process.id())?;
    let over = load("over", BEST * TIMES)?;
    let after = memory(process.id())?;
    let goodput = over.took.len() * 100 / best.took.len().max(1);
    crate::complain_of(format_args!(
        "overload: {} accepted at best, {} under {TIMES}x ({goodput}%), {} put off; p99 {:?}, then {:?}; {} MiB, then {}",
        best.took.len(),
        over.took.len(),
        over.put_off,
        best.within(99),
        over.within(99),
        megabytes(before),
        megabytes(after)
    ));
    if !over.refused.is_empty() || after > before + MOST_MORE {
        return Err(format!("refused {:?}; memory {before}, then {after}", over.refused.first()).into());
    }
    // In a few seconds whatever else the machine does makes the difference.
    if goodput < GOODPUT && !context.short {
        return Err(format!("{goodput}% of the best was accepted under overload").into());
    }
    let recovered = runtime.block_on(serves(&reach, &ledger, context.seed))?;
    let recovered_ms = Some(u64::try_from(recovered.as_millis())?);
    let checked = runtime.block_on(everything(&reach, &ledger.all()))?;
    process.stop()?;
    Ok(Row {
        name: "overload",
        injected: over.put_off,
        acknowledged: checked.acknowledged,
        lost: checked.lost(),
        recovered_ms,
    })
}

/// So many callers at a time, each with one call in flight.
async fn offer(
    reach: &Reach,
    seed: u64,
    name: &str,
    callers: usize,
    lasting: Duration,
    ledger: &Ledger,
) -> Result<Went, Failed> {
    let mut tasks = Vec::new();
    let mut clients: Option<Clients> = None;
    for caller in 0..callers {
        if caller % STREAMS == 0 {
            clients = Some(reach.clients("gb-nca/case-management", "investigation").await?);
        }
        let clients = clients.clone().ok_or("a connection")?;
        let (ledger, name) = (ledger.clone(), format!("{name}-{caller}"));
        let until = Instant::now() + lasting;
        tasks.push(tokio::spawn(async move {
            let own = seed.wrapping_add(u64::try_from(caller).unwrap_or(0));
            Submitter { name: &name, seed: own, until, heeds: false }.run_on(&clients, &ledger).await
        }));
    }
    let mut went = Went::default();
    for task in tasks {
        went = went.and(task.await??);
    }
    Ok(went)
}
