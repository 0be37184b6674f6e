//! Witnesses by detours: where no hypercube around a small cell has persons at all the corners that must give some, a
//! corner may give more than it has, and is raised in its turn by another hypercube, which the published tables must
//! not show either.

use std::cmp::Reverse;

use super::MAX_DIMENSIONS;
use super::hypercube::{Changed, Hypercube, Load, Search};
use super::level::{Codes, Level};
use super::protect::Witness;

/// How often a corner that gave too much may be raised by one that gives too much.
const DEPTH: usize = 2;

/// Most hypercubes tried for one cell where all of them need a detour.
const TRIED: usize = 5;

/// Most hypercubes looked at for one cell, before its last start.
const LOOKS: usize = 40_000;

/// Most base cells of the small cell that are raised.
pub(super) const STARTS: usize = 12;

/// Most opposite categories tried in each dimension, by the number of the hypercube's dimensions.
const NEIGHBOURS: [usize; MAX_DIMENSIONS + 1] = [0, 64, 9, 5, 3];

/// The cheapest hypercubes first: those that carry all, then those that carry some, then by what their corners lack.
type Rank = (u8, i64, i64, Codes);

/// A hypercube that raises a base cell, and how many persons it can carry.
struct Choice {
    rank: Rank,
    room: i64,
    hypercube: Hypercube,
}

/// One search with detours.
pub(super) struct Detour<'a, 'b> {
    search: &'a Search<'a>,
    cell: usize,
    load: Load,
    looks: &'b mut usize,
}

impl<'a, 'b> Detour<'a, 'b> {
    pub(super) fn new(search: &'a Search<'a>, cell: usize, looks: &'b mut usize) -> Self {
        Self { search, cell, load: Load::new(0), looks }
    }

    /// A witness that raises the small cell by `lacking`.
    pub(super) fn witness(mut self, lacking: i64) -> Option<Witness> {
        let mut missing = lacking;
        let last = self.looks.saturating_sub(LOOKS);
        for start in self.starts() {
            if *self.looks <= last {
                break;
            }
            missing -= self.raise(&start, missing, DEPTH);
            if missing == 0 {
                return Some(self.load.into_witness());
            }
        }
        None
    }

    /// The base cells of the small cell, those first that share what the table leaves open with most persons.
    fn starts(&self) -> Vec<Codes> {
        let mut codes = self.search.shape.codes(self.search.level, self.cell);
        let start = |rest: &Codes| {
            for dimension in (0..MAX_DIMENSIONS).filter(|dimension| !self.search.level.has(*dimension)) {
                codes[dimension] = rest[dimension];
            }
            codes
        };
        self.search.starts.iter().map(start).collect()
    }

    /// Raises a base cell by up to `missing`; returns by how much. Nothing is left negative.
    fn raise(&mut self, cell: &Codes, missing: i64, depth: usize) -> i64 {
        let mut raised = 0;
        while raised < missing && *self.looks > 0 {
            let choices = self.choices(cell, missing - raised, depth);
            let taken = choices.into_iter().find_map(|choice| self.take(&choice, cell, missing - raised, depth));
            match taken {
                Some(amount) => raised += amount,
                None => break,
            }
        }
        raised
    }

    /// Moves persons along a hypercube and makes good what its corners then lack, with fewer persons where that is
    /// too much; leaves all as it was where it cannot.
    fn take(&mut self, choice: &Choice, cell: &Codes, missing: i64, depth: usize) -> Option<i64> {
        let mut amount = if choice.room > 0 { missing.min(choice.room) } else { missing };
        while amount > 0 {
            let before = self.load.mark();
            self.load.carry(self.search, &choice.hypercube, cell, amount);
            let lacking = self.make_good(&choice.hypercube, cell, depth);
            if lacking == 0 {
                return Some(amount);
            }
            self.load.undo(before);
            amount -= lacking;
        }
        None
    }

