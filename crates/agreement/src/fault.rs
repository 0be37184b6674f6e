//! What is wrong with a document, and where. A reader collects all of them before it gives up.

use std::cell::RefCell;
use std::fmt;

/// One thing that is wrong with an agreement or an agency file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where it is, as `clauses[1].minimum_cell`; a line for a text that is not TOML.
    pub place: String,
    /// What is wrong, in words that say what to write instead.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// The faults found so far in one document; shared by the sections that are being read.
#[derive(Debug, Default)]
pub(crate) struct Faults(RefCell<Vec<Fault>>);

impl Faults {
    pub(crate) fn add(&self, place: impl Into<String>, what: impl Into<String>) {
        self.0.borrow_mut().push(Fault { place: place.into(), what: what.into() });
    }

    /// What was read if nothing was wrong with it, else the faults. A value is only ever absent because of a fault.
    pub(crate) fn verdict<T>(self, read: Option<T>) -> Result<T, Vec<Fault>> {
        let faults = self.0.into_inner();
        match read {
            Some(value) if faults.is_empty() => Ok(value),
            _ => Err(faults),
        }
    }
}
