//! The search for a small cell's witness: the hypercubes around it that can carry persons to it, and the cheapest of
//! them. Where there is none, detours are tried; and last, detours through numbers that were to be published.

use std::collections::BTreeMap;

use super::MAX_DIMENSIONS;
use super::detour::Detour;
use super::level::{Codes, Level, Shape};
use super::protect::{Cube, Margin, Witness};

/// Most opposite categories tried in each dimension, by the number of the hypercube's dimensions, so that no choice of
/// dimensions has more than some 350 opposite corners. A cell that needs another one finds no witness.
const NEIGHBOURS: [usize; MAX_DIMENSIONS + 1] = [0, 256, 18, 7, 4];

/// Most opposite corners that are tried on the base cells, cheapest first.
const TRIED: usize = 24;

/// How much more hiding a cell weighs in a table that is published already.
const YIELDED: i64 = 4;

/// Where witnesses for the small cells of one table are looked for.
pub(super) struct Search<'a> {
    pub(super) cube: &'a Cube,
    pub(super) shape: &'a Shape,
    pub(super) level: Level,
    pub(super) margin: &'a Margin,
    /// In the dimensions that the table has not: the codes that most persons share.
    pub(super) starts: &'a [Codes],
    /// Whether published tables may be made to hide more, as far as their allowances go.
    yielding: bool,
}

/// The tables that hypercubes of some dimensions change.
pub(super) type Changed<'a> = Vec<(Level, &'a Margin)>;

/// A hypercube in one table: its dimensions, the small cell's codes, and the opposite corner's.
#[derive(Clone, Copy)]
pub(super) struct Hypercube {
    pub(super) dimensions: Level,
    near: Codes,
    pub(super) far: Codes,
}

/// A hypercube with what it would hide in the small cell's table, and whether it cannot carry enough alone.
struct Candidate {
    short: bool,
    weight: i64,
    hypercube: Hypercube,
}

impl<'a> Search<'a> {
    pub(super) fn new(cube: &'a Cube, level: Level, margin: &'a Margin, starts: &'a [Codes]) -> Self {
        Self { cube, shape: &cube.shape, level, margin, starts, yielding: false }
    }

