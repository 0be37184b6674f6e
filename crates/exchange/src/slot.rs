//! What positions of a feed hold, as the state says at one moment: which are live, what their content is frozen to, and under which
//! key they are shown.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use causeway_agreement::{Agreement, Clause, Standing};
use causeway_crypto::Digest;
use causeway_journal::{CellId, Feed, FeedItem, FeedItemKind, ReleaseTerms, State};
use causeway_model::{AgreementId, ItemId, LeafIndex, Position, RecordId, RecordVersion};

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
    /// The group that it joined.
    pub(crate) cell: Option<CellId>,
    /// The last position of its entry, where that released into groups: what is left of the entry leaves in one page.
    pub(crate) together: Option<Position>,
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
    /// How many persons the partner can know in its group once it has read the entry; none where it joined none.
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

    /// Whether it tells its partner that an earlier item no longer holds, beside what it shows.
    pub(crate) fn recalls(&self) -> bool {
        self.target.is_some()
    }
}

/// A stretch of a feed.
#[derive(Debug)]
pub(crate) struct Stretch {
    pub(crate) slots: Arc<[Slot]>,
    pub(crate) newest: Position,
    pub(crate) chain_before: Digest,
    /// Whether the agreement could be relied on at that moment.
    pub(crate) standing: Standing,
}

/// The positions of an agreement's feed after `after`: `limit` of them, and what is left of an entry that released into groups, which
/// made no more than 200.
pub(crate) fn stretch(
    state: &State,
    agreement: &Arc<Agreement>,
    after: Position,
    limit: u32,
) -> Result<Stretch, Error> {
    let standing = standing(state, agreement);
    let Some(mut look) = Look::at(state, agreement) else {
        let (newest, chain_before) = (Position(0), Digest([0; 32]));
        return Ok(Stretch { slots: Arc::default(), newest, chain_before, standing });
    };
    let newest = look.feed.newest();
    if after > newest {
        let message =
            "the cursor is ahead of the feed: this gateway does not have what it once served; tell its operator";
        return Err(Error::new(Class::Corrupt, "cursor-ahead", message));
    }
    let last = Position(newest.0.min(after.0.saturating_add(limit.into())));
    let last = look.together(last).unwrap_or(last);
    let slots = (after.0 + 1..=last.0).map(Position).filter_map(|position| look.slot(position)).collect();
    Ok(Stretch { slots, newest, chain_before: look.feed.chain_at(after), standing })
}

/// The position that shows a record's current version in this feed.
pub(crate) fn shown(state: &State, agreement: &Arc<Agreement>, record: &RecordId) -> Option<Slot> {
    let mut look = Look::at(state, agreement)?;
    let position = look.feed.live(record)?;
    look.slot(position).filter(|slot| slot.live.is_some())
}

/// Whether positions that were live still are, each with no fewer persons in its group: one may have lost persons who never left, and is
/// counted anew then.
pub(crate) fn still_live<'s>(
    state: &State,
    agreement: &Arc<Agreement>,
    slots: impl IntoIterator<Item = &'s Slot>,
) -> bool {
    let Some(mut look) = Look::at(state, agreement) else { return false };
    slots.into_iter().all(|slot| {
        let before = slot.live.as_ref().and_then(|live| live.persons);
        look.live_item(slot).is_some() && slot.cell.map(|cell| look.persons(cell, slot.position)) >= before
    })
}

/// How far a feed has been looked through for what tells that something no longer holds, and the newest such position.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) to: Position,
    pub(crate) newest: Position,
}

/// Looks through `limit` positions more. What is a withdrawal, or not live, or replaces another item stays so; and what ceases to be
/// live does so by a later position, so nothing is looked at twice.
pub(crate) fn told(state: &State, feed: &AgreementId, before: Told, limit: u64) -> Told {
    let Some(feed) = state.feed(feed) else { return before };
    let to = Position(feed.newest().0.min(before.to.0.saturating_add(limit)));
    let tells = |position: &Position| {
        feed.item(*position).is_some_and(|item| {
            let is_live = feed.live(&item.record_id) == Some(*position) && item.kind == FeedItemKind::Release;
            let may_leave = state.record(&item.record_id).is_some_and(|record| record.may_leave());
            !is_live || !may_leave || item.target.is_some()
        })
    };
    let newest = (before.to.0 + 1..=to.0).rev().map(Position).find(tells);
    Told { to, newest: newest.unwrap_or(before.newest) }
}

