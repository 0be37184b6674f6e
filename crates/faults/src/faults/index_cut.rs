//! The power cut on a journal alone, whose index is of small blocks: they are made and merged all the time, while bodies are erased and
//! keys rotated. A cut may cost a block, which is made anew; no search may answer otherwise for it.

mod child;
mod kept;
mod subject;

use std::process::{Command, Stdio};
use std::sync::Arc;

use super::{Context, runtime};
use crate::Failed;
use crate::chance::Chance;
use crate::power::{Base, Forgets, Played, Recorder, Wanted, cut_off};
use crate::table::Row;
pub(crate) use child::journal;
use kept::Kept;
use subject::{PLAYED, Searched};

/// States of the short form.
const SHORT_STATES: usize = 60;

/// Records a journal and cuts it off again and again.
pub(crate) fn run(context: &Context) -> Result<Row, Failed> {
    let (folder, kept) = (tempfile::tempdir()?, tempfile::NamedTempFile::new()?);
    let (base, recorder) = (Base::of(folder.path(), &PLAYED)?, Recorder::of(folder.path())?);
    let status = Command::new(std::env::current_exe()?)
        .arg("journal")
        .args([folder.path(), kept.path(), &recorder.file()])
        .envs(recorder.launch().environment)
        .stdin(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(format!("the journal ended with {status}").into());
    }
    let (recording, all) = (recorder.read()?, Arc::new(Kept::read(kept.path())?));
    let played = Played { recording: &recording, base: &base, kept: 0, real: folder.path() };
    let wanted = if context.short { Wanted::Sample(SHORT_STATES) } else { Wanted::All };
    let (mut chance, mut journal) = (Chance::of(context.seed), Searched(all));
    let found = cut_off(&mut journal, &played, Forgets::Nothing, wanted, &mut chance);
    let found = runtime()?.block_on(found)?;
    crate::complain_of(format_args!("power-cut-index: {} states, {} kinds of points", found.states, found.kinds));
    Ok(found.row("power-cut-index"))
}
