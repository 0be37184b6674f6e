//! Revocation: what each agency's lists say of its certificates, and how fresh that is. An agency's lists speak of that agency's
//! certificates, and of nobody else's.

mod der;
mod freshness;
mod list;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use causeway_model::AgencyId;

pub(crate) use freshness::Freshness;
pub(crate) use list::{Lists, MAX_FILE_BYTES, Said};

/// The file of an agency's lists in a folder of them.
pub(crate) fn file_of(folder: &Path, agency: &AgencyId) -> PathBuf {
    folder.join(format!("{agency}.pem"))
}

/// What such a file holds.
///
/// # Errors
/// Why it cannot be read, also where it is larger than it may be; in words that follow the file's name.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read =
        |bytes: &mut Vec<u8>| -> io::Result<usize> { File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(bytes) };
    let length = read(&mut bytes).map_err(|error| format!("cannot be read: {error}"))?;
    if u64::try_from(length).is_ok_and(|length| length <= MAX_FILE_BYTES) {
        Ok(bytes)
    } else {
        Err(format!("is larger than {MAX_FILE_BYTES} bytes"))
    }
}
