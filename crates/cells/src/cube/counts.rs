//! What a cube is built from: dimensions, and how many persons each cell of the finest table holds.

use std::collections::BTreeSet;
use std::fmt;

use super::level::{Codes, Shape};
use super::{MAX_CELLS, MAX_DIMENSIONS};
use crate::Error;

/// A dimension: its name, and its categories' labels. A category's code is its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dimension {
    /// Its name, unique in the cube.
    pub name: String,
    /// Its categories, at least one, each once, at most 65,536.
    pub categories: Vec<String>,
}

/// Persons by base cell (one category in each dimension), and how many of them the recipient sees as records.
pub struct Counts {
    dimensions: Vec<Dimension>,
    shape: Shape,
    persons: Vec<i64>,
    visible: Vec<i64>,
}

impl Counts {
    /// An empty cube of 1 to [`MAX_DIMENSIONS`] dimensions.
    ///
    /// # Errors
    /// [`Error::Dimensions`] for dimensions that make no cube, [`Error::TooManyCells`] above [`MAX_CELLS`].
    pub fn new(dimensions: Vec<Dimension>) -> Result<Self, Error> {
        check(&dimensions)?;
        let sizes: Vec<usize> = dimensions.iter().map(|dimension| dimension.categories.len()).collect();
        let cells = sizes.iter().try_fold(1, |all: usize, size| all.checked_mul(*size).filter(|all| *all <= MAX_CELLS));
        let cells = cells.ok_or(Error::TooManyCells)?;
        Ok(Self { dimensions, shape: Shape::new(&sizes), persons: vec![0; cells], visible: vec![0; cells] })
    }

    /// Counts one person, given one code for each dimension. Each person is counted once: who is counted twice makes a
    /// small cell look larger than it is.
    ///
    /// # Errors
    /// As [`Counts::add_many`].
    pub fn add(&mut self, codes: &[u16]) -> Result<(), Error> {
        self.add_many(codes, 1)
    }

    /// Counts so many persons of one base cell.
    ///
    /// # Errors
    /// [`Error::Code`] for a code that its dimension has not, or a number of codes that is not the cube's.
    pub fn add_many(&mut self, codes: &[u16], persons: u32) -> Result<(), Error> {
        let index = self.place(codes)?;
        self.persons[index] += i64::from(persons);
        Ok(())
    }

    /// Says that the recipient sees so many more persons of a base cell as records of its own feed.
    ///
    /// # Errors
    /// As [`Counts::add_many`]. More visible than there are is found when the cube is protected.
    pub fn see(&mut self, codes: &[u16], persons: u32) -> Result<(), Error> {
        let index = self.place(codes)?;
        self.visible[index] += i64::from(persons);
        Ok(())
    }

    /// The dimensions.
    pub fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }

    fn place(&self, codes: &[u16]) -> Result<usize, Error> {
        if codes.len() != self.shape.dimensions() {
            return Err(Error::Code { dimension: codes.len().min(self.shape.dimensions()) });
        }
        let mut all: Codes = [0; MAX_DIMENSIONS];
        for (dimension, code) in codes.iter().enumerate() {
            all[dimension] = usize::from(*code);
            if all[dimension] >= self.shape.size(dimension) {
                return Err(Error::Code { dimension });
            }
        }
        Ok(self.shape.index(self.shape.finest(), &all))
    }

    /// Checks what is visible and gives the parts out.
    pub(super) fn into_parts(self) -> Result<Parts, Error> {
        let Self { dimensions, shape, persons, visible } = self;
        let unseen: Vec<i64> = persons.iter().zip(&visible).map(|(all, seen)| all - seen).collect();
        if unseen.iter().any(|unseen| *unseen < 0) {
            return Err(Error::SeesTooMany);
        }
        Ok(Parts { dimensions, shape, persons, unseen })
    }
}

/// What a cube is protected from.
pub(super) struct Parts {
    pub(super) dimensions: Vec<Dimension>,
    pub(super) shape: Shape,
    /// All persons of each base cell.
    pub(super) persons: Vec<i64>,
    /// Those of them whom the recipient does not see.
    pub(super) unseen: Vec<i64>,
}

impl fmt::Debug for Counts {
    /// The dimensions' names only: the counts are what is protected.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.dimensions.iter().map(|dimension| &dimension.name);
        f.debug_list().entries(names).finish()
    }
}

/// Whether dimensions make a cube.
pub(super) fn check(dimensions: &[Dimension]) -> Result<(), Error> {
    if dimensions.is_empty() || dimensions.len() > MAX_DIMENSIONS {
        return Err(Error::Dimensions("their number"));
    }
    let names: BTreeSet<&String> = dimensions.iter().map(|dimension| &dimension.name).collect();
    if names.len() != dimensions.len() {
        return Err(Error::Dimensions("a name twice"));
    }
    for dimension in dimensions {
        let distinct: BTreeSet<&String> = dimension.categories.iter().collect();
        if distinct.is_empty() || distinct.len() != dimension.categories.len() {
            return Err(Error::Dimensions("no categories, or one twice"));
        }
        if distinct.len() > usize::from(u16::MAX) + 1 {
            return Err(Error::TooManyCells);
        }
    }
    Ok(())
}
