//! A feed as it is written: items in dense positions, their chain, and where each record's newest item is.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Result, Write};

use causeway_crypto::{Digest, digest};
use causeway_model::{AgreementId, ItemId, LeafIndex, Position, Timestamp};

use super::cells::{CellId, Cells};
use super::taken::{Noted, Taken};
use super::terms::{ReleaseTerms, TermsList, TermsNumber};
use super::{FeedEpoch, FeedItemKind};
use crate::saved::{Saved, broken, saved_fields};
use crate::state::records::RecordNumber;
use crate::state::{Chunks, newest_places};
use crate::v1;

/// The chain is kept at every 64th position and computed from there: reading it costs at most 63 hashes.
const CHAIN_STRIDE: usize = 64;

/// A feed, to be written.
#[derive(Debug, Clone, Default)]
pub(crate) struct ItemList {
    items: Chunks<Packed>,
    pub(super) terms: TermsList,
    /// The chain after positions 64, 128 and so on.
    strides: Chunks<Digest>,
    chain: Option<Digest>,
    /// For each record with items here, the newest.
    pub(super) newest: BTreeMap<RecordNumber, u32>,
    pub(super) taken: Taken,
    pub(super) cells: Cells,
    considered: LeafIndex,
    /// The agreement version under which everything has been decided; 0 before the first.
    evaluated: u32,
    /// The epochs after the first, in order.
    pub(super) epochs: Vec<FeedEpoch>,
}

saved_fields!(ItemList {
    items,
    terms,
    strides,
    chain,
    considered,
    evaluated,
    epochs,
} and { taken, cells } made of them { newest });

/// 40 bytes an item.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed {
    pub(super) item_id: ItemId,
    pub(super) leaf: LeafIndex,
    pub(super) record: RecordNumber,
    pub(super) version: u32,
    /// The earlier item of the same record; 0 for none.
    previous: u32,
    pub(super) terms: TermsNumber,
    pub(super) kind: FeedItemKind,
}

saved_fields!(Packed { item_id, leaf, record, version, previous, terms, kind });
saved_fields!(FeedEpoch { number, first, after_compromise });

impl Packed {
    pub(super) fn previous(&self) -> Position {
        Position(self.previous.into())
    }
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

    /// Releases a record version under these terms; `cell` is the group that it joins, and whether it brings a person into it.
    pub(crate) fn release(
        &mut self,
        made: Made,
        (record, version): (RecordNumber, u32),
        terms: &ReleaseTerms,
        cell: Option<(CellId, bool)>,
    ) {
        let terms = self.terms.number(terms);
        // What is there already under another key recalls nothing.
        let is_new = self.live_item(record).is_none_or(|item| item.version != version);
        let recalls = is_new && self.holds_content(record);
        self.push(made, record, version, terms, FeedItemKind::Release);
        if let Some((cell, counts)) = cell {
            self.cells.join(cell, self.newest(), counts);
        }
        if recalls {
            self.taken.recall(self.newest(), made.time);
        }
    }

    /// Withdraws the record's live release; `false` if there is none.
    pub(crate) fn withdraw(&mut self, made: Made, record: RecordNumber) -> bool {
        let Some(target) = self.live_item(record).copied() else { return false };
        let recalls = self.holds_content(record);
        self.push(made, record, target.version, target.terms, FeedItemKind::Withdrawal);
        if recalls {
            self.taken.recall(self.newest(), made.time);
        }
        true
    }

    /// Whether content of this record has left with the newest release that left any, and nothing recalled it since. A later item of
    /// the record is then one that its partner has to take note of.
    fn holds_content(&self, record: RecordNumber) -> bool {
        let mut next = self.newest.get(&record).copied().unwrap_or(0);
        while let Some(item) = self.at(Position(next.into())) {
            if item.kind == FeedItemKind::Release && self.taken.has_left(Position(next.into())) {
                return true;
            }
            if item.kind == FeedItemKind::Withdrawal && self.taken.acknowledged_at(Position(next.into())).is_some() {
                return false;
            }
            next = item.previous;
        }
        false
    }

    pub(crate) fn considered(&mut self, leaves: LeafIndex) {
        self.considered = self.considered.max(leaves);
    }

    pub(super) fn considered_leaves(&self) -> LeafIndex {
        self.considered
    }

    /// Everything has been decided under this agreement version.
    pub(crate) fn evaluated(&mut self, version: u32) {
        self.evaluated = self.evaluated.max(version);
    }

    pub(super) fn evaluated_version(&self) -> u32 {
        self.evaluated
    }

    pub(crate) fn disclose(&mut self, span: (Position, Position), made: Noted, page: &v1::Page) {
        let items = &self.items;
        let is_release = |position: Position| {
            let place = usize::try_from(position.0.saturating_sub(1)).ok();
            place.and_then(|place| items.get(place)).is_some_and(|item| item.kind == FeedItemKind::Release)
        };
        self.taken.disclose(span, made, page, is_release);
    }

    /// The partner's acknowledgements and open recalls, to be written.
    pub(crate) fn taken(&mut self) -> &mut Taken {
        &mut self.taken
    }

