//! The rows of a table, streamed: only the current one is in memory.

use std::collections::{BTreeSet, HashMap};
use std::io::Read;

use csv::ByteRecord;

use super::{ImportMap, Mapped, Reject, Row};

/// Bytes of one row at most. A quote that is never closed reads as one endless row.
const MAX_ROW_BYTES: usize = 128 * 1024;

/// The rows of one table, in order. Ends after the last row, or after a row that says that the rest is unreadable.
#[derive(Debug)]
pub struct Rows<R> {
    map: ImportMap,
    reader: csv::Reader<R>,
    places: HashMap<String, usize>,
    record: ByteRecord,
    number: u64,
    ended: bool,
}

/// The cells of one row, by the names of their columns.
pub(super) struct Cells<'r> {
    record: &'r ByteRecord,
    places: &'r HashMap<String, usize>,
}

impl<R: Read> Rows<R> {
    pub(super) fn new(map: ImportMap, table: R) -> Result<Self, Vec<String>> {
        // Rows of another length are that row's fault and not the end of the table.
        let mut reader = csv::ReaderBuilder::new().delimiter(map.delimiter).flexible(true).from_reader(table);
        let header =
            reader.headers().map_err(|_| vec!["the table's header is not readable as UTF-8 text".to_owned()])?;
        let names: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
        let faults = header_faults(&names, &map.columns);
        if !faults.is_empty() {
            return Err(faults);
        }
        let places = names.into_iter().enumerate().map(|(place, name)| (name, place)).collect();
        Ok(Self { map, reader, places, record: ByteRecord::new(), number: 0, ended: false })
    }

    fn map_row(&self) -> Result<Mapped, Vec<Reject>> {
        let whole = |rule| vec![Reject { pointer: String::new(), rule }];
        if self.record.len() != self.places.len() {
            return Err(whole("column-count"));
        }
        if self.record.as_slice().len() > MAX_ROW_BYTES {
            return Err(whole("row-too-long"));
        }
        let cells = Cells { record: &self.record, places: &self.places };
        let mut document = self.map.constants.clone();
        let mut rejects = Vec::new();
        for field in &self.map.fields {
            match field.value(&cells) {
                Ok(Some(value)) => field.put(&mut document, value),
                Ok(None) => {}
                Err(rule) => rejects.push(Reject { pointer: field.pointer(), rule }),
            }
        }
        if !rejects.is_empty() {
            return Err(rejects);
        }
        let document = serde_json::to_vec(&document).expect("members with text names are always JSON");
        let submission_id = self.map.submission.id(self.number, &self.record);
        Ok(Mapped { submission_id, schema: self.map.schema, document })
    }
}

impl<R: Read> Iterator for Rows<R> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        if self.ended {
            return None;
        }
        let read = self.reader.read_byte_record(&mut self.record);
        self.number += 1;
        match read {
            Ok(true) => Some(Row { number: self.number, result: self.map_row() }),
            Ok(false) => {
                self.ended = true;
                None
            }
            Err(_) => {
                self.ended = true;
                let unreadable = Reject { pointer: String::new(), rule: "unreadable" };
                Some(Row { number: self.number, result: Err(vec![unreadable]) })
            }
        }
    }
}

impl<'r> Cells<'r> {
    /// The trimmed text of a cell; an error names the rule when it is not UTF-8.
    pub(super) fn text(&self, column: &str) -> Result<&'r str, &'static str> {
        let place = self.places.get(column).expect("the header has every column of the map");
        let bytes = self.record.get(*place).expect("the row is as long as the header");
        std::str::from_utf8(bytes).map(str::trim).map_err(|_| "utf-8")
    }
}

fn header_faults(names: &[String], expected: &BTreeSet<String>) -> Vec<String> {
    let present: BTreeSet<&String> = names.iter().collect();
    let lacking =
        expected.iter().filter(|name| !present.contains(name)).map(|name| format!("the table has no column {name}"));
    let twice = names
        .iter()
        .enumerate()
        .filter(|(place, name)| expected.contains(*name) && names[..*place].contains(name))
        .map(|(_, name)| format!("the table has two columns {name}"));
    // A place and not a name: an unexpected header cell may be a value, in a table without a header.
    let unknown = names.iter().enumerate().filter(|(_, name)| !expected.contains(*name)).map(|(place, _)| {
        format!("the map neither uses nor sets aside column {} of the table: name it in unused", place + 1)
    });
    lacking.chain(twice).chain(unknown).collect()
}