    /// The cheapest witness found that raises a cell by `lacking`; `None` where there is none, or `looks` are used up.
    pub(super) fn witness(&self, cell: usize, lacking: i64, looks: &mut usize) -> Option<Witness> {
        let near = self.shape.codes(self.level, cell);
        let mut best: Option<(i64, Witness)> = None;
        for dimensions in self.level.within() {
            if !self.hides_near(dimensions, &near) {
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
        let direct = best.map(|(_, witness)| witness);
        let yielding = Self { yielding: true, ..*self };
        let around = direct.or_else(|| Detour::new(self, cell, looks).witness(lacking));
        around.or_else(|| Detour::new(&yielding, cell, looks).witness(lacking))
    }

    /// The opposite corners worth trying, best first, as they look in the cell's own table.
    fn candidates(&self, dimensions: Level, near: Codes, lacking: i64, looks: &mut usize) -> Vec<Candidate> {
        let mut hypercubes = vec![Hypercube::at(dimensions, near)];
        for dimension in dimensions.dimensions() {
            let neighbours = self.neighbours(dimension, near, lacking, NEIGHBOURS[dimensions.size()]);
            hypercubes = hypercubes.iter().flat_map(|hypercube| hypercube.towards(dimension, &neighbours)).collect();
        }
        *looks = looks.saturating_sub(hypercubes.len());
        let mut found: Vec<Candidate> =
            hypercubes.into_iter().filter_map(|hypercube| self.candidate(hypercube, lacking)).collect();
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

    /// What hiding a cell costs: its persons. An empty one costs a threshold, so that it is hidden only where this
    /// saves a number.
    fn weight(&self, count: i64) -> i64 {
        if count == 0 { i64::from(self.cube.rules.threshold()) } else { count }
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
        let changed = self.changed(hypercube.dimensions);
        for rest in self.rests(hypercube.near) {
            *looks = looks.saturating_sub(1);
            let room = self.room(hypercube, &changed, &rest, load);
            if room > 0 {
                rooms.push((-room, rest));
            }
        }
        rooms.sort_unstable();
        for (_, rest) in rooms {
            let amount = self.room(hypercube, &changed, &rest, load).min(load.missing);
            if amount == 0 {
                break;
            }
            load.carry(self, hypercube, &rest, amount);
            load.missing -= amount;
        }
    }

    /// How many persons can move along a hypercube whose other dimensions are at `rest`: none where a published
    /// table would show it.
    fn room(&self, hypercube: &Hypercube, changed: &Changed<'_>, rest: &Codes, load: &Load) -> i64 {
        let mut room = load.missing;
        for (odd, codes) in hypercube.corners(rest) {
            if odd {
                room = room.min(load.left(self, &codes));
            }
            if room <= 0 {
                return 0;
            }
        }
        if self.hides(changed, hypercube.corners(rest).map(|(_, codes)| codes)) { room } else { 0 }
    }

    /// Whether the tables published so far hide these corners, or may, as far as a hypercube of these dimensions
    /// changes them.
    pub(super) fn hides(&self, changed: &Changed<'_>, corners: impl Iterator<Item = Codes> + Clone) -> bool {
        changed.iter().filter(|(_, margin)| margin.published).all(|(level, margin)| {
            let cells = corners.clone().map(|codes| self.shape.index(*level, &codes));
            let shown = cells.filter(|cell| !margin.hidden[*cell]);
            if self.yielding {
                shown.map(|cell| margin.counts[cell]).sum::<i64>() <= margin.allowance
            } else {
                shown.count() == 0
            }
        })
    }

    /// Whether the coarser tables hide the small cell where a hypercube of these dimensions changes them.
    fn hides_near(&self, dimensions: Level, near: &Codes) -> bool {
        let coarser = self.changed(dimensions).into_iter();
        let mut coarser = coarser.filter(|(level, margin)| margin.published && self.level.covers(*level));
        coarser.all(|(level, margin)| margin.hidden[self.shape.index(level, near)])
    }

    /// The tables that a hypercube of these dimensions changes.
    pub(super) fn changed(&self, dimensions: Level) -> Changed<'a> {
        let tables = self.shape.finest().within().filter(move |level| level.covers(dimensions));
        tables.filter_map(|level| self.cube.margins.at(level).map(|margin| (level, margin))).collect()
    }

    /// What a hypercube newly hides, in the tables still to be published too.
    pub(super) fn weight_of(&self, changed: &Changed<'_>, hypercube: &Hypercube, rest: &Codes) -> i64 {
        let mut weight = 0;
        for (level, margin) in changed {
            let factor = if margin.published { YIELDED } else { 1 };
            for (_, codes) in hypercube.corners(rest) {
                let cell = self.shape.index(*level, &codes);
                if !margin.hidden[cell] {
                    weight += factor * self.weight(margin.counts[cell]);
                }
            }
        }
        weight
    }

    /// How many persons whom the recipient does not see have a category.
    pub(super) fn crowd(&self, dimension: usize, code: usize) -> i64 {
        self.cube.crowds[dimension][code]
    }

    /// Every choice of codes for the dimensions that the small cell's table has not.
    pub(super) fn rests(&self, near: Codes) -> Vec<Codes> {
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
    /// A hypercube before its opposite corner is chosen.
    pub(super) fn at(dimensions: Level, near: Codes) -> Self {
        Self { dimensions, near, far: near }
    }

    /// The same with each of these opposite categories in one dimension.
    pub(super) fn towards(self, dimension: usize, categories: &[usize]) -> impl Iterator<Item = Self> {
        categories.iter().map(move |category| {
            let mut hypercube = self;
            hypercube.far[dimension] = *category;
            hypercube
        })
    }

    /// The corners, each with whether it differs from the near one in an odd number of dimensions. `rest` gives the
    /// codes outside the hypercube's dimensions.
    pub(super) fn corners(&self, rest: &Codes) -> impl Iterator<Item = (bool, Codes)> + Clone + use<> {
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
pub(super) struct Load {
    missing: i64,
    moves: BTreeMap<usize, i64>,
    /// Every single change, so that the newest can be taken back.
    log: Vec<(usize, i64)>,
}

impl Load {
    pub(super) fn new(missing: i64) -> Self {
        Self { missing, moves: BTreeMap::new(), log: Vec::new() }
    }

    /// How many persons a base cell has left to give; negative where it gave more than it had.
    pub(super) fn left(&self, search: &Search<'_>, codes: &Codes) -> i64 {
        let place = search.shape.index(search.shape.finest(), codes);
        search.cube.unseen[place] + self.moves.get(&place).copied().unwrap_or(0)
    }

    /// Moves persons along a hypercube.
    pub(super) fn carry(&mut self, search: &Search<'_>, hypercube: &Hypercube, rest: &Codes, amount: i64) {
        for (odd, codes) in hypercube.corners(rest) {
            let place = search.shape.index(search.shape.finest(), &codes);
            let change = if odd { -amount } else { amount };
            *self.moves.entry(place).or_default() += change;
            self.log.push((place, change));
        }
    }

    /// The present state, for [`Load::undo`].
    pub(super) fn mark(&self) -> usize {
        self.log.len()
    }

    /// Takes back all that was moved since a mark.
    pub(super) fn undo(&mut self, mark: usize) {
        for (place, change) in self.log.drain(mark..) {
            *self.moves.entry(place).or_default() -= change;
        }
    }

    pub(super) fn into_witness(self) -> Witness {
        let mut moves: Vec<(usize, i64)> = self.moves.into_iter().filter(|(_, change)| *change != 0).collect();
        moves.sort_unstable();
        Witness { moves }
    }
}
