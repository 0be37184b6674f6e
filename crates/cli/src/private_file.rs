//! Files for their owner alone (mode 0600): keys, sealed identities, requests. None is ever overwritten.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::Failure;

const OWNER_ONLY: u32 = 0o600;

/// A new file, made before what it is to hold is asked for: what a gateway gives only once must find its place. Dropped
/// before [`PrivateFile::finish`], it is removed again.
#[derive(Debug)]
pub(crate) struct PrivateFile {
    path: PathBuf,
    file: Option<File>,
}

impl PrivateFile {
    /// Makes the file.
    ///
    /// # Errors
    /// A file that is there already, or a folder that cannot be written.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        match OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(path) {
            Ok(file) => Ok(Self { path: path.to_owned(), file: Some(file) }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(Failure::content(path, "this file is there already and is not overwritten: name another".into()))
            }
            Err(error) => Err(Failure::file(path, error)),
        }
    }

    /// Makes the file and fills it up to this size, durably: what comes later, up to that size, finds room on the disk.
    ///
    /// # Errors
    /// As [`PrivateFile::create`], and a disk without that room.
    pub(crate) fn with_room(path: &Path, bytes: usize) -> Result<Self, Failure> {
        let mut made = Self::create(path)?;
        let filled = made.file.as_mut().map_or(Ok(()), |file| fill(file, bytes));
        filled.map_err(|error| Failure::file(path, error))?;
        Ok(made)
    }

    /// Writes all of it in place of what the file held, durable when this returns.
    ///
    /// # Errors
    /// What the system said.
    pub(crate) fn finish(mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.file.as_mut().map_or(Ok(()), |file| replace(file, bytes));
        written.map_err(|error| Failure::file(&self.path, error))?;
        self.file = None;
        Ok(())
    }
}

fn fill(file: &mut File, bytes: usize) -> std::io::Result<()> {
    file.write_all(&vec![b'\n'; bytes])?;
    file.sync_all()
}

fn replace(file: &mut File, bytes: &[u8]) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    file.write_all(bytes)?;
    let end = file.stream_position()?;
    file.set_len(end)?;
    file.sync_all()
}

impl Drop for PrivateFile {
    fn drop(&mut self) {
        if self.file.is_some() {
            // Nothing of worth is in it, and its absence is what lets the command be run again.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Writes a new file for its owner alone.
///
/// # Errors
/// As [`PrivateFile::create`] and [`PrivateFile::finish`].
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    PrivateFile::create(path)?.finish(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_private_file_is_for_its_owner_is_not_overwritten_and_goes_where_it_stays_empty() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("identity.json");
        drop(PrivateFile::create(&path).expect("made"));
        assert!(!path.exists(), "nothing came");
        write(&path, b"sealed").expect("written");
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert!(write(&path, b"other").is_err());
        assert_eq!(std::fs::read(&path).expect("readable"), b"sealed");
    }

    #[test]
    fn room_is_taken_beforehand_and_given_back_afterwards() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("identity.json");
        let place = PrivateFile::with_room(&path, 10_000).expect("made");
        assert_eq!(std::fs::metadata(&path).expect("there").len(), 10_000);
        place.finish(b"sealed").expect("written");
        assert_eq!(std::fs::read(&path).expect("readable"), b"sealed");
    }

    #[test]
    fn a_disk_without_room_is_found_out_before() {
        let Ok(mut full) = OpenOptions::new().write(true).open("/dev/full") else {
            return eprintln!("skipped: there is no /dev/full");
        };
        assert!(fill(&mut full, 1).is_err());
    }
}
