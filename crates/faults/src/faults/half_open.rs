//! Connections that are opened and say nothing. Held: they are let go again, memory stays where it was, and whoever has a certificate is
//! served all the while.

use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpStream;

use super::{Context, runtime};
use crate::Failed;
use crate::load::{Ledger, everything};
use crate::pressure::{Submitter, megabytes, memory};
use crate::table::Row;
use causeway_rig::{Installation, Launch};

/// Memory that a gateway may take more than before, whatever is opened.
const MOST_MORE: u64 = 96 << 20;

/// Descriptors that this program needs besides.
const OTHERS: u64 = 500;

/// Opens them, and submits meanwhile and after.
pub(crate) fn run(context: &Context) -> Result<Row, Failed> {
    let wanted: u64 = if context.short { 2_000 } else { 10_000 };
    let count = descriptors(wanted + OTHERS)?.saturating_sub(OTHERS).min(wanted);
    let installation = Installation::new()?;
    let (ledger, runtime) = (Ledger::default(), runtime()?);
    let process = installation.start(&Launch::default())?;
    let reach = installation.reach(&process);
    let submitter = |name: &'static str, seconds: u64| Submitter {
        name,
        seed: context.seed,
        until: Instant::now() + Duration::from_secs(seconds),
        heeds: true,
    };
    runtime.block_on(submitter("before", 1).run(&reach, &ledger))?;
    let before = memory(process.id())?;
    let (recovered, went) = runtime.block_on(async {
        let mut half_open = Vec::new();
        for _ in 0..count {
            half_open.push(TcpStream::connect(process.address()).await?);
        }
        let began = Instant::now();
        let first = submitter("first", 0);
        // A connection of its own, among all that say nothing.
        let connected = reach.clients("gb-nca/case-management", "investigation").await?;
        let recovered = began.elapsed();
        first.run_on(&connected, &ledger).await?;
        let went = submitter("beside", 3).run(&reach, &ledger).await?;
        drop(half_open);
        Ok::<_, Failed>((recovered, went))
    })?;
    let after = memory(process.id())?;
    crate::complain_of(format_args!(
        "half-open: {count} connections, {} submissions beside them; {} MiB before, {} after",
        went.took.len(),
        megabytes(before),
        megabytes(after)
    ));
    went.held(before, after, MOST_MORE)?;
    let checked = runtime.block_on(everything(&reach, &ledger.all()))?;
    process.stop()?;
    let recovered_ms = Some(u64::try_from(recovered.as_millis())?);
    Ok(Row {
        name: "half-open",
        injected: count,
        acknowledged: checked.acknowledged,
        lost: checked.lost(),
        recovered_ms,
    })
}

/// Lets this program and what it starts have so many descriptors, where it may; how many it may have.
fn descriptors(wanted: u64) -> Result<u64, Failed> {
    let limit = getrlimit(Resource::Nofile);
    let allowed = limit.maximum.unwrap_or(u64::MAX).min(wanted.max(limit.current.unwrap_or(0)));
    setrlimit(Resource::Nofile, Rlimit { current: Some(allowed), maximum: limit.maximum })?;
    Ok(allowed)
}
