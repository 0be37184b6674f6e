//! What a node lacks, and what others have destroyed: asked of them when it starts, from time to time, and before it says that something
//! is erased.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::{NodeKeys, PageKeyPeer, PeerFailure, SlotStandings};
use crate::error::StoreError;
use crate::key_pages::slot_of;
use crate::page_keys::{NodeNumber, PutRefused, STANDINGS_AT_ONCE, Slot, SlotStanding};

/// Keys or pages that are asked for together: with 4 KiB a page, half a megabyte.
const AT_ONCE: usize = 128;

/// Slots of one writer that are asked for: those of 2 thousand million bodies, a file of 1 GiB. Who says that there are more is mistaken.
const MOST_SLOTS: u64 = 1 << 24;

/// Writers that a node may name: many times as many as are on any roster, those that were on one counted.
const MOST_WRITERS: usize = 1024;

/// Which nodes were asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaughtUp {
    /// Those from which everything was taken that this node lacked.
    pub answered: Vec<NodeNumber>,
    /// Those that did not answer, or whose answer could not be taken.
    pub away: Vec<NodeNumber>,
}

/// Why catching up with one node failed.
#[derive(Debug)]
pub(super) enum Failed {
    Peer(PeerFailure),
    Store(StoreError),
}

impl From<PeerFailure> for Failed {
    fn from(failure: PeerFailure) -> Self {
        Self::Peer(failure)
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl NodeKeys {
    /// Takes from every other node what this one lacks: page keys, pages that were written anew, and word of what was destroyed. Blocks.
    ///
    /// # Errors
    /// When a file of this node's cannot be read or written. A node that does not answer is none.
    pub fn catch_up(&self) -> Result<CaughtUp, StoreError> {
        if self.waits_for_all()
            && let Some(waiting) = self.number_behind_others()?
        {
            return Ok(waiting);
        }
        let mut caught = CaughtUp::default();
        for peer in &self.inner.peers {
            match self.catch_up_with(peer.as_ref()) {
                Ok(()) => caught.answered.push(peer.node()),
                Err(Failed::Store(error)) => return Err(error),
                Err(Failed::Peer(failure)) => {
                    tracing::debug!(
                        node = peer.node().0,
                        error = &failure as &dyn Error,
                        "a node did not say which page keys it has"
                    );
                    caught.away.push(peer.node());
                }
            }
        }
        if caught.answered.len() >= self.others_for_a_majority() && !self.inner.caught_up.swap(true, Ordering::AcqRel) {
            // What it learned of its own slots is in pages already, or in none.
            *self.inner.shared_to.lock().unwrap_or_else(PoisonError::into_inner) = self.inner.vault.page_keys().next();
            if self.inner.vault.page_keys().end().index() == 0 {
                // Over an empty log. The next start, over one that is not, sees that these numbers are this node's own.
                self.inner.vault.page_keys().begin_at(0)?;
            }
        }
        Ok(caught)
    }

    /// Has this node's numbers begin behind all that any other node has of them. None once they do; otherwise who was asked.
    ///
    /// Nothing else is taken before: a file with some of this node's slots in it would say at the next start that it has them all.
    fn number_behind_others(&self) -> Result<Option<CaughtUp>, StoreError> {
        let (mut caught, mut end) = (CaughtUp::default(), 0);
        for peer in &self.inner.peers {
            match self.end_of_own_at(peer.as_ref()) {
                Ok(there) => {
                    end = end.max(there);
                    caught.answered.push(peer.node());
                }
                Err(failure) => {
                    let error = &failure as &dyn Error;
                    tracing::debug!(node = peer.node().0, error, "a node did not say which numbers of this one it has");
                    caught.away.push(peer.node());
                }
            }
        }
        if !caught.away.is_empty() {
            return Ok(Some(caught));
        }
        self.inner.vault.page_keys().begin_at(end)?;
        self.inner.is_unnumbered.store(false, Ordering::Release);
        Ok(None)
    }

    /// How many slots of this node another one has.
    fn end_of_own_at(&self, peer: &dyn PageKeyPeer) -> Result<u64, PeerFailure> {
        let mut first = 0;
        loop {
            let theirs = self.stretch_of(peer, self.inner.own, first)?;
            first += theirs.slots.len() as u64;
            if !theirs.goes_on() {
                return Ok(first);
            }
        }
    }

    /// What another node has in a writer's slots from a place on.
    fn stretch_of(&self, peer: &dyn PageKeyPeer, writer: NodeNumber, first: u64) -> Result<SlotStandings, PeerFailure> {
        let theirs = peer.standings(writer, first)?;
        if theirs.ring_check != self.inner.ring_check {
            tracing::error!(
                node = peer.node().0,
                "another node has another key ring than this one: restore one and the same backup of the keys on every node, before its \
                 first start (causeway keys backup, causeway keys restore)"
            );
            return Err(PeerFailure::Refused("it has another key ring than this node".into()));
        }
        if theirs.slots.len() > STANDINGS_AT_ONCE || first >= MOST_SLOTS {
            return Err(PeerFailure::Refused("it says that there are more page keys than there can be".into()));
        }
        Ok(theirs)
    }

    /// Whether enough nodes have said what they have, a majority or all ([`NodeKeys::waits_for_all`]): before that, no journal starts with
    /// these keys.
    pub fn has_caught_up(&self) -> bool {
        self.inner.caught_up.load(Ordering::Acquire)
    }

    /// Takes from one node what this one lacks.
    pub(super) fn catch_up_with(&self, peer: &dyn PageKeyPeer) -> Result<(), Failed> {
        let mut writers: BTreeSet<NodeNumber> = self.inner.vault.page_keys().writers().into_iter().collect();
        let of_own = self.stretch_of(peer, self.inner.own, 0)?;
        writers.extend(of_own.writers);
        if writers.len() > MOST_WRITERS {
            return Err(PeerFailure::Refused("it names more nodes than there can be".into()).into());
        }
        for writer in writers {
            let mut first = 0;
            loop {
                let theirs = self.stretch_of(peer, writer, first)?;
                self.take_stretch(peer, writer, first, &theirs.slots)?;
                if !theirs.goes_on() {
                    break;
                }
                first += theirs.slots.len() as u64;
            }
        }
        Ok(())
    }

    fn take_stretch(
        &self,
        peer: &dyn PageKeyPeer,
        writer: NodeNumber,
        first: u64,
        theirs: &[SlotStanding],
    ) -> Result<(), Failed> {
        let ours = self.inner.vault.page_keys().standings(writer, first)?;
        let ours = ours.into_iter().chain(std::iter::repeat(SlotStanding::Nothing));
        let (mut lacking, mut destroyed) = (Vec::new(), Vec::new());
        for ((theirs, ours), index) in theirs.iter().zip(ours).zip(first..) {
            match (theirs, ours) {
                (SlotStanding::Key, SlotStanding::Nothing) => lacking.push(Slot::of(writer, index)),
                (SlotStanding::Destroyed, SlotStanding::Nothing | SlotStanding::Key) => {
                    destroyed.push(Slot::of(writer, index));
                }
                _ => {}
            }
        }
        self.fetch_keys(peer, &lacking)?;
        self.destroy_as(peer, &destroyed)
    }

    /// Asks for keys, and keeps those that there are.
    pub(super) fn fetch_keys(&self, peer: &dyn PageKeyPeer, slots: &[Slot]) -> Result<(), Failed> {
        for some in slots.chunks(AT_ONCE) {
            let asked: Vec<u64> = some.iter().map(|slot| slot.0).collect();
            let mut keys = peer.keys_of(&asked)?;
            keys.retain(|key| asked.contains(&key.slot()));
            match self.put(&keys) {
                Ok(()) => {}
                // It has become known meanwhile that it was destroyed; the next time it is not asked for.
                Err(PutRefused::Destroyed(_)) => {}
                Err(PutRefused::OtherKey(slot)) => {
                    tracing::error!(
                        node = peer.node().0,
                        slot = slot.0,
                        "two nodes have different page keys under one number"
                    );
                    return Err(
                        PeerFailure::Refused("it has another page key under a number of this node's".into()).into()
                    );
                }
                Err(PutRefused::Store(error)) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Destroys what another node says that it has destroyed, once this node has the pages that were written anew for it. The page key of a
    /// page that would be lost with it stays.
    fn destroy_as(&self, peer: &dyn PageKeyPeer, slots: &[Slot]) -> Result<(), Failed> {
        if slots.is_empty() {
            return Ok(());
        }
        // A page has its number from its first slot, so that a page whose first page key is destroyed has been written anew.
        let of_slots: BTreeSet<Slot> = slots.iter().copied().collect();
        let mut pages: Vec<u64> = slots.iter().map(|slot| slot.0).collect();
        let anew = self.inner.vault.all_written_anew()?;
        pages.extend(anew.iter().filter(|(_, under)| of_slots.contains(under)).map(|(number, _)| *number));
        self.take_pages(peer, &pages)?;
        let in_use: BTreeSet<Slot> = self.inner.vault.all_written_anew()?.into_iter().map(|(_, under)| under).collect();
        let mut left = Vec::new();
        for slot in slots {
            if !in_use.contains(slot) && !self.is_first_of_page(*slot)? {
                left.push(*slot);
            }
        }
        if left.len() < slots.len() && self.inner.journal.get().is_some() {
            tracing::warn!(
                node = peer.node().0,
                slots = slots.len() - left.len(),
                "page keys that another node has destroyed are in use here, and no page was written anew for them: they are kept"
            );
        }
        Ok(self.inner.vault.page_keys().destroy_as_others(&left)?)
    }

    /// Asks for pages that were written anew, with their page keys, and puts them in the place of those that are here.
    pub(super) fn take_pages(&self, peer: &dyn PageKeyPeer, numbers: &[u64]) -> Result<(), Failed> {
        for some in numbers.chunks(AT_ONCE) {
            let mut pages = peer.pages_written_anew(some)?;
            pages.retain(|(number, _)| some.contains(number));
            let mut slots = Vec::new();
            for (_, stored) in &pages {
                slots.push(slot_of(stored)?);
            }
            self.fetch_keys(peer, &slots)?;
            let mut openable = Vec::new();
            for ((number, stored), slot) in pages.into_iter().zip(slots) {
                // Destroyed between the two answers: it has been written anew once more, and the next time has that.
                if self.inner.vault.page_keys().has(slot) {
                    openable.push((number, stored));
                }
            }
            let touched: Vec<u64> = openable.iter().map(|(number, _)| *number).collect();
            let journal = self.inner.journal.get();
            let replaced = self.inner.vault.replace(openable, journal.map(|journal| journal.log.as_ref()));
            // After an error too: some may have been replaced.
            if let Some(journal) = journal {
                journal.recent.forget_pages(touched);
            }
            replaced?;
        }
        Ok(())
    }

    /// Whether a page here is still under its first page key, which is in this slot. Before the journal is open this cannot be known, and is
    /// taken to be so.
    fn is_first_of_page(&self, slot: Slot) -> Result<bool, StoreError> {
        if self.inner.vault.page_keys().is_absent(slot)? {
            return Ok(false);
        }
        let Some(journal) = self.inner.journal.get() else { return Ok(true) };
        let page = self.inner.vault.stored(slot.0, journal.log.as_ref())?;
        Ok(page.is_some_and(|stored| slot_of(&stored).is_ok_and(|under| under == slot)))
    }
}
