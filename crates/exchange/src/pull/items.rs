//! What the positions of a page hold for its partner, decided now: what leaves, what the day's quota puts off, and what is left of a
//! group that would be too small.

use std::collections::BTreeSet;

use causeway_model::{LeafIndex, Position, RecordId};

use super::SLICE_BODIES;
use crate::bodies::Ahead;
use crate::page::{Content, PageItem};
use crate::serve::LookedUp;
use crate::slot::{Slot, Stretch, known};
use crate::verdict::Ground;
use crate::{Error, Exchange};

/// A page ends with the item, or before the entry of groups, that takes its documents past this size: with the largest item it stays
/// under 4 MiB. One such entry alone may be larger.
const PAGE_BYTES: usize = 3 << 20;

/// What a position holds, and how many persons have to share it where it shows a record.
type Decided = (Content, u64);

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

/// Positions that are decided on together.
struct Turn<'s> {
    slots: &'s [Slot],
    /// Whether what they show may leave.
    goes: bool,
    /// The positions that are looked at after them, where that is sure already.
    next: Option<&'s [Slot]>,
}

/// What some positions of a page leave to those after them.
#[derive(Default)]
struct Begun {
    looked_up: LookedUp,
    ahead: Option<Ahead>,
}

impl Making {
    fn put(&mut self, slot: &Slot, content: Content) {
        if let Content::Released { document, .. } = &content {
            self.bytes += document.len();
            self.left = self.left.saturating_sub(1);
        }
        self.built.items.push(PageItem { position: slot.position, item_id: slot.item_id, kind: slot.kind, content });
    }

    /// Whether what a position shows may leave, where that of its turn does or does not.
    fn may_go(&self, slot: &Slot, goes: bool) -> bool {
        self.room != Room::Closed && (goes || slot.recalls())
    }

    /// The bodies that positions need which may leave, where those of their turn do or do not.
    fn wanted(&self, slots: &[Slot], goes: bool) -> Vec<(RecordId, LeafIndex)> {
        let live = slots.iter().filter(|slot| self.may_go(slot, goes));
        live.filter_map(|slot| Some((slot.record_id, slot.live.as_ref()?.made))).collect()
    }

    /// How many records may leave after these positions at least.
    fn left_after(&self, slots: &[Slot]) -> u64 {
        self.left.saturating_sub(slots.len() as u64)
    }

    fn shown(&self) -> impl Iterator<Item = Position> {
        self.built.items.iter().filter(|item| is_shown(&item.content)).map(|item| item.position)
    }
}

impl Exchange {
    /// What each position holds for this partner. `left` records may leave, and beyond these what recalls an earlier item: that is never
    /// put off. What is left of an entry that released into groups leaves whole or is put off whole, so that nobody is shown in a part
    /// of a group: it goes while one record may leave, and may take more than are left, by less than the 200 items of an entry. Of what
    /// is put off no body is read. While nothing may leave, an item that recalls another is served as that one's withdrawal alone, and
    /// its partner comes back for what it shows.
    pub(super) async fn build(&self, ground: &Ground<'_>, stretch: &Stretch, room: Room) -> Result<Built, Error> {
        let left = match room {
            Room::Records(left) => left,
            Room::Closed => 0,
        };
        let built = Built { items: Vec::with_capacity(stretch.slots.len()), put_off: None };
        let mut page = Making { built, bytes: 0, left, room };
        let mut begun = Begun::default();
        let mut rest = stretch.slots.as_slice();
        while let Some(first) = rest.first() {
            let is_whole = first.together.is_some();
            let slots = rest.split_off(..turn(rest, page.left)).unwrap_or_default();
            let recalls = || slots.iter().any(|slot| slot.live.is_some() && slot.recalls());
            let goes = page.left > 0 || is_whole && recalls();
            let turn = Turn { slots, goes, next: surely_next(rest, page.left_after(slots)) };
            let mut decided = self.decided(ground, &turn, &page, &mut begun).await?;
            if is_whole {
                self.withhold_small(ground, slots, &mut decided, &page);
                if !page.built.items.is_empty() && page.bytes + bytes(&decided) > PAGE_BYTES {
                    return Ok(page.built);
                }
            }
            for (slot, (content, _)) in slots.iter().zip(decided) {
                if slot.live.is_some() && !page.may_go(slot, goes) {
                    page.built.put_off.get_or_insert(slot.position);
                }
                page.put(slot, content);
                if page.bytes > PAGE_BYTES && !is_whole {
                    return Ok(page.built);
                }
            }
        }
        Ok(page.built)
    }

