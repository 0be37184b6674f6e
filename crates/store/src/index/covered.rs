//! What the index covers: blocks, segments that wait to become blocks, and the open segment that the newest entries go to.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use super::block::Block;
use super::row::Row;
use super::segment::{LEAVES_A_SAMPLE, Segment};

/// Entries that may wait to be taken into the open segment. Beyond, they are forgotten, and read from the log again.
const MAX_WAITING: usize = 131_072;

/// A run of entries that is indexed.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Block(Arc<Block>),
    Segment(Arc<Segment>),
}

impl Piece {
    pub(crate) fn leaves(&self) -> Range<u64> {
        match self {
            Self::Block(block) => block.mark.leaves.clone(),
            Self::Segment(segment) => segment.range(),
        }
    }

    fn times(&self) -> &[u64] {
        match self {
            Self::Block(block) => block.times(),
            Self::Segment(segment) => segment.times(),
        }
    }
}

/// What covers the beginning, or for the newest first the end, of a range.
#[derive(Debug)]
pub(crate) enum Cover<'a> {
    /// A piece, and its part of the range.
    Piece(Piece, Range<u64>),
    /// The open segment, and its part of the range.
    Open(&'a Segment, Range<u64>),
    /// Nothing covers this part of the range.
    Gap(Range<u64>),
}

/// Pieces that do not overlap, by their first leaf, and the open segment behind all of them.
#[derive(Debug)]
pub(crate) struct Covered {
    pub(crate) pieces: BTreeMap<u64, Piece>,
    pub(crate) open: Segment,
}

impl Covered {
    /// What covers the beginning or the end of a range that is not empty.
    pub(crate) fn first_of(&self, range: &Range<u64>, newest_first: bool) -> Cover<'_> {
        let part = |leaves: &Range<u64>| leaves.start.max(range.start)..leaves.end.min(range.end);
        let wanted = if newest_first { range.end - 1 } else { range.start };
        let open = self.open.range();
        if open.contains(&wanted) {
            return Cover::Open(&self.open, part(&open));
        }
        if let Some(piece) = self.piece_of(wanted) {
            return Cover::Piece(piece.clone(), part(&piece.leaves()));
        }
        let before = self.pieces.range(..=wanted).next_back().map(|(_, piece)| piece);
        // Neither: as far as the neighbour.
        let end_before = before.map_or(0, |piece| piece.leaves().end);
        let end_before = if open.end <= wanted { end_before.max(open.end) } else { end_before };
        let after = self.pieces.range(wanted..).next().map_or(u64::MAX, |(first, _)| *first);
        let after = if open.start > wanted && !open.is_empty() { after.min(open.start) } else { after };
        Cover::Gap(part(&(end_before..after)))
    }

    /// The piece that covers a leaf, unless the open segment does.
    pub(crate) fn piece_of(&self, leaf: u64) -> Option<&Piece> {
        let (_, piece) = self.pieces.range(..=leaf).next_back()?;
        piece.leaves().contains(&leaf).then_some(piece)
    }

    /// Makes a piece of the open segment.
    pub(crate) fn close_open(&mut self) {
        let end = self.open.range().end;
        let closed = std::mem::replace(&mut self.open, Segment::starting_at(end));
        self.pieces.insert(closed.range().start, Piece::Segment(Arc::new(closed)));
    }

    /// The oldest segment that waits to become a block.
    pub(crate) fn waiting(&self) -> Option<Arc<Segment>> {
        self.pieces.values().find_map(|piece| match piece {
            Piece::Segment(segment) => Some(Arc::clone(segment)),
            Piece::Block(_) => None,
        })
    }

    /// Forgets the oldest segments beyond so many.
    pub(crate) fn keep_segments(&mut self, most: usize) {
        let segments = self.pieces.iter().filter(|(_, piece)| matches!(piece, Piece::Segment(_)));
        let firsts: Vec<u64> = segments.map(|(first, _)| *first).collect();
        for first in &firsts[..firsts.len().saturating_sub(most)] {
            self.pieces.remove(first);
        }
    }

    /// Blocks in order.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &Arc<Block>> {
        self.pieces.values().filter_map(|piece| match piece {
            Piece::Block(block) => Some(block),
            Piece::Segment(_) => None,
        })
    }

    /// The first run of leaves before the open segment that nothing covers, `most` leaves of it at most.
    pub(crate) fn gap(&self, most: u64) -> Option<Range<u64>> {
        let mut end = 0;
        let starts = self.pieces.values().map(Piece::leaves).chain([self.open.range()]);
        for leaves in starts {
            if leaves.start > end {
                return Some(end..leaves.start.min(end.saturating_add(most)));
            }
            end = leaves.end;
        }
        None
    }

    /// Puts a block in the place of the pieces that it covers.
    pub(crate) fn put(&mut self, block: Arc<Block>) {
        let leaves = block.mark.leaves.clone();
        let within: Vec<u64> = self.pieces.range(leaves.clone()).map(|(first, _)| *first).collect();
        for first in within {
            self.pieces.remove(&first);
        }
        self.pieces.insert(leaves.start, Piece::Block(block));
    }

    /// Forgets a block; says whether it was there.
    pub(crate) fn remove(&mut self, block: &Arc<Block>) -> bool {
        let first = block.mark.leaves.start;
        let is_there = matches!(self.pieces.get(&first), Some(Piece::Block(held)) if Arc::ptr_eq(held, block));
        if is_there {
            self.pieces.remove(&first);
        }
        is_there
    }

    /// Between which leaves the first one of a time or later is, as the samples say. They are a hint.
    pub(crate) fn around(&self, time_micros: u64, size: u64) -> Range<u64> {
        let mut around = 0..size;
        let pieces = self.pieces.values().map(|piece| (piece.leaves(), piece.times()));
        for (leaves, times) in pieces.chain([(self.open.range(), self.open.times())]) {
            let first_sample = leaves.start.next_multiple_of(LEAVES_A_SAMPLE);
            let earlier = times.partition_point(|time| *time < time_micros) as u64;
            if let Some(last_earlier) = earlier.checked_sub(1) {
                around.start = around.start.max(first_sample + last_earlier * LEAVES_A_SAMPLE + 1);
            }
            if earlier < times.len() as u64 {
                around.end = around.end.min(first_sample + earlier * LEAVES_A_SAMPLE);
                break;
            }
        }
        around
    }
}

