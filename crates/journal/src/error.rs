//! What can be wrong with bytes that claim to be a part of a journal.

use std::fmt;

use causeway_model::FrameSeq;

use crate::{PolicyFault, ProofError};

/// Why an entry, a frame, a note or a key was refused. None of them holds a value from what was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalError {
    /// Longer than its limit; nothing of it was decoded.
    TooLarge {
        /// What was too large.
        what: &'static str,
        /// Its limit in bytes.
        limit: usize,
    },
    /// Not the one encoding of what it says, or no encoding of anything.
    NotCanonical(&'static str),
    /// A field of an entry or frame that cannot hold what it holds.
    Malformed(&'static str),
    /// The frame's rules are of a version that this software does not know.
    UnknownRules(u32),
    /// The entry names another version of the rules than the one that it is to be applied under; 0 where it names none.
    OtherRules(u32),
    /// The frame is of another log.
    WrongLog,
    /// The frame does not name the frame before it.
    WrongPrevious,
    /// The frame does not come next.
    WrongSequence {
        /// The sequence number that comes next.
        expected: FrameSeq,
        /// The one that was given.
        found: FrameSeq,
    },
    /// An entry is older than the one before it.
    TimeBack,
    /// An entry lies further behind the newest than writers' clocks and a slow way to the log explain.
    TooLate,
    /// The frame has been applied before, at an earlier place.
    AppliedBefore,
    /// The frame has key pages that are not its node's, or its node is not on the roster.
    OtherNode,
    /// Genesis is missing, repeated, not closed, or holds what it may not.
    Genesis(&'static str),
    /// The tree cannot grow beyond [`crate::MAX_TREE_SIZE`], or does not reach to where something was asked of it.
    OutOfRange(&'static str),
    /// A tile that should be there is not, or has the wrong width.
    Tile {
        /// The tile's level; 0 is that of the leaves.
        level: u8,
        /// Its index on that level.
        index: u64,
    },
    /// A signed note, a checkpoint or a proof file that is not of its form.
    Note(&'static str),
    /// A verifier key that is not of its form, or of a type that is not supported.
    Key(&'static str),
    /// A policy with lines that are wrong: all of them.
    Policy(Box<[PolicyFault]>),
    /// No signature by the expected key, or one that does not verify.
    Signature(&'static str),
    /// A checkpoint of another log.
    Origin,
    /// A proof that does not prove.
    Proof(ProofError),
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { what, limit } => write!(f, "{what} is larger than {limit} bytes"),
            Self::NotCanonical(what) => write!(f, "{what} is not canonical"),
            Self::Malformed(what) => write!(f, "malformed {what}"),
            Self::UnknownRules(version) => write!(f, "rules version {version} is not known to this software"),
            Self::OtherRules(version) => {
                write!(f, "the entry names rules version {version}, and is to be applied under another one")
            }
            Self::WrongLog => f.write_str("the frame is of another log"),
            Self::WrongPrevious => f.write_str("the frame does not name the frame before it"),
            Self::WrongSequence { expected, found } => write!(f, "frame {found} came where frame {expected} is next"),
            Self::TimeBack => f.write_str("an entry is older than the one before it"),
            Self::TooLate => f.write_str("an entry is more than a minute behind the newest one"),
            Self::AppliedBefore => f.write_str("the frame has been applied before"),
            Self::OtherNode => f.write_str("the frame has key pages that are not its node's, by the log's roster"),
            Self::Genesis(what) => write!(f, "genesis: {what}"),
            Self::OutOfRange(what) => write!(f, "out of range: {what}"),
            Self::Tile { level, index } => write!(f, "tile {level}/{index} is missing or has the wrong width"),
            Self::Note(what) => write!(f, "malformed note: {what}"),
            Self::Key(what) => write!(f, "verifier key: {what}"),
            Self::Policy(faults) => {
                f.write_str("policy")?;
                faults
                    .iter()
                    .enumerate()
                    .try_for_each(|(at, fault)| write!(f, "{} {fault}", if at == 0 { ":" } else { ";" }))
            }
            Self::Signature(what) => write!(f, "signature: {what}"),
            Self::Origin => f.write_str("the checkpoint is of another log"),
            Self::Proof(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for JournalError {}

impl From<ProofError> for JournalError {
    fn from(error: ProofError) -> Self {
        Self::Proof(error)
    }
}
