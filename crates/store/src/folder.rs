//! Folders and files that only their owner may read, and changes to them that survive a power cut.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::format::JOURNAL;

/// The folder of sled's own files within a data directory.
pub(crate) fn engine_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("log")
}

/// Makes `data_dir` where it is absent and checks that its format is one that this version reads.
pub(crate) fn prepare(data_dir: &Path) -> Result<(), StoreError> {
    create_private(data_dir).map_err(|source| StoreError::io("create the data directory", data_dir, source))?;
    match JOURNAL.of(data_dir)? {
        Some(_) => Ok(()),
        None if engine_dir(data_dir).exists() => Err(JOURNAL.missing(data_dir)),
        None => JOURNAL.mark(data_dir),
    }
}

/// Whether a data directory is of the format in which the page keys were in it.
pub(crate) fn has_page_keys(data_dir: &Path) -> Result<bool, StoreError> {
    Ok(JOURNAL.of(data_dir)? == Some(1))
}

/// Makes a folder and its missing parents, each with mode 0700 and each synced into its parent.
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = parent_of(path);
    if !parent.exists() {
        create_private(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        other => other?,
    }
    sync(parent)
}

/// Opens a file for reading and writing, creating it with mode 0600; the folder is not synced.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Puts `bytes` in the place of the file at `path`: after a power cut it is the old file or the new one, whole.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let next = beside(path);
    write_private(&next, bytes)?;
    fs::rename(&next, path)?;
    sync(parent_of(path))
}

/// Writes a file with mode 0600 and syncs it, but not the folder that names it.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The name under which a file is written before it takes its place.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

/// Syncs a folder or a file, so that what it holds survives a power cut.
pub(crate) fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Takes all rights of group and others from every file directly in `folder`: sled makes its files without asking us.
pub(crate) fn tighten(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        if fs::metadata(&path)?.permissions().mode() & 0o777 != mode {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
        }
    }
    Ok(())
}

/// Bytes that this process may still write to the volume of `path`; no bound where the volume has none.
pub(crate) fn free_bytes(path: &Path) -> io::Result<u64> {
    let volume = rustix::fs::statvfs(path)?;
    Ok(if volume.f_blocks == 0 { u64::MAX } else { volume.f_bavail.saturating_mul(volume.f_frsize) })
}

/// The folder that holds `path`.
pub(crate) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_of_another_format_is_refused() {
        let outer = tempfile::tempdir().expect("a folder");
        let dir = outer.path().join("a/b");
        prepare(&dir).expect("made");
        prepare(&dir).expect("made before");
        assert_eq!(fs::metadata(&dir).expect("there").permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(dir.join("format")).expect("there").permissions().mode() & 0o777, 0o600);
        fs::write(dir.join("format"), "causeway journal 1\n").expect("written");
        prepare(&dir).expect("the format before is read");
        fs::write(dir.join("format"), "causeway journal 3\n").expect("written");
        assert!(matches!(prepare(&dir), Err(StoreError::Format { .. })));
        fs::remove_file(dir.join("format")).expect("removed");
        create_private(&engine_dir(&dir)).expect("made");
        assert!(matches!(prepare(&dir), Err(StoreError::Format { .. })), "a log without a format file is not ours");
    }
}
