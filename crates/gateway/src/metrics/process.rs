//! The process: what is running, since when, and what it takes of the machine. Names are those that every Prometheus client uses.

use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::whole;

/// What can be said of any process, from its start on.
#[derive(Debug)]
pub(super) struct Process {
    started_seconds: u64,
}

impl Process {
    /// Shows the process beside other things.
    pub(super) fn register(registry: &mut Registry, started_seconds: u64) {
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("causeway_build", "The version that is running", version);
        registry.register_collector(Box::new(Self { started_seconds }));
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let start = ("process_start_time_seconds", "Time at which the process started, since 1970");
        whole(&mut encoder, start, self.started_seconds)?;
        if let Some(bytes) = resident_bytes() {
            whole(&mut encoder, ("process_resident_memory_bytes", "Memory in use"), bytes)?;
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            let open = u64::try_from(open.count()).unwrap_or(u64::MAX);
            whole(&mut encoder, ("process_open_fds", "Open file descriptors"), open)?;
        }
        Ok(())
    }
}

/// Resident memory, as the kernel says it in KiB; none where it does not.
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_how_much_memory_is_in_use() {
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1 << 20));
    }
}
