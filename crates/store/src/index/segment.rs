//! Entries that are indexed in memory: the newest ones, until there are enough of them for a block.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use super::row::Row;

/// Leaves between two samples of the log's time.
pub(crate) const LEAVES_A_SAMPLE: u64 = 256;

/// Places within a segment that have one term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Places {
    /// Most terms of most segments, the ids of requests, have one.
    One(u32),
    /// Ascending.
    Many(Vec<u32>),
}

impl Places {
    pub(crate) fn as_slice(&self) -> &[u32] {
        match self {
            Self::One(place) => std::slice::from_ref(place),
            Self::Many(places) => places,
        }
    }
}

/// A run of entries, each with its terms.
#[derive(Debug)]
pub(crate) struct Segment {
    first: u64,
    length: u32,
    terms: HashMap<u64, Places, BuildHasherDefault<Identity>>,
    /// The times of the entries whose leaf is a multiple of [`LEAVES_A_SAMPLE`].
    times: Vec<u64>,
    /// Where each entry is.
    rows: Vec<Row>,
}

impl Segment {
    pub(crate) fn starting_at(first: u64) -> Self {
        Self { first, length: 0, terms: HashMap::default(), times: Vec::new(), rows: Vec::new() }
    }

    /// Its leaves.
    pub(crate) fn range(&self) -> Range<u64> {
        self.first..self.first + u64::from(self.length)
    }

    pub(crate) fn length(&self) -> u32 {
        self.length
    }

    pub(crate) fn times(&self) -> &[u64] {
        &self.times
    }

    /// Takes the entry behind its last one.
    pub(crate) fn push(&mut self, terms: impl IntoIterator<Item = u64>, time_micros: u64, row: Row) {
        let place = self.length;
        for term in terms {
            self.terms
                .entry(term)
                .and_modify(|places| match places {
                    // Two terms of one entry may have one hash.
                    Places::One(one) if *one == place => {}
                    Places::One(one) => *places = Places::Many(vec![*one, place]),
                    Places::Many(many) if many.last() == Some(&place) => {}
                    Places::Many(many) => many.push(place),
                })
                .or_insert(Places::One(place));
        }
        if self.range().end.is_multiple_of(LEAVES_A_SAMPLE) {
            self.times.push(time_micros);
        }
        self.rows.push(row);
        self.length += 1;
    }

    /// Where its entries are, in their order.
    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Where an entry is.
    pub(crate) fn row(&self, leaf: u64) -> Option<Row> {
        self.rows.get(usize::try_from(leaf.checked_sub(self.first)?).ok()?).copied()
    }

    /// The places of a term.
    pub(crate) fn places(&self, term: u64) -> Option<&[u32]> {
        self.terms.get(&term).map(Places::as_slice)
    }

    /// All terms with their places, in the terms' order.
    pub(crate) fn sorted(&self) -> Vec<(u64, &[u32])> {
        let mut all: Vec<_> = self.terms.iter().map(|(term, places)| (*term, places.as_slice())).collect();
        all.sort_unstable_by_key(|(term, _)| *term);
        all
    }
}

/// Terms are hashes already, under a key that nobody outside knows.
#[derive(Debug, Default)]
pub(crate) struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_by_their_terms_and_times_are_sampled() {
        let mut segment = Segment::starting_at(255);
        for (place, terms) in [[1, 2], [2, 3], [2, 2]].into_iter().enumerate() {
            segment.push(terms, place as u64, Row::default());
        }
        assert_eq!(segment.range(), 255..258);
        assert_eq!(segment.times(), [1], "of leaf 256");
        assert_eq!(segment.sorted(), [(1, &[0][..]), (2, &[0, 1, 2]), (3, &[1])]);
        assert_eq!((segment.places(3), segment.places(4)), (Some(&[1][..]), None));
    }
}
