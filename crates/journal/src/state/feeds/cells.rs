//! Groups of like items under clauses with a minimum cell: which positions joined which, and which of them brought a person.

use std::collections::BTreeMap;
use std::io::{Read, Result, Write};

use causeway_model::Position;

use crate::saved::{Saved, saved_fields};
use crate::state::Chunks;

/// Names a group of like items of one feed: 16 keyed bytes, so that nobody reads from it what the items have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellId(pub [u8; 16]);

#[derive(Debug, Clone, Default)]
pub(crate) struct Cells {
    members: BTreeMap<CellId, Vec<Member>>,
    /// In the order of their positions.
    joined: Chunks<Joined>,
}

saved_fields!(Cells { joined } made of them { members });

#[derive(Debug, Clone, Copy)]
struct Joined {
    position: Position,
    cell: CellId,
    counts: bool,
}

saved_fields!(Joined { position, cell, counts });

impl Saved for CellId {
    fn save(&self, to: &mut impl Write) -> Result<()> {
        self.0.save(to)
    }

    fn load(from: &mut impl Read) -> Result<Self> {
        Saved::load(from).map(Self)
    }
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
        self.joined.push(Joined { position, cell, counts });
    }

    pub(crate) fn of(&self, position: Position) -> Option<CellId> {
        let place = self.joined.partition_point(|joined| joined.position < position);
        self.joined.get(place).filter(|joined| joined.position == position).map(|joined| joined.cell)
    }

    pub(crate) fn members(&self, cell: &CellId) -> &[Member] {
        self.members.get(cell).map_or(&[], Vec::as_slice)
    }

    fn rebuild(&mut self) {
        let mut members: BTreeMap<CellId, Vec<Member>> = BTreeMap::new();
        for Joined { position, cell, counts } in self.joined.iter().copied() {
            members.entry(cell).or_default().push(Member { position, counts });
        }
        self.members = members;
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = CellId> {
        self.members.keys().copied()
    }
}
