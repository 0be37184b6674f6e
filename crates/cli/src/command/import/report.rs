//! The file of what an import refused: row, pointer, rule. Safe to open in a spreadsheet, and without a value of the source.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::{Broken, Failure};

/// Characters with which a spreadsheet takes a cell for a formula (OWASP, CSV injection).
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// The report as it is written.
pub(super) struct Report {
    path: PathBuf,
    file: csv::Writer<File>,
}

impl Report {
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        let file = File::create(path).map_err(|e| Failure::file(path, e))?;
        let mut report = Self { path: path.to_owned(), file: csv::Writer::from_writer(file) };
        report.record(&["row", "pointer", "rule"])?;
        Ok(report)
    }

    pub(super) fn write(&mut self, row: u64, fault: &Broken) -> Result<(), Failure> {
        self.record(&[&row.to_string(), &plain(&fault.pointer), &plain(&fault.rule)])
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.file.flush().map_err(|e| Failure::file(&self.path, e))
    }

    fn record(&mut self, cells: &[&str; 3]) -> Result<(), Failure> {
        self.file.write_record(cells).map_err(|e| Failure::file(&self.path, io::Error::other(e)))
    }
}

/// The text as no spreadsheet takes it for a formula. Pointers and rules of ours never are one; a gateway's might be.
fn plain(text: &str) -> String {
    if text.starts_with(FORMULA) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("rejects.csv");
        let mut report = Report::create(&path).expect("writable");
        let fault =
            |pointer: &str, rule: &str| Broken { pointer: pointer.into(), rule: rule.into(), reason: String::new() };
        report.write(1, &fault("/gender", "unlisted-value")).expect("written");
        report.write(2, &fault("=1+1", "@SUM(A1)")).expect("written");
        report.finish().expect("flushed");
        let text = std::fs::read_to_string(&path).expect("readable");
        assert_eq!(text, "row,pointer,rule\n1,/gender,unlisted-value\n2,'=1+1,'@SUM(A1)\n");
    }
}
