//! Why something was not verified, and the exit code that says so.

use std::fmt;

use causeway_journal::JournalError;

/// Why evidence was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerifyError {
    /// The file, note or receipt is not of its form, not signed by the key, or does not prove what it says.
    Journal(JournalError),
    /// A proof file without an entry, where there is no entry to prove otherwise.
    NoEntry,
    /// The bytes of the entry are not those that were asked about.
    OtherEntry,
    /// The log has less than it has signed before: it was cut back, or restored from an old copy.
    Rollback {
        /// The size that was signed before.
        known: u64,
        /// The size that is signed now.
        found: u64,
    },
    /// Two signed checkpoints that cannot both be of one log: somebody is shown another history.
    SplitView {
        /// The size at which, or up to which, they differ.
        size: u64,
    },
}

impl VerifyError {
    /// The exit code of `causeway verify` and of every command that verifies: 0 good (there is no error), 1 bad proof,
    /// 2 below the witnesses' quorum, 3 stale, 4 rollback or split view. Codes 2 and 3 come with witnesses.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Journal(_) | Self::NoEntry | Self::OtherEntry => 1,
            Self::Rollback { .. } | Self::SplitView { .. } => 4,
        }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(error) => error.fmt(f),
            Self::NoEntry => f.write_str("the proof file holds no entry"),
            Self::OtherEntry => f.write_str("the proof is of another entry"),
            Self::Rollback { known, found } => {
                write!(f, "the log has signed {known} entries before and signs {found} now: it was cut back")
            }
            Self::SplitView { size } => write!(f, "the log has signed two histories that differ below size {size}"),
        }
    }
}

impl std::error::Error for VerifyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Journal(error) => Some(error),
            _ => None,
        }
    }
}

impl From<JournalError> for VerifyError {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl From<causeway_journal::ProofError> for VerifyError {
    fn from(error: causeway_journal::ProofError) -> Self {
        Self::Journal(error.into())
    }
}