/// The entries of a frame, on their way into the open segment.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) first: u64,
    pub(crate) time_micros: u64,
    pub(crate) entries: Vec<Arrived>,
}

/// An entry on its way into the open segment.
#[derive(Debug)]
pub(crate) struct Arrived {
    /// The hashes of its terms, without its outcome's.
    pub(crate) terms: Vec<u64>,
    /// What became of it.
    pub(crate) outcome: &'static str,
    pub(crate) row: Row,
}

impl Arrival {
    fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }
}

/// Entries that the sequencer has appended and nobody has taken into the open segment: a run without a gap.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    arrivals: VecDeque<Arrival>,
    entries: usize,
    /// Whether anything has ever come.
    has_begun: bool,
}

impl Waiting {
    /// Adds a frame's entries; says how many wait now.
    pub(crate) fn add(&mut self, arrival: Arrival) -> usize {
        let follows = self.arrivals.back().is_none_or(|last| last.end() == arrival.first);
        if !follows || self.entries > MAX_WAITING {
            self.arrivals.clear();
            self.entries = 0;
        }
        self.has_begun = true;
        self.entries += arrival.entries.len();
        self.arrivals.push_back(arrival);
        self.entries
    }

    /// What comes next does not come this way.
    pub(crate) fn miss(&mut self) {
        self.has_begun = false;
    }

    /// Whether what waits, or would come next, goes on from `end` without a gap.
    pub(crate) fn follows(&self, end: u64) -> bool {
        self.has_begun && self.arrivals.front().is_none_or(|arrival| arrival.first <= end)
    }

    /// The next frame's entries, where they follow on `end` or overlap it.
    pub(crate) fn next(&mut self, end: u64) -> Option<Arrival> {
        if self.arrivals.front()?.first > end {
            return None;
        }
        let arrival = self.arrivals.pop_front()?;
        self.entries -= arrival.entries.len();
        Some(arrival)
    }
}
