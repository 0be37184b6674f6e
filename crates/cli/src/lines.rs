//! Reads a file of submissions line by line, in bounded memory whatever the file holds.

use std::io::{BufRead, Read};
use std::path::Path;

use crate::Failure;
use crate::line::{self, LINE_LIMIT, Line};
use crate::push::{Outgoing, Unsent};
use crate::source::{self, Source};

/// The lines of one file with their numbers, from 1. Blank lines are passed over.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    source: R,
    number: u64,
    ended: bool,
}

impl Lines<Source> {
    /// Opens a file, or standard input for `-`, and counts its lines for the progress bar where it can be read twice.
    ///
    /// # Errors
    /// A source that cannot be read, or of which it is known that it holds no line.
    pub(crate) fn open(path: &Path) -> Result<(Self, Option<u64>), Failure> {
        let mut lines = None;
        if source::is_read_again(path) {
            let counted = count(source::open(path)?).map_err(|e| Failure::file(path, e))?;
            lines = Some(counted);
        }
        match lines {
            Some(0) => Err(no_line(path)),
            lines => Ok((Self::new(source::open(path)?), lines)),
        }
    }
}

/// What a command says that was given nothing.
pub(crate) fn no_line(path: &Path) -> Failure {
    source::empty(path, "line")
}

/// How many lines are not blank.
pub(crate) fn count(mut source: impl BufRead) -> std::io::Result<u64> {
    let (mut lines, mut blank) = (0, true);
    loop {
        let bytes = source.fill_buf()?;
        if bytes.is_empty() {
            return Ok(lines + u64::from(!blank));
        }
        for byte in bytes {
            match byte {
                b'\n' => {
                    lines += u64::from(!blank);
                    blank = true;
                }
                byte => blank &= byte.is_ascii_whitespace(),
            }
        }
        let read = bytes.len();
        source.consume(read);
    }
}

impl<R: BufRead> Lines<R> {
    fn new(source: R) -> Self {
        Self { source, number: 0, ended: false }
    }

    /// The next line; none at the end.
    fn next_bytes(&mut self) -> std::io::Result<Option<Result<Vec<u8>, String>>> {
        let mut bytes = Vec::new();
        let limit = u64::try_from(LINE_LIMIT).unwrap_or(u64::MAX) + 1;
        if (&mut self.source).take(limit).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        if bytes.last() == Some(&b'\n') || bytes.len() <= LINE_LIMIT {
            return Ok(Some(Ok(bytes)));
        }
        self.source.skip_until(b'\n')?;
        Ok(Some(Err(format!("longer than {LINE_LIMIT} bytes"))))
    }

    /// The next line that is not blank, with its number.
    pub(crate) fn next_line(&mut self) -> Option<(u64, Result<Line, String>)> {
        while !self.ended {
            let bytes = match self.next_bytes() {
                Ok(Some(Ok(bytes))) => bytes,
                Ok(Some(Err(fault))) => return Some((self.number, Err(fault))),
                Ok(None) => return None,
                // The file ends here for us; saying where is what can be done.
                Err(error) => {
                    self.ended = true;
                    return Some((self.number + 1, Err(format!("cannot be read: {error}"))));
                }
            };
            let line = std::str::from_utf8(&bytes).map(str::trim).map_err(|_| "not UTF-8".to_owned());
            match line {
                Ok("") => {}
                Ok(text) => return Some((self.number, line::parse(text))),
                Err(fault) => return Some((self.number, Err(fault))),
            }
        }
        None
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Outgoing;

    fn next(&mut self) -> Option<Outgoing> {
        let (place, line) = self.next_line()?;
        let unsent = |fault| Unsent { reason: "malformed-line", fault, broken: Vec::new() };
        let what = line.map(Line::into_request).map_err(unsent);
        Some(Outgoing { place, what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"submission_id":"s","kind":"victim-profile","schema_version":"1.0","document":{}}"#;

    /// A source that breaks off.
    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::ConnectionReset.into())
        }
    }

    #[test]
    fn a_source_that_breaks_off_is_said_once_and_is_the_end() {
        let mut lines = Lines::new(std::io::BufReader::new(Broken));
        assert!(matches!(lines.next_line(), Some((1, Err(_)))));
        assert!(lines.next_line().is_none());
    }

    #[test]
    fn a_file_without_lines_and_a_folder_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("records.jsonl");
        std::fs::write(&path, "\n  \n").expect("written");
        assert!(Lines::open(&path).is_err() && Lines::open(folder.path()).is_err());
    }

    #[test]
    fn each_line_has_its_number_and_a_bad_one_spoils_no_other() {
        let long = "x".repeat(LINE_LIMIT + 10);
        let mut text = format!("{GOOD}\n\n   \nnot json\n{long}\n{GOOD}\n").into_bytes();
        text.extend(b"\xff\xfe\n");
        text.extend(GOOD.as_bytes());
        assert_eq!(count(text.as_slice()).expect("readable"), 6);
        let lines = Lines::new(text.as_slice());
        let places: Vec<(u64, bool)> = lines.map(|outgoing| (outgoing.place, outgoing.what.is_ok())).collect();
        assert_eq!(places, [(1, true), (4, false), (5, false), (6, true), (7, false), (8, true)]);
    }
}
