//! The search for a small cell's witness: the hypercubes that can carry persons to it, and the cheapest of them.

use std::collections::HashMap;

use super::level::{Codes, Level, Shape};
use super::protect::{Margin, Published, Witness};
use super::{MAX_DIMENSIONS, Rules};

/// Most opposite categories tried in each dimension, by the number of the hypercube's dimensions, so that no choice of
/// dimensions has more than some 350 opposite corners. A cell that needs another one finds no witness.
const NEIGHBOURS: [usize; MAX_DIMENSIONS + 1] = [0, 256, 18, 7, 4];

/// Most opposite corners that are tried on the base cells, cheapest first.
const TRIED: usize = 24;

/// Where witnesses for the small cells of one table are looked for.
pub(super) struct Search<'a> {
    shape: &'a Shape,
    /// Persons of each base cell that the recipient does not see: what can be moved away.
    unseen: &'a [i64],
    published: &'a Published,
    level: Level,
    margin: &'a Margin,
    rules: Rules,
}

/// A hypercube in one table: its dimensions, the small cell's codes, and the opposite corner's.
#[derive(Clone, Copy)]
struct Hypercube {
    dimensions: Level,
    near: Codes,
    far: Codes,
}

/// A box with what it would hide in the small cell's table, and whether one such box can carry enough.
struct Candidate {
    short: bool,
    weight: i64,
    hypercube: Hypercube,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        shape: &'a Shape,
        unseen: &'a [i64],
        published: &'a Published,
        level: Level,
        margin: &'a Margin,
        rules: Rules,
    ) -> Self {
        Self { shape, unseen, published, level, margin, rules }
    }

    /// The cheapest witness found that raises a cell by `lacking`; `None` where there is none, or `looks` are used up.
    pub(super) fn witness(&self, cell: usize, lacking: i64, looks: &mut usize) -> Option<Witness> {
        let near = self.shape.codes(self.level, cell);
        let mut best: Option<(i64, Witness)> = None;
        for dimensions in self.level.within() {
            if !self.may_raise(dimensions, &near) {
                continue;
            }
            let candidates = self.candidates(dimensions, near, lacking, looks);
            if let Some((weight, witness)) = self.carry(&candidates, lacking, looks)
                && best.as_ref().is_none_or(|best| weight < best.0)
            {
                best = Some((weight, witness));
            }
            if *looks == 0 {
                return None;
            }
        }
        best.map(|(_, witness)| witness)
    }

    /// Whether the coarser tables let a hypercube of these dimensions raise the cell: where it does, they must hide it.
    fn may_raise(&self, dimensions: Level, near: &Codes) -> bool {
        self.level.within().into_iter().filter(|coarser| *coarser != self.level && coarser.covers(dimensions)).all(
            |coarser| match &self.published[coarser.place()] {
                None => true,
                Some(margin) => margin.hidden[self.shape.index(coarser, near)],
            },
        )
    }

    /// The opposite corners worth trying, best first, as they look in the cell's own table.
    fn candidates(&self, dimensions: Level, near: Codes, lacking: i64, looks: &mut usize) -> Vec<Candidate> {
        let mut boxes = vec![Hypercube { dimensions, near, far: near }];
        for dimension in dimensions.dimensions() {
            let neighbours = self.neighbours(dimension, near, lacking, NEIGHBOURS[dimensions.size()]);
            let extend = |hypercube: &Hypercube| {
                let mut hypercube = *hypercube;
                neighbours.iter().map(move |code| {
                    hypercube.far[dimension] = *code;
                    hypercube
                })
            };
            boxes = boxes.iter().flat_map(extend).collect();
        }
        *looks = looks.saturating_sub(boxes.len());
        let mut found: Vec<Candidate> =
            boxes.into_iter().filter_map(|hypercube| self.candidate(hypercube, lacking)).collect();
        found.sort_by_key(|candidate| (candidate.short, candidate.weight, candidate.hypercube.far));
        found
    }

    /// The categories that could be opposite in one dimension: those with persons to move, already hidden ones first.
    fn neighbours(&self, dimension: usize, near: Codes, lacking: i64, most: usize) -> Vec<usize> {
        let mut codes = near;
        let mut found = Vec::new();
        for code in (0..self.shape.size(dimension)).filter(|code| *code != near[dimension]) {
            codes[dimension] = code;
            let cell = self.shape.index(self.level, &codes);
            let unseen = self.margin.unseen[cell];
            if unseen > 0 {
                found.push((!self.margin.hidden[cell], unseen < lacking, self.margin.counts[cell], code));
            }
        }
        found.sort_unstable();
        found.into_iter().take(most).map(|(.., code)| code).collect()
    }

    fn candidate(&self, hypercube: Hypercube, lacking: i64) -> Option<Candidate> {
        let (mut weight, mut room) = (0, i64::MAX);
        for (odd, codes) in hypercube.corners(&hypercube.near) {
            let cell = self.shape.index(self.level, &codes);
            if odd {
                room = room.min(self.margin.unseen[cell]);
            }
            if !self.margin.hidden[cell] {
                weight += self.weight(self.margin.counts[cell]);
            }
        }
        (room > 0).then_some(Candidate { short: room < lacking, weight, hypercube })
    }

    /// What hiding a cell costs: its persons. An empty one costs a threshold, so that it is hidden only where this saves a number.
    fn weight(&self, count: i64) -> i64 {
        if count == 0 { i64::from(self.rules.threshold) } else { count }
    }

    /// Lets base cells carry the persons: one candidate alone if one can, else several together.
    fn carry(&self, candidates: &[Candidate], lacking: i64, looks: &mut usize) -> Option<(i64, Witness)> {
        let mut together = Load::new(lacking);
        let mut all = 0;
        for candidate in candidates.iter().take(TRIED) {
            let mut alone = Load::new(lacking);
            self.load(&candidate.hypercube, &mut alone, looks);
            if alone.missing == 0 {
                return Some((candidate.weight, alone.into_witness()));
            }
            if together.missing > 0 {
                self.load(&candidate.hypercube, &mut together, looks);
                all += candidate.weight;
            }
        }
        (together.missing == 0).then(|| (all, together.into_witness()))
    }

    /// Moves as many persons as are missing, or as can be, along a hypercube, in as few base cells as possible.
    fn load(&self, hypercube: &Hypercube, load: &mut Load, looks: &mut usize) {
        let mut rooms = Vec::new();
        for rest in self.rests(hypercube.near) {
            *looks = looks.saturating_sub(1);
            let room = self.room(hypercube, &rest, load);
            if room > 0 {
                rooms.push((-room, rest));
            }
        }
        rooms.sort_unstable();
        for (_, rest) in rooms {
            let amount = self.room(hypercube, &rest, load).min(load.missing);
            if amount == 0 {
                break;
            }
            for (odd, codes) in hypercube.corners(&rest) {
                let place = self.shape.index(self.shape.finest(), &codes);
                *load.moves.entry(place).or_default() += if odd { -amount } else { amount };
            }
            load.missing -= amount;
        }
    }

    /// How many persons can move along a hypercube whose other dimensions are at `rest`: none where a published
    /// table would show it.
    fn room(&self, hypercube: &Hypercube, rest: &Codes, load: &Load) -> i64 {
        let mut room = load.missing;
        for (odd, codes) in hypercube.corners(rest) {
            if odd {
                let place = self.shape.index(self.shape.finest(), &codes);
                let moved = load.moves.get(&place).copied().unwrap_or(0);
                room = room.min(self.unseen[place] + moved);
            }
            if room <= 0 {
                return 0;
            }
        }
        let hidden = |level: &Level| match &self.published[level.place()] {
            Some(margin) if level.covers(hypercube.dimensions) => {
                hypercube.corners(rest).all(|(_, codes)| margin.hidden[self.shape.index(*level, &codes)])
            }
            _ => true,
        };
        if self.shape.finest().within().iter().all(hidden) { room } else { 0 }
    }

    /// Every choice of codes for the dimensions that the small cell's table has not.
    fn rests(&self, near: Codes) -> Vec<Codes> {
        let mut rests = vec![near];
        for dimension in (0..self.shape.dimensions()).filter(|dimension| !self.level.has(*dimension)) {
            let extend = |codes: &Codes| {
                let mut codes = *codes;
                (0..self.shape.size(dimension)).map(move |code| {
                    codes[dimension] = code;
                    codes
                })
            };
            rests = rests.iter().flat_map(extend).collect();
        }
        rests
    }
}

