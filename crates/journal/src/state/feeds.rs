//! The feed of one agreement: its items in dense positions, their chain, and what its partner has had of it.

mod cells;
mod list;
mod taken;
mod terms;

use std::collections::BTreeSet;

use causeway_crypto::Digest;
use causeway_model::{ItemId, LeafIndex, Position, RecordId, RecordVersion, Timestamp};

use super::Erasure;
use super::records::{RecordNumber, Records};

pub use cells::CellId;
pub use list::chain_link;
pub use taken::Noted;
pub use terms::ReleaseTerms;

pub(crate) use list::{ItemList, Made, item_id};

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedItemKind {
    /// A record version was released.
    Release,
    /// A release was withdrawn.
    Withdrawal,
}

/// What a position of a feed holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedItem<'a> {
    /// Release or withdrawal.
    pub kind: FeedItemKind,
    /// The item's id, as the partner knows it.
    pub item_id: ItemId,
    /// The record.
    pub record_id: RecordId,
    /// The version released; for a withdrawal, of the release that it withdraws.
    pub version: RecordVersion,
    /// What the release rests on; for a withdrawal, the release that it withdraws.
    pub terms: &'a ReleaseTerms,
    /// For a withdrawal, the release that it withdraws; for a release, the one still live that it replaces.
    pub target: Option<Position>,
    /// The entry that made it.
    pub leaf: LeafIndex,
}

/// A stretch of a feed's positions that show pseudonyms under one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedEpoch {
    /// Its number; the first is 1.
    pub number: u32,
    /// Its first position.
    pub first: Position,
    /// Whether the key before may be known to others: then nothing shows old and new pseudonyms side by side.
    pub after_compromise: bool,
}

impl FeedEpoch {
    /// The epoch that a feed begins with.
    const FIRST: Self = Self { number: 1, first: Position(1), after_compromise: false };
}

/// A feed, to be read.
#[derive(Debug, Clone, Copy)]
pub struct Feed<'a> {
    list: &'a ItemList,
    records: &'a Records,
}

impl<'a> Feed<'a> {
    pub(crate) fn new(list: &'a ItemList, records: &'a Records) -> Self {
        Self { list, records }
    }

    /// The newest position; 0 in an empty feed.
    pub fn newest(&self) -> Position {
        self.list.newest()
    }

