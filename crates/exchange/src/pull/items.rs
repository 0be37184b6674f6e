//! What the positions of a page hold for its partner, decided now: what leaves, what the day's quota puts off, and what is left of a
//! group that would be too small.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use causeway_agreement::Agreement;
use causeway_crypto::Digest;
use causeway_model::{AgreementId, LeafIndex, Position, RecordId, Timestamp};

use super::SLICE_BODIES;
use crate::bodies::Ahead;
use crate::page::{Content, Decided, PageItem};
use crate::serve::{Basis, Before, Borrowed, Shelf, Shown};
use crate::slot::{Slot, Stretch, known};
use crate::verdict::Ground;
use crate::{Error, Exchange};

/// Slices that are read and decided on while the one before them is: two processors are kept busy, no more bodies are open at a time than
/// there are threads that read, and what a page that ends early has made for nothing stays little.
const SLICES_AHEAD: usize = 1;

/// A page ends with the item, or before the entry of groups, that takes its documents past this size: with the largest item it stays
/// under 4 MiB. One such entry alone may be larger.
const PAGE_BYTES: usize = 3 << 20;

/// How much a page may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// So many records, and what recalls an earlier item.
    Records(u64),
    /// Nothing at all: no quorum of witnesses has cosigned for too long, the partner's revocation lists are too old, or there is no room
    /// to record it.
    Closed,
}

/// What the positions of a page hold.
pub(super) struct Built {
    pub(super) items: Vec<PageItem>,
    /// The digest of each.
    pub(super) digests: Vec<Digest>,
    /// The first position whose partner has to come back for it.
    pub(super) put_off: Option<Position>,
}

/// A page while it is made.
struct Making {
    built: Built,
    bytes: usize,
    /// How many records may still leave.
    left: u64,
    room: Room,
}

/// What a page is made of.
pub(super) struct Scene<'p> {
    pub(super) agreement: &'p Arc<Agreement>,
    pub(super) stretch: &'p Stretch,
    pub(super) now: Timestamp,
    /// Where what it shows is kept for other watches: the moment before it was begun.
    pub(super) shared: Option<Before>,
}

/// Positions whose bodies are read together, by their place in the stretch, and whether what they show may leave.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Slice {
    at: Range<usize>,
    goes: bool,
}

/// What is begun of the positions that come next, in their order.
struct Begun {
    looked_up: Shelf,
    ahead: VecDeque<(Slice, Reading)>,
}

/// What a position shows, decided where its body was read; none where it shows nothing.
type Served = Result<Option<(Decided, Option<Basis>)>, Error>;

/// A slice whose bodies are being read, but for what was shown to another watch of the feed.
struct Reading {
    again: Vec<Option<Decided>>,
    read: Ahead<Served>,
}

impl Making {
    fn put(&mut self, decided: Decided) {
        self.bytes += decided.bytes();
        self.left = self.left.saturating_sub(decided.is_shown().into());
        self.built.items.push(decided.item);
        self.built.digests.push(decided.digest);
    }

    /// Whether what a position shows may leave, where that of its turn does or does not.
    fn may_go(&self, slot: &Slot, goes: bool) -> bool {
        self.room != Room::Closed && (goes || slot.recalls())
    }

    /// The slices that follow: what is left of the turn, and those after it as far as they surely leave.
    fn surely_next(&self, scene: &Scene<'_>, turn: &Slice, rest: &Slice) -> Vec<Slice> {
        let (mut next, mut rest) = (Vec::with_capacity(SLICES_AHEAD), rest.clone());
        while next.len() < SLICES_AHEAD && !rest.at.is_empty() {
            next.push(first_of(&mut rest));
        }
        let mut left = self.left.saturating_sub(turn.at.len() as u64);
        let mut from = turn.at.end;
        while next.len() < SLICES_AHEAD
            && let Some(count) = surely_next(&scene.stretch.slots[from..], left)
        {
            next.push(Slice { at: from..from + count, goes: true });
            left = left.saturating_sub(count as u64);
            from += count;
        }
        next
    }

    fn shown(&self) -> impl Iterator<Item = Position> {
        let shows = |item: &&PageItem| matches!(item.content, Content::Released { .. });
        self.built.items.iter().filter(shows).map(|item| item.position)
    }
}

