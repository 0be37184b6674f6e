//! What a journal has acknowledged, as the process that ran it wrote it down.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Failed;

/// One thing that was acknowledged.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Kept {
    /// An entry, with its exact bytes and the number that its body says.
    Entry { leaf: u64, bytes: Vec<u8>, number: u64 },
    /// That the bodies beside these entries are gone.
    Shredded { leaves: Vec<u64> },
    /// That keys have been rotated.
    Rotated,
}

impl Kept {
    /// All of it.
    pub(super) fn read(path: &Path) -> Result<Vec<Self>, Failed> {
        fs::read_to_string(path)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }
}

/// Writes it down, and marks the recording after each thing.
#[derive(Debug)]
pub(super) struct Writer {
    kept: File,
    marks: File,
    count: usize,
}

impl Writer {
    pub(super) fn to(kept: &Path, marks: &Path) -> Result<Self, Failed> {
        let open = |path| OpenOptions::new().append(true).create(true).open(path);
        Ok(Self { kept: open(kept)?, marks: open(marks)?, count: 0 })
    }

    pub(super) fn keep(&mut self, kept: &Kept) -> Result<(), Failed> {
        self.kept.write_all(format!("{}\n", serde_json::to_string(kept)?).as_bytes())?;
        self.count += 1;
        Ok(self.marks.write_all(format!("K {}\n", self.count).as_bytes())?)
    }

    pub(super) fn phase(&mut self, name: &str) -> Result<(), Failed> {
        Ok(self.marks.write_all(format!("P {name}\n").as_bytes())?)
    }
}
