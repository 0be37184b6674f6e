//! Which dimensions a table has, and where its cells lie in memory.

use std::fmt;

use super::MAX_DIMENSIONS;
use crate::Error;

/// A table of a cube: the set of its dimensions. The empty set is the grand total.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

/// Every set of [`MAX_DIMENSIONS`] dimensions, by its size.
const BY_SIZE: [u8; 1 << MAX_DIMENSIONS] = [0, 1, 2, 4, 8, 3, 5, 6, 9, 10, 12, 7, 11, 13, 14, 15];

impl Level {
    /// The grand total.
    pub const TOTAL: Self = Self(0);

    /// The table of these dimensions, counted from 0; their order and repetition do not matter.
    ///
    /// # Errors
    /// [`Error::Level`] for a dimension that no cube has.
    pub fn of(dimensions: &[usize]) -> Result<Self, Error> {
        let add = |level: u8, dimension: &usize| (*dimension < MAX_DIMENSIONS).then(|| level | 1 << dimension);
        dimensions.iter().try_fold(0, add).map(Self).ok_or(Error::Level)
    }

    /// Every table of a cube of so many dimensions, the total first, then by number of dimensions.
    pub fn all(dimensions: usize) -> Vec<Self> {
        Self::finest(dimensions.min(MAX_DIMENSIONS)).within().collect()
    }

    /// Whether the table has this dimension.
    pub fn has(self, dimension: usize) -> bool {
        dimension < MAX_DIMENSIONS && self.0 & (1 << dimension) != 0
    }

    /// Its dimensions, ascending.
    pub fn dimensions(self) -> impl Iterator<Item = usize> {
        (0..MAX_DIMENSIONS).filter(move |dimension| self.has(*dimension))
    }

    /// The number of its dimensions.
    pub fn size(self) -> usize {
        self.dimensions().count()
    }

    /// Whether every dimension of `other` is one of this table's.
    pub fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The table of the dimensions that `other` has not.
    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The tables that it covers, itself included, by number of dimensions.
    pub(super) fn within(self) -> impl Iterator<Item = Self> {
        BY_SIZE.into_iter().map(Self).filter(move |level| self.covers(*level))
    }

    /// The table of all of a cube's dimensions.
    fn finest(dimensions: usize) -> Self {
        Self((1 << dimensions) - 1)
    }

    /// The table of one of a cube's dimensions.
    pub(super) fn single(dimension: usize) -> Self {
        Self(1 << dimension)
    }

    pub(super) fn place(self) -> usize {
        usize::from(self.0)
    }
}

impl fmt::Debug for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.dimensions()).finish()
    }
}

/// One code for each dimension; what a table has not is ignored.
pub(super) type Codes = [usize; MAX_DIMENSIONS];

/// The sizes of a cube's dimensions, and with them the place of each cell in its table's array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    dimensions: usize,
    sizes: Codes,
    strides: [Codes; 1 << MAX_DIMENSIONS],
}

impl Shape {
    /// `sizes` has at most [`MAX_DIMENSIONS`] entries, whose product was checked.
    pub(super) fn new(sizes: &[usize]) -> Self {
        let mut all = [1; MAX_DIMENSIONS];
        all[..sizes.len()].copy_from_slice(sizes);
        let mut strides = [[0; MAX_DIMENSIONS]; 1 << MAX_DIMENSIONS];
        for level in Level::all(MAX_DIMENSIONS) {
            let mut stride = 1;
            for dimension in (0..MAX_DIMENSIONS).rev().filter(|dimension| level.has(*dimension)) {
                strides[level.place()][dimension] = stride;
                stride *= all[dimension];
            }
        }
        Self { dimensions: sizes.len(), sizes: all, strides }
    }

    pub(super) fn dimensions(&self) -> usize {
        self.dimensions
    }

    pub(super) fn size(&self, dimension: usize) -> usize {
        self.sizes[dimension]
    }

    /// The table of all dimensions.
    pub(super) fn finest(&self) -> Level {
        Level::finest(self.dimensions)
    }

    /// How many cells a table has.
    pub(super) fn cells(&self, level: Level) -> usize {
        level.dimensions().map(|dimension| self.sizes[dimension]).product()
    }

    /// The place of a cell in its table.
    pub(super) fn index(&self, level: Level, codes: &Codes) -> usize {
        let strides = &self.strides[level.place()];
        strides[0] * codes[0] + strides[1] * codes[1] + strides[2] * codes[2] + strides[3] * codes[3]
    }

    /// The codes of a cell; 0 in the dimensions that the table has not.
    pub(super) fn codes(&self, level: Level, index: usize) -> Codes {
        let strides = &self.strides[level.place()];
        std::array::from_fn(|dimension| match strides[dimension] {
            0 => 0,
            stride => index / stride % self.sizes[dimension],
        })
    }

    /// A table's numbers, from those of the finest.
    pub(super) fn marginal(&self, finest: &[i64], level: Level) -> Vec<i64> {
        let mut sums = vec![0; self.cells(level)];
        for (index, count) in finest.iter().enumerate().filter(|(_, count)| **count != 0) {
            sums[self.index(level, &self.codes(self.finest(), index))] += count;
        }
        sums
    }
}
