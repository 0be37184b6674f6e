//! Searching one piece of the index: lists of places, each asked for its next place, until all agree.

use std::ops::Range;

use causeway_model::LeafIndex;

use super::block::{Block, Found};
use super::postings::Cursor;
use super::segment::Segment;
use crate::error::StoreError;

/// What finding the terms of a block costs, in steps.
const STEPS_A_BLOCK: u32 = 256;

/// What is searched for.
#[derive(Debug)]
pub(crate) struct Query {
    /// The hashes of terms: all of them.
    pub(crate) terms: Vec<u64>,
    /// Of each of these groups, one at least. They lead: what else is asked for says nothing about entries outside them, by the time
    /// that it takes as little as by what is found.
    pub(crate) within: Vec<Vec<u64>>,
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
        steps: &mut u32,
    ) -> Result<Looked, StoreError> {
        *steps = steps.saturating_sub(STEPS_A_BLOCK);
        let list = |term: &u64| {
            Ok(block.find(*term)?.map(|found| match found {
                Found::One(place) => (1, List::One(place)),
                Found::List(count, cursor) => (count as usize, List::Stored(cursor)),
            }))
        };
        let Some(lists) = self.lists(list)? else { return Ok(Looked::default()) };
        self.agreed(lists, block.mark.leaves.start, part, limit, steps)
    }

    /// The same of a segment.
    pub(crate) fn in_segment(
        &self,
        segment: &Segment,
        part: &Range<u64>,
        limit: usize,
        steps: &mut u32,
    ) -> Result<Looked, StoreError> {
        let list = |term: &u64| Ok(segment.places(*term).map(|places| (places.len(), List::Held(places))));
        let Some(lists) = self.lists(list)? else { return Ok(Looked::default()) };
        self.agreed(lists, segment.range().start, part, limit, steps)
    }

    /// The lists of all terms; none where there can be nothing.
    fn lists<'a>(
        &self,
        list: impl Fn(&u64) -> Result<Option<(usize, List<'a>)>, StoreError>,
    ) -> Result<Option<Lists<'a>>, StoreError> {
        let mut lists = Lists::default();
        for group in &self.within {
            let found = group.iter().map(&list).collect::<Result<Vec<_>, _>>()?;
            lists.leading.push(List::Any(found.into_iter().flatten().map(|(_, list)| list).collect()));
        }
        for term in &self.terms {
            match list(term)? {
                Some(found) => lists.others.push(found),
                // Where something leads, it is gone through all the same.
                None if self.within.is_empty() => return Ok(None),
                None => lists.others.push((0, List::Any(Vec::new()))),
            }
        }
        Ok(Some(lists))
    }

    /// The leaves that all lists have. `first` is the leaf of place 0.
    fn agreed<'a>(
        &'a self,
        found: Lists<'a>,
        first: u64,
        part: &Range<u64>,
        limit: usize,
        steps: &mut u32,
    ) -> Result<Looked, StoreError> {
        let Lists { leading: mut lists, mut others } = found;
        let leads = if lists.is_empty() { usize::MAX } else { lists.len() };
        if let Some(among) = &self.among {
            let from = among.partition_point(|leaf| leaf.0 < part.start);
            let here = &among[from..];
            let here = &here[..here.partition_point(|leaf| leaf.0 < part.end)];
            others.push((here.len(), List::Among(here, first)));
        }
        // The shortest leads: the others are asked for its places only.
        others.sort_by_key(|(count, _)| *count);
        lists.extend(others.into_iter().map(|(_, list)| list));
        let place = |leaf: u64| {
            u32::try_from(leaf - first).map_err(|_| StoreError::Corrupt("a piece of the index is too long"))
        };
        let part = place(part.start)?..place(part.end)?;
        let mut found = Vec::new();
        let mut next = if self.newest_first { part.end.checked_sub(1) } else { Some(part.start) };
        while let Some(target) = next.filter(|target| part.contains(target) && found.len() < limit) {
            let Some(left) = steps.checked_sub(1) else {
                return Ok(Looked { found, next: Some(first + u64::from(target)) });
            };
            *steps = left;
            next = match self.agree(&mut lists, leads, target)? {
                Agreed::On(place) => {
                    if !part.contains(&place) {
                        break;
                    }
                    found.push(LeafIndex(first + u64::from(place)));
                    self.behind(place)
                }
                Agreed::NotBefore(place) => place,
            };
        }
        Ok(Looked { found, next: None })
    }

    /// Asks the lists one after the other for their next place from `target` on. Those behind the ones that lead are only asked
    /// whether they have it: how long that takes is for the leading ones to say.
    fn agree(&self, lists: &mut [List<'_>], leads: usize, target: u32) -> Result<Agreed, StoreError> {
        let mut target = target;
        for (number, list) in lists.iter_mut().enumerate() {
            match list.next(target, self.newest_first)? {
                Some(place) if place == target => {}
                _ if number >= leads => return Ok(Agreed::NotBefore(self.behind(target))),
                Some(place) if number == 0 => target = place,
                other => return Ok(Agreed::NotBefore(other)),
            }
        }
        Ok(Agreed::On(target))
    }

    /// The place after one, in the query's order.
    const fn behind(&self, place: u32) -> Option<u32> {
        if self.newest_first { place.checked_sub(1) } else { place.checked_add(1) }
    }
}

/// What a search of a part came to.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    pub(crate) found: Vec<LeafIndex>,
    /// The leaf to go on with, where the steps were used up before the part's end.
    pub(crate) next: Option<u64>,
}

/// The lists of one piece.
#[derive(Default)]
struct Lists<'a> {
    leading: Vec<List<'a>>,
    /// With their lengths.
    others: Vec<(usize, List<'a>)>,
}

/// What lists come to when they are asked for their next place.
enum Agreed {
    On(u32),
    /// They go on from here; none where they do not.
    NotBefore(Option<u32>),
}

/// Places in one piece.
enum List<'a> {
    One(u32),
    Held(&'a [u32]),
    /// Leaves, and the leaf of place 0.
    Among(&'a [LeafIndex], u64),
    Stored(Cursor<'a>),
    /// What any of them has.
    Any(Vec<List<'a>>),
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
            Self::Any(lists) => {
                let mut next = None;
                for list in lists {
                    let place = list.next(target, newest_first)?;
                    next = match (next, place) {
                        (Some(one), Some(other)) if newest_first => Some(std::cmp::max::<u32>(one, other)),
                        (Some(one), Some(other)) => Some(one.min(other)),
                        (one, other) => one.or(other),
                    };
                }
                next
            }
            Self::Stored(cursor) if newest_first => cursor.at_or_before(target)?,
            Self::Stored(cursor) => cursor.at_or_after(target)?,
        })
    }
}
