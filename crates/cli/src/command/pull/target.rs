//! Where the items of a pull go: standard output, or a file to which they are appended.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::output::{note, say};

/// So much is read at a time when a file's last line is looked for.
const BLOCK: usize = 64 * 1024;

/// Where lines go.
#[derive(Debug)]
pub(crate) enum Target {
    /// Standard output.
    Standard,
    /// A file for its owner alone.
    File {
        /// Where it is.
        path: PathBuf,
        /// Open at its end.
        file: File,
    },
}

impl Target {
    /// Opens a file to append to. What a pull that was cut short left of a line is taken off its end.
    ///
    /// # Errors
    /// What the system said.
    pub(crate) fn file(path: &Path) -> Result<Self, Failure> {
        let failed = |error| Failure::file(path, error);
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
        let mut file = options.map_err(failed)?;
        let (whole, length) = whole_lines(&mut file).map_err(failed)?;
        if whole < length {
            note(format_args!("{}: the last line is not all there and is taken off", path.display()));
            file.set_len(whole).map_err(failed)?;
        }
        file.seek(SeekFrom::Start(whole)).map_err(failed)?;
        Ok(Self::File { path: path.to_owned(), file })
    }

    /// Writes lines; into a file durably.
    ///
    /// # Errors
    /// What the system said.
    pub(crate) fn write(&mut self, lines: &[String]) -> Result<(), Failure> {
        match self {
            Self::Standard => lines.iter().for_each(say),
            Self::File { path, file } => {
                let mut text = lines.join("\n");
                text.push_str(if lines.is_empty() { "" } else { "\n" });
                let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
                written.map_err(|error| Failure::file(path, error))?;
            }
        }
        Ok(())
    }
}

/// The length of a file up to its last end of line, and in all.
fn whole_lines(file: &mut File) -> std::io::Result<(u64, u64)> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(BLOCK as u64);
        let mut block = Vec::with_capacity(BLOCK);
        file.seek(SeekFrom::Start(start))?;
        file.take(end - start).read_to_end(&mut block)?;
        if let Some(at) = block.iter().rposition(|byte| *byte == b'\n') {
            return Ok((start + at as u64 + 1, length));
        }
        end = start;
    }
    Ok((0, length))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn lines_are_appended_and_half_a_line_is_taken_off() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("items.jsonl");
        let append = |lines: &[&str]| {
            let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
            Target::file(&path).and_then(|mut target| target.write(&lines)).expect("written");
        };
        append(&["one", "two"]);
        append(&[]);
        let long = "x".repeat(BLOCK * 2 + 5);
        append(&[&long]);
        let whole = std::fs::read_to_string(&path).expect("readable");
        assert_eq!(whole, format!("one\ntwo\n{long}\n"));
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        for torn in ["thr", &long] {
            std::fs::write(&path, format!("{whole}{torn}")).expect("writable");
            append(&["three"]);
            assert_eq!(std::fs::read_to_string(&path).expect("readable"), format!("{whole}three\n"));
        }
        std::fs::write(&path, &long).expect("writable");
        append(&["one"]);
        assert_eq!(std::fs::read_to_string(&path).expect("readable"), "one\n");
    }
}