    /// What the positions of a turn hold. The bodies of the positions after a slice are read while it is decided on.
    async fn decided(
        &self,
        ground: &Ground<'_>,
        turn: &Turn<'_>,
        page: &Making,
        begun: &mut Begun,
    ) -> Result<Vec<Decided>, Error> {
        let mut decided = Vec::with_capacity(turn.slots.len());
        let may_go = |slot: &Slot| page.may_go(slot, turn.goes);
        let mut slices = turn.slots.chunks(SLICE_BODIES).peekable();
        while let Some(slice) = slices.next() {
            let wanted = page.wanted(slice, turn.goes);
            let ahead = match begun.ahead.take().filter(|ahead| ahead.is_of(&wanted)) {
                Some(ahead) => ahead,
                None => self.begin_bodies(wanted).await?,
            };
            let bodies = self.bodies_ahead(ahead).await?;
            let size: usize = bodies.iter().flatten().map(|body| body.classified.len()).sum();
            let mut bodies = bodies.into_iter();
            let next = slices.peek().map(|slice| page.wanted(slice, turn.goes));
            let next = next.or_else(|| Some(page.wanted(turn.next?, true)));
            // What these may fill ends with them.
            if let Some(next) = next.filter(|_| page.bytes + size <= PAGE_BYTES) {
                begun.ahead = Some(self.begin_bodies(next).await?);
            }
            for slot in slice {
                let content = match &slot.live {
                    Some(_) if !may_go(slot) && slot.recalls() => None,
                    Some(_) if !may_go(slot) => Some((Content::Deferred, 0)),
                    Some(_) => {
                        let body = bodies.next().flatten();
                        let served = body.map(|body| self.serve(ground, slot, body, &mut begun.looked_up));
                        served.transpose()?.flatten()
                    }
                    None => None,
                };
                decided.push(content.unwrap_or_else(|| (Content::Withdrawn(slot.withdrawn()), 0)));
            }
        }
        Ok(decided)
    }

    /// Withholds what would be shown of groups of whom the partner would know too few: some of a group may not leave at this moment,
    /// or the partner has read past some.
    fn withhold_small(&self, ground: &Ground<'_>, slots: &[Slot], decided: &mut [Decided], page: &Making) {
        let shown_here = slots.iter().zip(decided.iter()).filter(|(_, (content, _))| is_shown(content));
        let shown: BTreeSet<Position> = page.shown().chain(shown_here.map(|(slot, _)| slot.position)).collect();
        let id = &ground.agreement.id;
        self.journal().read(|state| {
            for (slot, (content, least)) in slots.iter().zip(decided) {
                let Some((cell, read)) = slot.cell.zip(slot.together).filter(|_| is_shown(content)) else { continue };
                if known(state, id, &cell, read, &shown) < *least {
                    *content = Content::Withdrawn(slot.withdrawn());
                }
            }
        });
    }
}

const fn is_shown(content: &Content) -> bool {
    matches!(content, Content::Released { .. })
}

fn bytes(decided: &[Decided]) -> usize {
    let size = |(content, _): &Decided| match content {
        Content::Released { document, .. } => document.len(),
        Content::Withdrawn(_) | Content::Deferred => 0,
    };
    decided.iter().map(size).sum()
}

/// The positions whose bodies are needed next, where at least `left` records may still leave. None where the day's quota might put them
/// off: of what is put off no body is read.
fn surely_next(rest: &[Slot], left: u64) -> Option<&[Slot]> {
    let first = rest.first().filter(|_| left >= SLICE_BODIES as u64)?;
    let alike = rest.iter().take(SLICE_BODIES).take_while(|slot| slot.together == first.together);
    rest.get(..alike.count())
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
