//! A clock that jumps under load: some seconds and some minutes back, and a year forward. Held: a little behind is no fault; otherwise the
//! gateway says that it is not ready and takes nothing while its clock is wrong, goes on when it is right, and nothing acknowledged is
//! lost or was taken back by a date that was none.

use std::time::Duration;

use super::{Context, runtime};
use crate::Failed;
use crate::load::{Amount, Ledger, Load};
use crate::stand::{Stand, refusal_of_a_submission};
use crate::table::Row;

/// The fault's name.
const NAME: &str = "clock";

/// Jumps, in seconds, and whether the gateway is to go on under them.
const JUMPS: [(i64, bool); 4] = [(-2, true), (-600, false), (31_536_000, false), (-86_400, false)];

/// Puts the clock wrong and right again.
pub(crate) fn run(context: &Context) -> Result<Row, Failed> {
    let rounds = if context.short { 1 } else { 10 };
    let (stand, ledger, runtime) = (Stand::new()?, Ledger::default(), runtime()?);
    let mut row = Row { name: NAME, injected: 0, acknowledged: 0, lost: 0, recovered_ms: Some(0) };
    let process = stand.start()?;
    for (round, (jump, goes_on)) in (0..rounds).flat_map(|_| JUMPS).enumerate() {
        let round = u64::try_from(round)?;
        runtime.block_on(async {
            let reach = stand.reach(&process);
            let amount = Amount { seed: context.seed, round, streamed: 300, single: 20, turns: 8 };
            let load = Load::begin(&reach, amount, &ledger);
            tokio::time::sleep(Duration::from_millis(100)).await;
            stand.failing.shift_clock(jump)?;
            if goes_on {
                let told = refusal_of_a_submission(&reach, &format!("behind-{round}")).await;
                if told.is_some() || !stand.is_ready() {
                    return Err(format!("{jump} seconds stopped the gateway: {told:?}").into());
                }
            } else {
                stand.until_not_ready()?;
                // Where certificates are over by that clock, nobody is answered at all.
                let told = refusal_of_a_submission(&reach, &format!("wrong-{round}")).await;
                if told.as_deref().is_some_and(|told| told != "journal-unavailable" && told != "identity-lapsed") {
                    return Err(format!("under a clock {jump} seconds off a submission was told {told:?}").into());
                }
            }
            stand.failing.shift_clock(0)?;
            let took = stand.until_ready()?;
            load.ended().await?;
            stand.check(&process, &ledger, took, &mut row).await
        })?;
    }
    process.stop()?;
    Ok(row)
}
