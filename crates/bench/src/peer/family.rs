//! What processes and those that they have started have used together: a database server works in many.

use std::fs;
use std::time::{Duration, Instant};

use crate::processor;

/// A machine that does less than this much work in a tenth of a second has nothing left to do: hundredths are what Linux counts in.
const IDLE_SECONDS: f64 = 0.015;

/// How long work that is left over may take before it is measured with what follows.
const SETTLE_TIME: Duration = Duration::from_secs(20);

/// Looks in a row that have to find nothing at work.
const IDLE_LOOKS: u32 = 5;

/// What some processes have used up to a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Usage {
    /// Of processor time.
    pub(super) seconds: f64,
    /// Bytes that they have handed to their disks.
    pub(super) written: u64,
}

impl Usage {
    /// Of these processes and all that they have started.
    pub(super) fn of(processes: &[u32]) -> Self {
        let members = members(processes);
        let seconds = members.iter().map(|id| seconds_of(*id)).sum();
        Self { seconds, written: members.iter().map(|id| processor::written_by(*id)).sum() }
    }

    /// What was used since.
    pub(super) fn since(self, before: Self) -> Self {
        let written = self.written.saturating_sub(before.written);
        Self { seconds: (self.seconds - before.seconds).max(0.0), written }
    }
}

/// Bytes of memory of these processes and all that they have started: what several share is counted once.
pub(super) fn memory_of(processes: &[u32]) -> u64 {
    let of_one = |id: &u32| {
        let rollup = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
        let kibibytes = rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB"));
        kibibytes.and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or_default() << 10
    };
    members(processes).iter().map(of_one).sum()
}

/// Waits until they have done all that is left over from before, for a while at most.
pub(super) async fn settled(processes: &[u32]) {
    let (begun, mut idle, mut before) = (Instant::now(), 0, Usage::of(processes));
    while idle < IDLE_LOOKS && begun.elapsed() < SETTLE_TIME {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = Usage::of(processes);
        idle = if now.since(before).seconds < IDLE_SECONDS { idle + 1 } else { 0 };
        before = now;
    }
}

/// These processes, and those whose parents are among them.
fn members(processes: &[u32]) -> Vec<u32> {
    let all: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|id| Some((id, parent_of(id)?)))
        .collect();
    let mut members = processes.to_vec();
    let mut looked_at = 0;
    while let Some(parent) = members.get(looked_at).copied() {
        members.extend(all.iter().filter(|(_, of)| *of == parent).map(|(id, _)| *id));
        looked_at += 1;
    }
    members
}

fn parent_of(process: u32) -> Option<u32> {
    fields(process).nth(1)?.parse().ok()
}

/// Seconds of processor time, those of the children that have ended among them.
fn seconds_of(process: u32) -> f64 {
    fields(process).skip(11).take(4).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// What the system says of a process, from its state on: the program's name before that may hold spaces.
fn fields(process: u32) -> impl Iterator<Item = String> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    fields.split(' ').map(str::to_owned).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn what_a_child_uses_is_its_familys() {
        let own = std::process::id();
        let before = Usage::of(&[own]);
        let work = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; exec sleep 600";
        let mut child = Command::new("sh").args(["-c", work]).spawn().expect("a shell");
        let begun = Instant::now();
        while Usage::of(&[own]).since(before).seconds < 0.05 && begun.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let used = Usage::of(&[own]).since(before).seconds;
        let is_member = members(&[own]).contains(&child.id());
        let memory = memory_of(&[child.id()]);
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        assert!(used >= 0.05 && is_member && memory > 0, "{used} {is_member} {memory}");
        let after = Usage::of(&[own]).since(before).seconds;
        assert!(after >= 0.05, "what it used stays counted when it has ended: {after}");
    }
}
