//! What callers are told where nothing can be written: the journal's queue is full, it has stopped, or it is halted.

use std::sync::Arc;
use std::time::Duration;

use causeway_store::AppendFailure;

use crate::{Class, Error, Exchange};

/// When a caller that met a full queue may try again: a few commits later.
const BUSY_RETRY: Duration = Duration::from_millis(50);

impl Exchange {
    /// Why the journal is halted: its history is not what it has signed. Then nothing but its last checkpoint is served.
    pub fn halted(&self) -> Option<Arc<str>> {
        self.journal().halted()
    }

    /// Why nothing can be written: to be asked where something could not.
    ///
    /// # Errors
    /// Always `Unavailable`.
    pub fn unavailable(&self) -> Error {
        self.halted().map_or_else(stopped, |reason| halted(&reason))
    }
}

/// A failed append as the caller may know it. Where the journal stopped, whether the entry is in the log is for the next
/// start to say; a submission sent again under its id finds out.
pub(crate) fn append_failed(failure: AppendFailure) -> Error {
    match failure {
        AppendFailure::Busy => Error {
            retry_after: Some(BUSY_RETRY),
            ..Error::new(Class::Busy, "queue-full", "the journal has all it can take; try again after the delay")
        },
        AppendFailure::TooLarge(what) => {
            Error::new(Class::TooLarge, "entry-too-large", format!("{what} is over the journal's limit"))
        }
        failure @ AppendFailure::Refused(_) => {
            Error::internal("the journal's rules refuse an entry of the exchange").because(failure)
        }
        failure @ AppendFailure::Stopped(_) => stopped().because(failure),
        AppendFailure::Halted(reason) => halted(&reason),
        failure @ AppendFailure::ClockBehind { .. } => {
            let message =
                "the gateway's clock is behind its journal: nothing is accepted or disclosed until it is right";
            Error::new(Class::Unavailable, "journal-unavailable", message).because(failure)
        }
    }
}

/// A journal whose history is not what it has signed.
pub(crate) fn halted(reason: &str) -> Error {
    let message = format!("the journal is halted, and nothing but its last checkpoint is served: {reason}");
    Error::new(Class::Unavailable, "journal-halted", message)
}

/// A journal that has stopped: it goes on with the next start of the gateway, and nothing is known before that.
pub(crate) fn stopped() -> Error {
    let message =
        "the journal has stopped: nothing is accepted and nothing is disclosed until the gateway is started again";
    Error::new(Class::Unavailable, "journal-unavailable", message)
}