/// How many persons of a group its partner knows once it has read a position, where beside what has left it gets what is `shown` there
/// and before: at least so many.
pub(crate) fn known(
    state: &State,
    feed: &AgreementId,
    cell: &CellId,
    read: Position,
    shown: &BTreeSet<Position>,
) -> u64 {
    let Some(feed) = state.feed(feed) else { return 0 };
    let is_missing = |position: &Position| !shown.contains(position) && !feed.has_left(*position);
    // What is no more live, or of an earlier version, counts as nobody.
    let counted = |position: Position| {
        let item = feed.item(position)?;
        let is_current = state.record(&item.record_id).is_some_and(|record| record.current == item.version);
        (is_current && feed.live(&item.record_id) == Some(position)).then_some(item.record_id)
    };
    let read_so_far = feed.members(cell).take_while(|position| *position <= read);
    let missing: BTreeSet<RecordId> = read_so_far.filter(is_missing).filter_map(counted).collect();
    feed.persons_up_to(cell, read).saturating_sub(missing.len() as u64)
}

/// A look at one feed. A group's persons are counted once, and a version of the agreement is looked up once.
struct Look<'a> {
    state: &'a State,
    feed: Feed<'a>,
    agreement: &'a Arc<Agreement>,
    persons: HashMap<(CellId, Position), u64>,
    versions: HashMap<u32, &'a Arc<Agreement>>,
    entry: Entry,
}

/// The positions up to `end` that one entry made, and the last of them that joined a group.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    from: Position,
    end: Position,
    last_in_cell: Option<Position>,
}

impl<'a> Look<'a> {
    fn at(state: &'a State, agreement: &'a Arc<Agreement>) -> Option<Self> {
        let feed = state.feed(&agreement.id)?;
        let (persons, versions) = (HashMap::new(), HashMap::new());
        Some(Self { state, feed, agreement, persons, versions, entry: Entry::default() })
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
            cell: feed.cell(position),
            together: self.together(position),
        };
        let live = self.live(&slot);
        Some(Slot { live, ..slot })
    }

    /// What a release shows, while that version is the record's current one, this position is its live one, and the record may be in
    /// feeds at all.
    fn live(&mut self, slot: &Slot) -> Option<Live> {
        let (made, item) = self.live_item(slot)?;
        let agreement = self.version(item.terms.agreement_version);
        Some(Live {
            made,
            released: item.leaf,
            agreement: Arc::clone(agreement),
            terms: item.terms.clone(),
            persons: slot.cell.map(|cell| self.persons(cell, slot.position)),
        })
    }

    /// The entry with the body, and the item, of a position that shows something.
    fn live_item(&self, slot: &Slot) -> Option<(LeafIndex, FeedItem<'a>)> {
        let record = self.state.record(&slot.record_id)?;
        let is_live = slot.kind == FeedItemKind::Release
            && record.may_leave()
            && record.current == slot.version
            && self.feed.live(&slot.record_id) == Some(slot.position);
        let made = if is_live { leaf_of(record, slot.version)? } else { return None };
        Some((made, self.feed.item(slot.position)?))
    }

    /// A version of the agreement; the present one where an early log does not say which.
    fn version(&mut self, version: u32) -> &'a Arc<Agreement> {
        let Self { state, agreement, .. } = *self;
        let known = || state.agreement_version(&agreement.id, version).unwrap_or(agreement);
        self.versions.entry(version).or_insert_with(known)
    }

    /// Whoever has read one item of an entry that releases into groups has read all of it.
    fn persons(&mut self, cell: CellId, position: Position) -> u64 {
        let (feed, end) = (self.feed, self.entry(position).end);
        *self.persons.entry((cell, end)).or_insert_with(|| feed.persons_up_to(&cell, end))
    }

    fn together(&mut self, position: Position) -> Option<Position> {
        let Entry { end, last_in_cell, .. } = self.entry(position);
        last_in_cell.filter(|last| position <= *last).map(|_| end)
    }

    /// The entry of a position, from there on. Positions are looked at in order, so the last one is kept.
    fn entry(&mut self, position: Position) -> Entry {
        let feed = self.feed;
        if !(self.entry.from..=self.entry.end).contains(&position) {
            let end = feed.entry_end(position);
            let mut made = (position.0..=end.0).rev().map(Position);
            let last_in_cell = made.find(|position| feed.cell(*position).is_some());
            self.entry = Entry { from: position, end, last_in_cell };
        }
        self.entry
    }
}
