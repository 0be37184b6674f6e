//! The backup on the disks that cuts leave.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::runs::Runs;
use crate::Failed;
use crate::load::Checked;
use crate::power::{Looking, Subject};
use causeway_rig::Launch;

/// What is played.
pub(super) const PLAYED: [&str; 1] = ["backup"];

/// How many entries each run had when it was complete.
#[derive(Debug)]
pub(super) struct Restorable {
    runs: Arc<Runs>,
    entries: Vec<u64>,
}

impl Restorable {
    pub(super) fn new(runs: Runs, entries: Vec<u64>) -> Self {
        Self { runs: Arc::new(runs), entries }
    }
}

impl Subject for Restorable {
    fn complete(&self, _folder: &Path) -> Result<Vec<String>, Failed> {
        Ok(Vec::new())
    }

    fn look(&self, folder: PathBuf, kept: usize) -> Looking {
        let promised = kept.checked_sub(1).and_then(|last| self.entries.get(last)).copied();
        let runs = Arc::clone(&self.runs);
        Box::pin(async move { tokio::task::spawn_blocking(move || look(&runs, &folder, promised)).await? })
    }
}

fn look(runs: &Runs, folder: &Path, promised: Option<u64>) -> Result<(Checked, Duration), Failed> {
    let (mut checked, backup) = (Checked::default(), folder.join("backup"));
    if let Some(promised) = promised {
        checked.look(match runs.restore(&backup, &folder.join("restored")) {
            Ok(found) if found >= promised => Ok(()),
            Ok(found) => Err(format!("the backup has {found} entries, and said {promised}")),
            Err(error) => Err(format!("the backup is not restored: {error}")),
        });
    }
    let begun = Instant::now();
    let said = runs.back_up(&backup, &Launch::default())?;
    let took = begun.elapsed();
    let found = runs.restore(&backup, &folder.join("restored-then"))?;
    checked.look(
        (found >= said).then_some(()).ok_or_else(|| format!("the next run has {found} entries, and said {said}")),
    );
    Ok((checked, took))
}
