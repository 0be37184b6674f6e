//! What a feed's partner has had of it, what it has taken note of, and which recalls wait for that.

use std::collections::{BTreeMap, BTreeSet};

use causeway_model::{LeafIndex, Position, Timestamp};

use crate::saved::saved_fields;
use crate::state::Chunks;
use crate::v1;

/// Something that an entry said, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted {
    /// The entry.
    pub leaf: LeafIndex,
    /// Its time.
    pub time: Timestamp,
}

saved_fields!(Noted { leaf, time });

/// Pages, acknowledgements and open recalls of one feed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken {
    pages: Chunks<PageSpan>,
    /// For each stretch of positions, the pages that held any of it, oldest first: which pages held one position does not take
    /// going over all of them.
    by_stretch: BTreeMap<u64, Vec<u32>>,
    disclosed: Position,
    /// Whether a page held the release's content.
    left: Bits,
    /// Whether the newest page that did not put it off served a withdrawal in its place.
    withheld: Bits,
    /// Acknowledgements up to a position, ascending in position.
    up_to: Chunks<(Position, Noted)>,
    /// Acknowledgements of single items, as they came.
    items: Chunks<(Position, Noted)>,
    /// Where each of them is.
    item_places: BTreeMap<Position, u32>,
    /// Items that recall something that has left, each with its entry's time.
    recalls: Chunks<(Position, Timestamp)>,
    /// Those of them that are not acknowledged.
    open: BTreeMap<Position, Timestamp>,
    /// Those of them that an entry has called overdue, as they were called so.
    noted_overdue: Chunks<Position>,
    overdue: BTreeSet<Position>,
    /// The records that left on the newest day on which any did.
    today: (u64, u64),
}

saved_fields!(Taken {
    pages,
    disclosed,
    left,
    withheld,
    up_to,
    items,
    recalls,
    noted_overdue,
    today,
} made of them { by_stretch, item_places, open, overdue });

/// Positions of one stretch. A page has at most a few hundred, so it is in one stretch or a few.
const STRETCH: u64 = 256;

#[derive(Debug, Clone)]
struct PageSpan {
    from: Position,
    to: Position,
    made: Noted,
    /// Of its positions those whose content did not leave with it.
    without: Box<[u8]>,
}

saved_fields!(PageSpan { from, to, made, without });

/// One bit a position, from position 0.
#[derive(Debug, Clone, Default)]
struct Bits {
    words: Chunks<u64>,
}

saved_fields!(Bits { words });

impl Bits {
    fn set(&mut self, position: Position, value: bool) {
        let Ok(bit) = usize::try_from(position.0) else { return };
        while self.words.len() <= bit / 64 {
            self.words.push(0);
        }
        let mask = 1 << (bit % 64);
        // What is as it should be is not touched: a chunk that a copy shares would be copied for nothing.
        if self.has(position) != value
            && let Some(word) = self.words.get_mut(bit / 64)
        {
            *word ^= mask;
        }
    }

    fn has(&self, position: Position) -> bool {
        let Ok(bit) = usize::try_from(position.0) else { return false };
        self.words.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }
}

/// Whether a page's bits have the one of its `index`th position.
fn has_bit(bits: &[u8], index: usize) -> bool {
    bits.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1)
}

impl PageSpan {
    fn holds(&self, position: Position) -> bool {
        (self.from..=self.to).contains(&position)
    }

    fn is_without(&self, position: Position) -> bool {
        usize::try_from(position.0 - self.from.0).is_ok_and(|index| has_bit(&self.without, index))
    }
}

impl Taken {
    /// Takes a page. `is_release` says what a position holds.
    pub(crate) fn disclose(
        &mut self,
        (from, to): (Position, Position),
        made: Noted,
        page: &v1::Page,
        is_release: impl Fn(Position) -> bool,
    ) {
        let mut count = 0;
        for (index, position) in (from.0..=to.0).map(Position).enumerate().filter(|(_, position)| is_release(*position))
        {
            if has_bit(&page.deferred, index) {
                continue;
            }
            let withheld = has_bit(&page.withheld, index);
            self.withheld.set(position, withheld);
            if !withheld {
                count += 1;
                self.left.set(position, true);
            }
        }
        let day = made.time.day();
        // Of several writers one may still write yesterday's date: a day that has begun goes on.
        self.today = if day <= self.today.0 { (self.today.0, self.today.1 + count) } else { (day, count) };
        let mut without = vec![0; page.withheld.len().max(page.deferred.len())];
        for bits in [&page.withheld, &page.deferred] {
            without.iter_mut().zip(bits).for_each(|(byte, bits)| *byte |= bits);
        }
        self.note_stretches(from, to, self.pages.len());
        self.pages.push(PageSpan { from, to, made, without: without.into() });
        self.disclosed = self.disclosed.max(to);
    }

    /// Whether the content of the release at this position has left.
    pub(crate) fn has_left(&self, position: Position) -> bool {
        self.left.has(position)
    }

    /// The first page that held the content of the release at this position.
    pub(crate) fn first_left(&self, position: Position) -> Option<Noted> {
        let mut held = self.pages_of(position).filter(|page| !page.is_without(position));
        self.has_left(position).then(|| held.next().map(|page| page.made))?
    }

    /// Whether the newest page with this position, of those that did not put it off, withheld its content.
    pub(crate) fn was_withheld(&self, position: Position) -> bool {
        self.withheld.has(position)
    }

    /// An item at this position recalls something that has left: somebody has to take note of it.
    pub(crate) fn recall(&mut self, position: Position, time: Timestamp) {
        self.recalls.push((position, time));
        self.open.insert(position, time);
    }

