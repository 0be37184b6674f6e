//! Making the disks that cuts leave, and starting the gateway on each.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_gateway::{Config, launch};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::destroyed::Destroyed;
use super::load::Recorded;
use crate::Failed;
use crate::chance::Chance;
use crate::gateway::{Reach, copy};
use crate::load::{Checked, Kept, everything};
use crate::power::{Disk, Event, Forgets, Point, Wanted, choose};

/// What is played: everything that a gateway writes.
const PLAYED: [&str; 2] = ["data", "mirror"];

/// How long a gateway may take to start and to be looked at.
const PATIENCE: Duration = Duration::from_secs(120);

/// States that are looked at at once.
const AT_ONCE: usize = 3;

/// Where the states are made, if it is there: in memory, since nothing depends on the real disk.
const MEMORY: &str = "/dev/shm";

/// What came of all states.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) states: u64,
    /// Kinds of points, counted over the whole recording.
    pub(crate) kinds: u64,
    pub(crate) acknowledged: u64,
    pub(crate) lost: u64,
    /// States in which something was lost, or which the gateway did not start on.
    pub(crate) bad: u64,
    pub(crate) unopened: u64,
    pub(crate) slowest_ms: u64,
    /// What was wrong, in words.
    pub(crate) wrong: Vec<String>,
}

impl Found {
    /// Takes what came of one state.
    fn take(&mut self, (state, outcome): (State, Result<(Checked, Duration), Failed>)) -> Result<(), Failed> {
        self.states += 1;
        let place = format!("{} ({:?})", state.place, state.point.survival);
        match outcome {
            Ok((mut checked, took)) => {
                checked.lost.extend(state.returned);
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

/// Cuts the recorded load off at the points that are wanted, and looks at each state.
pub(crate) async fn try_all(recorded: &Recorded, forgets: Forgets, wanted: Wanted, seed: u64) -> Result<Found, Failed> {
    let events = recorded.recording.events()?;
    let mut chance = Chance::of(seed);
    let chosen = choose(&events, wanted, &mut chance);
    let mut found = Found { kinds: chosen.kinds, ..Found::default() };
    let mut disk = Disk::empty(&recorded.recording, forgets)?;
    let mut points = chosen.points.into_iter().peekable();
    let (mut kept, mut destroyed, mut looking) = (0, Destroyed::default(), JoinSet::new());
    for (event, after) in events.iter().zip(1..) {
        disk.play(event)?;
        if let Event::Kept { number } = event {
            kept = *number;
            if matches!(recorded.kept.get(kept - 1), Some(Kept::Erased { .. })) {
                destroyed = Destroyed::now(&disk);
            }
        }
        while let Some((point, place)) = points.next_if(|(point, _)| point.after == after) {
            let folder = make(&disk, recorded, point, &mut chance)?;
            let returned = destroyed.returned(folder.path());
            let all = Arc::clone(&recorded.kept);
            let state = State { folder, point, place, all, kept, returned };
            looking.spawn(state.look());
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
    disk.is_whole(&recorded.installation.path(""), &PLAYED)?;
    Ok(found)
}

/// The installation as a cut leaves it.
fn make(disk: &Disk<'_>, recorded: &Recorded, point: Point, chance: &mut Chance) -> Result<TempDir, Failed> {
    let memory = Some(Path::new(MEMORY)).filter(|memory| memory.is_dir());
    let parent = memory.map_or_else(std::env::temp_dir, Path::to_owned);
    let folder = tempfile::Builder::new().prefix("causeway-cut-").tempdir_in(parent)?;
    copy(&recorded.installation.path("config"), &folder.path().join("config"))?;
    symlink(recorded.installation.path("certs-dev"), folder.path().join("certs-dev"))?;
    disk.cut(point.survival, chance, folder.path())?;
    Ok(folder)
}

/// What one cut has left.
struct State {
    folder: TempDir,
    point: Point,
    /// What had just happened, in words.
    place: String,
    all: Arc<Vec<Kept>>,
    /// So many of all had been acknowledged.
    kept: usize,
    returned: Option<String>,
}

impl State {
    async fn look(self) -> (Self, Result<(Checked, Duration), Failed>) {
        let looked = match tokio::time::timeout(PATIENCE, self.served()).await {
            Ok(looked) => looked,
            Err(_elapsed) => Err("it takes too long".into()),
        };
        (self, looked)
    }

    /// Starts the gateway there, in this process, and looks for all that was acknowledged. Gives how long the start took too.
    async fn served(&self) -> Result<(Checked, Duration), Failed> {
        let begun = Instant::now();
        let config =
            Config::load(&self.folder.path().join("config/gateway.toml")).map_err(|faults| faults.join("; "))?;
        let gateway = launch(config).await?;
        let took = begun.elapsed();
        let reach = Reach::new(gateway.address(), &self.folder.path().join("certs-dev"));
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(gateway.serve(async move {
            let _ = stopped.await;
        }));
        let checked = everything(&reach, &self.all[..self.kept]).await;
        let _ = stop.send(());
        served.await??;
        Ok((checked?, took))
    }
}

fn in_words(error: &(dyn std::error::Error + 'static)) -> String {
    let (mut words, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}
