//! A list that grows at its end, of which a copy can be taken in a moment: what is full is shared with the copy.

use std::fmt;
use std::ops::{Index, Range};
use std::sync::Arc;

/// Items of a full chunk. A copy clones fewer than this, and one pointer for each full chunk: 2,442 for 10^7 items.
const CHUNK: usize = 4_096;

/// A list in chunks. Changing an item of a full chunk copies that chunk first where somebody else still has it.
#[derive(Clone)]
pub(crate) struct Chunks<T> {
    full: Vec<Arc<[T]>>,
    last: Vec<T>,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self { full: Vec::new(), last: Vec::new() }
    }
}

impl<T> Chunks<T> {
    pub(crate) const fn len(&self) -> usize {
        self.full.len() * CHUNK + self.last.len()
    }

    pub(crate) fn push(&mut self, item: T) {
        self.last.push(item);
        if self.last.len() == CHUNK {
            let full = std::mem::replace(&mut self.last, Vec::with_capacity(CHUNK));
            self.full.push(full.into());
        }
    }

    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        let (chunk, place) = (at / CHUNK, at % CHUNK);
        match self.full.get(chunk) {
            Some(full) => full.get(place),
            None if chunk == self.full.len() => self.last.get(place),
            None => None,
        }
    }

    pub(crate) fn last(&self) -> Option<&T> {
        self.get(self.len().checked_sub(1)?)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.full.iter().flat_map(|full| full.iter()).chain(&self.last)
    }

    /// The items at these places.
    pub(crate) fn range(&self, places: Range<usize>) -> impl Iterator<Item = &T> {
        places.map_while(|at| self.get(at))
    }

    /// How many items from the beginning on are as `is_before` says, where all others come after those.
    pub(crate) fn partition_point(&self, is_before: impl Fn(&T) -> bool) -> usize {
        let chunks = self.full.partition_point(|full| full.last().is_some_and(&is_before));
        let within = self.full.get(chunks).map_or(self.last.as_slice(), |full| &full[..]);
        chunks * CHUNK + within.partition_point(is_before)
    }
}

impl<T: Clone> Chunks<T> {
    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        let (chunk, place) = (at / CHUNK, at % CHUNK);
        let full = self.full.len();
        match self.full.get_mut(chunk) {
            Some(full) => Arc::make_mut(full).get_mut(place),
            None if chunk == full => self.last.get_mut(place),
            None => None,
        }
    }
}

impl<T> Index<usize> for Chunks<T> {
    type Output = T;

    fn index(&self, at: usize) -> &T {
        self.get(at).expect("a place below the length")
    }
}

impl<T: fmt::Debug> fmt::Debug for Chunks<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_stays_as_it_was_while_the_list_grows_and_changes() {
        let mut list = Chunks::default();
        (0..3 * CHUNK + 7).for_each(|item| list.push(item));
        let copy = list.clone();
        for at in [0, CHUNK - 1, CHUNK, 3 * CHUNK - 1, 3 * CHUNK, 3 * CHUNK + 6] {
            *list.get_mut(at).expect("there") += 1_000_000;
        }
        (0..CHUNK).for_each(|item| list.push(item));
        assert!(copy.iter().copied().eq(0..3 * CHUNK + 7));
        assert_eq!((copy.len(), list.len()), (3 * CHUNK + 7, 4 * CHUNK + 7));
        assert_eq!((list[CHUNK], list[CHUNK + 1]), (CHUNK + 1_000_000, CHUNK + 1));
        assert_eq!(
            (copy.get(copy.len()), copy.get(copy.len() + CHUNK), copy.last()),
            (None, None, Some(&(3 * CHUNK + 6)))
        );
        assert!(Arc::ptr_eq(&copy.full[0], &copy.clone().full[0]), "what is full is shared");
    }

    #[test]
    fn places_are_found_as_in_one_slice() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 5] {
            let mut list = Chunks::default();
            (0..length).for_each(|item| list.push(item * 2));
            let slice: Vec<_> = list.iter().copied().collect();
            for wanted in [0, 1, 2, CHUNK, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1, 4 * CHUNK, 9 * CHUNK] {
                let expected = slice.partition_point(|item| *item < wanted);
                assert_eq!(list.partition_point(|item| *item < wanted), expected, "{wanted} in {length}");
            }
            assert!(list.range(3..CHUNK + 2).eq(slice.iter().skip(3).take(CHUNK - 1)));
            assert!(list.iter().rev().eq(slice.iter().rev()));
        }
    }
}
