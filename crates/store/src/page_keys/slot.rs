//! The number of a slot: which node wrote it, and where it is in that node's file.

use std::fmt;

/// Bits of a slot's number that are its place in its writer's file; the writer's number is above them.
const INDEX_BITS: u32 = 48;

/// The number of a node among those that share a log, as the cluster's settings state it. Whatever a node numbers by itself, slots and
/// key pages, has its number in the high bits, so that no two nodes give out the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeNumber(pub u16);

impl NodeNumber {
    /// A gateway that shares its log with no other.
    pub const ALONE: Self = Self(0);

    /// The node that gave a key page its number.
    pub fn of_page(page: u64) -> Self {
        Slot(page).writer()
    }
}

impl fmt::Display for NodeNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A slot's number: its writer, and its place in that writer's file. What a gateway wrote that was alone has its place for a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot(pub(crate) u64);

impl Slot {
    /// The slot at a place of a writer's file. Places have at most 48 bits: a file of more slots than that is on no disk.
    pub(crate) fn of(writer: NodeNumber, index: u64) -> Self {
        debug_assert!(index >> INDEX_BITS == 0, "a place in a file of slots");
        Self(u64::from(writer.0) << INDEX_BITS | index)
    }

    pub(crate) fn writer(self) -> NodeNumber {
        NodeNumber(u16::try_from(self.0 >> INDEX_BITS).expect("16 bits are left"))
    }

    /// Its place in its writer's file.
    pub(crate) fn index(self) -> u64 {
        self.0 & ((1 << INDEX_BITS) - 1)
    }
}
