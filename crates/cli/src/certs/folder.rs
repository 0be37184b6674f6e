//! Files of the identities' folder: keys with mode 0600 in folders with mode 0700, each replaced in one step.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::Failure;

const OWNER_FOLDER: u32 = 0o700;
const OWNER_FILE: u32 = 0o600;
const PUBLIC_FILE: u32 = 0o644;

/// Makes `path` with what is above it, for its owner alone.
pub(super) fn create(path: &Path) -> Result<(), Failure> {
    DirBuilder::new().recursive(true).mode(OWNER_FOLDER).create(path).map_err(|e| Failure::file(path, e))?;
    // It may have been there before, from a checkout (certs-dev holds a README), with other bits.
    fs::set_permissions(path, fs::Permissions::from_mode(OWNER_FOLDER)).map_err(|e| Failure::file(path, e))
}

/// Reads a text file; none where there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::file(path, error)),
    }
}

/// Writes a private key.
pub(super) fn write_secret(path: &Path, text: &str) -> Result<(), Failure> {
    replace(path, text.as_bytes(), OWNER_FILE)
}

/// Writes what anybody may read; leaves the file alone where it already holds `text`. Returns whether it was written.
pub(super) fn write_public(path: &Path, text: &str) -> Result<bool, Failure> {
    if read(path)?.as_deref() == Some(text) {
        return Ok(false);
    }
    replace(path, text.as_bytes(), PUBLIC_FILE).map(|()| true)
}

fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Failure> {
    // The process id keeps two runs at once from writing into one another's half-made file.
    let partial = path.with_extension(format!("partial-{}", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, path)
    };
    write().map_err(|error| Failure::file(path, error))
}

/// The files of a folder with this extension, in order of their names.
pub(super) fn list(folder: &Path, extension: &str) -> Result<Vec<std::path::PathBuf>, Failure> {
    let entries = fs::read_dir(folder).map_err(|e| Failure::file(folder, e))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| Failure::file(folder, e))?.path();
        if path.extension().is_some_and(|e| e == extension) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
