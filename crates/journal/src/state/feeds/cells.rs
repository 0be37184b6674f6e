//! Groups of like items under clauses with a minimum cell: which positions joined which, and which of them brought a person.

use std::collections::BTreeMap;

use causeway_model::Position;

/// Names a group of like items of one feed: 16 keyed bytes, so that nobody reads from it what the items have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellId(pub [u8; 16]);

#[derive(Debug, Clone, Default)]
pub(crate) struct Cells {
    members: BTreeMap<CellId, Vec<Member>>,
    of: BTreeMap<Position, CellId>,
}

/// An item that joined a cell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) position: Position,
    /// Whether it brought a person who was not in the cell.
    pub(crate) counts: bool,
}

impl Cells {
    pub(crate) fn join(&mut self, cell: CellId, position: Position, counts: bool) {
        self.members.entry(cell).or_default().push(Member { position, counts });
        self.of.insert(position, cell);
    }

    pub(crate) fn of(&self, position: Position) -> Option<CellId> {
        self.of.get(&position).copied()
    }

    pub(crate) fn members(&self, cell: &CellId) -> &[Member] {
        self.members.get(cell).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = CellId> {
        self.members.keys().copied()
    }
}
