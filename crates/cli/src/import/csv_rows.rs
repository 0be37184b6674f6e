//! The rows of a CSV table, one at a time. A quote that is never closed spoils its own line, not the rest of the table.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io::{self, BufRead, Read};

use csv::ByteRecord;

use super::rows::MAX_ROW_BYTES;

/// Lines of one row at most. A row has more than one where a quoted cell holds line breaks.
const MAX_ROW_LINES: usize = 500;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a table row by row.
pub(super) struct CsvRows<R> {
    source: io::BufReader<R>,
    delimiter: u8,
    /// Lines that were read ahead for the end of a quoted cell, and did not hold it.
    ahead: VecDeque<Line>,
    /// The source could not be read any further, and a row said so.
    failed: bool,
}

/// One line with its end.
struct Line {
    bytes: Vec<u8>,
    /// The line was longer than a row may be; what is beyond that is passed over.
    cut: bool,
}

/// What a table may and must have for columns.
#[derive(Debug)]
pub(super) struct Columns {
    /// What members are filled from.
    pub(super) used: BTreeSet<String>,
    /// What is set aside; `*` for all else.
    pub(super) unused: Vec<String>,
    /// What the table may lack; `*` for any.
    pub(super) optional: Vec<String>,
}

impl<R: Read> CsvRows<R> {
    pub(super) fn new(source: R, delimiter: u8) -> Self {
        Self { source: io::BufReader::new(source), delimiter, ahead: VecDeque::new(), failed: false }
    }

    /// Reads the header: the place of each column. An error names every column that should be there or should not.
    pub(super) fn header(&mut self, columns: &Columns) -> Result<HashMap<String, usize>, Vec<String>> {
        let unreadable = || vec!["the table's header is not readable as UTF-8 text".to_owned()];
        let header = match self.next_row() {
            Some(Ok(header)) => header,
            Some(Err(_)) => return Err(unreadable()),
            None => ByteRecord::new(),
        };
        let names = header.iter().map(|name| std::str::from_utf8(name).map(|name| name.trim().to_owned()));
        let names = names.collect::<Result<Vec<_>, _>>().map_err(|_| unreadable())?;
        let faults = columns.faults(&names);
        if faults.is_empty() {
            return Ok(names.into_iter().enumerate().map(|(place, name)| (name, place)).collect());
        }
        Err(faults)
    }

