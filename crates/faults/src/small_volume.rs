//! A small file system of a fault's own, which can be filled.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::Failed;

/// What is written at once to fill it.
const PIECE: [u8; 4096] = [0x5a; 4096];

/// A file system in memory; unmounted when it is dropped.
#[derive(Debug)]
pub(crate) struct SmallVolume {
    folder: TempDir,
}

impl SmallVolume {
    /// One of so many MiB; none where this process may not mount anything.
    pub(crate) fn mount(mebibytes: u32) -> Result<Option<Self>, Failed> {
        let folder = tempfile::Builder::new().prefix("causeway-volume-").tempdir()?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m,mode=0700"), "none"]).arg(folder.path());
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        Ok(mounted.then_some(Self { folder }))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Fills it until so many bytes are left, at most.
    pub(crate) fn fill(&self, left: u64) -> Result<(), Failed> {
        let mut filler = File::options().append(true).create(true).open(self.filler())?;
        while self.free()? > left {
            if filler.write_all(&PIECE).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Makes room again.
    pub(crate) fn empty(&self) -> Result<(), Failed> {
        Ok(fs::remove_file(self.filler())?)
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }

    fn free(&self) -> Result<u64, Failed> {
        let volume = rustix::fs::statvfs(self.path())?;
        Ok(volume.f_bavail * volume.f_frsize)
    }
}

impl Drop for SmallVolume {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(self.folder.path()).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            crate::complain_of(format_args!("{} is still mounted", self.folder.path().display()));
        }
    }
}
