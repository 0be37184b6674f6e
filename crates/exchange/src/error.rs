//! The one closed set of ways in which a call can fail, as callers may know them.

use std::fmt;
use std::time::Duration;

use causeway_schema::Violation;

/// Whose fault it is and what the caller can do, one to one with a gRPC status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The request is wrong as it stands; do not send it again unchanged.
    Invalid,
    /// The caller's identity does not hold (any more).
    Unauthenticated,
    /// The caller may not do this.
    Denied,
    /// There is no such thing for this caller.
    NotFound,
    /// It collides with what is already there.
    Conflict,
    /// It is over a limit of size.
    TooLarge,
    /// Try again after the delay.
    Busy,
    /// The journal cannot be written or is not ready; nothing was done.
    Unavailable,
    /// Stored data does not verify; the operator has to act.
    Corrupt,
    /// A bug.
    Internal,
}

/// A failed call. `message` is for the caller and holds no value of any record; the source is for the log.
#[derive(Debug)]
pub struct Error {
    /// Whose fault, and what to do.
    pub class: Class,
    /// A stable reason code in kebab case.
    pub reason: &'static str,
    /// What to do, in words.
    pub message: String,
    /// The rules that a record breaks, where it was for the schema.
    pub violations: Vec<Violation>,
    /// When to try again.
    pub retry_after: Option<Duration>,
    /// What lay beneath.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(class: Class, reason: &'static str, message: impl Into<String>) -> Self {
        Self { class, reason, message: message.into(), violations: Vec::new(), retry_after: None, source: None }
    }

    pub(crate) fn invalid(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Class::Invalid, reason, message)
    }

    pub(crate) fn violations(violations: Vec<Violation>) -> Self {
        let message = format!("the record breaks {} rule(s) of its schema", violations.len());
        Self { violations, ..Self::new(Class::Invalid, "schema-violation", message) }
    }

    /// A record that is not there, or is another agency's: the caller is told the same.
    pub(crate) fn unknown_record() -> Self {
        Self::new(Class::NotFound, "unknown-record", "there is no such record of this agency")
    }

    /// A record whose erasure has been ordered: its entries and their proofs stay, and there is nothing else of it.
    pub(crate) fn record_erased() -> Self {
        Self::new(Class::Conflict, "record-erased", "the record has been erased; it takes no more changes")
    }

    /// A feed that is not there, or is another agency's: the caller is told the same.
    pub(crate) fn unknown_feed() -> Self {
        Self::new(Class::NotFound, "unknown-feed", "there is no such agreement with this agency")
    }

    pub(crate) fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    pub(crate) fn corrupt(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::new(Class::Corrupt, "stored-data-corrupt", "stored data does not verify; the operator has been told")
            .because(source)
    }

    pub(crate) fn internal(message: &'static str) -> Self {
        Self::new(Class::Internal, "internal", message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
