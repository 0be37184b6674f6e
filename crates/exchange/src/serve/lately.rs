//! What positions at the end of a feed showed a moment ago, for its other watches: they come to each item at the same time. Each page is
//! decided on again, from the same facts; what is saved is to read the record and to write its document anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use causeway_model::{AgreementId, ItemId, LeafIndex, Position};
use futures_util::lock::Mutex as AsyncMutex;

use super::{LookedUp, MadeBy};
use crate::page::Decided;
use crate::slot::Slot;
use crate::verdict::Ground;
use crate::{Error, Exchange};

/// Items that are kept, and as many of those before: about 1 KB each as a rule. They are let go of when the clock ticks for the second time,
/// so that nothing of a quiet feed stays in memory.
const ITEMS: usize = 4_096;

/// Bytes of documents that are kept, and as many of those before.
const BYTES: usize = 4 << 20;

/// Positions from the end of a feed on whose items are kept: whoever is further behind is alone there.
const NEAR_THE_END: u64 = 1_024;

/// What a position showed, and what that was made of.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) decided: Decided,
    basis: Basis,
    at: Place,
}

/// What a record's document was made by, beside its position: the same facts, schemas and forms make the same document of the same body.
#[derive(Debug)]
pub(crate) struct Basis {
    named: Box<str>,
    made_by: MadeBy,
}

impl Basis {
    /// Of a body in this schema.
    pub(crate) fn new(named: &str, made_by: MadeBy) -> Self {
        Self { named: named.into(), made_by }
    }
}

/// What of a position goes into its item.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    item: ItemId,
    body: LeafIndex,
    target: Option<ItemId>,
    epoch: u32,
    epoch_before: Option<u32>,
}

impl Place {
    fn of(slot: &Slot) -> Option<Self> {
        let Slot { item_id, target, epoch, epoch_before, .. } = *slot;
        Some(Self { item: item_id, body: slot.live.as_ref()?.made, target, epoch, epoch_before })
    }
}

/// What was shown lately, of all feeds.
#[derive(Debug)]
pub(crate) struct Lately<S = Shown> {
    kept: Mutex<Kept<S>>,
    turns: Mutex<HashMap<AgreementId, Arc<AsyncMutex<()>>>>,
}

#[derive(Debug)]
struct Kept<S> {
    now: Items<S>,
    before: Items<S>,
    /// How often all has been forgotten. What was read before the last time is not kept.
    forgotten: u64,
}

#[derive(Debug)]
struct Items<S> {
    feeds: HashMap<AgreementId, HashMap<Position, Arc<S>>>,
    count: usize,
    bytes: usize,
}

impl<S> Items<S> {
    fn none() -> Self {
        Self { feeds: HashMap::new(), count: 0, bytes: 0 }
    }

    fn get(&self, feed: &AgreementId, position: Position) -> Option<&Arc<S>> {
        self.feeds.get(feed)?.get(&position)
    }
}

/// The moment before a reading began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before(u64);

impl<S> Default for Lately<S> {
    fn default() -> Self {
        Self { kept: Mutex::new(Kept::after(0)), turns: Mutex::default() }
    }
}

impl<S> Lately<S> {
    /// What the watches of a feed hold while they make a page of its end, so that one of them makes what the others need.
    pub(crate) fn turn(&self, feed: &AgreementId) -> Arc<AsyncMutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        match turns.get(feed) {
            Some(turn) => Arc::clone(turn),
            None => Arc::clone(turns.entry(feed.clone()).or_default()),
        }
    }

    /// To be asked for before anything is read that is to be kept.
    pub(crate) fn before(&self) -> Before {
        Before(self.kept().forgotten)
    }

    /// What these positions of a feed showed, as far as it is known.
    pub(crate) fn shown(&self, feed: &AgreementId, positions: impl Iterator<Item = Position>) -> Vec<Option<Arc<S>>> {
        let kept = self.kept();
        let known = |at| kept.now.get(feed, at).or_else(|| kept.before.get(feed, at)).cloned();
        positions.map(known).collect()
    }

    /// Keeps what positions of a feed show, each with the bytes that it takes, unless all has been forgotten since.
    pub(crate) fn keep(&self, feed: &AgreementId, shown: Vec<(Position, usize, S)>, before: Before) {
        // Dropped after the lock.
        let mut old = Vec::new();
        let mut kept = self.kept();
        if kept.forgotten != before.0 {
            return;
        }
        for (position, bytes, shown) in shown {
            if kept.now.count >= ITEMS || kept.now.bytes >= BYTES {
                old.push(kept.age());
            }
            let now = &mut kept.now;
            let of_feed = match now.feeds.get_mut(feed) {
                Some(of_feed) => of_feed,
                None => now.feeds.entry(feed.clone()).or_default(),
            };
            if of_feed.insert(position, Arc::new(shown)).is_none() {
                now.count += 1;
            }
            now.bytes += bytes;
        }
    }

    /// Lets go of what is older than the last call.
    pub(crate) fn age(&self) {
        // Dropped after the lock.
        let old = self.kept().age();
        drop(old);
    }

    /// Lets go of everything, and of what is being read: a record's erasure is not complete before.
    pub(crate) fn forget(&self) {
        let mut kept = self.kept();
        let forgotten = kept.forgotten + 1;
        let old = std::mem::replace(&mut *kept, Kept::after(forgotten));
        drop(kept);
        drop(old);
    }

    fn kept(&self) -> MutexGuard<'_, Kept<S>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Kept<S> {
    fn after(forgotten: u64) -> Self {
        Self { now: Items::none(), before: Items::none(), forgotten }
    }

    /// What was kept before what is let go of now.
    #[must_use]
    fn age(&mut self) -> Items<S> {
        std::mem::replace(&mut self.before, std::mem::replace(&mut self.now, Items::none()))
    }
}

