//! Reading somebody else's table or JSON as submissions, by a map and no code of its own for any source.
//!
//! In scope: the map file, and one row of a source becoming one document with its submission id. Out of scope: whether
//! the document is valid (the gateway's schema says) and sending it.

mod band;
mod case;
mod cell;
mod cells;
mod csv_rows;
mod date_form;
mod field;
mod flags;
mod journey;
mod json_rows;
mod map_file;
mod member_file;
mod path;
mod rows;
mod submission;
mod table;
mod text;

use std::borrow::Cow;
use std::fmt;
use std::fs;
use std::io::Read;
use std::path::Path;

use causeway_model::{SchemaId, SubmissionId};
use serde_json::{Map, Value};

pub use rows::Rows;

/// How one source's rows become documents. Read from a TOML file, as `config/imports/ctdc.toml`.
#[derive(Debug)]
pub struct ImportMap {
    schema: SchemaId,
    submission: submission::Template,
    format: Format,
    /// Members that every document has.
    constants: Map<String, Value>,
    fields: Vec<field::Field>,
    /// What the legs of a route are made of.
    journey: Option<journey::Journey>,
    /// What holds for some rows only.
    cases: Vec<case::Case>,
    columns: csv_rows::Columns,
}

/// What the source is written in.
#[derive(Debug, Clone, Copy)]
enum Format {
    Csv { delimiter: u8 },
    Json,
}

/// One row of the source.
#[derive(Debug)]
pub struct Row {
    /// Its number: 1 for the first row after the header, or for the first object.
    pub number: u64,
    /// The submission that it becomes, or everything that the map has no answer for.
    pub result: Result<Mapped, Vec<Reject>>,
}

/// A row as a submission.
pub struct Mapped {
    /// The same for the same row of the same file, so that an import can be run again.
    pub submission_id: SubmissionId,
    /// The schema that the document is written in.
    pub schema: SchemaId,
    /// The document: JSON, members in order of their names.
    pub document: Vec<u8>,
}

/// Why a row has no document. Holds no value of the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The member that could not be filled, as a JSON pointer; empty for the row as a whole.
    pub pointer: String,
    /// A stable rule name, as `unlisted-value`; or one of the map's tables, as `not-a-country`.
    pub rule: Cow<'static, str>,
}

impl fmt::Debug for Mapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mapped({} {})", self.schema.kind, self.schema.version)
    }
}

impl ImportMap {
    /// Reads a map file. An error holds every fault found, each with its place.
    pub fn load(path: &Path) -> Result<Self, Vec<String>> {
        let text =
            fs::read_to_string(path).map_err(|error| vec![format!("cannot read {}: {error}", path.display())])?;
        let here = Path::new(".");
        map_file::parse(&text, path.parent().unwrap_or(here))
    }

    /// As [`ImportMap::load`], of a text that stands in `folder`.
    ///
    /// # Errors
    /// Every fault, with its place.
    #[cfg(feature = "fuzzing")]
    pub fn parse(text: &str, folder: &Path) -> Result<Self, Vec<String>> {
        map_file::parse(text, folder)
    }

    /// The rows of a source, one at a time, whatever its length.
    ///
    /// The header of a table is read at once: an error names the columns that the map expects and the table lacks, and
    /// those that it has and the map neither uses nor sets aside (`unused`).
    pub fn rows<R: Read>(self, source: R) -> Result<Rows<R>, Vec<String>> {
        Rows::new(self, source)
    }

    /// How many rows a source has. It is read through, and nothing else is done with it.
    pub fn count<R: Read>(&self, source: R) -> Result<u64, Vec<String>> {
        rows::count(self, source)
    }
}

#[cfg(test)]
mod tests;
