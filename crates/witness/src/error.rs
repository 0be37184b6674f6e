//! Why a witness did not start.

use std::fmt;
use std::io;

/// What whoever runs the witness can act on.
#[derive(Debug)]
pub enum Error {
    /// The settings, the key, the certificate or what is held of a log have faults; all of them, one line each.
    Faults(Vec<String>),
    /// The socket that was given does not say where it listens.
    Listen(io::Error),
}

impl Error {
    pub(crate) fn one(fault: impl Into<String>) -> Self {
        Self::Faults(vec![fault.into()])
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Faults(faults) => f.write_str(&faults.join("\n")),
            Self::Listen(_) => f.write_str("could not listen on the configured address"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Faults(_) => None,
            Self::Listen(source) => Some(source),
        }
    }
}
