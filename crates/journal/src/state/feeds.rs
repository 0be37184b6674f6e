//! The feed of one agreement: its items in dense positions, their chain, and what its partner has had of it.

use std::collections::BTreeMap;

use causeway_crypto::{Digest, digest};
use causeway_model::{AgreementId, ClauseId, ItemId, LeafIndex, Position, RecordId, RecordVersion};

use super::records::{RecordNumber, Records};

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
    /// The clause that granted the release.
    pub clause: &'a ClauseId,
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
            clause: &self.list.clauses[usize::from(item.clause)],
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
        let pages = self.list.pages.iter();
        pages.filter(move |page| (page.from..=page.to).contains(&position)).map(|page| page.leaf)
    }

    /// All up to this position has been taken note of.
    pub fn acknowledged(&self) -> Position {
        self.list.acknowledged
    }

    /// The highest position that was in a page.
    pub fn disclosed(&self) -> Position {
        self.list.disclosed
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
        self.list.considered
    }
}

/// The chain is kept at every 64th position and computed from there: reading it costs at most 63 hashes.
const CHAIN_STRIDE: usize = 64;

/// A feed, to be written.
#[derive(Debug, Clone, Default)]
pub(crate) struct ItemList {
    items: Vec<Packed>,
    clauses: Vec<ClauseId>,
    /// The chain after positions 64, 128 and so on.
    strides: Vec<Digest>,
    chain: Option<Digest>,
    /// For each record with items here, the newest.
    newest: BTreeMap<RecordNumber, u32>,
    pages: Vec<PageSpan>,
    acknowledged: Position,
    disclosed: Position,
    considered: LeafIndex,
    /// The epochs after the first, in order.
    epochs: Vec<FeedEpoch>,
}

/// 40 bytes an item.
#[derive(Debug, Clone, Copy)]
struct Packed {
    item_id: ItemId,
    leaf: LeafIndex,
    record: RecordNumber,
    version: u32,
    /// The earlier item of the same record; 0 for none.
    previous: u32,
    clause: u16,
    kind: FeedItemKind,
}

impl Packed {
    fn previous(&self) -> Position {
        Position(self.previous.into())
    }
}

#[derive(Debug, Clone, Copy)]
struct PageSpan {
    from: Position,
    to: Position,
    leaf: LeafIndex,
}

impl ItemList {
    pub(crate) fn newest(&self) -> Position {
        Position(self.items.len() as u64)
    }

    pub(crate) fn live(&self, record: RecordNumber) -> Option<Position> {
        let position = Position((*self.newest.get(&record)?).into());
        (self.at(position)?.kind == FeedItemKind::Release).then_some(position)
    }

    /// Whether this version of the record has been released here, withdrawn since or not.
    pub(crate) fn has_released(&self, record: RecordNumber, version: u32) -> bool {
        let positions = self.positions(record).into_iter();
        positions.filter_map(|p| self.at(p)).any(|i| i.kind == FeedItemKind::Release && i.version == version)
    }

    /// Whether this version of the record is live here, under the key of this epoch.
    pub(crate) fn shows(&self, record: RecordNumber, version: u32) -> bool {
        let live = self.live(record).filter(|position| *position >= self.epoch().first);
        live.and_then(|position| self.at(position)).is_some_and(|item| item.version == version)
    }

    pub(crate) fn epoch(&self) -> FeedEpoch {
        self.epochs.last().copied().unwrap_or(FeedEpoch::FIRST)
    }

    pub(crate) fn epoch_at(&self, position: Position) -> FeedEpoch {
        let later = self.epochs.partition_point(|epoch| epoch.first <= position);
        later.checked_sub(1).map_or(FeedEpoch::FIRST, |place| self.epochs[place])
    }

    /// Begins the next epoch with the next position.
    pub(crate) fn begin_epoch(&mut self, after_compromise: bool) {
        let number = self.epoch().number + 1;
        self.epochs.push(FeedEpoch { number, first: self.newest().next(), after_compromise });
    }

    pub(crate) fn positions(&self, record: RecordNumber) -> Vec<Position> {
        let mut positions = Vec::new();
        let mut next = self.newest.get(&record).copied().unwrap_or(0);
        while let Some(item) = self.at(Position(next.into())) {
            positions.push(Position(next.into()));
            next = item.previous;
        }
        positions.reverse();
        positions
    }

    pub(crate) fn leaf_at(&self, position: Position) -> Option<LeafIndex> {
        self.at(position).map(|item| item.leaf)
    }

