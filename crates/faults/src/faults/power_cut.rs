//! The power cut, at points of a seeded load in which everything happens that a gateway writes for.

mod again;
mod destroyed;
mod load;
mod subject;
#[cfg(test)]
mod tests;

use super::{Context, runtime};
use crate::Failed;
use crate::chance::Chance;
use crate::power::{Forgets, Found, Wanted, cut_off};
use crate::table::Row;
use again::cut_twice;
use load::Recorded;
use subject::Served;

/// States of the short form: every kind of point under two models, and by chance until there are so many.
const SHORT_STATES: usize = 110;

/// States on disks that do not make some of the syncs: in some of them, something must be lost.
const CONTROL_STATES: usize = 6;

/// Disks that are cut a second time, and cuts of each, in the short form and the long one.
const SHORT_AGAIN: (usize, usize) = (3, 12);
const LONG_AGAIN: (usize, usize) = (40, 60);

/// Records a load and cuts it off again and again.
pub(crate) fn run(context: &Context) -> Result<Row, Failed> {
    let runtime = runtime()?;
    let recorded = runtime.block_on(Recorded::make(context.seed))?;
    let wanted = if context.short { Wanted::Sample(SHORT_STATES) } else { Wanted::All };
    let found = runtime.block_on(cut(&recorded, Forgets::Nothing, wanted, context.seed))?;
    // What finds no loss where there must be one shows nothing.
    for (forgets, what) in [(Forgets::Fdatasync, "fdatasync"), (Forgets::Folders, "syncs of folders")] {
        let control = runtime.block_on(cut(&recorded, forgets, Wanted::Few(CONTROL_STATES), context.seed))?;
        if control.bad == 0 {
            return Err(format!("no loss is found where {what} are not made: this run shows nothing").into());
        }
        let (bad, states) = (control.bad, control.states);
        crate::complain_of(format_args!(
            "power-cut: without {what}, {bad} of {states} states are bad, as they must be"
        ));
    }
    crate::complain_of(format_args!("power-cut: {} states, {} kinds of points", found.states, found.kinds));
    Ok(found.row("power-cut"))
}

/// Cuts the power a second time, on what a first cut has left.
pub(crate) fn run_again(context: &Context) -> Result<Row, Failed> {
    let runtime = runtime()?;
    let recorded = runtime.block_on(Recorded::make(context.seed))?;
    let (disks, points) = if context.short { SHORT_AGAIN } else { LONG_AGAIN };
    let mut chance = Chance::of(context.seed);
    let found = runtime.block_on(cut_twice(&recorded, disks, Wanted::Few(points), &mut chance))?;
    Ok(found.row("power-cut-restart"))
}

/// Cuts a recorded load off, and starts a gateway on each disk.
async fn cut(recorded: &Recorded, forgets: Forgets, wanted: Wanted, seed: u64) -> Result<Found, Failed> {
    let mut gateway = Served::new(&recorded.installation, &recorded.kept);
    cut_off(&mut gateway, &recorded.played(), forgets, wanted, &mut Chance::of(seed)).await
}
