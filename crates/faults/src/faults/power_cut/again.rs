//! A second cut: while a gateway starts, works on and stops again on what a first cut has left.

use std::sync::Arc;

use super::load::Recorded;
use super::subject::{PLAYED, Served};
use crate::Failed;
use crate::chance::Chance;
use crate::load::{Amount, Ledger, Load};
use crate::power::{
    Base, Disk, Event, Forgets, Found, Played, Point, Recorder, Subject, Wanted, choose, cut_off, left,
};
use causeway_rig::Installation;

/// Cuts again on so many disks, at so many points of each.
pub(super) async fn cut_twice(
    recorded: &Recorded,
    disks: usize,
    points: Wanted,
    chance: &mut Chance,
) -> Result<Found, Failed> {
    let events = recorded.recording.events()?;
    let mut disk = Disk::over(&recorded.base, Forgets::Nothing);
    let chosen = choose(&events, &recorded.base, Wanted::Few(disks), chance);
    let mut firsts = chosen.points.into_iter().map(|(point, _)| point).peekable();
    let (mut kept, mut found) = (0, Found::default());
    for (event, after) in events.iter().zip(1..) {
        disk.play(event)?;
        if let Event::Kept { number } = event {
            kept = *number;
        }
        while let Some(first) = firsts.next_if(|point| point.after == after) {
            found.add(second(recorded, (&disk, first), kept, points, chance).await?);
        }
    }
    Ok(found)
}

async fn second(
    recorded: &Recorded,
    (disk, first): (&Disk<'_>, Point),
    kept: usize,
    points: Wanted,
    chance: &mut Chance,
) -> Result<Found, Failed> {
    let folder = left(disk, first, chance)?;
    Served::new(&recorded.installation, &recorded.kept).complete(folder.path())?;
    let (base, recorder) = (Base::of(folder.path(), &PLAYED)?, Recorder::of(folder.path())?);
    let ledger = Ledger::holding(recorded.kept[..kept].to_vec());
    ledger.mark_in(recorder.marks()?);
    let installation = Installation::over(folder);
    recorder.phase("start")?;
    let process = installation.start(&recorder.launch())?;
    recorder.phase("load")?;
    let round = 100 + u64::try_from(first.after)?;
    let amount = Amount { seed: chance.next(), round, streamed: 6, single: 3, turns: 3 };
    Load::begin(&installation.reach(&process), amount, &ledger).ended().await?;
    recorder.phase("stop")?;
    process.stop()?;
    let (recording, all) = (recorder.read()?, Arc::new(ledger.all()));
    let played = Played { recording: &recording, base: &base, kept, real: &installation.path("") };
    cut_off(&mut Served::new(&installation, &all), &played, Forgets::Nothing, points, chance).await
}
