//! What leaves: the published tables' cells, rounded or marked as suppressed.

use std::collections::BTreeMap;

use super::level::Level;
use super::protect::{Cube, Margin};
use super::{Dimension, Rules};
use crate::Error;

/// What a published table says of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Persons, rounded to the nearest multiple of the base. 0 only for a cell that holds nobody.
    Count(u64),
    /// The number is not given. It says nothing on how many there are: it may be small, large or none.
    Suppressed,
}

/// One listed cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableCell {
    /// Its category's code in each dimension of its table, in the order of the dimensions.
    pub codes: Vec<u16>,
    /// What is said of it.
    pub shown: Shown,
}

/// The published tables of a cube. It holds no exact number; what it holds may leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub(super) dimensions: Vec<Dimension>,
    pub(super) rules: Rules,
    /// The published tables; each one's cells ascend by codes.
    pub(super) levels: BTreeMap<Level, Vec<TableCell>>,
    /// The tables that were asked for and are withheld, ascending.
    pub(super) withheld: Vec<Level>,
}

impl Table {
    pub(super) fn of(cube: &Cube) -> Self {
        let mut levels = BTreeMap::new();
        for level in cube.shape.finest().within() {
            if let Some(margin) = cube.margins.at(level) {
                levels.insert(level, cells(cube, level, margin));
            }
        }
        let mut withheld = cube.withheld.clone();
        withheld.sort_unstable();
        Self { dimensions: cube.dimensions.clone(), rules: cube.rules, levels, withheld }
    }

    /// The dimensions of the cube.
    pub fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }

    /// Threshold and rounding base.
    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// The published tables.
    pub fn levels(&self) -> impl Iterator<Item = Level> {
        self.levels.keys().copied()
    }

    /// The tables that were asked for but could not be protected.
    pub fn withheld(&self) -> &[Level] {
        &self.withheld
    }

    /// A table's listed cells, ascending by codes; what is not listed holds nobody. `None` for a table that is not
    /// published.
    pub fn level(&self, level: Level) -> Option<&[TableCell]> {
        self.levels.get(&level).map(Vec::as_slice)
    }

    /// What is said of one cell: a code in each dimension of its table, `None` in the others. `Ok(None)` for a table
    /// that is not published.
    ///
    /// # Errors
    /// [`Error::Code`] for a code that its dimension has not, or a number of codes that is not the cube's.
    pub fn number(&self, codes: &[Option<u16>]) -> Result<Option<Shown>, Error> {
        if codes.len() != self.dimensions.len() {
            return Err(Error::Code { dimension: codes.len().min(self.dimensions.len()) });
        }
        for (dimension, code) in codes.iter().enumerate() {
            if code.is_some_and(|code| usize::from(code) >= self.dimensions[dimension].categories.len()) {
                return Err(Error::Code { dimension });
            }
        }
        let fixed: Vec<usize> = (0..codes.len()).filter(|dimension| codes[*dimension].is_some()).collect();
        let wanted: Vec<u16> = codes.iter().copied().flatten().collect();
        let Some(cells) = self.level(Level::of(&fixed)?) else { return Ok(None) };
        let place = cells.binary_search_by(|cell| cell.codes.as_slice().cmp(&wanted));
        Ok(Some(place.map_or(Shown::Count(0), |place| cells[place].shown)))
    }

    /// How many cells are listed.
    pub fn len(&self) -> usize {
        self.levels.values().map(Vec::len).sum()
    }

    /// Whether no cell is listed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn cells(cube: &Cube, level: Level, margin: &Margin) -> Vec<TableCell> {
    let listed = (0..margin.counts.len()).filter(|cell| margin.hidden[*cell] || margin.counts[*cell] != 0);
    let cell = |cell: usize| {
        let all = cube.shape.codes(level, cell);
        let code = |dimension: usize| u16::try_from(all[dimension]).expect("a dimension has at most 65,536 categories");
        let shown = match margin.hidden[cell] {
            true => Shown::Suppressed,
            false => Shown::Count(cube.rules.round(margin.counts[cell]).unsigned_abs()),
        };
        TableCell { codes: level.dimensions().map(code).collect(), shown }
    };
    listed.map(cell).collect()
}