    /// The pages that held any of these positions.
    pub(crate) fn pages_over(&self, positions: &[Position]) -> impl Iterator<Item = LeafIndex> {
        self.taken.pages_over(positions)
    }

    /// The records that stand for the persons of a cell, of its members up to a position: counted items that have left, or that are live
    /// in a version that `is_current`. A record is one person, whatever its versions say.
    pub(crate) fn standing_for(
        &self,
        cell: &CellId,
        up_to: Position,
        is_current: impl Fn(RecordNumber, u32) -> bool,
    ) -> BTreeSet<RecordNumber> {
        let counted = self.cells.members(cell).iter().take_while(|member| member.position <= up_to);
        let standing = counted.filter(|member| member.counts).filter_map(|member| {
            let item = self.at(member.position)?;
            let is_live = self.live(item.record) == Some(member.position) && is_current(item.record, item.version);
            (is_live || self.taken.has_left(member.position)).then_some(item.record)
        });
        standing.collect()
    }

    /// The last position that the entry which made this one has made.
    pub(crate) fn entry_end(&self, position: Position) -> Position {
        let Some(leaf) = self.leaf_at(position) else { return position };
        let place = usize::try_from(position.0).unwrap_or(usize::MAX).min(self.items.len());
        let more = self.items.range(place..self.items.len()).take_while(|item| item.leaf == leaf).count();
        Position(position.0 + more as u64)
    }

    fn live_item(&self, record: RecordNumber) -> Option<&Packed> {
        self.live(record).and_then(|position| self.at(position))
    }

    pub(super) fn at(&self, position: Position) -> Option<&Packed> {
        let place = usize::try_from(position.0.checked_sub(1)?).ok()?;
        self.items.get(place)
    }

    fn push(&mut self, made: Made, record: RecordNumber, version: u32, terms: TermsNumber, kind: FeedItemKind) {
        let position = u32::try_from(self.items.len() + 1).expect("a feed of 2^32 items does not fit in memory");
        let previous = self.newest.insert(record, position).unwrap_or(0);
        let item = Packed { item_id: made.item_id, leaf: made.leaf, record, version, previous, terms, kind };
        let chain = link(self.chain.unwrap_or(CHAIN_START), Position(position.into()), &item);
        self.items.push(item);
        self.chain = Some(chain);
        if self.items.len().is_multiple_of(CHAIN_STRIDE) {
            self.strides.push(chain);
        }
    }

    fn rebuild(&mut self) {
        self.newest = newest_places(self.items.iter().map(|item| item.record));
    }

    pub(super) fn chain_at(&self, position: Position) -> Digest {
        let end = usize::try_from(position.0).map_or(self.items.len(), |end| end.min(self.items.len()));
        if let Some(chain) = self.chain.filter(|_| end == self.items.len()) {
            return chain;
        }
        let stride = end / CHAIN_STRIDE;
        let start = stride.checked_sub(1).map_or(CHAIN_START, |at| self.strides[at]);
        let first = stride * CHAIN_STRIDE;
        let chained = self.items.range(first..end).zip(first as u64 + 1..);
        chained.fold(start, |chain, (item, at)| link(chain, Position(at), item))
    }
}

impl Saved for FeedItemKind {
    fn save(&self, to: &mut impl Write) -> Result<()> {
        kind_number(*self).save(to)
    }

    fn load(from: &mut impl Read) -> Result<Self> {
        let kinds = [Self::Release, Self::Withdrawal];
        let number = u8::load(from)?;
        kinds.into_iter().find(|kind| kind_number(*kind) == number).ok_or_else(|| broken("an item is of no kind"))
    }
}

/// The start of every feed's chain.
const CHAIN_START: Digest = Digest([0; 32]);

fn link(previous: Digest, position: Position, item: &Packed) -> Digest {
    chain_link(&previous, position, item.kind, &item.item_id)
}

/// The chain after an item, from the chain before it; 32 zero bytes stand before the first. Partners compute it too.
pub fn chain_link(previous: &Digest, position: Position, kind: FeedItemKind, item_id: &ItemId) -> Digest {
    let kind = [kind_number(kind)];
    digest("causeway/v1/chain", &[&previous.0, &position.0.to_be_bytes(), &kind, item_id.as_bytes()])
}

const fn kind_number(kind: FeedItemKind) -> u8 {
    match kind {
        FeedItemKind::Release => 1,
        FeedItemKind::Withdrawal => 2,
    }
}

/// What made an item.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Made {
    pub(crate) item_id: ItemId,
    /// The entry.
    pub(crate) leaf: LeafIndex,
    /// That entry's time.
    pub(crate) time: Timestamp,
}

/// The id of the `ordinal`th item that an entry makes, from the entry's random salt and the feed.
pub(crate) fn item_id(salt: &[u8], feed: &AgreementId, ordinal: u32) -> ItemId {
    let hash = digest("causeway/v1/item", &[salt, feed.as_str().as_bytes(), &ordinal.to_be_bytes()]);
    ItemId::from_bytes(*hash.0.first_chunk().expect("a digest has more than 16 bytes"))
}
