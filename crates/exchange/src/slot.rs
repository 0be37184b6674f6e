//! What positions of a feed hold, as the state says at one moment: which are live, and under which key they are shown.

use causeway_crypto::Digest;
use causeway_journal::{Feed, FeedItem, FeedItemKind, State};
use causeway_model::{AgreementId, ItemId, LeafIndex, Position, RecordId, RecordVersion};

use crate::submit::leaf_of;
use crate::{Class, Error};

/// What one position holds.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) position: Position,
    pub(crate) kind: FeedItemKind,
    pub(crate) item_id: ItemId,
    pub(crate) record_id: RecordId,
    pub(crate) version: RecordVersion,
    /// The id of the item that this one withdraws or replaces.
    pub(crate) target: Option<ItemId>,
    /// Where the record version's body is, while it is live in this feed.
    pub(crate) live: Option<LeafIndex>,
    /// The epoch of the feed's key that this position's pseudonyms are under.
    pub(crate) epoch: u32,
    /// The earlier epoch of the item that this one replaces, where the pseudonyms of both may be shown side by side.
    pub(crate) epoch_before: Option<u32>,
}

impl Slot {
    /// The item to delete where this position is served as a withdrawal: the one before it, where there is one, whatever this
    /// position is. A release that was withheld was never seen by a partner that comes to it now, but the item that it
    /// replaces may be in its hands; and this position's own item is named by whatever comes after it.
    pub(crate) fn withdrawn(&self) -> ItemId {
        self.target.unwrap_or(self.item_id)
    }
}

/// A stretch of a feed.
#[derive(Debug)]
pub(crate) struct Stretch {
    pub(crate) slots: Vec<Slot>,
    pub(crate) newest: Position,
    pub(crate) chain_before: Digest,
}

/// The positions of a feed after `after`, at most `limit` of them.
pub(crate) fn stretch(state: &State, id: &AgreementId, after: Position, limit: u32) -> Result<Stretch, Error> {
    let Some(feed) = state.feed(id) else {
        return Ok(Stretch { slots: Vec::new(), newest: Position(0), chain_before: Digest([0; 32]) });
    };
    let newest = feed.newest();
    if after > newest {
        let message =
            "the cursor is ahead of the feed: this gateway does not have what it once served; tell its operator";
        return Err(Error::new(Class::Corrupt, "cursor-ahead", message));
    }
    let last = newest.0.min(after.0.saturating_add(limit.into()));
    let slots = (after.0 + 1..=last).map(Position).filter_map(|position| slot(state, feed, position));
    Ok(Stretch { slots: slots.collect(), newest, chain_before: feed.chain_at(after) })
}

/// Where the body of a record's current version is, while this feed shows it.
pub(crate) fn shown(state: &State, id: &AgreementId, record: &RecordId) -> Option<LeafIndex> {
    let feed = state.feed(id)?;
    slot(state, feed, feed.live(record)?)?.live
}

fn slot(state: &State, feed: Feed<'_>, position: Position) -> Option<Slot> {
    let FeedItem { kind, item_id, record_id, version, target, .. } = feed.item(position)?;
    let epoch_before = target.and_then(|target| feed.planned_epoch_before(position, target));
    let slot = Slot {
        position,
        kind,
        item_id,
        record_id,
        version,
        target: target.and_then(|target| feed.item(target)).map(|target| target.item_id),
        live: None,
        epoch: feed.epoch_at(position).number,
        epoch_before: epoch_before.map(|epoch| epoch.number),
    };
    let live = live(state, feed, &slot);
    Some(Slot { live, ..slot })
}

/// Where the body of a release is, while that version is the record's current one, this position is its live one, and the record
/// may be in feeds at all.
pub(crate) fn live(state: &State, feed: Feed<'_>, slot: &Slot) -> Option<LeafIndex> {
    let record = state.record(&slot.record_id)?;
    let is_live = slot.kind == FeedItemKind::Release
        && record.may_leave()
        && record.current == slot.version
        && feed.live(&slot.record_id) == Some(slot.position);
    is_live.then(|| leaf_of(record, slot.version)).flatten()
}
