//! Suppression: table by table from coarse to fine, each small cell with its witness.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::counts::Parts;
use super::detour::STARTS;
use super::hypercube::Search;
use super::level::{Codes, Level, Shape};
use super::{Counts, Dimension, Rules, Table};
use crate::Error;

/// Most hypercubes looked at for one table. A table that needs more is withheld.
const LOOKS: usize = 750_000;

/// Most hypercubes looked at for a cube: under a second.
const ALL_LOOKS: usize = 3_000_000;

/// A published table hides at most one person in so many for the sake of later tables.
const YIELD: i64 = 20;

/// A protected cube. It holds the exact counts and never shows them; [`Cube::table`] is what may leave.
pub struct Cube {
    pub(super) dimensions: Vec<Dimension>,
    pub(super) shape: Shape,
    pub(super) rules: Rules,
    pub(super) persons: Vec<i64>,
    pub(super) unseen: Vec<i64>,
    pub(super) margins: Margins,
    pub(super) withheld: Vec<Level>,
    /// By dimension and category: all persons whom the recipient does not see.
    pub(super) crowds: Vec<Vec<i64>>,
    witnesses: Vec<Witness>,
}

/// Another population that looks the same: the persons added to and taken from base cells.
pub(super) struct Witness {
    pub(super) moves: Vec<(usize, i64)>,
}

/// The tables asked for and not withheld, by [`Level::place`].
#[derive(Default)]
pub(super) struct Margins([Option<Margin>; 1 << super::MAX_DIMENSIONS]);

/// One table while it is protected, and after.
pub(super) struct Margin {
    /// Whether all its small cells have their witnesses: no later witness may change a number that it gives.
    pub(super) published: bool,
    /// How many persons' cells, once published, it may still hide for the sake of later tables.
    pub(super) allowance: i64,
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
    /// persons are visible than there are. [`Error::Exposed`] would be a fault of this crate; then nothing leaves.
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
        let crowd = |dimension: usize| shape.marginal(&unseen, Level::single(dimension));
        let crowds = (0..shape.dimensions()).map(crowd).collect();
        let (margins, withheld, witnesses) = (Margins::default(), Vec::new(), Vec::new());
        let mut cube = Self { dimensions, shape, rules, persons, unseen, margins, withheld, crowds, witnesses };
        if (1..i64::from(rules.threshold)).contains(&cube.persons.iter().sum()) {
            // Not even which cells are empty is told.
            cube.withheld = order;
            return Ok(cube);
        }
        for level in &order {
            cube.margins.0[level.place()] = Some(Margin::new(&cube, *level));
        }
        let mut looks = ALL_LOOKS;
        for level in order {
            let before = cube.mark();
            if !cube.publish(level, &mut looks) {
                cube.withhold(level, before);
            }
        }
        cube.audit().map(|_| cube)
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
            let Some(margin) = self.margins.at(level) else { continue };
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
            let Some(margin) = self.margins.at(other) else { continue };
            let changes = witness.changes(&self.shape, other);
            if changes.keys().any(|cell| !margin.hidden[*cell]) {
                return false;
            }
            if other == level {
                raised = changes.get(&cell).copied().unwrap_or(0);
            }
        }
        let mut places: Vec<usize> = witness.moves.iter().map(|(base, _)| *base).collect();
        places.sort_unstable();
        places.dedup();
        let enough = |(base, change): &(usize, i64)| self.unseen[*base] + change >= 0;
        raised >= lacking && places.len() == witness.moves.len() && witness.moves.iter().all(enough)
    }

    /// Finds the witnesses of a table's small cells; false where one has none.
    fn publish(&mut self, level: Level, all_looks: &mut usize) -> bool {
        let mut looks = LOOKS.min(*all_looks);
        let spare = *all_looks - looks;
        let starts = self.starts(level);
        for (Reverse(lacking), cell) in self.small(level) {
            let Some(margin) = self.margins.at(level) else { return false };
            let known = margin.raised.get(&cell).filter(|(raised, _)| *raised >= lacking).map(|(_, place)| *place);
            let place = match known {
                Some(place) => Some(place),
                None => {
                    let witness = Search::new(self, level, margin, &starts).witness(cell, lacking, &mut looks);
                    *all_looks = spare + looks;
                    witness.filter(|witness| self.affordable(witness)).map(|witness| self.add(witness))
                }
            };
            match (place, self.margins.at_mut(level)) {
                (Some(place), Some(margin)) => drop(margin.shown_by.insert(cell, place)),
                _ => return false,
            }
        }
        let Some(margin) = self.margins.at_mut(level) else { return false };
        margin.published = true;
        true
    }

    /// The commonest codes in the dimensions that a table has not.
    fn starts(&self, level: Level) -> Vec<Codes> {
        let others = self.shape.finest().without(level);
        let crowds = self.shape.marginal(&self.unseen, others);
        let mut places: Vec<usize> = (0..crowds.len()).collect();
        places.sort_by_key(|place| (Reverse(crowds[*place]), *place));
        places.into_iter().take(STARTS).map(|place| self.shape.codes(others, place)).collect()
    }

    /// A table's small cells, now hidden, with what each lacks. The smallest are the hardest, so they come first: a
    /// table that cannot be protected is known as such soon.
    fn small(&mut self, level: Level) -> Vec<(Reverse<i64>, usize)> {
        let mut small = Vec::new();
        let Some(margin) = self.margins.at_mut(level) else { return small };
        for cell in 0..margin.counts.len() {
            if let Some(lacking) = self.rules.lacking(margin.counts[cell], margin.unseen[cell]) {
                margin.hidden[cell] = true;
                small.push((Reverse(lacking), cell));
            }
        }
        small.sort_unstable();
        small
    }

    /// Whether the tables published so far may hide what a witness changes.
    fn affordable(&self, witness: &Witness) -> bool {
        self.shape.finest().within().all(|level| match self.margins.at(level) {
            Some(margin) if margin.published => {
                let newly = witness.changes(&self.shape, level).into_keys().filter(|cell| !margin.hidden[*cell]);
                newly.map(|cell| margin.counts[cell]).sum::<i64>() <= margin.allowance
            }
            _ => true,
        })
    }

    /// Takes a witness up: every table hides what it changes.
    fn add(&mut self, witness: Witness) -> usize {
        let place = self.witnesses.len();
        for level in self.shape.finest().within() {
            if let Some(margin) = self.margins.at_mut(level) {
                margin.hide(witness.changes(&self.shape, level), place);
            }
        }
        self.witnesses.push(witness);
        place
    }

    /// The present state, for [`Cube::withhold`].
    fn mark(&self) -> Mark {
        let hidden =
            self.margins.0.iter().map(|margin| margin.as_ref().map(|margin| (margin.hidden.clone(), margin.allowance)));
        Mark { witnesses: self.witnesses.len(), hidden: hidden.collect() }
    }

    /// Takes a table out, with the witnesses that were for it alone and what they hid.
    fn withhold(&mut self, level: Level, mark: Mark) {
        self.withheld.push(level);
        self.margins.0[level.place()] = None;
        self.witnesses.truncate(mark.witnesses);
        for (margin, before) in self.margins.0.iter_mut().zip(mark.hidden) {
            if let (Some(margin), Some((hidden, allowance))) = (margin, before) {
                margin.hidden = hidden;
                margin.allowance = allowance;
                margin.raised.retain(|_, (_, place)| *place < mark.witnesses);
            }
        }
    }
}

