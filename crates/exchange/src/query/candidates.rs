//! Where an answer looks: a record's own entries, what the index gives, or every entry of a stretch, a batch at a time and in the
//! answer's order.

use causeway_journal::State;
use causeway_model::{LeafIndex, RecordId};
use causeway_store::{Search, Term};

use super::Query;
use crate::scope::Scope;
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
    /// These, in ascending order: the entries of records.
    Named(Vec<LeafIndex>),
    /// Those that the index has under all of these terms, of each of these groups under one, and of these leaves where they are stated.
    Index { terms: Vec<Term>, within: Vec<Vec<Term>>, among: Option<Vec<LeafIndex>> },
    /// All.
    All,
}

impl Candidates {
    /// The candidates between two leaves, the second excluded. What the auditor may not see is none: it is neither read nor counted, and
    /// no time is taken over it.
    pub(super) fn of(
        state: &State,
        query: &Query,
        subject: Option<&[RecordId]>,
        scope: &Scope,
        (from, before): (LeafIndex, LeafIndex),
    ) -> Self {
        let within = scope.within();
        // Whose acts entries are is told by texts that this auditor would have to be shown.
        let acting = query.filter.acting.as_ref().filter(|acting| acting.operator.is_some());
        let is_hidden = acting.is_some_and(|acting| !scope.opens_any_of(&acting.agency));
        let whence = match subject {
            _ if is_hidden => Whence::Named(Vec::new()),
            Some(records) if within.is_empty() || records.is_empty() => Whence::Named(entries_of(state, records)),
            Some(records) => Whence::Index { terms: Vec::new(), within, among: Some(entries_of(state, records)) },
            None => {
                let terms = query.filter.terms();
                let is_all = terms.is_empty() && within.is_empty();
                if is_all { Whence::All } else { Whence::Index { terms, within, among: None } }
            }
        };
        Self { whence, from, before, newest_first: query.newest_first }
    }

    /// The next so many, in the answer's order; none at the end.
    pub(super) async fn next(&mut self, exchange: &Exchange, limit: usize) -> Result<Vec<LeafIndex>, Error> {
        if self.from >= self.before {
            return Ok(Vec::new());
        }
        let batch = match &self.whence {
            Whence::Named(leaves) => self.named(leaves, limit),
            Whence::All => self.run(limit),
            Whence::Index { terms, within, among } => {
                let search = Search {
                    terms: terms.clone(),
                    among: among.clone(),
                    from: self.from,
                    before: self.before,
                    newest_first: self.newest_first,
                    limit,
                };
                exchange.for_auditors().search_within(search, within.clone()).await.map_err(Error::corrupt)?
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

/// The entries of all these records, each once, in ascending order.
fn entries_of(state: &State, records: &[RecordId]) -> Vec<LeafIndex> {
    let mut entries: Vec<LeafIndex> = records.iter().flat_map(|record| state.subject(record)).collect();
    if records.len() > 1 {
        entries.sort_unstable();
        entries.dedup();
    }
    entries
}
