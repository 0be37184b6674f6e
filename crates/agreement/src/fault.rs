//! What is wrong with a document, and where. A reader collects all of them before it gives up.

use std::cell::RefCell;
use std::fmt;

use crate::Lines;

/// One thing that is wrong with an agreement or an agency file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where it is, as `clauses[1].minimum_cell`; empty for a text that is not TOML, of which only the line is known.
    pub place: String,
    /// The line of the key, from 1; that of its table's header where the key is missing. None where the text is not at hand.
    pub line: Option<usize>,
    /// What is wrong, in words that say what to write instead.
    pub what: String,
}

impl Fault {
    pub(crate) fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), line: None, what: what.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.place.as_str(), self.line) {
            ("", Some(line)) => write!(f, "line {line}: {}", self.what),
            (place, _) => write!(f, "{place}: {}", self.what),
        }
    }
}

/// The faults found so far in one document; shared by the sections that are being read.
#[derive(Debug, Default)]
pub(crate) struct Faults(RefCell<Vec<Fault>>);

impl Faults {
    pub(crate) fn add(&self, place: impl Into<String>, what: impl Into<String>) {
        self.0.borrow_mut().push(Fault::new(place, what));
    }

    /// The faults with their lines in `text`.
    pub(crate) fn located(self, text: &str) -> Vec<Fault> {
        match self.0.into_inner() {
            none if none.is_empty() => none,
            faults => Lines::of(text).locate(faults),
        }
    }
}
