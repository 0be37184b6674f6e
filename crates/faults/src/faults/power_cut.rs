//! The power cut, at points of a seeded load in which everything happens that a gateway writes for.

mod destroyed;
mod load;
mod states;
#[cfg(test)]
mod tests;

use super::{Context, runtime};
use crate::Failed;
use crate::power::{Forgets, Wanted};
use crate::table::Row;
use load::Recorded;
use states::Found;

/// The fault's name.
const NAME: &str = "power-cut";

/// States of the short form, beside which every kind of point is cut at.
const SHORT_STATES: usize = 110;

/// States on a disk that does not make the log durable: in some of them, something must be lost.
const CONTROL_STATES: usize = 8;

/// Records a load and cuts it off again and again.
pub(crate) fn run(context: &Context) -> Result<Row, Failed> {
    let runtime = runtime()?;
    let recorded = runtime.block_on(Recorded::make(context.seed))?;
    let wanted = if context.short { Wanted::Sample(SHORT_STATES) } else { Wanted::All };
    let found = runtime.block_on(states::try_all(&recorded, Forgets::Nothing, wanted, context.seed))?;
    found.wrong.iter().take(40).for_each(crate::complain_of);
    // What finds no loss where there must be one shows nothing.
    let control = states::try_all(&recorded, Forgets::Fdatasync, Wanted::Few(CONTROL_STATES), context.seed);
    let control = runtime.block_on(control)?;
    if control.bad == 0 {
        return Err("no loss is found where fdatasync is not made: this run shows nothing".into());
    }
    crate::complain_of(format_args!(
        "{NAME}: {} states of {} kinds of points; without fdatasync, {} of {} are bad, as they must be",
        found.states, found.kinds, control.bad, control.states
    ));
    Ok(row(&found))
}

fn row(found: &Found) -> Row {
    let recovered_ms = (found.unopened == 0).then_some(found.slowest_ms);
    Row { name: NAME, injected: found.states, acknowledged: found.acknowledged, lost: found.lost, recovered_ms }
}
