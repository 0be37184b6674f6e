//! kill -9 in the middle of mixed load.

use std::time::Duration;

use super::{Context, runtime};
use crate::Failed;
use crate::load::{Amount, Ledger, Load, everything};
use crate::table::Row;
use causeway_rig::{Installation, Launch};

/// Kills between two looks at everything: in the short form after each.
const LOOK_EVERY: u64 = 20;

/// Kills a gateway again and again on the same data.
pub(crate) fn run(context: &Context) -> Result<Row, Failed> {
    let times = if context.short { 10 } else { 200 };
    let installation = Installation::new()?;
    let (ledger, runtime) = (Ledger::default(), runtime()?);
    let mut row = Row { name: "kill-9", injected: 0, acknowledged: 0, lost: 0, recovered_ms: Some(0) };
    let mut process = installation.start(&Launch::default())?;
    for round in 0..times {
        let reach = installation.reach(&process);
        let amount = Amount { seed: context.seed, round, streamed: 2_000, single: 200, turns: 100 };
        runtime.block_on(async {
            let load = Load::begin(&reach, amount, &ledger);
            tokio::time::sleep(Duration::from_millis(200 + round * 37 % 400)).await;
            process.kill()?;
            load.ended().await
        })?;
        process = installation.start(&Launch::default())?;
        let took = u64::try_from(process.took().as_millis())?;
        row.recovered_ms = row.recovered_ms.max(Some(took));
        row.injected += 1;
        // What is lost stays lost, so that a later look finds it; a look at all of a long log takes much longer than a kill.
        if !row.injected.is_multiple_of(LOOK_EVERY.min(times / 10)) {
            continue;
        }
        let checked = runtime.block_on(everything(&installation.reach(&process), &ledger.all()))?;
        crate::complain_of(format_args!("kill-9: {} of {times}, {} looked for", row.injected, checked.acknowledged));
        row.acknowledged += checked.acknowledged;
        row.lost += checked.lost();
        checked.lost.iter().take(10).for_each(crate::complain_of);
    }
    process.stop()?;
    Ok(row)
}