    pub(crate) fn release(&mut self, made: Made, record: RecordNumber, version: u32, clause: &ClauseId) {
        let place = self.clauses.iter().position(|known| known == clause).unwrap_or_else(|| {
            self.clauses.push(clause.clone());
            self.clauses.len() - 1
        });
        let clause = u16::try_from(place).expect("a release names a clause in force, and those are few");
        self.push(made, record, version, clause, FeedItemKind::Release);
    }

    /// Withdraws the record's live release; `false` if there is none.
    pub(crate) fn withdraw(&mut self, made: Made, record: RecordNumber) -> bool {
        let Some(target) = self.live(record).and_then(|position| self.at(position)).copied() else { return false };
        self.push(made, record, target.version, target.clause, FeedItemKind::Withdrawal);
        true
    }

    pub(crate) fn considered(&mut self, leaves: LeafIndex) {
        self.considered = self.considered.max(leaves);
    }

    pub(crate) fn disclose(&mut self, from: Position, to: Position, leaf: LeafIndex) {
        self.pages.push(PageSpan { from, to, leaf });
        self.disclosed = self.disclosed.max(to);
    }

    /// Takes the acknowledgement; `false` where it speaks of what was never in a page.
    pub(crate) fn acknowledge(&mut self, up_to: Position) -> bool {
        let within = up_to <= self.disclosed;
        if within {
            self.acknowledged = self.acknowledged.max(up_to);
        }
        within
    }

    /// The pages that held any of these positions.
    pub(crate) fn pages_over(&self, positions: &[Position]) -> impl Iterator<Item = LeafIndex> {
        let held = |page: &&PageSpan| positions.iter().any(|p| (page.from..=page.to).contains(p));
        self.pages.iter().filter(held).map(|page| page.leaf)
    }

    fn at(&self, position: Position) -> Option<&Packed> {
        let place = usize::try_from(position.0.checked_sub(1)?).ok()?;
        self.items.get(place)
    }

    fn push(&mut self, made: Made, record: RecordNumber, version: u32, clause: u16, kind: FeedItemKind) {
        let position = u32::try_from(self.items.len() + 1).expect("a feed of 2^32 items does not fit in memory");
        let previous = self.newest.insert(record, position).unwrap_or(0);
        let item = Packed { item_id: made.item_id, leaf: made.leaf, record, version, previous, clause, kind };
        let chain = link(self.chain.unwrap_or(CHAIN_START), Position(position.into()), &item);
        self.items.push(item);
        self.chain = Some(chain);
        if self.items.len().is_multiple_of(CHAIN_STRIDE) {
            self.strides.push(chain);
        }
    }

    fn chain_at(&self, position: Position) -> Digest {
        let end = usize::try_from(position.0).map_or(self.items.len(), |end| end.min(self.items.len()));
        let stride = end / CHAIN_STRIDE;
        let start = stride.checked_sub(1).map_or(CHAIN_START, |at| self.strides[at]);
        let first = stride * CHAIN_STRIDE;
        let chained = self.items[first..end].iter().zip(first as u64 + 1..);
        chained.fold(start, |chain, (item, at)| link(chain, Position(at), item))
    }
}

/// The start of every feed's chain.
const CHAIN_START: Digest = Digest([0; 32]);

fn link(previous: Digest, position: Position, item: &Packed) -> Digest {
    chain_link(&previous, position, item.kind, &item.item_id)
}

/// The chain after an item, from the chain before it; 32 zero bytes stand before the first. Partners compute it too.
pub fn chain_link(previous: &Digest, position: Position, kind: FeedItemKind, item_id: &ItemId) -> Digest {
    let kind = match kind {
        FeedItemKind::Release => 1,
        FeedItemKind::Withdrawal => 2,
    };
    digest("causeway/v1/chain", &[&previous.0, &position.0.to_be_bytes(), &[kind], item_id.as_bytes()])
}

/// What made an item.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Made {
    pub(crate) item_id: ItemId,
    pub(crate) leaf: LeafIndex,
}

/// The id of the `ordinal`th item that an entry makes, from the entry's random salt and the feed.
pub(crate) fn item_id(salt: &[u8], feed: &AgreementId, ordinal: u32) -> ItemId {
    let hash = digest("causeway/v1/item", &[salt, feed.as_str().as_bytes(), &ordinal.to_be_bytes()]);
    ItemId::from_bytes(*hash.0.first_chunk().expect("a digest has more than 16 bytes"))
}