impl Exchange {
    /// What each position holds for this partner. `left` records may leave, and beyond these what recalls an earlier item: that is never
    /// put off. What is left of an entry that released into groups leaves whole or is put off whole, so that nobody is shown in a part
    /// of a group: it goes while one record may leave, and may take more than are left, by less than the 200 items of an entry. Of what
    /// is put off no body is read. While nothing may leave, an item that recalls another is served as that one's withdrawal alone, and
    /// its partner comes back for what it shows.
    pub(super) async fn build(&self, scene: &Scene<'_>, room: Room) -> Result<Built, Error> {
        let left = match room {
            Room::Records(left) => left,
            Room::Closed => 0,
        };
        let slots = &scene.stretch.slots;
        let (items, digests) = (Vec::with_capacity(slots.len()), Vec::with_capacity(slots.len()));
        let built = Built { items, digests, put_off: None };
        let mut page = Making { built, bytes: 0, left, room };
        let mut begun = Begun { looked_up: Shelf::of(self.governed()), ahead: VecDeque::new() };
        let mut from = 0;
        while let Some(first) = slots.get(from) {
            let is_whole = first.together.is_some();
            let turn = from..from + turn(&slots[from..], page.left);
            from = turn.end;
            let recalls = || slots[turn.clone()].iter().any(|slot| slot.live.is_some() && slot.recalls());
            let goes = page.left > 0 || is_whole && recalls();
            let turn = Slice { at: turn, goes };
            let mut decided = self.decided(scene, &turn, &page, &mut begun).await?;
            let slots = &slots[turn.at];
            if is_whole {
                self.withhold_small(&scene.agreement.id, slots, &mut decided, &page);
                if !page.built.items.is_empty()
                    && page.bytes + decided.iter().map(Decided::bytes).sum::<usize>() > PAGE_BYTES
                {
                    return Ok(page.built);
                }
            }
            for (slot, decided) in slots.iter().zip(decided) {
                if slot.live.is_some() && !page.may_go(slot, goes) {
                    page.built.put_off.get_or_insert(slot.position);
                }
                page.put(decided);
                if page.bytes > PAGE_BYTES && !is_whole {
                    return Ok(page.built);
                }
            }
        }
        Ok(page.built)
    }

    /// What the positions of a turn hold. Those after each slice of it are read and decided on meanwhile.
    async fn decided(
        &self,
        scene: &Scene<'_>,
        turn: &Slice,
        page: &Making,
        begun: &mut Begun,
    ) -> Result<Vec<Decided>, Error> {
        let mut decided = Vec::with_capacity(turn.at.len());
        let mut rest = turn.clone();
        while !rest.at.is_empty() {
            let slice = first_of(&mut rest);
            let reading = match begun.ahead.pop_front().filter(|(known, _)| *known == slice) {
                Some((_, reading)) => reading,
                None => {
                    begun.ahead.clear();
                    self.begin_slice(scene, &slice, page, &begun.looked_up).await?
                }
            };
            // What these may fill ends with them.
            let next = if page.bytes > PAGE_BYTES { Vec::new() } else { page.surely_next(scene, turn, &rest) };
            for next in next.into_iter().skip(begun.ahead.len()) {
                let reading = self.begin_slice(scene, &next, page, &begun.looked_up).await?;
                begun.ahead.push_back((next, reading));
            }
            let mut served = self.made_ahead(reading.read).await?.into_iter();
            let mut kept = Vec::new();
            for (slot, again) in scene.stretch.slots[slice.at].iter().zip(reading.again) {
                let shown = match &slot.live {
                    Some(_) if !page.may_go(slot, slice.goes) && slot.recalls() => None,
                    Some(_) if !page.may_go(slot, slice.goes) => Some(Decided::new(slot, Content::Deferred, 0)),
                    Some(_) if again.is_some() => again,
                    Some(_) => served.next().flatten().transpose()?.flatten().map(|(decided, basis)| {
                        let shown = basis.and_then(|basis| Shown::new(slot, decided.clone(), basis));
                        kept.extend(shown.map(|shown| (slot.position, decided.bytes(), shown)));
                        decided
                    }),
                    None => None,
                };
                decided.push(shown.unwrap_or_else(|| Decided::withdrawn(slot)));
            }
            if let Some(before) = scene.shared {
                self.watches().lately.keep(&scene.agreement.id, kept, before);
            }
        }
        Ok(decided)
    }

