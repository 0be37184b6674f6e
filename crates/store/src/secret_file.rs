//! Files of secrets that are replaced whole: after a power cut it is the old one or the new one, and in the end nothing of
//! the old one's bytes is where they were.
//!
//! A replacement is prepared beside its place (`.prepared`) and then settled: the old file gets a second name
//! (`.replaced`), the new one takes the first, and the old one is overwritten before it goes. Both names are ones that nobody
//! gives a copy by hand, since what bears them is taken away. What overwriting cannot promise on copy-on-write file systems
//! and flash is in `docs/keys.md`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use causeway_crypto::random;
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::folder;
use crate::steps;

/// Random bytes that are written at once over old ones.
const WIPE_BYTES: usize = 4096;

/// Puts `bytes` in the place of the file at `path`, and overwrites what was there.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    prepare(path, bytes)?;
    // If we stop here, the old file stands and `discard` takes the new one away.
    settle(path)
}

/// Writes `bytes` beside `path`, durably once this returns.
pub(crate) fn prepare(path: &Path, bytes: &[u8]) -> io::Result<()> {
    steps::next()?;
    folder::write_private(&prepared(path), bytes)?;
    folder::sync(folder::parent_of(path))
}

/// Puts what was prepared in its place, and finishes what an earlier call was stopped in. Does nothing where there is
/// nothing to do.
pub(crate) fn settle(path: &Path) -> io::Result<()> {
    let next = prepared(path);
    if next.exists() {
        if path.exists() && !is_same_file(path, &replaced(path))? {
            wipe_away(&replaced(path))?;
            steps::next()?;
            fs::hard_link(path, replaced(path))?;
            folder::sync(folder::parent_of(path))?;
        }
        // If we stop here, the file has two names, and the next call goes on from there.
        steps::next()?;
        fs::rename(&next, path)?;
        folder::sync(folder::parent_of(path))?;
    }
    // If we stop here, the new file is in its place, and the next call overwrites the old one.
    finish(path)
}

/// Takes away what was prepared and is not to be settled.
pub(crate) fn discard(path: &Path) -> io::Result<()> {
    wipe_away(&prepared(path))?;
    finish(path)
}

/// A file of secrets, which nobody but its owner may have been able to read.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let failed = |source: io::Error| StoreError::io("read the key file", path, source);
    if fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
        let what = "readable or writable by others: set its mode to 0600 and consider the key known";
        return Err(StoreError::keys(path, what));
    }
    fs::read(path).map(Zeroizing::new).map_err(failed)
}

/// Overwrites a file with random bytes and removes it. Does nothing where there is none.
pub(crate) fn wipe_away(path: &Path) -> io::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    steps::next()?;
    let mut file = OpenOptions::new().write(true).open(path)?;
    let mut left = file.metadata()?.len();
    while left > 0 {
        let bytes = random::<WIPE_BYTES>();
        let length = usize::try_from(left).map_or(WIPE_BYTES, |left| left.min(WIPE_BYTES));
        file.write_all(&bytes[..length])?;
        left = left.saturating_sub(WIPE_BYTES as u64);
    }
    file.sync_data()?;
    steps::next()?;
    fs::remove_file(path)?;
    folder::sync(folder::parent_of(path))
}

/// Ends what is left of an old file: overwritten, unless it is the one in its place under a second name.
fn finish(path: &Path) -> io::Result<()> {
    let old = replaced(path);
    if is_same_file(path, &old)? {
        steps::next()?;
        fs::remove_file(&old)?;
        return folder::sync(folder::parent_of(path));
    }
    wipe_away(&old)
}

fn is_same_file(path: &Path, other: &Path) -> io::Result<bool> {
    let identity = |path: &Path| match fs::metadata(path) {
        Ok(about) => Ok(Some((about.dev(), about.ino()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    let other = identity(other)?;
    Ok(other.is_some() && identity(path)? == other)
}

fn prepared(path: &Path) -> PathBuf {
    with_suffix(path, ".prepared")
}

fn replaced(path: &Path) -> PathBuf {
    with_suffix(path, ".replaced")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::with_at_most;

    #[test]
    fn wherever_a_replacement_stops_one_whole_file_is_there_and_the_next_ends_it() {
        let mut stopped = 0;
        for steps in 0.. {
            let dir = tempfile::tempdir().expect("a folder");
            let path = dir.path().join("secret");
            fs::write(&path, b"the old secret").expect("written");
            // A second handle on the old file sees what becomes of its bytes.
            let mut watched = fs::File::open(&path).expect("opened");
            let (replaced, _) = with_at_most(steps, || replace(&path, b"the new secret"));
            let held = fs::read(&path).expect("one of the two is there");
            assert!(held == b"the old secret" || held == b"the new secret", "step {steps}");
            if replaced.is_err() {
                stopped += 1;
                if held == b"the old secret" { discard(&path) } else { settle(&path) }.expect("ended");
                assert_eq!(fs::read(&path).expect("there"), held, "step {steps}");
            }
            assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 1, "step {steps}: nothing else is left");
            let mut bytes = Vec::new();
            io::Read::read_to_end(&mut watched, &mut bytes).expect("read");
            assert_eq!(bytes == b"the old secret", held == b"the old secret", "step {steps}: overwritten");
            if replaced.is_ok() {
                break;
            }
        }
        assert!(stopped >= 4, "stopped at {stopped} steps");
    }
}
