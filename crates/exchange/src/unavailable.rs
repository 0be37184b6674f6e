//! What callers are told where nothing can be written: the journal's queue or its disk is full, it has stopped, or it is halted.

use std::sync::Arc;
use std::time::Duration;

use causeway_store::AppendFailure;

use crate::{Class, Condition, Error, Exchange};

/// When a caller that met a full queue may try again: a few commits later.
const BUSY_RETRY: Duration = Duration::from_millis(50);

/// When a caller that met a full disk or a wrong clock may try again: it takes somebody to see to it.
const RETRY: Duration = Duration::from_secs(10);

/// The reason of what the log that several gateways share did not take.
pub const LOG_NOT_REACHED: &str = "log-not-reached";

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
        match self.condition() {
            Condition::Halted(reason) => halted(&reason),
            Condition::DiskLow => disk_low(),
            Condition::ClockBehind => clock_behind(),
            Condition::ClockAhead => clock_ahead(),
            Condition::Stalled => stalled(),
            Condition::CutOff => not_taken(),
            Condition::Stopped(_) | Condition::Writable => stopped(),
        }
    }

    /// What a caller is told whose call waited for the shared log until that had not answered for long. Whether it was taken nobody knows
    /// yet; the same submission sent again finds out.
    pub fn left_open(&self) -> Error {
        let message = "the log that the gateways share does not answer: whether this was taken is open; send the same again, here or to \
                       another gateway";
        Error { retry_after: Some(RETRY), ..Error::new(Class::Unavailable, LOG_NOT_REACHED, message) }
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
        failure @ AppendFailure::ClockBehind { .. } => clock_behind().because(failure),
        failure @ AppendFailure::ClockAhead { .. } => clock_ahead().because(failure),
        AppendFailure::DiskLow => disk_low(),
        AppendFailure::Stalled => stalled(),
        failure @ AppendFailure::NotTaken(_) => not_taken().because(failure),
    }
}

/// The log that several gateways share, which did not take an entry or does not answer. The same may be tried again at once elsewhere.
fn not_taken() -> Error {
    let message = "the log that the gateways share did not take this: nothing was accepted or disclosed; try again";
    Error { retry_after: Some(RETRY), ..Error::new(Class::Unavailable, LOG_NOT_REACHED, message) }
}

/// A volume with less room than is kept back. Nothing has been lost, and it goes on without anybody's doing here.
pub(crate) fn disk_low() -> Error {
    let message =
        "the gateway is short of disk space: nothing is accepted and no record is disclosed until there is room";
    Error { retry_after: Some(RETRY), ..Error::new(Class::Unavailable, "disk-low", message) }
}

/// A disk that neither takes what is written nor fails.
fn stalled() -> Error {
    let message = "the gateway's disk does not answer: nothing is accepted or disclosed until it does";
    Error { retry_after: Some(RETRY), ..Error::new(Class::Unavailable, "journal-unavailable", message) }
}

/// A machine whose clock is behind the journal's newest entry.
fn clock_behind() -> Error {
    let message = "the gateway's clock is behind its journal: nothing is accepted or disclosed until it is right";
    Error { retry_after: Some(RETRY), ..Error::new(Class::Unavailable, "journal-unavailable", message) }
}

/// A machine whose clock has jumped ahead.
fn clock_ahead() -> Error {
    let message = "the gateway's clock has jumped ahead: nothing is accepted or disclosed until it is put right, or has run on for \
                   ten minutes";
    Error { retry_after: Some(RETRY), ..Error::new(Class::Unavailable, "journal-unavailable", message) }
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