impl Hypercube {
    /// The corners, each with whether it differs from the near one in an odd number of dimensions. `rest` gives the
    /// codes outside the hypercube's dimensions.
    fn corners(&self, rest: &Codes) -> impl Iterator<Item = (bool, Codes)> {
        let mut dimensions = [0; MAX_DIMENSIONS];
        let mut size = 0;
        for dimension in self.dimensions.dimensions() {
            dimensions[size] = dimension;
            size += 1;
        }
        let (near, far, rest) = (self.near, self.far, *rest);
        (0..1u32 << size).map(move |corner| {
            let mut codes = rest;
            for (bit, dimension) in dimensions[..size].iter().enumerate() {
                let away = corner & (1 << bit) != 0;
                codes[*dimension] = if away { far[*dimension] } else { near[*dimension] };
            }
            (corner.count_ones() % 2 == 1, codes)
        })
    }
}

/// A witness in the making.
struct Load {
    missing: i64,
    moves: HashMap<usize, i64>,
}

impl Load {
    fn new(missing: i64) -> Self {
        Self { missing, moves: HashMap::new() }
    }

    fn into_witness(self) -> Witness {
        let mut moves: Vec<(usize, i64)> = self.moves.into_iter().filter(|(_, change)| *change != 0).collect();
        moves.sort_unstable();
        Witness { moves }
    }
}
