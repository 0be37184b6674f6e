//! Another node, as this one asks it.

use std::error::Error;
use std::fmt;

use super::{PageKey, SlotStandings};
use crate::page_keys::NodeNumber;

/// Another node of the roster. Its calls block, each for a bounded time; what they answer comes from a node of the same operator, known by
/// its certificate, and is checked all the same where a mistake of it could destroy something.
pub trait PageKeyPeer: Send + Sync + fmt::Debug {
    /// Its number.
    fn node(&self) -> NodeNumber;

    /// Puts keys of this node into its files. Durable there, in file and mirror, once it answers.
    ///
    /// # Errors
    /// `Refused` for a number that has another key there, or whose key has been destroyed.
    fn put(&self, keys: &[PageKey]) -> Result<(), PeerFailure>;

    /// What is in a writer's slots from a place on, as [`NodeKeys::standings`](super::NodeKeys::standings) answers.
    ///
    /// # Errors
    /// `Away`.
    fn standings(&self, writer: NodeNumber, first: u64) -> Result<SlotStandings, PeerFailure>;

    /// The keys in those of the slots that have one there.
    ///
    /// # Errors
    /// `Away`.
    fn keys_of(&self, slots: &[u64]) -> Result<Vec<PageKey>, PeerFailure>;

    /// Those of the pages that were written anew there: numbers and stored forms.
    ///
    /// # Errors
    /// `Away`.
    fn pages_written_anew(&self, numbers: &[u64]) -> Result<Vec<(u64, Vec<u8>)>, PeerFailure>;
}

/// Why another node did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerFailure {
    /// It did not answer, for this reason.
    Away(String),
    /// It refused, for this reason: asking again changes nothing.
    Refused(String),
}

impl fmt::Display for PeerFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away(why) => write!(f, "the node does not answer: {why}"),
            Self::Refused(why) => write!(f, "the node refuses: {why}"),
        }
    }
}

impl Error for PeerFailure {}
