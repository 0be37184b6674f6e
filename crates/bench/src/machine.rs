//! What a benchmark ran on: numbers mean something only beside it.

use std::fmt::{self, Display};
use std::fs;
use std::path::Path;
use std::time::Duration;

use causeway_rig::Failed;
use serde_json::{Value, json};

use crate::disk;

/// Syncs that the disk's pace is taken from.
const SYNCS: usize = 100;

/// The machine as it was before a benchmark.
#[derive(Debug)]
pub(crate) struct Machine {
    cores: usize,
    processor: String,
    kernel: String,
    /// Of the last minute.
    load: String,
    /// The median of the folder's disk.
    pub(crate) fdatasync: Duration,
}

impl Machine {
    /// This machine, and the disk that a folder is on.
    pub(crate) fn of(dir: &Path) -> Result<Self, Failed> {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpu = read("/proc/cpuinfo");
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            processor: model.map_or_else(|| "an unnamed processor".into(), |(_, name)| name.to_owned()),
            kernel: read("/proc/sys/kernel/osrelease").trim().into(),
            load: read("/proc/loadavg").split(' ').next().unwrap_or_default().into(),
            fdatasync: disk::sync_pace(dir, SYNCS)?.at(500),
        })
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "cores": self.cores,
            "processor": self.processor,
            "kernel": self.kernel,
            "load": self.load,
            "fdatasync_ms": self.fdatasync.as_secs_f64() * 1e3,
        })
    }
}

impl Display for Machine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cores, processor, kernel, load, fdatasync } = self;
        let sync = fdatasync.as_secs_f64() * 1e3;
        write!(out, "{cores} cores of {processor}, Linux {kernel}, load {load}, fdatasync {sync:.2} ms in the middle")
    }
}
