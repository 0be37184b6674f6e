//! Recording what a gateway does to its files, and reading it.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::Failed;
use causeway_rig::Launch;

/// The shim (shim/record.c), as the build script made it.
const SHIM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/record.so"));

/// How long a recorded sync takes: long enough for drafts to gather behind one, as on a real disk.
const SYNC_MICROS: &str = "200";

/// The shim and the file that it writes.
#[derive(Debug)]
pub(crate) struct Recorder {
    folder: TempDir,
    root: PathBuf,
}

impl Recorder {
    /// Records what happens below `root` from the next start on.
    pub(crate) fn of(root: &Path) -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("record.so"), SHIM)?;
        Ok(Self { folder, root: fs::canonicalize(root)? })
    }

    /// How a process is started that is recorded.
    pub(crate) fn launch(&self) -> Launch {
        let variable = |name: &str, value: &OsStr| (name.into(), value.to_owned());
        Launch {
            environment: vec![
                variable("LD_PRELOAD", self.folder.path().join("record.so").as_os_str()),
                variable("CAUSEWAY_RECORD", self.file().as_os_str()),
                variable("CAUSEWAY_RECORD_ROOT", self.root.as_os_str()),
                variable("CAUSEWAY_RECORD_SYNC_MICROS", OsStr::new(SYNC_MICROS)),
            ],
            ..Launch::default()
        }
    }

    /// A handle to write marks with, each in one write.
    pub(crate) fn marks(&self) -> Result<File, Failed> {
        Ok(OpenOptions::new().append(true).create(true).open(self.file())?)
    }

    /// Marks that something else is being done from here on.
    pub(crate) fn phase(&self, name: &str) -> Result<(), Failed> {
        Ok(self.marks()?.write_all(format!("P {name}\n").as_bytes())?)
    }

    /// Where marks are written.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("recording")
    }

    /// What has been recorded.
    pub(crate) fn read(&self) -> Result<Recording, Failed> {
        Ok(Recording { root: self.root.clone(), bytes: fs::read(self.file())? })
    }
}

/// What happened, in order.
#[derive(Debug)]
pub(crate) struct Recording {
    root: PathBuf,
    bytes: Vec<u8>,
}

/// One thing that happened. Paths are below the recorded folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    Created {
        inode: u64,
        mode: u32,
        path: &'a Path,
    },
    FolderMade {
        inode: u64,
        mode: u32,
        path: &'a Path,
    },
    Sized {
        inode: u64,
        size: u64,
    },
    Written {
        inode: u64,
        at: u64,
        bytes: &'a [u8],
    },
    Renamed {
        from: &'a Path,
        to: &'a Path,
    },
    Linked {
        from: &'a Path,
        to: &'a Path,
    },
    Removed {
        path: &'a Path,
    },
    SyncBegan {
        number: u64,
        inode: u64,
        data_only: bool,
    },
    SyncEnded {
        number: u64,
    },
    RangeSynced {
        inode: u64,
    },
    /// So many things have been acknowledged.
    Kept {
        number: usize,
    },
    /// From here on, this is being done.
    Phase {
        name: &'a str,
    },
}

impl Recording {
    /// All of it.
    ///
    /// # Errors
    /// A line of another form, or something that the replayer does not know.
    pub(crate) fn events(&self) -> Result<Vec<Event<'_>>, Failed> {
        let (mut rest, mut events) = (self.bytes.as_slice(), Vec::new());
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n').ok_or("a recording that ends within a line")?;
            let head = str::from_utf8(&rest[..end])?;
            let mut reader = Reader { head, body: &rest[end + 1..], root: &self.root };
            events.push(reader.event().map_err(|what| format!("the recording's line {head:?}: {what}"))?);
            rest = reader.body;
        }
        Ok(events)
    }
}

struct Reader<'a> {
    head: &'a str,
    body: &'a [u8],
    root: &'a Path,
}

impl<'a> Reader<'a> {
    fn event(&mut self) -> Result<Event<'a>, Failed> {
        let (letter, fields) = self.head.split_once(' ').ok_or("no fields")?;
        let fields: Vec<&'a str> = fields.split(' ').collect();
        let number = |place: usize| -> Result<u64, Failed> { Ok(fields.get(place).ok_or("too short")?.parse()?) };
        let length = |place: usize| -> Result<usize, Failed> { Ok(usize::try_from(number(place)?)?) };
        let mode = || -> Result<u32, Failed> { Ok(u32::from_str_radix(fields.get(1).ok_or("too short")?, 8)?) };
        Ok(match letter {
            "C" => Event::Created { inode: number(0)?, mode: mode()?, path: self.path(length(2)?)? },
            "M" => Event::FolderMade { inode: number(0)?, mode: mode()?, path: self.path(length(2)?)? },
            "T" => Event::Sized { inode: number(0)?, size: number(1)? },
            "W" => Event::Written { inode: number(0)?, at: number(1)?, bytes: self.bytes(length(2)?)? },
            "R" => Event::Renamed { from: self.path(length(0)?)?, to: self.path(length(1)?)? },
            "L" => Event::Linked { from: self.path(length(0)?)?, to: self.path(length(1)?)? },
            "U" | "D" => Event::Removed { path: self.path(length(0)?)? },
            "S" => {
                let data_only = *fields.get(2).ok_or("too short")? == "d";
                Event::SyncBegan { number: number(0)?, inode: number(1)?, data_only }
            }
            "E" => Event::SyncEnded { number: number(0)? },
            "A" => Event::RangeSynced { inode: number(0)? },
            "K" => Event::Kept { number: length(0)? },
            "P" => Event::Phase { name: fields.first().ok_or("too short")? },
            "X" => return Err(String::from_utf8_lossy(self.bytes(length(0)?)?).into()),
            _ => return Err("not known".into()),
        })
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], Failed> {
        let (bytes, rest) = self.body.split_at_checked(length).ok_or("too short")?;
        self.body = rest;
        Ok(bytes)
    }

    fn path(&mut self, length: usize) -> Result<&'a Path, Failed> {
        let path = Path::new(OsStr::from_bytes(self.bytes(length)?));
        Ok(path.strip_prefix(self.root)?)
    }
}
