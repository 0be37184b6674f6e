//! What processes have used: processor time, which a busy machine changes less than it changes the time that passes, and memory.

use std::fs;

/// Seconds of processor time so far of this process, all its threads; 0 where the system does not say it.
pub(crate) fn seconds() -> f64 {
    seconds_in("/proc/self/stat")
}

/// The same of another process.
pub(crate) fn seconds_of(process: u32) -> f64 {
    seconds_in(&format!("/proc/{process}/stat"))
}

/// Bytes of memory that a process holds now, and the most that it held; 0 where the system does not say it.
pub(crate) fn memory_of(process: u32) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = |name: &str| {
        let kibibytes = status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"));
        kibibytes.and_then(|number| number.parse::<u64>().ok()).unwrap_or_default() << 10
    };
    (line("VmRSS:"), line("VmHWM:"))
}

/// Bytes that a process has handed to its disks so far; 0 where the system does not say it.
pub(crate) fn written_by(process: u32) -> u64 {
    let io = fs::read_to_string(format!("/proc/{process}/io")).unwrap_or_default();
    io.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok()).unwrap_or_default()
}

fn seconds_in(path: &str) -> f64 {
    let stat = fs::read_to_string(path).unwrap_or_default();
    // The program's name may hold spaces; the fields after its parenthesis count on from 3, in hundredths of a second.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split(' ');
    fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_what_the_system_says() {
        let own = std::process::id();
        let (now, most) = memory_of(own);
        assert!(now > 0 && most >= now);
        assert!((seconds() - seconds_of(own)).abs() < 1.0);
    }
}
