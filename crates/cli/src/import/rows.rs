//! The rows of a source, streamed: only the current one is in memory.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::io::Read;

use serde_json::Value;

use super::cells::{Cells, all_known};
use super::csv_rows::CsvRows;
use super::json_rows::JsonRows;
use super::path::close_gaps;
use super::{Format, ImportMap, Mapped, Reject, Row};

/// Bytes of one row at most: no more than a record may have.
pub(super) const MAX_ROW_BYTES: usize = 128 * 1024;

/// The rows of one source, in order. Ends after the last row, or after a row that says that the rest is unreadable.
pub struct Rows<R> {
    map: ImportMap,
    source: Source<R>,
    number: u64,
}

enum Source<R> {
    Csv { rows: CsvRows<R>, places: HashMap<String, usize> },
    Json(JsonRows<R>),
}

impl<R: Read> Source<R> {
    fn open(map: &ImportMap, source: R) -> Result<Self, Vec<String>> {
        match map.format {
            Format::Csv { delimiter } => {
                let mut rows = CsvRows::new(source, delimiter);
                let places = rows.header(&map.columns)?;
                Ok(Self::Csv { rows, places })
            }
            Format::Json => {
                JsonRows::new(source).map(Self::Json).map_err(|error| vec![format!("cannot be read: {error}")])
            }
        }
    }

    /// Reads past one row; none at the end.
    fn skip(&mut self) -> Option<()> {
        match self {
            Self::Csv { rows, .. } => rows.next_row().map(|_| ()),
            Self::Json(rows) => rows.next_row().map(|_| ()),
        }
    }
}

/// How many rows the source has.
pub(super) fn count<R: Read>(map: &ImportMap, source: R) -> Result<u64, Vec<String>> {
    let mut source = Source::open(map, source)?;
    let mut rows = 0;
    while source.skip().is_some() {
        rows += 1;
    }
    Ok(rows)
}

impl<R: Read> Rows<R> {
    pub(super) fn new(map: ImportMap, source: R) -> Result<Self, Vec<String>> {
        let source = Source::open(&map, source)?;
        Ok(Self { map, source, number: 0 })
    }
}

/// What was read ahead is not shown: it is what the source says.
impl<R> fmt::Debug for Rows<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("number", &self.number).finish_non_exhaustive()
    }
}

impl<R: Read> Iterator for Rows<R> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let number = self.number + 1;
        let result = match &mut self.source {
            Source::Csv { rows, places } => match rows.next_row()? {
                Err(rule) => Err(whole(rule)),
                Ok(record) if record.len() != places.len() => Err(whole("column-count")),
                Ok(record) => {
                    let cells = Cells::Csv { record: &record, places };
                    let parts: Vec<&[u8]> = record.iter().collect();
                    self.map.submission(number, &cells, &parts)
                }
            },
            Source::Json(rows) => match rows.next_row()? {
                Err(rule) => Err(whole(rule)),
                Ok(text) => self.map.object(number, &text),
            },
        };
        self.number = number;
        Some(Row { number, result })
    }
}

impl ImportMap {
    fn object(&self, number: u64, text: &[u8]) -> Result<Mapped, Vec<Reject>> {
        // Read as a record is: twice the same member, or one number too many digits, has no one meaning.
        causeway_schema::parse(text).map_err(|fault| whole(fault.reason()))?;
        let object: Value = serde_json::from_slice(text).map_err(|_| whole("malformed-json"))?;
        let set_aside = self.columns.unused.iter();
        let known: Vec<&str> = self.columns.used.iter().chain(set_aside.clone()).map(String::as_str).collect();
        if set_aside.clone().all(|name| name != "*") && !all_known(&object, &known) {
            return Err(whole("unknown-member"));
        }
        self.submission(number, &Cells::Json(&object), &[text.trim_ascii()])
    }

    fn submission(&self, number: u64, cells: &Cells<'_>, row: &[&[u8]]) -> Result<Mapped, Vec<Reject>> {
        let document = self.document(cells)?;
        let document = serde_json::to_vec(&document).expect("members with text names are always JSON");
        let submission_id = self.submission.id(number, row);
        Ok(Mapped { submission_id, schema: self.schema, document })
    }

    /// The document, or every member that cannot be filled.
    fn document(&self, cells: &Cells<'_>) -> Result<Value, Vec<Reject>> {
        let mut document = Value::Object(self.constants.clone());
        let mut rejects = Vec::new();
        let mut reject = |pointer, rule| rejects.push(Reject { pointer, rule });
        let mut cases = Vec::new();
        for case in &self.cases {
            match case.holds(cells) {
                Ok(true) => cases.push(case),
                Ok(false) => {}
                Err(rule) => reject(String::new(), rule),
            }
        }
        for field in &self.fields {
            if cases.iter().any(|case| case.leaves_out(&field.path)) {
                continue;
            }
            match field.value(cells) {
                Ok(Some(value)) => field.path.put(&mut document, value),
                Ok(None) => {}
                Err(rule) => reject(field.path.pointer(), rule),
            }
        }
        if let Some(journey) = &self.journey {
            match journey.legs(cells) {
                Ok(legs) => document["legs"] = legs,
                Err(faults) => faults.into_iter().for_each(|Reject { pointer, rule }| reject(pointer, rule)),
            }
        }
        close_gaps(&mut document);
        cases.iter().for_each(|case| case.set(&mut document));
        if rejects.is_empty() { Ok(document) } else { Err(rejects) }
    }
}

fn whole(rule: &'static str) -> Vec<Reject> {
    vec![Reject { pointer: String::new(), rule: Cow::Borrowed(rule) }]
}
