//! The term of the releaser among nodes that share a log.

use causeway_model::{LeafIndex, Timestamp};

use crate::saved::saved_fields;

/// A term: while it is the newest, one node decides what only one may decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Its number: the first is 1, each one more than the one before.
    pub number: u64,
    /// The name of the node whose term it is.
    pub node: Box<str>,
    /// The entry that began it.
    pub leaf: LeafIndex,
    /// That entry's time.
    pub began: Timestamp,
}

saved_fields!(Term { number, node, leaf, began });