    /// The next row; an error names the rule that makes its line unreadable. Blank lines are passed over.
    pub(super) fn next_row(&mut self) -> Option<Result<ByteRecord, &'static str>> {
        loop {
            let text = match self.next_text()? {
                Ok(text) => text,
                Err(rule) => return Some(Err(rule)),
            };
            let mut record = ByteRecord::new();
            let mut reader = csv::ReaderBuilder::new()
                .delimiter(self.delimiter)
                .has_headers(false)
                .flexible(true)
                .buffer_capacity(text.len().max(1))
                .from_reader(text.as_slice());
            match reader.read_byte_record(&mut record) {
                // A carriage return alone ends a row for the reader, and what follows must not be lost.
                Ok(true) if reader.read_byte_record(&mut ByteRecord::new()).is_ok_and(|more| more) => {
                    return Some(Err("stray-line-break"));
                }
                Ok(true) => return Some(Ok(record)),
                Ok(false) => {}
                Err(_) => return Some(Err("unreadable")),
            }
        }
    }

    /// The lines of the next row.
    fn next_text(&mut self) -> Option<Result<Vec<u8>, &'static str>> {
        let first = match self.next_line()? {
            Ok(line) if line.cut => return Some(Err("row-too-long")),
            Ok(line) => line.bytes,
            Err(_) => {
                self.failed = true;
                return Some(Err("unreadable"));
            }
        };
        let mut quotes = Quotes::new(self.delimiter);
        quotes.read(&first);
        let mut more: Vec<Line> = Vec::new();
        let mut length = first.len();
        while quotes.open() {
            let next = self.next_line().and_then(Result::ok);
            let fits = next.as_ref().is_some_and(|line| !line.cut && length + line.bytes.len() <= MAX_ROW_BYTES);
            let at_end = next.is_none();
            if let Some(line) = next {
                quotes.read(&line.bytes);
                length += line.bytes.len();
                more.push(line);
            }
            if at_end || !fits || more.len() > MAX_ROW_LINES {
                more.into_iter().rev().for_each(|line| self.ahead.push_front(line));
                return Some(Err("unclosed-quote"));
            }
        }
        Some(Ok(more.into_iter().fold(first, |mut text, line| {
            text.extend(line.bytes);
            text
        })))
    }

    fn next_line(&mut self) -> Option<io::Result<Line>> {
        if let Some(line) = self.ahead.pop_front() {
            return Some(Ok(line));
        }
        if self.failed {
            return None;
        }
        let mut bytes = Vec::new();
        match read_line(&mut self.source, &mut bytes) {
            Ok(None) => None,
            Ok(Some(cut)) => {
                if bytes.starts_with(BYTE_ORDER_MARK) {
                    bytes.drain(..BYTE_ORDER_MARK.len());
                }
                Some(Ok(Line { bytes, cut }))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

impl Columns {
    fn faults(&self, names: &[String]) -> Vec<String> {
        let present: BTreeSet<&String> = names.iter().collect();
        let any = |listed: &[String], name: &String| listed.iter().any(|listed| listed == "*" || listed == name);
        let set_aside = self.unused.iter().filter(|name| *name != "*");
        let expected: BTreeSet<&String> = self.used.iter().chain(set_aside).collect();
        let lacking = expected.iter().filter(|name| !present.contains(**name) && !any(&self.optional, name));
        let lacking = lacking.map(|name| format!("the table has no column {name}"));
        let twice = names
            .iter()
            .enumerate()
            .filter(|(place, name)| expected.contains(name) && names[..*place].contains(name))
            .map(|(_, name)| format!("the table has two columns {name}"));
        // A place and not a name: an unexpected header cell may be a value, in a table without a header.
        let unknown = names.iter().enumerate();
        let unknown =
            unknown.filter(|(_, name)| !self.used.contains(*name) && !any(&self.unused, name)).map(|(place, _)| {
                format!("the map neither uses nor sets aside column {} of the table: name it in unused", place + 1)
            });
        lacking.chain(twice).chain(unknown).collect()
    }
}

/// Reads one line, its end included, up to the longest that a row may be. Whether it was cut; none at the end of the source.
pub(super) fn read_line(source: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    let limit = u64::try_from(MAX_ROW_BYTES).unwrap_or(u64::MAX);
    if source.by_ref().take(limit + 1).read_until(b'\n', line)? == 0 {
        return Ok(None);
    }
    let cut = line.len() > MAX_ROW_BYTES;
    if cut && line.last() != Some(&b'\n') {
        source.skip_until(b'\n')?;
    }
    Ok(Some(cut))
}

/// Whether a quoted cell is open, byte by byte, by the rules of RFC 4180 section 2: quotes count at the start of a cell only.
struct Quotes {
    delimiter: u8,
    state: Quoting,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoting {
    CellStart,
    Plain,
    Open,
    /// A quote within quotes: the end of the cell, or half of a doubled one.
    MayClose,
}

impl Quotes {
    fn new(delimiter: u8) -> Self {
        Self { delimiter, state: Quoting::CellStart }
    }

    fn read(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let starts = byte == self.delimiter || byte == b'\n' || byte == b'\r';
            self.state = match (self.state, byte) {
                (Quoting::CellStart, b'"') => Quoting::Open,
                (Quoting::Open, b'"') => Quoting::MayClose,
                (Quoting::Open, _) | (Quoting::MayClose, b'"') => Quoting::Open,
                _ if starts => Quoting::CellStart,
                _ => Quoting::Plain,
            };
        }
    }

    fn open(&self) -> bool {
        self.state == Quoting::Open
    }
}