    /// The item at a position.
    pub fn item(&self, position: Position) -> Option<FeedItem<'a>> {
        let item = self.list.at(position)?;
        let earlier = self.list.at(item.previous());
        let live = item.kind == FeedItemKind::Withdrawal || earlier.is_some_and(|e| e.kind == FeedItemKind::Release);
        Some(FeedItem {
            kind: item.kind,
            item_id: item.item_id,
            record_id: *self.records.id(item.record),
            version: RecordVersion(item.version),
            terms: self.list.terms.get(item.terms),
            target: (live && earlier.is_some()).then(|| item.previous()),
            leaf: item.leaf,
        })
    }

    /// The chain after the item at this position: 32 zero bytes at position 0; beyond the newest, that at the newest.
    pub fn chain_at(&self, position: Position) -> Digest {
        self.list.chain_at(position)
    }

    /// The position of the record's newest release, unless it has been withdrawn.
    pub fn live(&self, record: &RecordId) -> Option<Position> {
        self.list.live(self.records.number(record)?)
    }

    /// The records with a release that has not been withdrawn, in the order of their first submission.
    pub fn live_records(&self) -> impl Iterator<Item = &'a RecordId> + use<'a> {
        let Self { list, records } = *self;
        list.newest.keys().filter(|number| list.live(**number).is_some()).map(|number| records.id(*number))
    }

    /// The positions that hold items of this record, oldest first.
    pub fn positions(&self, record: &RecordId) -> Vec<Position> {
        self.records.number(record).map_or_else(Vec::new, |number| self.list.positions(number))
    }

    /// The entries of the pages that held this position, oldest first.
    pub fn disclosures(&self, position: Position) -> impl Iterator<Item = LeafIndex> + use<'a> {
        self.list.taken.pages_with(position)
    }

    /// All up to this position has been taken note of.
    pub fn acknowledged(&self) -> Position {
        self.list.taken.acknowledged()
    }

    /// The highest position that was in a page.
    pub fn disclosed(&self) -> Position {
        self.list.taken.disclosed()
    }

    /// The epoch in which new items are made.
    pub fn epoch(&self) -> FeedEpoch {
        self.list.epoch()
    }

    /// The epoch of the item at a position.
    pub fn epoch_at(&self, position: Position) -> FeedEpoch {
        self.list.epoch_at(position)
    }

    /// The epoch of an earlier position, where what was shown there may stand beside what is shown at `position`: the key has
    /// been rotated between the two, and never because it may be known to others.
    pub fn planned_epoch_before(&self, position: Position, earlier: Position) -> Option<FeedEpoch> {
        let (then, now) = (self.epoch_at(earlier), self.epoch_at(position));
        let mut between =
            self.list.epochs.iter().filter(|epoch| then.number < epoch.number && epoch.number <= now.number);
        (then.number < now.number && between.all(|epoch| !epoch.after_compromise)).then_some(then)
    }

    /// Up to which entry (exclusive) records have been considered for this feed.
    pub fn considered(&self) -> LeafIndex {
        self.list.considered_leaves()
    }

    /// The agreement version under which everything has been decided; 0 before the first.
    pub fn evaluated(&self) -> u32 {
        self.list.evaluated_version()
    }

    /// Whether the content of the release at this position has left to the partner.
    pub fn has_left(&self, position: Position) -> bool {
        self.list.taken.has_left(position)
    }

    /// Whether the newest page with this position, of those that did not put it off, served a withdrawal in its place: its partner has
    /// read on and does not ask for it again.
    pub fn was_withheld(&self, position: Position) -> bool {
        self.list.taken.was_withheld(position)
    }

    /// The page with which it first did.
    pub fn first_left(&self, position: Position) -> Option<Noted> {
        self.list.taken.first_left(position)
    }

    /// What first acknowledged the item at this position.
    pub fn acknowledged_at(&self, position: Position) -> Option<Noted> {
        self.list.taken.acknowledged_at(position)
    }

    /// The items that recall content which has left, and that the partner has not acknowledged, each with its entry's time: withdrawals,
    /// and releases of a corrected version.
    pub fn open_recalls(&self) -> impl Iterator<Item = (Position, Timestamp)> + use<'a> {
        let list = self.list;
        list.taken.open()
    }

    /// Whether an entry has said that the recall at this position is overdue.
    pub fn is_noted_overdue(&self, position: Position) -> bool {
        self.list.taken.is_noted_overdue(position)
    }

    /// How many records have left on this day (days since 1970-01-01), repeated ones counted again; known of the newest such day.
    pub fn records_on(&self, day: u64) -> u64 {
        self.list.taken.records_on(day)
    }

    /// The group that the item at this position joined.
    pub fn cell(&self, position: Position) -> Option<CellId> {
        self.list.cells.of(position)
    }

    /// All groups.
    pub fn cells(&self) -> impl Iterator<Item = CellId> + use<'a> {
        let list = self.list;
        list.cells.ids()
    }

    /// The positions that joined a group, oldest first.
    pub fn members(&self, cell: &CellId) -> impl Iterator<Item = Position> + use<'a> {
        let list = self.list;
        list.cells.members(cell).iter().map(|member| member.position)
    }

    /// How many persons the partner can know in a group: the records of those items that brought one and have left, or are live in their
    /// record's current version.
    pub fn persons(&self, cell: &CellId) -> u64 {
        self.persons_up_to(cell, self.newest())
    }

    /// The same of the items up to a position: whom a partner knows that has read so far.
    pub fn persons_up_to(&self, cell: &CellId, position: Position) -> u64 {
        self.standing_for(cell, position).len() as u64
    }

    /// The same without those whose record has been erased: what a new item can rest on, since nobody can tell any more whether it
    /// is of the same person.
    pub fn proven_persons(&self, cell: &CellId) -> u64 {
        self.proven(cell).len() as u64
    }

    pub(crate) fn proven(&self, cell: &CellId) -> BTreeSet<RecordNumber> {
        let mut records = self.standing_for(cell, self.newest());
        records.retain(|record| self.records.at(*record).erasure == Erasure::None);
        records
    }

    /// Whether content of this record has left in a group, by an item that brought its person.
    pub(crate) fn has_left_in(&self, cell: &CellId, record: RecordNumber) -> bool {
        let nothing_is_live = |_, _| false;
        self.list.standing_for(cell, self.newest(), nothing_is_live).contains(&record)
    }

    fn standing_for(&self, cell: &CellId, up_to: Position) -> BTreeSet<RecordNumber> {
        let is_current = |record, version| self.records.at(record).current == RecordVersion(version);
        self.list.standing_for(cell, up_to, is_current)
    }

    /// The last position that the entry which made this one has made.
    pub fn entry_end(&self, position: Position) -> Position {
        self.list.entry_end(position)
    }
}
