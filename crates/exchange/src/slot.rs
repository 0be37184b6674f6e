//! What positions of a feed hold, as the state says at one moment: which are live, what their content is frozen to, and under which
//! key they are shown.

use std::collections::HashMap;
use std::sync::Arc;

use causeway_agreement::{Agreement, Clause, Standing};
use causeway_crypto::Digest;
use causeway_journal::{CellId, Feed, FeedItem, FeedItemKind, ReleaseTerms, State};
use causeway_model::{ItemId, LeafIndex, Position, RecordId, RecordVersion};

use crate::standing::standing;
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
    /// What it shows, while it is live in this feed.
    pub(crate) live: Option<Live>,
    /// The epoch of the feed's key that this position's pseudonyms are under.
    pub(crate) epoch: u32,
    /// The earlier epoch of the item that this one replaces, where the pseudonyms of both may be shown side by side.
    pub(crate) epoch_before: Option<u32>,
}

/// What a live release shows: frozen when it was released, whatever has come into force since.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    /// The entry with the body.
    pub(crate) made: LeafIndex,
    /// The entry that released it.
    pub(crate) released: LeafIndex,
    /// The agreement in the version that it was released under.
    pub(crate) agreement: Arc<Agreement>,
    /// The clause and the recoding that it was released under.
    pub(crate) terms: ReleaseTerms,
    /// How many persons the partner can know in its group; none where it joined none.
    pub(crate) persons: Option<u64>,
}

impl Live {
    /// The clause that it was released under.
    pub(crate) fn clause(&self) -> Option<&Clause> {
        self.agreement.clause(&self.terms.clause)
    }
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
    /// Whether the agreement could be relied on at that moment.
    pub(crate) standing: Standing,
}

/// The positions of an agreement's feed after `after`, at most `limit` of them.
pub(crate) fn stretch(
    state: &State,
    agreement: &Arc<Agreement>,
    after: Position,
    limit: u32,
) -> Result<Stretch, Error> {
    let standing = standing(state, agreement);
    let Some(mut look) = Look::at(state, agreement) else {
        let (newest, chain_before) = (Position(0), Digest([0; 32]));
        return Ok(Stretch { slots: Vec::new(), newest, chain_before, standing });
    };
    let newest = look.feed.newest();
    if after > newest {
        let message =
            "the cursor is ahead of the feed: this gateway does not have what it once served; tell its operator";
        return Err(Error::new(Class::Corrupt, "cursor-ahead", message));
    }
    let last = newest.0.min(after.0.saturating_add(limit.into()));
    let slots = (after.0 + 1..=last).map(Position).filter_map(|position| look.slot(position)).collect();
    Ok(Stretch { slots, newest, chain_before: look.feed.chain_at(after), standing })
}

/// The position that shows a record's current version in this feed.
pub(crate) fn shown(state: &State, agreement: &Arc<Agreement>, record: &RecordId) -> Option<Slot> {
    let mut look = Look::at(state, agreement)?;
    let position = look.feed.live(record)?;
    look.slot(position).filter(|slot| slot.live.is_some())
}

/// What a position shows now, where it still shows that version of the record.
pub(crate) fn live_now(state: &State, agreement: &Arc<Agreement>, slot: &Slot) -> Option<Live> {
    Look::at(state, agreement)?.live(slot)
}

/// Whether anything in the feed after a position may be served without content of a record: a withdrawal, or a release that is not
/// live. Looks at no more than `limit` positions.
pub(crate) fn withdraws(state: &State, agreement: &Arc<Agreement>, after: Position, limit: u64) -> bool {
    let Some(feed) = state.feed(&agreement.id) else { return false };
    let last = feed.newest().0.min(after.0.saturating_add(limit));
    (after.0 + 1..=last).map(Position).any(|position| {
        feed.item(position).is_some_and(|item| {
            let is_live = feed.live(&item.record_id) == Some(position) && item.kind == FeedItemKind::Release;
            !(is_live && state.record(&item.record_id).is_some_and(|record| record.may_leave()))
        })
    })
}

/// A look at one feed. A group's persons are counted once, and a version of the agreement is looked up once.
struct Look<'a> {
    state: &'a State,
    feed: Feed<'a>,
    agreement: &'a Arc<Agreement>,
    persons: HashMap<CellId, u64>,
    versions: HashMap<u32, &'a Arc<Agreement>>,
}

impl<'a> Look<'a> {
    fn at(state: &'a State, agreement: &'a Arc<Agreement>) -> Option<Self> {
        let feed = state.feed(&agreement.id)?;
        Some(Self { state, feed, agreement, persons: HashMap::new(), versions: HashMap::new() })
    }

    fn slot(&mut self, position: Position) -> Option<Slot> {
        let feed = self.feed;
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
        let live = self.live(&slot);
        Some(Slot { live, ..slot })
    }

    /// What a release shows, while that version is the record's current one, this position is its live one, and the record may be in
    /// feeds at all.
    fn live(&mut self, slot: &Slot) -> Option<Live> {
        let record = self.state.record(&slot.record_id)?;
        let is_live = slot.kind == FeedItemKind::Release
            && record.may_leave()
            && record.current == slot.version
            && self.feed.live(&slot.record_id) == Some(slot.position);
        let made = if is_live { leaf_of(record, slot.version)? } else { return None };
        let item = self.feed.item(slot.position)?;
        let agreement = self.version(item.terms.agreement_version);
        Some(Live {
            made,
            released: item.leaf,
            agreement: Arc::clone(agreement),
            terms: item.terms.clone(),
            persons: self.feed.cell(slot.position).map(|cell| self.persons(cell)),
        })
    }

    /// A version of the agreement; the present one where an early log does not say which.
    fn version(&mut self, version: u32) -> &'a Arc<Agreement> {
        let Self { state, agreement, .. } = *self;
        let known = || state.agreement_version(&agreement.id, version).unwrap_or(agreement);
        self.versions.entry(version).or_insert_with(known)
    }

    fn persons(&mut self, cell: CellId) -> u64 {
        let feed = self.feed;
        *self.persons.entry(cell).or_insert_with(|| feed.persons(&cell))
    }
}
