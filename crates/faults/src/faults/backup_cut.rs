//! The power cut on the machine that a backup is written to: what a run has said to be complete can be restored, whatever a later run
//! was cut off in, and the next run goes on from what is there.

mod runs;
mod subject;

use super::{Context, runtime};
use crate::Failed;
use crate::chance::Chance;
use crate::power::{Base, Forgets, Played, Recorder, Wanted, cut_off};
use crate::table::Row;
use runs::Runs;
use subject::{PLAYED, Restorable};

/// States of the short form.
const SHORT_STATES: usize = 16;

/// Records two runs of a backup and cuts them off again and again.
pub(crate) fn run(context: &Context) -> Result<Row, Failed> {
    let (runtime, runs) = (runtime()?, Runs::begin()?);
    let volume = runs.volume();
    let (base, recorder) = (Base::of(&volume, &PLAYED)?, Recorder::of(&volume)?);
    let entries = runtime.block_on(runs.record(&recorder, context.seed))?;
    let recording = recorder.read()?;
    let played = Played { recording: &recording, base: &base, kept: 0, real: &volume };
    let wanted = if context.short { Wanted::Sample(SHORT_STATES) } else { Wanted::All };
    let (mut chance, mut backup) = (Chance::of(context.seed), Restorable::new(runs, entries));
    let found = runtime.block_on(cut_off(&mut backup, &played, Forgets::Nothing, wanted, &mut chance))?;
    crate::complain_of(format_args!("power-cut-backup: {} states, {} kinds of points", found.states, found.kinds));
    Ok(found.row("power-cut-backup"))
}
