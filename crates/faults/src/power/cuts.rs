//! Making the disks that cuts leave, one after the other, and having each looked at.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::Failed;
use crate::chance::Chance;
use crate::load::Checked;
use crate::table::Row;

use super::{Base, Disk, Event, Forgets, Point, Recording, Wanted, choose};

/// How long whatever runs on a disk may take to start and to be looked at.
const PATIENCE: Duration = Duration::from_secs(120);

/// States that are looked at at once.
const AT_ONCE: usize = 3;

/// After so many states it is said how many there were: all of them take hours.
const SAID_EVERY: u64 = 500;

/// Where the states are made, if it is there: in memory, since nothing depends on the real disk.
const MEMORY: &str = "/dev/shm";

/// A look at what a cut has left: what was found, and how long it took until whatever runs there served again.
pub(crate) type Looking = Pin<Box<dyn Future<Output = Result<(Checked, Duration), Failed>> + Send>>;

/// What runs on the disks.
pub(crate) trait Subject {
    /// This has just happened, and the disk is as it has left it.
    fn played(&mut self, _event: &Event<'_>, _disk: &Disk<'_>) {}

    /// Puts beside what a cut has left what does not change; gives what is lost already, in words.
    fn complete(&self, folder: &Path) -> Result<Vec<String>, Failed>;

    /// Starts it there, and looks for the first so many things that were acknowledged.
    fn look(&self, folder: PathBuf, kept: usize) -> Looking;
}

/// A recorded load.
#[derive(Debug)]
pub(crate) struct Played<'a> {
    pub(crate) recording: &'a Recording,
    /// What was there before, durably.
    pub(crate) base: &'a Base,
    /// How much had been acknowledged before.
    pub(crate) kept: usize,
    /// Where the real files are, to hold the last state of the disk against.
    pub(crate) real: &'a Path,
}

/// What came of all states.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) states: u64,
    /// Kinds of points, counted over the whole recording.
    pub(crate) kinds: u64,
    pub(crate) acknowledged: u64,
    pub(crate) lost: u64,
    /// States in which something was lost, or on which nothing started.
    pub(crate) bad: u64,
    pub(crate) unopened: u64,
    pub(crate) slowest_ms: u64,
    /// What was wrong, in words.
    pub(crate) wrong: Vec<String>,
}

impl Found {
    /// As a row of the table; what was wrong is said beside it.
    pub(crate) fn row(&self, name: &'static str) -> Row {
        self.wrong.iter().take(40).for_each(|wrong| crate::complain_of(format_args!("{name}: {wrong}")));
        let recovered_ms = (self.unopened == 0).then_some(self.slowest_ms);
        Row { name, injected: self.states, acknowledged: self.acknowledged, lost: self.lost, recovered_ms }
    }

    /// Takes what came of others.
    pub(crate) fn add(&mut self, other: Self) {
        self.states += other.states;
        self.kinds = self.kinds.max(other.kinds);
        self.acknowledged += other.acknowledged;
        self.lost += other.lost;
        self.bad += other.bad;
        self.unopened += other.unopened;
        self.slowest_ms = self.slowest_ms.max(other.slowest_ms);
        self.wrong.extend(other.wrong);
    }

    fn take(&mut self, Looked { place, lost, outcome }: Looked) -> Result<(), Failed> {
        self.states += 1;
        if self.states.is_multiple_of(SAID_EVERY) {
            crate::complain_of(format_args!("{} states, {} of them bad; now {place}", self.states, self.bad));
        }
        match outcome {
            Ok((mut checked, took)) => {
                checked.lost.extend(lost);
                self.slowest_ms = self.slowest_ms.max(u64::try_from(took.as_millis())?);
                self.acknowledged += checked.acknowledged;
                self.lost += checked.lost();
                self.bad += u64::from(checked.lost() > 0);
                self.wrong.extend(checked.lost.iter().take(5).map(|lost| format!("{place}: {lost}")));
            }
            Err(error) => {
                self.bad += 1;
                self.unopened += 1;
                self.wrong.push(format!("{place}: {}", in_words(error.as_ref())));
            }
        }
        Ok(())
    }
}

/// Cuts a load off at the points that are wanted, and has each state looked at.
///
/// # Errors
/// Where the recording has missed something, or a state cannot be made. What is wrong with a state is in what is given back.
pub(crate) async fn cut_off(
    subject: &mut impl Subject,
    played: &Played<'_>,
    forgets: Forgets,
    wanted: Wanted,
    chance: &mut Chance,
) -> Result<Found, Failed> {
    let events = played.recording.events()?;
    let chosen = choose(&events, played.base, wanted, chance);
    let mut found = Found { kinds: chosen.kinds, ..Found::default() };
    if chosen.points.len() as u64 > SAID_EVERY {
        crate::complain_of(format_args!("cutting at {} points", chosen.points.len()));
    }
    let mut disk = Disk::over(played.base, forgets);
    let mut points = chosen.points.into_iter().peekable();
    let (mut kept, mut looking) = (played.kept, JoinSet::new());
    for (event, after) in events.iter().zip(1..) {
        disk.play(event)?;
        if let Event::Kept { number } = event {
            kept = *number;
        }
        subject.played(event, &disk);
        while let Some((point, place)) = points.next_if(|(point, _)| point.after == after) {
            let folder = left(&disk, point, chance)?;
            let lost = subject.complete(folder.path())?;
            let look = subject.look(folder.path().to_owned(), kept);
            looking.spawn(looked(folder, format!("{place} ({:?})", point.survival), lost, look));
            while looking.len() >= AT_ONCE
                && let Some(looked) = looking.join_next().await
            {
                found.take(looked?)?;
            }
        }
    }
    while let Some(looked) = looking.join_next().await {
        found.take(looked?)?;
    }
    disk.is_whole(played.real)?;
    Ok(found)
}

/// A folder with what a cut leaves.
pub(crate) fn left(disk: &Disk<'_>, point: Point, chance: &mut Chance) -> Result<TempDir, Failed> {
    let memory = Some(Path::new(MEMORY)).filter(|memory| memory.is_dir());
    let parent = memory.map_or_else(std::env::temp_dir, Path::to_owned);
    let folder = tempfile::Builder::new().prefix("causeway-cut-").tempdir_in(parent)?;
    disk.cut(point.survival, chance, folder.path())?;
    Ok(folder)
}

struct Looked {
    place: String,
    lost: Vec<String>,
    outcome: Result<(Checked, Duration), Failed>,
}

/// The folder goes when the look is over.
async fn looked(folder: TempDir, place: String, lost: Vec<String>, look: Looking) -> Looked {
    let outcome = match tokio::time::timeout(PATIENCE, look).await {
        Ok(outcome) => outcome,
        Err(_elapsed) => Err("it takes too long".into()),
    };
    drop(folder);
    Looked { place, lost, outcome }
}

fn in_words(error: &(dyn std::error::Error + 'static)) -> String {
    let (mut words, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}
