//! Suppression: table by table from coarse to fine, each small cell with its witness.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::counts::Parts;
use super::hypercube::Search;
use super::level::{Level, Shape};
use super::{Counts, Dimension, Rules, Table};
use crate::Error;

/// Most hypercubes looked at for one table: about half a second. A table that needs more is withheld.
const LOOKS: usize = 1_500_000;

/// A protected cube. It holds the exact counts and never shows them; [`Cube::table`] is what may leave.
pub struct Cube {
    pub(super) dimensions: Vec<Dimension>,
    pub(super) shape: Shape,
    pub(super) rules: Rules,
    pub(super) persons: Vec<i64>,
    unseen: Vec<i64>,
    pub(super) published: Published,
    pub(super) withheld: Vec<Level>,
    witnesses: Vec<Witness>,
}

/// Another population that looks the same: the persons added to and taken from base cells.
pub(super) struct Witness {
    pub(super) moves: Vec<(usize, i64)>,
}

/// The tables that are published, by [`Level::place`].
pub(super) type Published = [Option<Margin>; 1 << super::MAX_DIMENSIONS];

/// One table while it is protected, and after.
pub(super) struct Margin {
    pub(super) counts: Vec<i64>,
    pub(super) unseen: Vec<i64>,
    pub(super) hidden: Vec<bool>,
    /// By how much each cell is raised in some witness, and in which.
    raised: HashMap<usize, (i64, usize)>,
    /// The witness of each small cell.
    shown_by: HashMap<usize, usize>,
}

impl Cube {
    /// Protects the tables asked for, all together; one named twice is one.
    ///
    /// # Errors
    /// [`Error::Level`] for no table or one of dimensions that the cube has not, [`Error::SeesTooMany`] where more
    /// persons are visible than there are.
    pub fn protect(counts: Counts, tables: &[Level], rules: Rules) -> Result<Self, Error> {
        let Parts { dimensions, shape, persons, unseen } = counts.into_parts()?;
        if tables.is_empty() || !tables.iter().all(|level| shape.finest().covers(*level)) {
            return Err(Error::Level);
        }
        let mut order: Vec<Level> = Vec::new();
        for level in tables {
            if !order.contains(level) {
                order.push(*level);
            }
        }
        order.sort_by_key(|level| level.size());
        let (published, withheld, witnesses) = (Published::default(), Vec::new(), Vec::new());
        let mut cube = Self { dimensions, shape, rules, persons, unseen, published, withheld, witnesses };
        if (1..i64::from(rules.threshold)).contains(&cube.persons.iter().sum()) {
            // Not even which cells are empty is told.
            cube.withheld = order;
        } else {
            order.into_iter().for_each(|level| cube.publish(level));
        }
        Ok(cube)
    }

    /// What may leave.
    pub fn table(&self) -> Table {
        Table::of(self)
    }

    /// Checks every small cell's witness anew, from the counts: every number that is given, or known to be 0, is the
    /// same in it, nobody visible is missing, and the cell reaches the threshold. Returns how many cells were checked.
    ///
    /// # Errors
    /// [`Error::Exposed`] with the first table that has a small cell without such a witness.
    pub fn audit(&self) -> Result<usize, Error> {
        let mut checked = 0;
        for level in Level::all(self.shape.dimensions()) {
            let Some(margin) = &self.published[level.place()] else { continue };
            for cell in 0..margin.counts.len() {
                let Some(lacking) = self.rules.lacking(margin.counts[cell], margin.unseen[cell]) else { continue };
                checked += 1;
                let witness = margin.shown_by.get(&cell).map(|place| &self.witnesses[*place]);
                if !margin.hidden[cell] || !witness.is_some_and(|witness| self.holds(witness, level, cell, lacking)) {
                    return Err(Error::Exposed { level });
                }
            }
        }
        Ok(checked)
    }

    /// Whether a witness shows that a cell may hold so many persons more.
    fn holds(&self, witness: &Witness, level: Level, cell: usize, lacking: i64) -> bool {
        let mut raised = 0;
        for other in self.shape.finest().within() {
            let Some(margin) = &self.published[other.place()] else { continue };
            let mut changed: BTreeMap<usize, i64> = BTreeMap::new();
            for (base, change) in &witness.moves {
                let codes = self.shape.codes(self.shape.finest(), *base);
                *changed.entry(self.shape.index(other, &codes)).or_default() += change;
            }
            if changed.iter().any(|(cell, change)| *change != 0 && !margin.hidden[*cell]) {
                return false;
            }
            if other == level {
                raised = changed.get(&cell).copied().unwrap_or(0);
            }
        }
        let mut places: Vec<usize> = witness.moves.iter().map(|(base, _)| *base).collect();
        places.sort_unstable();
        places.dedup();
        let enough = |(base, change): &(usize, i64)| self.unseen[*base] + change >= 0;
        raised >= lacking && places.len() == witness.moves.len() && witness.moves.iter().all(enough)
    }

    /// Adds a table to the published ones, or withholds it.
    fn publish(&mut self, level: Level) {
        let before = self.witnesses.len();
        let mut margin = Margin::new(self, level);
        for (place, witness) in self.witnesses.iter().enumerate() {
            margin.hide(&self.shape, level, witness, place);
        }
        let mut small: Vec<(Reverse<i64>, usize)> = Vec::new();
        for cell in 0..margin.counts.len() {
            if let Some(lacking) = self.rules.lacking(margin.counts[cell], margin.unseen[cell]) {
                margin.hidden[cell] = true;
                small.push((Reverse(lacking), cell));
            }
        }
        // The smallest cells are the hardest, so a table that cannot be protected is known as such soon.
        small.sort_unstable();
        let mut looks = LOOKS;
        for (Reverse(lacking), cell) in small {
            let known = margin.raised.get(&cell).filter(|(raised, _)| *raised >= lacking).map(|(_, place)| *place);
            let place = known.or_else(|| {
                let search = Search::new(&self.shape, &self.unseen, &self.published, level, &margin, self.rules);
                let witness = search.witness(cell, lacking, &mut looks)?;
                margin.hide(&self.shape, level, &witness, self.witnesses.len());
                self.witnesses.push(witness);
                Some(self.witnesses.len() - 1)
            });
            let Some(place) = place else {
                self.witnesses.truncate(before);
                self.withheld.push(level);
                return;
            };
            margin.shown_by.insert(cell, place);
        }
        self.published[level.place()] = Some(margin);
    }
}

impl fmt::Debug for Cube {
    /// The dimensions' names only: the counts are what is protected.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.dimensions.iter().map(|dimension| &dimension.name)).finish()
    }
}

impl Margin {
    fn new(cube: &Cube, level: Level) -> Self {
        let counts = cube.shape.marginal(&cube.persons, level);
        let unseen = cube.shape.marginal(&cube.unseen, level);
        let hidden = vec![false; counts.len()];
        Self { counts, unseen, hidden, raised: HashMap::new(), shown_by: HashMap::new() }
    }

    /// Suppresses what a witness changes in this table.
    fn hide(&mut self, shape: &Shape, level: Level, witness: &Witness, place: usize) {
        let mut changes: HashMap<usize, i64> = HashMap::new();
        for (base, change) in &witness.moves {
            *changes.entry(shape.index(level, &shape.codes(shape.finest(), *base))).or_default() += change;
        }
        for (cell, change) in changes.into_iter().filter(|(_, change)| *change != 0) {
            self.hidden[cell] = true;
            let raised = self.raised.entry(cell).or_insert((change, place));
            if raised.0 < change {
                *raised = (change, place);
            }
        }
    }
}