    /// Begins to read the bodies that a slice needs of positions which may leave, and to decide on each where it is read.
    async fn begin_slice(
        &self,
        scene: &Scene<'_>,
        slice: &Slice,
        page: &Making,
        looked_up: &Shelf,
    ) -> Result<Reading, Error> {
        let slots = &scene.stretch.slots;
        let again = self.again(scene, slice, page, looked_up)?;
        let is_read = |at: &usize| page.may_go(&slots[*at], slice.goes) && again[*at - slice.at.start].is_none();
        let live = slice.at.clone().filter(is_read).filter_map(|at| Some((at, slots[at].live.as_ref()?.made)));
        let (at, wanted): (Vec<usize>, Vec<(RecordId, LeafIndex)>) =
            live.map(|(at, made)| (at, (slots[at].record_id, made))).unzip();
        let (exchange, slots, looked_up) = (self.clone(), Arc::clone(slots), looked_up.clone());
        let (agreement, standing, now) = (Arc::clone(scene.agreement), scene.stretch.standing, scene.now);
        let (is_kept, mut in_use) = (scene.shared.is_some(), None::<Borrowed>);
        let read = self.begin_each(wanted, move |which, half| {
            let ground = Ground { agreement: &agreement, standing, now };
            let borrowed = in_use.get_or_insert_with(|| looked_up.borrow());
            let slot = &slots[at[which]];
            let served = exchange.serve(&ground, slot, half, &mut borrowed.looked_up)?;
            Ok(served.map(|served| {
                let decided = Decided::new(slot, served.content, served.least);
                (decided, is_kept.then(|| Basis::new(half.schema(), served.made_by)))
            }))
        });
        Ok(Reading { again, read: read.await? })
    }

    /// What positions of a slice show that another watch of the feed was shown a moment ago, each decided again.
    fn again(
        &self,
        scene: &Scene<'_>,
        slice: &Slice,
        page: &Making,
        looked_up: &Shelf,
    ) -> Result<Vec<Option<Decided>>, Error> {
        let slots = &scene.stretch.slots[slice.at.clone()];
        if scene.shared.is_none() {
            return Ok(slots.iter().map(|_| None).collect());
        }
        let ground = Ground { agreement: scene.agreement, standing: scene.stretch.standing, now: scene.now };
        let mut borrowed = looked_up.borrow();
        let known = self.watches().lately.shown(&scene.agreement.id, slots.iter().map(|slot| slot.position));
        let decided = slots.iter().zip(known).map(|(slot, known)| match known {
            Some(known) if page.may_go(slot, slice.goes) => {
                self.serve_again(&ground, slot, &known, &mut borrowed.looked_up)
            }
            _ => Ok(None),
        });
        decided.collect()
    }

    /// Withholds what would be shown of groups of whom the partner would know too few: some of a group may not leave at this moment,
    /// or the partner has read past some.
    fn withhold_small(&self, id: &AgreementId, slots: &[Slot], decided: &mut [Decided], page: &Making) {
        let here = decided.iter().filter(|decided| decided.is_shown()).map(|decided| decided.item.position);
        let shown: BTreeSet<Position> = page.shown().chain(here).collect();
        self.journal().read(|state| {
            for (slot, decided) in slots.iter().zip(decided) {
                let is_shown = decided.is_shown();
                let Some((cell, read)) = slot.cell.zip(slot.together).filter(|_| is_shown) else { continue };
                if known(state, id, &cell, read, &shown) < decided.least {
                    *decided = Decided::withdrawn(slot);
                }
            }
        });
    }
}

/// Takes the first slice off some positions.
fn first_of(rest: &mut Slice) -> Slice {
    let end = rest.at.end.min(rest.at.start + SLICE_BODIES);
    let first = Slice { at: rest.at.start..end, goes: rest.goes };
    rest.at.start = end;
    first
}

/// How many positions are the next slice, where at least `left` records may still leave. None where the day's quota might put them off: of
/// what is put off no body is read.
fn surely_next(rest: &[Slot], left: u64) -> Option<usize> {
    let first = rest.first().filter(|_| left >= SLICE_BODIES as u64)?;
    let alike = rest.iter().take(SLICE_BODIES).take_while(|slot| slot.together == first.together);
    Some(alike.count())
}

/// How many positions are decided on together: what is left of an entry that leaves whole; else no more than there are bodies that may be
/// open, or records that may leave.
fn turn(slots: &[Slot], left: u64) -> usize {
    let Some(first) = slots.first() else { return 0 };
    let alike = slots.iter().take_while(|slot| slot.together == first.together).count();
    if first.together.is_some() {
        return alike;
    }
    let within = alike.min(SLICE_BODIES);
    let live = slots[..within].iter().enumerate().filter(|(_, slot)| slot.live.is_some()).map(|(index, _)| index);
    let last = live.zip(1..).find(|(_, count)| *count == left).map(|(index, _)| index + 1);
    last.unwrap_or(within)
}
