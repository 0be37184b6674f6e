//! The settings by which the servers of a shared log are reached: `config/cluster.toml`.

use std::path::Path;

use causeway_gateway::ClusterSettings;
use causeway_store::{JetStreamLog, JetStreamSettings};

use crate::Failure;

/// Reads them; the log's id is not among them. The nodes are checked too, so that no fault of them waits for the day on which one starts.
pub(crate) fn read(path: &Path) -> Result<JetStreamSettings, Failure> {
    std::fs::metadata(path).map_err(|error| Failure::file(path, error))?;
    let settings = ClusterSettings::load(path).map_err(|faults| Failure::faults(path, &faults))?;
    Ok(settings.log)
}

/// Connects to the log that they name.
pub(crate) fn open(settings: JetStreamSettings) -> Result<JetStreamLog, Failure> {
    JetStreamLog::open(settings).map_err(Failure::Store)
}