/// What a cube hides at one moment: each table's cells and allowance.
struct Mark {
    witnesses: usize,
    hidden: Vec<Option<(Vec<bool>, i64)>>,
}

impl Witness {
    /// What it changes in a table, by cell.
    fn changes(&self, shape: &Shape, level: Level) -> BTreeMap<usize, i64> {
        let mut changes = BTreeMap::new();
        for (base, change) in &self.moves {
            *changes.entry(shape.index(level, &shape.codes(shape.finest(), *base))).or_default() += change;
        }
        changes.retain(|_, change| *change != 0);
        changes
    }
}

impl Margins {
    /// A table that was asked for and is not withheld.
    pub(super) fn at(&self, level: Level) -> Option<&Margin> {
        self.0[level.place()].as_ref()
    }

    fn at_mut(&mut self, level: Level) -> Option<&mut Margin> {
        self.0[level.place()].as_mut()
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
        let allowance = counts.iter().sum::<i64>() / YIELD;
        Self { published: false, allowance, counts, unseen, hidden, raised: HashMap::new(), shown_by: HashMap::new() }
    }

    /// Suppresses what a witness changes in this table.
    fn hide(&mut self, changes: BTreeMap<usize, i64>, place: usize) {
        for (cell, change) in changes {
            if !std::mem::replace(&mut self.hidden[cell], true) && self.published {
                self.allowance -= self.counts[cell];
            }
            let raised = self.raised.entry(cell).or_insert((change, place));
            if raised.0 < change {
                *raised = (change, place);
            }
        }
    }
}
