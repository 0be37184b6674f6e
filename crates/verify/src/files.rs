//! Reading files that may hold anything, and writing files whole or not at all.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::VerifyError;

/// What a file that is being written is called until it is whole: its name and this.
pub(crate) const UNFINISHED: &str = ".unfinished";

/// A file's bytes; none where there is no such file. Nothing is read of a file that is longer than `limit`, nor through a symbolic
/// link: evidence that was handed over could lead anywhere with one.
pub(crate) fn read_if_there(path: &Path, limit: usize) -> Result<Option<Vec<u8>>, VerifyError> {
    read_what(path, fs::symlink_metadata(path), limit)
}

/// Reads what is a regular file: opening a pipe would wait for whoever writes to it.
fn read_what(path: &Path, about: io::Result<Metadata>, limit: usize) -> Result<Option<Vec<u8>>, VerifyError> {
    let failed = |error| VerifyError::file(path, &error);
    let about = match about {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if !about.is_file() {
        return Err(VerifyError::at(path.display(), "it is no regular file"));
    }
    let file = File::open(path).map_err(failed)?;
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    let too_long = || VerifyError::at(path.display(), format_args!("longer than {limit} bytes"));
    if about.len() > limit {
        return Err(too_long());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or(0));
    // It may have grown since.
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) { Ok(Some(bytes)) } else { Err(too_long()) }
}

/// A file's bytes.
pub(crate) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, VerifyError> {
    read_if_there(path, limit)?.ok_or_else(|| VerifyError::at(path.display(), "it is missing"))
}

/// A file's text.
pub(crate) fn read_text(path: &Path, limit: usize) -> Result<String, VerifyError> {
    String::from_utf8(read(path, limit)?).map_err(|_| VerifyError::at(path.display(), "it is not text"))
}

/// The text of a file that was named by whoever runs this, who may name it by a link.
pub(crate) fn read_named_text(path: &Path, limit: usize) -> Result<String, VerifyError> {
    let bytes = read_what(path, fs::metadata(path), limit)?;
    let bytes = bytes.ok_or_else(|| VerifyError::at(path.display(), "it is missing"))?;
    String::from_utf8(bytes).map_err(|_| VerifyError::at(path.display(), "it is not text"))
}

/// Puts a file in its place, synced; its folders are made where they are absent. Only the owner may read it.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), VerifyError> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(UNFINISHED);
    let unfinished = PathBuf::from(unfinished);
    let failed = |error| VerifyError::file(path, &error);
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    }
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_data()).map_err(failed)?;
    drop(file);
    fs::rename(&unfinished, path).map_err(failed)
}

/// Syncs the folder that holds a path, so that a rename in it stays.
pub(crate) fn sync_folder_of(path: &Path) -> Result<(), VerifyError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| VerifyError::file(folder, &error))
}