    /// Raises the corners of a hypercube that gave more than they had; returns how many persons the first that could
    /// not be raised still lacks.
    fn make_good(&mut self, hypercube: &Hypercube, cell: &Codes, depth: usize) -> i64 {
        for (_, codes) in hypercube.corners(cell).filter(|(odd, _)| *odd) {
            let lacks = -self.load.left(self.search, &codes);
            let raised = if lacks > 0 && depth > 0 { self.raise(&codes, lacks, depth - 1) } else { 0 };
            if raised < lacks {
                return lacks - raised;
            }
        }
        0
    }

    /// The hypercubes that raise a base cell and that no published table would show, best first.
    fn choices(&mut self, cell: &Codes, missing: i64, depth: usize) -> Vec<Choice> {
        let neighbours: [Vec<usize>; MAX_DIMENSIONS] =
            std::array::from_fn(|dimension| self.neighbours(dimension, cell, depth > 0));
        let mut choices = Vec::new();
        for dimensions in self.search.shape.finest().within() {
            // Only a hypercube of the small cell's own dimensions raises it; the others move persons within it.
            let raises = depth < DEPTH || self.search.level.covers(dimensions);
            let changed = self.search.changed(dimensions);
            if raises && dimensions != Level::TOTAL && self.search.hides(&changed, std::iter::once(*cell)) {
                let mut hypercubes = vec![Hypercube::at(dimensions, *cell)];
                for dimension in dimensions.dimensions() {
                    let opposite = neighbours[dimension].get(..NEIGHBOURS[dimensions.size()]);
                    let opposite = opposite.unwrap_or(&neighbours[dimension]);
                    hypercubes =
                        hypercubes.iter().flat_map(|hypercube| hypercube.towards(dimension, opposite)).collect();
                }
                *self.looks = self.looks.saturating_sub(hypercubes.len());
                let possible = hypercubes
                    .into_iter()
                    .filter_map(|hypercube| self.choice(hypercube, &changed, cell, missing, depth));
                choices.extend(possible);
            }
        }
        choices.sort_by_key(|choice| choice.rank);
        choices.truncate(TRIED);
        choices
    }

    /// The categories that could be opposite in one dimension: those that have most to give beside the cell, and most
    /// at all.
    fn neighbours(&self, dimension: usize, cell: &Codes, detours: bool) -> Vec<usize> {
        let mut codes = *cell;
        let mut found = Vec::new();
        for code in (0..self.search.shape.size(dimension)).filter(|code| *code != cell[dimension]) {
            codes[dimension] = code;
            let (left, crowd) = (self.load.left(self.search, &codes), self.search.crowd(dimension, code));
            if left > 0 || (detours && crowd > 0) {
                found.push((Reverse(left), Reverse(crowd), code));
            }
        }
        found.sort_unstable();
        found.into_iter().map(|(.., code)| code).collect()
    }

    fn choice(
        &self,
        hypercube: Hypercube,
        changed: &Changed<'_>,
        cell: &Codes,
        missing: i64,
        depth: usize,
    ) -> Option<Choice> {
        let search = self.search;
        let shows = search.level.covers(hypercube.dimensions);
        let (mut room, mut lacks) = (missing, 0);
        for (_, codes) in hypercube.corners(cell).filter(|(odd, _)| *odd) {
            // What is to be raised must not give.
            if shows && search.shape.index(search.level, &codes) == self.cell {
                return None;
            }
            let left = self.load.left(search, &codes).max(0);
            room = room.min(left);
            lacks += (missing - left).max(0);
        }
        if room == 0 && depth == 0 {
            return None;
        }
        if !search.hides(changed, hypercube.corners(cell).map(|(_, codes)| codes)) {
            return None;
        }
        let weight = search.weight_of(changed, &hypercube, cell);
        let rank = match room {
            0 => (2, lacks, weight, hypercube.far),
            room if room < missing => (1, weight, -room, hypercube.far),
            _ => (0, weight, 0, hypercube.far),
        };
        Some(Choice { rank, room, hypercube })
    }
}
