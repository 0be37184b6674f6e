//! A disk and a clock that fail when they are told to: the other side of shim/fail.c.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::Failed;
use causeway_rig::Launch;

/// The shim, as the build script made it.
const SHIM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/fail.so"));

/// An error that a write can meet, by its number on Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errno {
    /// The device failed.
    Io = 5,
    /// There is no room.
    NoSpace = 28,
}

/// The places of the numbers that both sides look at.
#[derive(Debug, Clone, Copy)]
enum Place {
    Points,
    From,
    Count,
    Error,
    Clock,
}

/// How many there are.
const NUMBERS: usize = 5;

/// The shim and the numbers by which it is told.
#[derive(Debug)]
pub(crate) struct Failing {
    folder: TempDir,
    control: File,
    root: PathBuf,
}

impl Failing {
    /// What is below `root` can fail, in every process that is started as [`Failing::launch`] says. Nothing does yet.
    pub(crate) fn below(root: &Path) -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("fail.so"), SHIM)?;
        let path = folder.path().join("control");
        fs::write(&path, [0; NUMBERS * 8])?;
        let control = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Self { folder, control, root: fs::canonicalize(root)? })
    }

    /// How a process is started that fails when told.
    pub(crate) fn launch(&self) -> Launch {
        let variable = |name: &str, value: &OsStr| (name.into(), value.to_owned());
        Launch {
            environment: vec![
                variable("LD_PRELOAD", self.folder.path().join("fail.so").as_os_str()),
                variable("CAUSEWAY_FAIL_CONTROL", self.folder.path().join("control").as_os_str()),
                variable("CAUSEWAY_FAIL_ROOT", self.root.as_os_str()),
            ],
            ..Launch::default()
        }
    }

    /// How many points there have been at which something was to be written.
    pub(crate) fn points(&self) -> Result<u64, Failed> {
        let mut number = [0; 8];
        self.control.read_exact_at(&mut number, offset(Place::Points))?;
        Ok(u64::from_ne_bytes(number))
    }

    /// Lets `count` points fail, beginning with the one after `after` more of them. Returns the number of the first.
    pub(crate) fn fail(&self, after: u64, count: u64, error: Errno) -> Result<u64, Failed> {
        let first = self.points()? + after + 1;
        self.put(Place::Count, count)?;
        self.put(Place::Error, error as u64)?;
        self.put(Place::From, first)?;
        Ok(first)
    }

    /// Nothing fails any more.
    pub(crate) fn heal(&self) -> Result<(), Failed> {
        self.put(Place::From, 0)
    }

    /// Sets the clock so many seconds ahead of what it is, or behind.
    pub(crate) fn shift_clock(&self, seconds: i64) -> Result<(), Failed> {
        self.put(Place::Clock, seconds.cast_unsigned())
    }

    fn put(&self, place: Place, number: u64) -> Result<(), Failed> {
        Ok(self.control.write_all_at(&number.to_ne_bytes(), offset(place))?)
    }
}

fn offset(place: Place) -> u64 {
    place as u64 * 8
}