/// Whether what a page shows is kept, that begins after `after` in a feed that ends with `newest`.
pub(crate) fn is_near(after: Position, newest: Position) -> bool {
    newest.0.saturating_sub(after.0) <= NEAR_THE_END
}

impl Shown {
    /// Of a position that shows a record; none of one that does not.
    pub(crate) fn new(slot: &Slot, decided: Decided, basis: Basis) -> Option<Self> {
        Some(Self { decided, basis, at: Place::of(slot)? })
    }
}

impl Exchange {
    /// What was shown at a position where it is what is shown there now, which is decided again; none where the record has to be read.
    ///
    /// # Errors
    /// As [`Exchange::serve`].
    pub(crate) fn serve_again(
        &self,
        ground: &Ground<'_>,
        slot: &Slot,
        shown: &Shown,
        looked_up: &mut LookedUp,
    ) -> Result<Option<Decided>, Error> {
        let Some(live) = slot.live.as_ref().filter(|_| Place::of(slot).as_ref() == Some(&shown.at)) else {
            return Ok(None);
        };
        let Basis { named, made_by: MadeBy { newest, facts, forms } } = &shown.basis;
        let now = looked_up.now(|| self.governed());
        if !Arc::ptr_eq(newest, &looked_up.schema(&now, named)?) {
            return Ok(None);
        }
        let Ok((through, least)) = ground.verdict(&ground.agreement.granting, facts, live, newest) else {
            return Ok(None);
        };
        let schema = looked_up.schema(&self.governed_at(live.released)?, named)?;
        if !forms.is_of(live, &through, &schema, facts.child) {
            return Ok(None);
        }
        self.key_of(ground, slot, looked_up)?;
        Ok(Some(Decided { least, ..shown.decided.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> AgreementId {
        text.parse().expect("an agreement's id")
    }

    fn keep(lately: &Lately<u64>, feed: &AgreementId, positions: &[u64], before: Before) {
        lately.keep(feed, positions.iter().map(|at| (Position(*at), 10, *at)).collect(), before);
    }

    fn known(lately: &Lately<u64>, feed: &AgreementId) -> Vec<u64> {
        lately.shown(feed, (1..9).map(Position)).into_iter().flatten().map(|shown| *shown).collect()
    }

    #[test]
    fn what_is_kept_is_of_its_feed_and_gone_with_the_second_tick() {
        let (lately, [one, other]) = (Lately::default(), ["ISA-AL-2026-014", "ISA-FR-2026-015"].map(id));
        keep(&lately, &one, &[3, 4], lately.before());
        assert_eq!((known(&lately, &one), known(&lately, &other)), (vec![3, 4], vec![]));
        lately.age();
        keep(&lately, &one, &[5], lately.before());
        assert_eq!(known(&lately, &one), [3, 4, 5]);
        lately.age();
        assert_eq!(known(&lately, &one), [5]);
        lately.age();
        assert!(known(&lately, &one).is_empty());
    }

    #[test]
    fn what_was_read_before_all_was_forgotten_is_not_kept() {
        let (lately, feed) = (Lately::default(), id("ISA-AL-2026-014"));
        let before = lately.before();
        keep(&lately, &feed, &[3], before);
        lately.age();
        keep(&lately, &feed, &[4], before);
        assert_eq!(known(&lately, &feed), [3, 4]);
        lately.forget();
        assert!(known(&lately, &feed).is_empty(), "of neither age");
        keep(&lately, &feed, &[3], before);
        assert!(known(&lately, &feed).is_empty());
        keep(&lately, &feed, &[3], lately.before());
        assert_eq!(known(&lately, &feed), [3]);
    }

    #[test]
    fn it_holds_no_more_than_it_says() {
        let (lately, feed) = (Lately::default(), id("ISA-AL-2026-014"));
        for position in 1..=10 * ITEMS as u64 {
            keep(&lately, &feed, &[position, position], lately.before());
        }
        let kept = lately.kept();
        assert!(kept.now.count <= ITEMS && kept.before.count == ITEMS, "{} and {}", kept.now.count, kept.before.count);
        drop(kept);
        let large = BYTES / 4;
        (1..=40).for_each(|at| lately.keep(&feed, vec![(Position(at), large, at)], lately.before()));
        let kept = lately.kept();
        assert!([&kept.now, &kept.before].iter().all(|items| items.bytes <= BYTES + large && items.count <= 5));
    }
}
