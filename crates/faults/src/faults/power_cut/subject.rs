//! The gateway on the disks that cuts leave.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_gateway::{Config, launch};
use tokio::sync::oneshot;

use super::destroyed::Destroyed;
use crate::Failed;
use crate::load::{Checked, Kept, everything};
use crate::power::{Disk, Event, Looking, Subject};
use causeway_rig::{Installation, Reach, copy};

/// The log, as sled keeps it.
const LOG: &str = "data/journal/log/db";

/// What is played: everything that a gateway writes.
pub(super) const PLAYED: [&str; 2] = ["data", "mirror"];

/// A gateway with the settings and identities of an installation.
#[derive(Debug)]
pub(super) struct Served {
    config: PathBuf,
    certs: PathBuf,
    kept: Arc<Vec<Kept>>,
    /// What was destroyed when the log was last written to, and when the newest erasure was acknowledged.
    lately: Destroyed,
    destroyed: Destroyed,
}

impl Served {
    pub(super) fn new(installation: &Installation, kept: &Arc<Vec<Kept>>) -> Self {
        let (config, certs) = (installation.path("config"), installation.path("certs-dev"));
        Self { config, certs, kept: Arc::clone(kept), lately: Destroyed::default(), destroyed: Destroyed::default() }
    }
}

impl Subject for Served {
    /// An erasure's keys are destroyed before its last entry is written. What is destroyed between that entry and the moment in which
    /// a client marks its answer is another matter's, say of a rotation that has begun, and need not be durable yet.
    fn played(&mut self, event: &Event<'_>, disk: &Disk<'_>) {
        match event {
            Event::Written { inode, .. } if disk.is_file(*inode, Path::new(LOG)) => self.lately = Destroyed::now(disk),
            Event::Kept { number } if matches!(self.kept.get(number - 1), Some(Kept::Erased { .. })) => {
                self.destroyed = self.lately.clone();
            }
            _ => {}
        }
    }

    fn complete(&self, folder: &Path) -> Result<Vec<String>, Failed> {
        copy(&self.config, &folder.join("config"))?;
        symlink(&self.certs, folder.join("certs-dev"))?;
        Ok(self.destroyed.returned(folder).into_iter().collect())
    }

    fn look(&self, folder: PathBuf, kept: usize) -> Looking {
        let all = Arc::clone(&self.kept);
        Box::pin(async move { served(&folder, &all[..kept]).await })
    }
}

/// Starts the gateway, in this process, and looks for all that was acknowledged. Gives how long the start took too.
async fn served(folder: &Path, kept: &[Kept]) -> Result<(Checked, Duration), Failed> {
    let begun = Instant::now();
    let config = Config::load(&folder.join("config/gateway.toml")).map_err(|faults| faults.join("; "))?;
    let gateway = launch(config).await?;
    let took = begun.elapsed();
    let reach = Reach::new(gateway.address(), &folder.join("certs-dev"));
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(gateway.serve(async move {
        let _ = stopped.await;
    }));
    let checked = everything(&reach, kept).await;
    let _ = stop.send(());
    served.await??;
    Ok((checked?, took))
}
