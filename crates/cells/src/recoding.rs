//! One recoding for a batch: how far each coarse field of a release batch is coarsened so that every item shares what
//! it shows with at least `k` persons, over all that was ever released to the feed.
//!
//! A row *goes* if its cell, over the persons released before and the persons of this batch's rows, holds at least `k`
//! distinct persons; else it is *held*. Rows of one cell go together or not at all, so what goes never depends on
//! order. The sensitive values are part of the cell and are never recoded: a group that agrees in what is known of a
//! person and in what is disclosed tells nothing that the group does not.
//!
//! **Which recoding.** The score is the sum, over the rows that go, of the retained precision: `1 - level / levels`,
//! averaged over the columns, 0 for a dropped one (the Prec metric of Sweeney, *Achieving k-anonymity privacy
//! protection using generalization and suppression*, IJUFKS 10(5), 2002). Held rows score 0. So one straggler does not
//! make everyone else's fields coarser: it is held, and comes again with the next batch. Between equal scores, more
//! rows win, then fewer steps in all, then the finer level of the earlier column. A batch whose rows can go only
//! without any field does so.
//!
//! **Search.** The whole lattice of full-domain generalisations (Samarati, IEEE TKDE 13(6), 2001; LeFevre, DeWitt and
//! Ramakrishnan, *Incognito*, SIGMOD 2005) where it is small, in order of falling precision and only as far as a node
//! could still win. The pruning by monotony of these papers does not apply: the persons released before count at the
//! level at which they were released and at no other. A lattice that is too large is walked as Datafly does (Sweeney,
//! 1998): the column with most distinct values goes one step up, again and again; the best node on that path is taken.

mod batch;
mod lattice;

use std::collections::{BTreeMap, BTreeSet};

use crate::Error;

/// Most quasi-identifying columns of a batch.
pub const MAX_COLUMNS: usize = 16;

/// Most levels of one ladder, the dropped one not counted.
pub const MAX_LEVELS: usize = 16;

/// How many levels each quasi-identifying column has: 0 is the finest that the clause allows, the last the coarsest.
/// Beyond the last there is always one more, where the field is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladders(Vec<u8>);

impl Ladders {
    /// Takes the number of levels of each column, 1 to [`MAX_LEVELS`], for at most [`MAX_COLUMNS`] columns.
    ///
    /// # Errors
    /// [`Error::Ladder`] with the first column that does not fit.
    pub fn new(levels: &[usize]) -> Result<Self, Error> {
        if levels.len() > MAX_COLUMNS {
            return Err(Error::Ladder { column: MAX_COLUMNS });
        }
        let checked = levels.iter().enumerate().map(|(column, &count)| match u8::try_from(count) {
            Ok(count @ 1..) if usize::from(count) <= MAX_LEVELS => Ok(count),
            _ => Err(Error::Ladder { column }),
        });
        checked.collect::<Result<_, _>>().map(Self)
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.0.len()
    }

    fn levels(&self, column: usize) -> u8 {
        self.0[column]
    }
}

/// One row of a batch: a record that may be released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Who it is about. A record without a subject reference, and a route, is a person of its own: the caller gives it
    /// a number that nothing else has.
    pub person: u64,
    /// The code of its set of sensitive values: equal sets, equal codes.
    pub sensitive: u32,
    /// `values[column][level]`: the code of what the field would show at that level. Within a column, equal texts have
    /// equal codes, whatever their level. `None` is a field that would not be there, which looks like a dropped one; a
    /// caller that wants the two apart gives "not there" a code.
    pub values: Vec<Vec<Option<u32>>>,
}

/// What an item shows: one value for each column (`None` where the field is not there) and the sensitive set. Items of
/// one cell look alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// The shown value's code of each column, in the order of the ladders.
    pub values: Vec<Option<u32>>,
    /// The code of the set of sensitive values.
    pub sensitive: u32,
}

/// Which persons the feed already holds, by cell. Only what was disclosed, or still can be, belongs here.
#[derive(Clone, Debug, Default)]
pub struct Released(BTreeMap<Cell, BTreeSet<u64>>);

impl Released {
    /// Nothing released yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a person to a cell; false if it was in it.
    pub fn insert(&mut self, cell: Cell, person: u64) -> bool {
        self.0.entry(cell).or_default().insert(person)
    }

    /// The persons of a cell; `None` if it has none.
    pub fn persons(&self, cell: &Cell) -> Option<&BTreeSet<u64>> {
        self.0.get(cell)
    }

    /// Every cell with its persons, in the cells' order.
    pub fn cells(&self) -> impl Iterator<Item = (&Cell, &BTreeSet<u64>)> {
        self.0.iter()
    }
}

/// How far one column is coarsened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// This level of its ladder.
    Level(u8),
    /// The field is left out.
    Dropped,
}

/// What becomes of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes.
    Goes {
        /// The cell it lands in.
        cell: Cell,
        /// Whether it brings a person whom the cell had not; of one person's rows in a cell, the first.
        counts: bool,
    },
    /// It waits for a later batch, neither lost nor visible.
    Held,
}

/// The recoding of a batch and what it makes of each row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// One step for each column, for the whole batch.
    pub recoding: Vec<Step>,
    /// One fate for each candidate, in their order.
    pub fates: Vec<Fate>,
}

impl Choice {
    /// How many rows go.
    pub fn going(&self) -> usize {
        self.fates.iter().filter(|fate| matches!(fate, Fate::Goes { .. })).count()
    }
}

/// Chooses the recoding of a batch. Pure: the same input gives the same choice, and the order of the candidates has
/// a part only in which of one person's equal rows counts.
///
/// # Errors
/// [`Error::Parameter`] for a `k` of 0, [`Error::Row`] for a candidate that does not fit the ladders.
pub fn choose(ladders: &Ladders, candidates: &[Candidate], released: &Released, k: usize) -> Result<Choice, Error> {
    if k == 0 {
        return Err(Error::Parameter("k"));
    }
    let batch = batch::Batch::new(ladders, candidates)?;
    let node = lattice::best(ladders, &batch, released, k);
    Ok(Choice { fates: batch.fates(candidates, &node, released, k), recoding: node })
}
