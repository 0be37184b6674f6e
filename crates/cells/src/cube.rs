//! Tables of counts over one to four dimensions, protected together so that none of their small cells can be told.
//!
//! **What is published.** The caller names the tables: sets of dimensions, the empty set being the grand total. In a
//! published table a cell is a count rounded to the nearest multiple of the base (ties go up), or *suppressed*: its
//! number is not given. A cell that is not listed holds nobody. A table that cannot be protected is *withheld* whole.
//!
//! **Which cells are small.** A cell of any published table that holds 1 to `threshold - 1` persons; and one of which
//! the recipient sees all but 1 to `threshold - 1` as records, since it can take what it sees from the count (the
//! remainder rule).
//!
//! **How they are protected.** Besides the small cells, others are suppressed until for each small one there is a
//! *witness*: another population in which every published number, unrounded, is the same, nobody whom the recipient
//! sees is missing, and that cell (or its remainder) reaches the threshold. So whoever knows the published tables only
//! cannot prove of any of their cells that it is small, by whatever sums and differences. [`Cube::audit`] checks every
//! witness anew, and nothing is published without.
//!
//! Witnesses are made of hypercubes, as in the hypercube method (Repsilber 1994, 2002, GHMITER; Giessing and Repsilber,
//! *Tools and strategies to protect multiple tables with the GHQUAR cell suppression engine*, 2002): in some of the
//! dimensions an opposite corner is chosen, and persons are moved along the edges, to the corners that differ in an
//! even number of dimensions, from those that differ in an odd one. That changes only the tables with all of these
//! dimensions, and there only the corners: they are suppressed. Of the hypercubes found, the one of least weight
//! (persons newly hidden) is taken. Three things go beyond the published method. Where one hypercube cannot carry
//! enough persons, several do together. Where a corner must give more than it has, another hypercube raises that corner
//! (a detour). And a corner may be an empty cell; it is then listed as suppressed like any other.
//!
//! Tables are protected from few dimensions to many, in the caller's order. A finer table may take numbers from those
//! before it, but in all no more than one person in twenty from each. Where a small cell finds no witness within that,
//! or the search meets its bound, its table is withheld. If the whole cube holds fewer persons than the threshold,
//! every table is.
//!
//! **What this does not show.** Cells of tables that are withheld, or were never asked for, are not suppressed one by
//! one; what the published tables tell of them stays (a small cell of a coarser one has the witnesses of its parts).
//! That a cell is not empty, or is, is shown. A person must be counted in one base cell: with several, sums do not
//! hold. Who knows this algorithm may reason about why it suppressed just these cells (the minimality attack), who sees
//! the tables of two recipients or of overlapping periods, or records released later, may compare them, and who knows
//! something from outside may add it: all of these are out of scope, and the rounding is what remains against them.

mod counts;
mod detour;
mod hypercube;
mod level;
mod protect;
mod table;
mod text;

pub use counts::{Counts, Dimension};
pub use level::Level;
pub use protect::Cube;
pub use table::{Shown, Table, TableCell};

use crate::Error;

/// Most dimensions of a cube.
pub const MAX_DIMENSIONS: usize = 4;

/// Most cells of the finest table: 2 million, so that building holds some 100 MB.
pub const MAX_CELLS: usize = 2_000_000;

/// Most bytes of a table's text: 128 KiB.
pub const TEXT_LIMIT: usize = 128 * 1024;

/// The threshold and the rounding base of a published table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    threshold: u32,
    base: u32,
}

impl Rules {
    /// A threshold (fewer persons than that are not published) and a base to round to, `1 <= base <= threshold`: with a
    /// larger base a published cell could be rounded to 0.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the one out of range.
    pub fn new(threshold: u32, base: u32) -> Result<Self, Error> {
        if threshold == 0 {
            return Err(Error::Parameter("threshold"));
        }
        if base == 0 || base > threshold {
            return Err(Error::Parameter("base"));
        }
        Ok(Self { threshold, base })
    }

    /// The fewest persons of a published cell.
    pub fn threshold(self) -> u32 {
        self.threshold
    }

    /// What counts are rounded to.
    pub fn base(self) -> u32 {
        self.base
    }

    /// The nearest multiple of the base; halfway goes up.
    fn round(self, count: i64) -> i64 {
        let base = i64::from(self.base);
        (2 * count + base).div_euclid(2 * base) * base
    }

    /// How many persons more a cell must be able to hold so that it is not known as small; `None` for a cell that is
    /// not.
    fn lacking(self, count: i64, unseen: i64) -> Option<i64> {
        let threshold = i64::from(self.threshold);
        if (1..threshold).contains(&unseen) {
            Some(threshold - unseen)
        } else if (1..threshold).contains(&count) {
            Some(threshold - count)
        } else {
            None
        }
    }
}
