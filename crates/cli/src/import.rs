//! Reading somebody else's table as submissions, by a map and no code of its own for any source.
//!
//! In scope: the map file, and one row of a table becoming one document with its submission id. Out of scope: whether
//! the document is valid (the gateway's schema says) and sending it.

mod cell;
mod field;
mod flags;
mod map_file;
mod rows;
mod submission;

use std::collections::BTreeSet;
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
    delimiter: u8,
    /// Members that every document has.
    constants: Map<String, Value>,
    fields: Vec<field::Field>,
    /// Every column that the source must have, and may have.
    columns: BTreeSet<String>,
}

/// One row of the source.
#[derive(Debug)]
pub struct Row {
    /// Its number: 1 for the first row after the header.
    pub number: u64,
    /// The submission that it becomes, or everything that the map has no answer for.
    pub result: Result<Mapped, Vec<Reject>>,
}

/// A row as a submission.
#[derive(Debug)]
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
    /// A stable rule name, as `unlisted-value`.
    pub rule: &'static str,
}

impl ImportMap {
    /// Reads a map file. An error holds every fault found, each with its place.
    pub fn load(path: &Path) -> Result<Self, Vec<String>> {
        let text =
            fs::read_to_string(path).map_err(|error| vec![format!("cannot read {}: {error}", path.display())])?;
        Self::parse(&text)
    }

    /// Reads the text of a map. An error holds every fault found, each with its place.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        map_file::parse(text)
    }

    /// The rows of a table, one at a time, whatever its length.
    ///
    /// The header is read at once: an error names the columns that the map expects and the table lacks, and those
    /// that it has and the map neither uses nor sets aside (`unused`).
    pub fn rows<R: Read>(self, table: R) -> Result<Rows<R>, Vec<String>> {
        Rows::new(self, table)
    }
}

#[cfg(test)]
mod tests;
