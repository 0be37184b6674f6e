//! The power cut on a witness: whatever it has cosigned it must still hold, or it would sign a second history.

mod party;
mod subject;

use super::{Context, runtime};
use crate::Failed;
use crate::chance::Chance;
use crate::power::{Base, Forgets, Played, Recorder, Wanted, cut_off};
use crate::table::Row;
use party::Party;
use subject::{PLAYED, Remembering};

/// States of the short form.
const SHORT_STATES: usize = 60;

/// Records a witness that cosigns a log as it grows, and cuts it off again and again.
pub(crate) fn run(context: &Context) -> Result<Row, Failed> {
    let runtime = runtime()?;
    let party = Party::new()?;
    let (base, recorder) = (Base::of(party.root(), &PLAYED)?, Recorder::of(party.root())?);
    let cosigned = runtime.block_on(party.record(&recorder))?;
    let recording = recorder.read()?;
    let played = Played { recording: &recording, base: &base, kept: 0, real: party.root() };
    let wanted = if context.short { Wanted::Sample(SHORT_STATES) } else { Wanted::All };
    let (mut chance, mut witness) = (Chance::of(context.seed), Remembering::new(party.root(), cosigned));
    let found = runtime.block_on(cut_off(&mut witness, &played, Forgets::Nothing, wanted, &mut chance))?;
    crate::complain_of(format_args!("power-cut-witness: {} states, {} kinds of points", found.states, found.kinds));
    Ok(found.row("power-cut-witness"))
}
