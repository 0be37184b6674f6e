//! What can be wrong with what a caller hands in. Nothing here names a value of a record.

use std::fmt;

use crate::cube::Level;

/// Why an input was refused. All but [`Error::TooLarge`] are the caller's mistakes; none is a person's fault or datum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A minimum, threshold or rounding base outside its range; the name says which.
    Parameter(&'static str),
    /// More columns or levels, or fewer levels, than a ladder may have.
    Ladder {
        /// The column, counted from 0.
        column: usize,
    },
    /// A row that has not one value for each level of each column, or one code for each dimension.
    Row {
        /// The row, counted from 0.
        row: usize,
    },
    /// Dimensions that make no cube: none, too many, a name or category twice, or a dimension without categories.
    Dimensions(&'static str),
    /// More cells than a cube may have.
    TooManyCells,
    /// A code that its dimension has not.
    Code {
        /// The dimension, counted from 0.
        dimension: usize,
    },
    /// A recipient that sees more persons of a cell than there are.
    SeesTooMany,
    /// A table (a set of dimensions) that names a dimension the cube has not, or no tables at all.
    Level,
    /// The text form is longer than [`TEXT_LIMIT`](crate::cube::TEXT_LIMIT) bytes: publish fewer tables.
    TooLarge {
        /// How many cells the text holds.
        cells: usize,
    },
    /// A small cell without a witness that it may be large: a fault in this crate, found by its audit.
    Exposed {
        /// The table it is in.
        level: Level,
    },
    /// A text that is not the canonical text of a published table; the reason says where it departs.
    Text(&'static str),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter(name) => write!(f, "parameter out of range: {name}"),
            Self::Ladder { column } => write!(f, "ladder of column {column} has too few or too many levels"),
            Self::Row { row } => write!(f, "row {row} has the wrong shape"),
            Self::Dimensions(reason) => write!(f, "dimensions make no cube: {reason}"),
            Self::TooManyCells => f.write_str("cube has too many cells"),
            Self::Code { dimension } => write!(f, "dimension {dimension} has no such category"),
            Self::SeesTooMany => f.write_str("more persons of a cell are visible than it holds"),
            Self::Level => f.write_str("tables to publish do not fit the dimensions"),
            Self::TooLarge { cells } => write!(f, "text of {cells} cells is too long: publish fewer tables"),
            Self::Exposed { level } => write!(f, "a small cell of table {level:?} is not protected"),
            Self::Text(reason) => write!(f, "not a published table: {reason}"),
        }
    }
}

impl std::error::Error for Error {}
