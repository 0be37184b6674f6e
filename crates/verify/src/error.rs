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
    /// A file or folder that could not be read or written.
    File {
        /// Which one.
        path: String,
        /// What the system said.
        what: String,
    },
    /// A part of the evidence does not hold.
    At {
        /// Which part: a file, a line, an entry.
        place: String,
        /// What is wrong with it.
        what: String,
    },
    /// It is signed by another key of the same name than the ones that were given.
    OtherKey {
        /// Name and key id of the signer, as `name+id`.
        signer: String,
    },
    /// Two checkpoints of different sizes, and nothing that shows that one extends the other.
    NoConsistency {
        /// The smaller size.
        first: u64,
        /// The larger size.
        second: u64,
    },
    /// It holds, but neither a key nor a policy was given to say who vouches for it: anybody could have made it.
    Unsigned,
    /// What an export shows agrees with itself, and without inclusion proofs nothing shows that it is in the log.
    Unproven,
    /// A mirror whose entries and tiles hold, without the notes that it takes to apply them again.
    OutcomesUnknown,
    /// It holds, but too few of the policy's witnesses have cosigned it.
    BelowQuorum {
        /// How many have.
        cosigned: usize,
    },
    /// It holds, but it is older than was asked for, or says nothing of its time.
    Stale {
        /// How old it is; none where nothing that is signed says so.
        age_seconds: Option<u64>,
        /// How old it may be.
        limit_seconds: u64,
    },
    /// It says of itself that it was made in the future, so that nothing can be said of its age.
    Ahead {
        /// By how much.
        seconds: u64,
    },
    /// It is smaller than what was seen of its log before, and nothing that is signed says which of both was made first: an archived
    /// checkpoint, or a log that was cut back.
    OlderThanSeen {
        /// The size that was seen before.
        known: u64,
    },
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
    /// The exit code of `causeway verify` and of every command that verifies: 0 good (there is no error), 1 bad proof, 2 below the
    /// witnesses' quorum or without a key, 3 stale, 4 rollback or split view.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Journal(_)
            | Self::NoEntry
            | Self::OtherEntry
            | Self::File { .. }
            | Self::At { .. }
            | Self::OtherKey { .. }
            | Self::NoConsistency { .. } => 1,
            Self::Unsigned | Self::Unproven | Self::OutcomesUnknown | Self::BelowQuorum { .. } => 2,
            Self::Stale { .. } | Self::Ahead { .. } | Self::OlderThanSeen { .. } => 3,
            Self::Rollback { .. } | Self::SplitView { .. } => 4,
        }
    }

    pub(crate) fn at(place: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::At { place: place.to_string(), what: what.to_string() }
    }

    pub(crate) fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), what: error.to_string() }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(error) => error.fmt(f),
            Self::NoEntry => f.write_str("the proof file holds no entry"),
            Self::OtherEntry => f.write_str("the proof is of another entry"),
            Self::File { path, what } | Self::At { place: path, what } => write!(f, "{path}: {what}"),
            Self::OtherKey { signer } => write!(
                f,
                "it is signed by {signer}, another key of the same name than was given: was it rotated? then give that key too \
                 (a file may hold several, one a line); where nobody told you of a rotation, ask"
            ),
            Self::NoConsistency { first, second } => write!(
                f,
                "nothing shows that the log of size {second} extends that of size {first}; fetch the proof with \
                 `causeway audit consistency` and give it too"
            ),
            Self::Unsigned => f.write_str(
                "consistent, but NOT proven: without the journal's key anybody could have made this; give --key or --policy \
                 (`causeway audit checkpoint --key-out FILE` writes the key)",
            ),
            Self::Unproven => {
                f.write_str("consistent, but NOT proven: it has no inclusion proofs; export it again with --prove")
            }
            Self::OutcomesUnknown => f.write_str(
                "entries and tiles hold, and what came of the entries is NOT proven: the mirror has no notes (its folder `causeway`), which \
                 `causeway audit mirror` makes; --entries-only is content without them",
            ),
            Self::BelowQuorum { cosigned } => {
                write!(f, "signed, but only {cosigned} of the policy's witnesses cosigned it: fewer than its quorum")
            }
            Self::Stale { age_seconds: Some(age), limit_seconds } => {
                write!(f, "stale: it is {age} s old, and may be {limit_seconds} s")
            }
            Self::Stale { age_seconds: None, .. } => f.write_str(
                "stale: nothing that is signed says when it was made; a checkpoint has a time once witnesses have cosigned it",
            ),
            Self::Ahead { seconds } => {
                write!(f, "stale: its time is {seconds} s ahead of this machine's, so that its age cannot be told")
            }
            Self::OlderThanSeen { known } => write!(
                f,
                "older than size {known}, seen before: not compared; if this was fetched just now, the journal was cut back"
            ),
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