    /// Takes an acknowledgement of all up to a position; `false` where it speaks of what was never in a page.
    pub(crate) fn acknowledge(&mut self, up_to: Position, made: Noted) -> bool {
        if up_to > self.disclosed {
            return false;
        }
        if up_to > self.acknowledged() {
            self.up_to.push((up_to, made));
            self.open = self.open.split_off(&up_to.next());
        }
        true
    }

    /// Takes an acknowledgement of one item, likewise.
    pub(crate) fn acknowledge_item(&mut self, position: Position, made: Noted) -> bool {
        if position > self.disclosed {
            return false;
        }
        if self.acknowledged_at(position).is_none() {
            self.item_places.insert(position, place_of(self.items.len()));
            self.items.push((position, made));
            self.open.remove(&position);
        }
        true
    }

    pub(crate) fn acknowledged(&self) -> Position {
        self.up_to.last().map_or(Position(0), |(position, _)| *position)
    }

    /// What first acknowledged the item at this position.
    pub(crate) fn acknowledged_at(&self, position: Position) -> Option<Noted> {
        let later = self.up_to.partition_point(|(up_to, _)| *up_to < position);
        let by_range = self.up_to.get(later).map(|(_, made)| *made);
        let place = self.item_places.get(&position).and_then(|place| usize::try_from(*place).ok());
        let alone = place.and_then(|place| self.items.get(place)).map(|(_, made)| *made);
        match (by_range, alone) {
            (Some(one), Some(other)) => Some(if one.leaf <= other.leaf { one } else { other }),
            (one, other) => one.or(other),
        }
    }

    pub(crate) fn open(&self) -> impl Iterator<Item = (Position, Timestamp)> {
        self.open.iter().map(|(position, time)| (*position, *time))
    }

    /// Notes which open recalls are overdue; `false` where one is not open, or was noted before.
    pub(crate) fn note_overdue(&mut self, positions: &[Position]) -> bool {
        let is_new = |position: &Position| self.open.contains_key(position) && !self.overdue.contains(position);
        if positions.is_empty() || !positions.iter().all(is_new) {
            return false;
        }
        positions.iter().for_each(|position| self.noted_overdue.push(*position));
        self.overdue.extend(positions);
        true
    }

    pub(crate) fn is_noted_overdue(&self, position: Position) -> bool {
        self.overdue.contains(&position)
    }

    pub(crate) fn disclosed(&self) -> Position {
        self.disclosed
    }

    /// How many records left on a day, repeated ones counted again. Only of the newest such day it is known; of one before it that day's
    /// number is given, which allows less.
    pub(crate) fn records_on(&self, day: u64) -> u64 {
        if day <= self.today.0 { self.today.1 } else { 0 }
    }

    pub(crate) fn pages_with(&self, position: Position) -> impl Iterator<Item = LeafIndex> {
        self.pages_of(position).map(|page| page.made.leaf)
    }

    /// The pages that held any of these positions; one that held several of them as often.
    pub(crate) fn pages_over(&self, positions: &[Position]) -> impl Iterator<Item = LeafIndex> {
        positions.iter().flat_map(|position| self.pages_with(*position))
    }

    fn note_stretches(&mut self, from: Position, to: Position, page: usize) {
        for stretch in from.0 / STRETCH..=to.0 / STRETCH {
            self.by_stretch.entry(stretch).or_default().push(place_of(page));
        }
    }

    fn rebuild(&mut self) {
        for page in 0..self.pages.len() {
            let PageSpan { from, to, .. } = self.pages[page];
            self.note_stretches(from, to, page);
        }
        self.item_places = self.items.iter().zip(0..).map(|((position, _), place)| (*position, place)).collect();
        self.overdue = self.noted_overdue.iter().copied().collect();
        let open = self.recalls.iter().filter(|(position, _)| self.acknowledged_at(*position).is_none());
        self.open = open.copied().collect();
    }

    /// The pages that held a position, oldest first.
    fn pages_of(&self, position: Position) -> impl Iterator<Item = &PageSpan> {
        let near = self.by_stretch.get(&(position.0 / STRETCH)).map_or(&[][..], Vec::as_slice);
        let pages = near.iter().filter_map(|number| self.pages.get(usize::try_from(*number).ok()?));
        pages.filter(move |page| page.holds(position))
    }
}

fn place_of(length: usize) -> u32 {
    u32::try_from(length).expect("2^32 pages or acknowledgements do not fit in memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_of_a_position_are_those_that_a_look_at_all_of_them_finds() {
        let mut taken = Taken::default();
        let mut spans = Vec::new();
        for number in 0..400u64 {
            let from = 1 + number * 7919 % 3000;
            let to = from + number * 104_729 % 1000;
            let made = Noted { leaf: LeafIndex(number), time: Timestamp(number) };
            taken.disclose((Position(from), Position(to)), made, &v1::Page::default(), |_| true);
            spans.push((from, to));
        }
        for position in [1, 255, 256, 257, 511, 512, 1000, 2999, 3999, 4000, 9000] {
            let over = |(from, to): &(u64, u64)| (*from..=*to).contains(&position);
            let expected: Vec<_> =
                (0u64..).zip(&spans).filter(|(_, span)| over(span)).map(|(leaf, _)| LeafIndex(leaf)).collect();
            assert_eq!(taken.pages_with(Position(position)).collect::<Vec<_>>(), expected, "{position}");
            assert_eq!(taken.first_left(Position(position)).map(|made| made.leaf), expected.first().copied());
        }
    }
}
