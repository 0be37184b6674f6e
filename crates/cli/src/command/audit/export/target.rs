//! The file of an export, with its state beside it: the rows are durable before the state says so.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::state::State;
use crate::Failure;

/// For its owner alone.
const OWNER_ONLY: u32 = 0o600;

/// The file of an export.
#[derive(Debug)]
pub(super) struct Target {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Target {
    /// Opens the file of a new export, or that of one that was cut off: up to where its state says that it is whole.
    ///
    /// # Errors
    /// A file that another export is writing to, a file without a state, a state of another question or form, a file that is shorter than its state says, and what the system
    /// said.
    pub(super) fn open(path: &Path, format: &str, question: &str) -> Result<(Self, State), Failure> {
        let failed = |error| Failure::file(path, error);
        let mut options = OpenOptions::new();
        options.write(true).mode(OWNER_ONLY);
        if read(&beside(path, "state"))?.is_none() {
            let file = options.create_new(true).open(path).map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => Failure::content(
                    path,
                    "this file is there already, and nothing beside it says how to go on: name another".into(),
                ),
                _ => failed(error),
            })?;
            lock(&file, path)?;
            let state = State { format: format.to_owned(), question: question.to_owned(), ..State::default() };
            let target = Self { path: path.to_owned(), file, bytes: 0 };
            // From here on the same command goes on, wherever it is cut off.
            target.keep(&state)?;
            return Ok((target, state));
        }
        let mut file = options.create(true).truncate(false).open(path).map_err(failed)?;
        lock(&file, path)?;
        // Whoever wrote to it until now may have come further than what was read before.
        let state = read(&beside(path, "state"))?.unwrap_or_default();
        if state.format != format || state.question != question {
            let other = format!("it is an export of another question or form ({}): name another file", state.format);
            return Err(Failure::content(path, other));
        }
        let length = file.metadata().map_err(failed)?.len();
        if length < state.bytes {
            let shorter =
                format!("{length} bytes, and its state says {}: it was cut; delete both and begin again", state.bytes);
            return Err(Failure::content(path, shorter));
        }
        file.set_len(state.bytes).and_then(|()| file.seek(SeekFrom::End(0))).map_err(failed)?;
        Ok((Self { path: path.to_owned(), file, bytes: state.bytes }, state))
    }

    /// Appends whole lines, durably; the length then.
    ///
    /// # Errors
    /// What the system said.
    pub(super) fn append(&mut self, lines: &[u8]) -> Result<u64, Failure> {
        let written = self.file.write_all(lines).and_then(|()| self.file.sync_all());
        written.map_err(|error| Failure::file(&self.path, error))?;
        self.bytes += lines.len() as u64;
        Ok(self.bytes)
    }

    /// Puts the state in place of the one before, durably, all of it or nothing.
    ///
    /// # Errors
    /// What the system said.
    pub(super) fn keep(&self, state: &State) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(state).expect("a state is texts and numbers");
        replace(&beside(&self.path, "state"), text.as_bytes())
    }

    /// Writes the checkpoint that the export ends at beside it.
    ///
    /// # Errors
    /// What the system said.
    pub(super) fn keep_checkpoint(&self, note: &str) -> Result<(), Failure> {
        replace(&beside(&self.path, "checkpoint"), note.as_bytes())
    }
}

/// The file is for one export at a time. It is let go with the file, whatever becomes of the program.
fn lock(file: &File, path: &Path) -> Result<(), Failure> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            Err(Failure::content(path, "another export is writing to this file: wait for it, or name another".into()))
        }
        Err(TryLockError::Error(error)) => Err(Failure::file(path, error)),
    }
}

fn read(path: &Path) -> Result<Option<State>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let state = serde_json::from_str(&text);
            state.map(Some).map_err(|_| Failure::content(path, "this is not the state of an export".into()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::file(path, error)),
    }
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let partial = beside(path, "partial");
    let written = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(OWNER_ONLY).open(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        File::open(folder)?.sync_all()
    };
    written().map_err(|error| Failure::file(path, error))
}

/// `FILE.state` of `FILE`, and so on.
fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_off_goes_on_after_the_last_whole_page() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("export.csv");
        let (mut target, mut state) = Target::open(&path, "csv", "q").expect("new");
        assert!(state.is_new());
        (state.bytes, state.rows, state.cursor) = (target.append(b"one\n").expect("written"), 1, "c".into());
        target.keep(&state).expect("kept");
        // The next page was written, half of it, and the state was not.
        target.append(b"two\nthr").expect("written");
        drop(target);
        let (mut target, again) = Target::open(&path, "csv", "q").expect("goes on");
        assert_eq!(again, state);
        target.append(b"two\n").expect("written");
        assert_eq!(fs::read_to_string(&path).expect("readable"), "one\ntwo\n");
    }

    #[test]
    fn two_exports_do_not_write_to_one_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("export.csv");
        let (target, _) = Target::open(&path, "csv", "q").expect("new");
        let fault = Target::open(&path, "csv", "q").expect_err("taken").to_string();
        assert!(fault.contains("another export is writing"), "{fault}");
        drop(target);
        let (target, _) = Target::open(&path, "csv", "q").expect("free again");
        assert!(Target::open(&path, "csv", "q").is_err(), "one that goes on has it too");
        drop(target);
    }

    #[test]
    fn another_question_another_file_and_a_file_that_was_cut_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("export.csv");
        let (mut target, mut state) = Target::open(&path, "csv", "q").expect("new");
        state.bytes = target.append(b"one\n").expect("written");
        target.keep(&state).expect("kept");
        drop(target);
        assert!(Target::open(&path, "csv", "another").is_err());
        assert!(Target::open(&path, "ocsf", "q").is_err());
        fs::write(&path, "on").expect("writable");
        assert!(Target::open(&path, "csv", "q").expect_err("cut").to_string().contains("it was cut"));
        let other = folder.path().join("diary");
        fs::write(&other, "dear diary").expect("writable");
        assert!(Target::open(&other, "csv", "q").is_err());
        assert_eq!(fs::read_to_string(&other).expect("readable"), "dear diary");
    }
}
