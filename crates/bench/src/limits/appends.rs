//! What the disk does, with nothing before it: an append and its `fdatasync`, one after the other.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use crate::check::Check;
use crate::latency::Latency;

/// Appends of one size.
#[derive(Debug)]
pub(crate) struct Appends {
    name: &'static str,
    bytes: usize,
    took: Latency,
    seconds: f64,
}

impl Appends {
    pub(crate) fn of(name: &'static str, bytes: usize) -> Self {
        Self { name, bytes, took: Latency::new(), seconds: 0.0 }
    }

    /// One round of so many, to a new file of this folder. The write is timed with its sync: a large one may wait for the disk itself.
    pub(crate) fn measure(&mut self, dir: &Path, times: usize) -> io::Result<()> {
        let file = tempfile::NamedTempFile::new_in(dir)?;
        let mut out: &File = file.as_file();
        let bytes = vec![7; self.bytes];
        let round = Instant::now();
        for _ in 0..times {
            let begun = Instant::now();
            out.write_all(&bytes)?;
            out.sync_data()?;
            self.took.add(begun.elapsed());
        }
        self.seconds += round.elapsed().as_secs_f64();
        Ok(())
    }

    /// How many a second, and what one takes.
    pub(crate) fn checks(&self) -> Vec<Check> {
        let name = format!("limits: write and fdatasync of {}", self.name);
        let rate = self.took.len() as f64 / self.seconds.max(1e-9);
        let mut checks = vec![Check::shown(format!("{name}, a second"), rate, "syncs/s")];
        checks.extend(self.took.checks(&format!("{name},")));
        checks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_are_counted_and_leave_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut appends = Appends::of("1 KiB", 1_024);
        appends.measure(folder.path(), 3).expect("measured");
        appends.measure(folder.path(), 2).expect("measured");
        assert_eq!(appends.took.len(), 5);
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }
}
