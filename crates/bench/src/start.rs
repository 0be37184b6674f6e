//! `start`: how long a journal takes to start, after a clean stop and after a kill, and what memory it then holds, by its size.

pub(crate) mod once;
mod starter;

use std::path::{Path, PathBuf};

use causeway_rig::Failed;
use causeway_store::folder_bytes;

use crate::check::Check;
use crate::sample::median;
use crate::say;
use starter::{Started, Starter};

/// The smallest journal of the curve; each is ten times the one before.
const SMALLEST: u64 = 10_000;

/// Appended before a kill, so that the kill has something to leave behind.
const BEFORE_A_KILL: u64 = 1_000;

/// Most that a start may take at 10^7 entries, in seconds: after a clean stop, and after a kill.
const CLEAN_SECONDS: f64 = 1.0;
const KILLED_SECONDS: f64 = 5.0;
/// Most memory of the process after a start at 10^7 entries, in MB.
const RESIDENT_MB: f64 = 300.0;
/// Most bytes on the disk for an entry without a body.
const ENTRY_BYTES: f64 = 400.0;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Entries of the largest journal, of about 300 bytes and without bodies.
    #[arg(long, default_value_t = 10_000_000)]
    entries: u64,
    /// Starts of each kind, of each size.
    #[arg(long, default_value_t = 3)]
    times: usize,
    /// A folder whose journal stays, and is gone on with. A temporary one otherwise, which goes.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

impl Arguments {
    /// For a look at everything in a few minutes.
    pub(crate) fn short() -> Self {
        Self { entries: 500_000, times: 2, keep: None }
    }

    /// For seeing that it runs.
    pub(crate) fn smoke() -> Self {
        Self { entries: 5_000, times: 1, keep: None }
    }
}

/// Runs the benchmark in a folder of its own, or in the one that is kept.
pub(crate) fn run(arguments: &Arguments, dir: &Path) -> Result<Vec<Check>, Failed> {
    let temporary = tempfile::tempdir_in(dir)?;
    let place = arguments.keep.as_deref().unwrap_or_else(|| temporary.path());
    std::fs::create_dir_all(place)?;
    let starter = Starter::of(place);
    let mut checks = Vec::new();
    let sizes = sizes(arguments.entries);
    for size in &sizes {
        say(format!("filling a journal to {size} entries"));
        let had = starter.fill_and_kill(*size)?;
        let is_largest = sizes.last() == Some(size);
        if had > *size && !is_largest {
            say(format!("it had {had} entries already: nothing is measured at {size}"));
            continue;
        }
        checks.extend(Point::of(&starter, had < *size, arguments.times)?.checks(is_largest));
    }
    Ok(checks)
}

/// 10^4, 10^5 and so on, and last the largest.
fn sizes(largest: u64) -> Vec<u64> {
    let tens = std::iter::successors(Some(SMALLEST), |size| size.checked_mul(10));
    tens.take_while(|size| *size < largest).chain([largest]).collect()
}

/// The starts of one size.
#[derive(Debug)]
struct Point {
    /// As the journal really was at the end of it.
    entries: u64,
    /// After the kill of the process that filled it; none where it was filled already.
    filled: Option<Started>,
    clean: Vec<Started>,
    killed: Vec<Started>,
    bytes_an_entry: f64,
}

impl Point {
    /// Starts a journal again and again, whose last process was killed: one that filled it, or one that found it full.
    fn of(starter: &Starter, is_filled: bool, times: usize) -> Result<Self, Failed> {
        say(format!("starting it {} times", 2 * times + 1));
        let first = starter.start()?;
        let (mut clean, mut killed) = (Vec::new(), Vec::new());
        for _ in 0..times {
            clean.push(starter.start()?);
            starter.append_and_kill(BEFORE_A_KILL)?;
            killed.push(starter.start()?);
        }
        let entries = killed.last().map_or(first.entries, |last| last.entries);
        let bytes_an_entry = folder_bytes(starter.place()) as f64 / entries.max(1) as f64;
        Ok(Self { entries, filled: is_filled.then_some(first), clean, killed, bytes_an_entry })
    }

    /// Only the largest is held to the aims.
    fn checks(&self, is_largest: bool) -> Vec<Check> {
        let of = |what: &str| format!("start: {what}, {} entries", self.entries);
        let held = |name: String, value: f64, unit, aim: f64| match is_largest {
            true => Check::at_most(name, value, unit, aim),
            false => Check::shown(name, value, unit),
        };
        let middle =
            |starts: &[Started], value: fn(&Started) -> f64| median(&starts.iter().map(value).collect::<Vec<_>>());
        let all: Vec<Started> = self.clean.iter().chain(&self.killed).chain(&self.filled).copied().collect();
        let largest = |value: fn(&Started) -> f64| all.iter().map(value).fold(0.0, f64::max);
        let mut checks = vec![
            held(of("after a clean stop"), middle(&self.clean, |start| start.seconds), "s", CLEAN_SECONDS),
            held(of("after a kill"), middle(&self.killed, |start| start.seconds), "s", KILLED_SECONDS),
        ];
        checks.extend(
            self.filled
                .iter()
                .map(|start| held(of("after the kill of what filled it"), start.seconds, "s", KILLED_SECONDS)),
        );
        checks.extend([
            held(of("memory after a start"), largest(|start| start.resident) / 1e6, "MB", RESIDENT_MB),
            Check::shown(of("most memory while it starts"), largest(|start| start.most) / 1e6, "MB"),
            Check::shown(of("processor time of a clean start"), middle(&self.clean, |start| start.processor), "s"),
            Check::shown(of("clean stop"), middle(&all, |start| start.stop), "s"),
            held(of("disk, an entry"), self.bytes_an_entry, "bytes", ENTRY_BYTES),
        ]);
        checks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_ends_at_the_largest() {
        assert_eq!(sizes(10_000_000), [10_000, 100_000, 1_000_000, 10_000_000]);
        assert_eq!(sizes(250_000), [10_000, 100_000, 250_000]);
        assert_eq!(sizes(300), [300]);
    }
}
