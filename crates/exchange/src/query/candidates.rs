//! Where an answer looks: a record's own entries, what the index gives, or every entry of a stretch, a batch at a time and in the
//! answer's order.

use causeway_journal::State;
use causeway_model::LeafIndex;
use causeway_store::{Search, Term};

use super::Filter;
use super::pseudonym::Subject;
use crate::{Error, Exchange};

/// The leaves that are still to be looked at.
#[derive(Debug)]
pub(super) struct Candidates {
    whence: Whence,
    from: LeafIndex,
    before: LeafIndex,
    newest_first: bool,
}

#[derive(Debug)]
enum Whence {
    /// The entries of a record, in ascending order.
    Record(Vec<LeafIndex>),
    /// Those that the index has under all of these terms.
    Index(Vec<Term>),
    /// All.
    All,
}

impl Candidates {
    /// The candidates between two leaves, the second excluded.
    pub(super) fn of(
        state: &State,
        filter: &Filter,
        subject: Option<Subject>,
        (from, before): (LeafIndex, LeafIndex),
        newest_first: bool,
    ) -> Self {
        let whence = match subject {
            Some(Subject::Is(record)) => Whence::Record(state.subject(&record)),
            Some(Subject::Nobody) => Whence::Record(Vec::new()),
            None => {
                let terms = filter.terms();
                if terms.is_empty() { Whence::All } else { Whence::Index(terms) }
            }
        };
        Self { whence, from, before, newest_first }
    }

    /// The next so many, in the answer's order; none at the end.
    pub(super) async fn next(&mut self, exchange: &Exchange, limit: usize) -> Result<Vec<LeafIndex>, Error> {
        if self.from >= self.before {
            return Ok(Vec::new());
        }
        let batch = match &self.whence {
            Whence::Record(leaves) => self.named(leaves, limit),
            Whence::All => self.run(limit),
            Whence::Index(terms) => {
                let search = Search {
                    terms: terms.clone(),
                    among: None,
                    from: self.from,
                    before: self.before,
                    newest_first: self.newest_first,
                    limit,
                };
                exchange.journal().search(search).await.map_err(Error::corrupt)?
            }
        };
        match batch.last() {
            None => self.from = self.before,
            Some(last) if self.newest_first => self.before = *last,
            Some(last) => self.from = LeafIndex(last.0 + 1),
        }
        Ok(batch)
    }

    /// Where to look on: what a cursor holds.
    pub(super) const fn next_place(&self) -> LeafIndex {
        if self.newest_first { self.before } else { self.from }
    }

    fn named(&self, leaves: &[LeafIndex], limit: usize) -> Vec<LeafIndex> {
        let first = leaves.partition_point(|leaf| *leaf < self.from);
        let end = leaves.partition_point(|leaf| *leaf < self.before);
        let within = leaves[first..end].iter().copied();
        if self.newest_first { within.rev().take(limit).collect() } else { within.take(limit).collect() }
    }

    fn run(&self, limit: usize) -> Vec<LeafIndex> {
        let within = (self.from.0..self.before.0).map(LeafIndex);
        if self.newest_first { within.rev().take(limit).collect() } else { within.take(limit).collect() }
    }
}
