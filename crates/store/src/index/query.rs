//! Searching one piece of the index: lists of places, each asked for its next place, until all agree.

use std::ops::Range;

use causeway_model::LeafIndex;

use super::block::{Block, Found};
use super::postings::Cursor;
use super::segment::Segment;
use crate::error::StoreError;

/// What is searched for.
#[derive(Debug)]
pub(crate) struct Query {
    /// The hashes of terms: all of them.
    pub(crate) terms: Vec<u64>,
    /// Only these leaves, ascending.
    pub(crate) among: Option<Vec<LeafIndex>>,
    pub(crate) newest_first: bool,
}

impl Query {
    /// The leaves of a part of a block that are searched for, `limit` at most, in the query's order.
    pub(crate) fn in_block(
        &self,
        block: &Block,
        part: &Range<u64>,
        limit: usize,
    ) -> Result<Vec<LeafIndex>, StoreError> {
        let mut lists = Vec::with_capacity(self.terms.len() + 1);
        for term in &self.terms {
            match block.find(*term)? {
                None => return Ok(Vec::new()),
                Some(Found::One(place)) => lists.push((1, List::One(place))),
                Some(Found::List(count, cursor)) => lists.push((count as usize, List::Stored(cursor))),
            }
        }
        self.agreed(lists, block.mark.leaves.start, part, limit)
    }

    /// The same of a segment.
    pub(crate) fn in_segment(
        &self,
        segment: &Segment,
        part: &Range<u64>,
        limit: usize,
    ) -> Result<Vec<LeafIndex>, StoreError> {
        let found: Option<Vec<&[u32]>> = self.terms.iter().map(|term| segment.places(*term)).collect();
        let Some(found) = found else { return Ok(Vec::new()) };
        let lists = found.into_iter().map(|places| (places.len(), List::Held(places))).collect();
        self.agreed(lists, segment.range().start, part, limit)
    }

    /// The leaves that all lists have. `first` is the leaf of place 0.
    fn agreed<'a>(
        &'a self,
        mut lists: Vec<(usize, List<'a>)>,
        first: u64,
        part: &Range<u64>,
        limit: usize,
    ) -> Result<Vec<LeafIndex>, StoreError> {
        if let Some(among) = &self.among {
            let from = among.partition_point(|leaf| leaf.0 < part.start);
            let here = &among[from..];
            let here = &here[..here.partition_point(|leaf| leaf.0 < part.end)];
            lists.push((here.len(), List::Among(here, first)));
        }
        // The shortest leads: the others are asked for its places only.
        lists.sort_by_key(|(count, _)| *count);
        let mut lists: Vec<_> = lists.into_iter().map(|(_, list)| list).collect();
        let place = |leaf: u64| {
            u32::try_from(leaf - first).map_err(|_| StoreError::Corrupt("a piece of the index is too long"))
        };
        let part = place(part.start)?..place(part.end)?;
        let mut found = Vec::new();
        let mut next = if self.newest_first { part.end.checked_sub(1) } else { Some(part.start) };
        while let Some(target) = next.filter(|target| part.contains(target) && found.len() < limit) {
            let agreed = self.agree(&mut lists, target)?;
            next = match agreed {
                Agreed::On(place) => {
                    if !part.contains(&place) {
                        break;
                    }
                    found.push(LeafIndex(first + u64::from(place)));
                    if self.newest_first { place.checked_sub(1) } else { place.checked_add(1) }
                }
                Agreed::NotBefore(place) => Some(place),
                Agreed::Never => None,
            };
        }
        Ok(found)
    }

    /// Asks the lists one after the other for their next place from `target` on.
    fn agree(&self, lists: &mut [List<'_>], target: u32) -> Result<Agreed, StoreError> {
        let mut target = target;
        for (number, list) in lists.iter_mut().enumerate() {
            match list.next(target, self.newest_first)? {
                None => return Ok(Agreed::Never),
                Some(place) if place == target => {}
                Some(place) if number == 0 => target = place,
                Some(place) => return Ok(Agreed::NotBefore(place)),
            }
        }
        Ok(Agreed::On(target))
    }
}

/// What lists come to when they are asked for their next place.
enum Agreed {
    On(u32),
    /// They go on from here.
    NotBefore(u32),
    Never,
}

/// Places in one piece.
enum List<'a> {
    One(u32),
    Held(&'a [u32]),
    /// Leaves, and the leaf of place 0.
    Among(&'a [LeafIndex], u64),
    Stored(Cursor<'a>),
}

impl List<'_> {
    /// The first place from `target` on, or the last one up to it.
    fn next(&mut self, target: u32, newest_first: bool) -> Result<Option<u32>, StoreError> {
        Ok(match self {
            Self::One(place) => {
                let is_behind = if newest_first { *place <= target } else { *place >= target };
                is_behind.then_some(*place)
            }
            Self::Held(places) if newest_first => {
                let here = places.partition_point(|place| *place <= target);
                *places = &places[..here];
                places.last().copied()
            }
            Self::Held(places) => {
                let here = places.partition_point(|place| *place < target);
                *places = &places[here..];
                places.first().copied()
            }
            Self::Among(leaves, first) => {
                let leaf = LeafIndex(*first + u64::from(target));
                let next = if newest_first {
                    leaves[..leaves.partition_point(|other| *other <= leaf)].last()
                } else {
                    leaves[leaves.partition_point(|other| *other < leaf)..].first()
                };
                next.and_then(|leaf| u32::try_from(leaf.0 - *first).ok())
            }
            Self::Stored(cursor) if newest_first => cursor.at_or_before(target)?,
            Self::Stored(cursor) => cursor.at_or_after(target)?,
        })
    }
}
