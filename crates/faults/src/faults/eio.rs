//! EIO at the points of a mixed load at which something is written, and at those of a start. Held: a gateway whose journal has stopped
//! lives, says that it is not ready and takes nothing; once the disk works, it opens the journal again by itself, with all that it has
//! acknowledged; a start that fails leaves nothing behind that keeps the next one from it.

use std::time::{Duration, Instant};

use super::{Context, runtime};
use crate::Failed;
use crate::chance::Chance;
use crate::failing::Errno;
use crate::load::{Amount, Ledger, Load};
use crate::stand::{Stand, refusal_of_a_submission};
use crate::table::Row;
use causeway_rig::Process;

/// The fault's name.
const NAME: &str = "eio";

/// For good, until somebody heals it.
const FOR_GOOD: u64 = u64::MAX;

/// Gateways of the long form, each on data of its own, which a look at everything can go through in seconds; errors under the load
/// of each, and at its starts.
const LONG: (u64, u64, u64) = (20, 20, 3);

/// A start writes less than this often.
const POINTS_OF_A_START: u64 = 60;

/// Fails a gateway's writes again and again on the same data.
pub(crate) fn run(context: &Context) -> Result<Row, Failed> {
    let (gateways, under_load, at_start) = if context.short { (1, 12, 6) } else { LONG };
    let mut row = empty();
    for gateway in 0..gateways {
        let own = Context { seed: context.seed.wrapping_add(gateway), short: context.short };
        rounds(&own, under_load, at_start, &mut row)?;
        if gateways > 1 {
            crate::complain_of(format_args!("{NAME}: {} of {gateways} gateways", gateway + 1));
        }
    }
    Ok(row)
}

fn empty() -> Row {
    Row { name: NAME, injected: 0, acknowledged: 0, lost: 0, recovered_ms: Some(0) }
}

fn rounds(context: &Context, under_load: u64, at_start: u64, row: &mut Row) -> Result<(), Failed> {
    let (stand, ledger, runtime) = (Stand::new()?, Ledger::default(), runtime()?);
    let mut process = stand.start()?;
    let before = stand.failing.points()?;
    runtime.block_on(load(&stand, &process, context, 0, &ledger))?;
    let calm = stand.failing.points()? - before;
    let mut chance = Chance::of(context.seed);
    for round in 1..=under_load {
        // One in each of so many equal stretches of the load, so that all of it is covered.
        let (first, width) = (calm * (round - 1) / under_load, (calm / under_load).max(1));
        let after = first + chance.next() % width;
        runtime.block_on(under(&stand, &mut process, context, (round, after), (&ledger, row)))?;
    }
    for round in 1..=at_start {
        process.kill()?;
        let error = if round % 2 == 0 { Errno::Io } else { Errno::NoSpace };
        stand.failing.fail(chance.next() % POINTS_OF_A_START, FOR_GOOD, error)?;
        // It may come through, where what fails is not needed.
        drop(stand.installation.start(&stand.failing.launch()));
        stand.failing.heal()?;
        process = stand.start()?;
        let took = process.took();
        runtime.block_on(stand.check(&process, &ledger, took, row))?;
    }
    process.stop()?;
    Ok(())
}

async fn load(stand: &Stand, process: &Process, context: &Context, round: u64, ledger: &Ledger) -> Result<(), Failed> {
    let amount = Amount { seed: context.seed, round, streamed: 80, single: 8, turns: 4 };
    Load::begin(&stand.reach(process), amount, ledger).ended().await
}

/// One round under load: of every two, one in which a single write fails.
async fn under(
    stand: &Stand,
    process: &mut Process,
    context: &Context,
    (round, after): (u64, u64),
    (ledger, row): (&Ledger, &mut Row),
) -> Result<(), Failed> {
    let count = if round % 2 == 0 { 1 } else { FOR_GOOD };
    let first = stand.failing.fail(after, count, Errno::Io)?;
    load(stand, process, context, round, ledger).await?;
    let met = stand.failing.points()? >= first;
    if met && count == FOR_GOOD {
        closed(stand, process, round).await?;
    }
    stand.failing.heal()?;
    let took = recovered(stand, process)?;
    if met {
        stand.check(process, ledger, took, row).await?;
    }
    Ok(())
}

/// Waits until it is ready. Where it has given up a disk that did not answer, it is started again, as its unit does.
fn recovered(stand: &Stand, process: &mut Process) -> Result<Duration, Failed> {
    let begun = Instant::now();
    let ready = stand.until_ready();
    if process.ended()?.is_none() {
        return ready;
    }
    if !process.said().contains("has not answered for too long") {
        return Err(format!("the gateway ended by itself:\n{}", process.said()).into());
    }
    crate::complain_of(format_args!("{NAME}: the gateway gave its disk up, and is started again"));
    *process = stand.start()?;
    Ok(begun.elapsed())
}

/// The gateway lives, says that it is not ready, and takes nothing.
async fn closed(stand: &Stand, process: &Process, round: u64) -> Result<(), Failed> {
    // What comes next to be written meets the error, where nothing has yet.
    let told = refusal_of_a_submission(&stand.reach(process), &format!("closed-{round}")).await;
    stand.until_not_ready()?;
    tokio::time::sleep(Duration::from_millis(10)).await;
    match told.as_deref() {
        Some("journal-unavailable") => Ok(()),
        told => Err(format!("a submission to a gateway without a disk was told {told:?}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_whose_disk_fails_under_load_and_at_a_start_loses_nothing_and_opens_its_journal_again() {
        let mut row = empty();
        rounds(&Context { short: true, seed: 5 }, 2, 1, &mut row).expect("it can be run");
        assert!(row.injected >= 2, "{row:?}");
        assert!(row.acknowledged > 50, "{row:?}");
        assert_eq!(row.lost, 0);
    }
}
