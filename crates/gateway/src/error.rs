//! Why the gateway did not start, or did not stop as it should.

use std::fmt;
use std::io;

use causeway_store::StoreError;

/// What the operator can act on.
#[derive(Debug)]
pub enum Error {
    /// The configuration, the start folder or the documents in force have faults; all of them, one line each.
    Faults(Vec<String>),
    /// The keys or the journal did not open.
    Store(StoreError),
    /// The journal could not take the documents it starts from, or what is in force does not hold together.
    Exchange(causeway_exchange::Error),
    /// The address could not be listened on.
    Listen(io::Error),
    /// Log lines could not be directed.
    Log(Box<dyn std::error::Error + Send + Sync>),
    /// The journal has stopped at an error, for this reason, and its volumes take what is written again: start anew, which recovers it.
    Reopen(std::sync::Arc<str>),
    /// The disk has not answered for so long that it is no longer waited for: the journal is not closed, and nobody but a new process can
    /// open it.
    Stuck,
    /// Serving failed.
    Serve(tonic::transport::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Faults(faults) => f.write_str(&faults.join("\n")),
            Self::Store(_) => f.write_str("the journal did not open"),
            Self::Exchange(error) => f.write_str(&error.message),
            Self::Listen(_) => f.write_str("could not listen on the configured address"),
            Self::Log(_) => f.write_str("could not direct the log lines"),
            Self::Reopen(reason) => write!(f, "the journal has stopped, and is to be opened again: {reason}"),
            Self::Stuck => f.write_str(
                "the journal's disk has not answered for too long; this process ends, and a new one recovers what is there",
            ),
            Self::Serve(_) => f.write_str("serving failed"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Faults(_) | Self::Reopen(_) | Self::Stuck => None,
            Self::Store(source) => Some(source),
            Self::Exchange(source) => std::error::Error::source(source),
            Self::Listen(source) => Some(source),
            Self::Log(source) => Some(source.as_ref()),
            Self::Serve(source) => Some(source),
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<causeway_exchange::Error> for Error {
    fn from(error: causeway_exchange::Error) -> Self {
        Self::Exchange(error)
    }
}
