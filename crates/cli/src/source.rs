//! A file of many records, or standard input: what can be read twice is counted first, what cannot is read once.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use crate::Failure;
use crate::input::STANDARD_INPUT;

/// What is read through.
pub(crate) type Source = BufReader<Box<dyn Read + Send>>;

/// Opens a file, or standard input for `-`.
///
/// # Errors
/// A file that is not there or may not be read, or a folder.
pub(crate) fn open(path: &Path) -> Result<Source, Failure> {
    if path == Path::new(STANDARD_INPUT) {
        return Ok(BufReader::new(Box::new(io::stdin())));
    }
    let failed = |error| Failure::file(path, error);
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    Ok(BufReader::new(Box::new(file)))
}

/// Whether it is a regular file, which gives the same a second time. A pipe gives what it holds once.
pub(crate) fn is_read_again(path: &Path) -> bool {
    path != Path::new(STANDARD_INPUT) && path.is_file()
}

/// What to say of a source in which there is nothing to do: most likely it is not the one that was meant.
pub(crate) fn empty(path: &Path, what: &str) -> Failure {
    Failure::content(path, format!("there is no {what} in it"))
}
