//! A node's part in an erasure whose key pages other nodes keep: it takes the pages that they have written anew, and destroys what those
//! replace.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use super::catching_up::Failed;
use super::{NodeKeys, PageKeyPeer};
use crate::error::StoreError;
use crate::key_pages::{KeyPlace, slot_of};
use crate::page_keys::NodeNumber;
use crate::shared::Shared;

impl NodeKeys {
    /// Asks every node for the page keys of these places where one is not here: it must be known before it can be said to be destroyed.
    ///
    /// # Errors
    /// [`StoreError::NodesAway`] where one is not here and a node does not answer, since that one may have it.
    pub(crate) fn find(&self, places: &[KeyPlace]) -> Result<(), StoreError> {
        let mut lacks_any = false;
        for page in pages_of(places) {
            lacks_any |= self.lacks(page)?;
        }
        if !lacks_any {
            return Ok(());
        }
        let caught = self.catch_up()?;
        if caught.away.is_empty() { Ok(()) } else { Err(StoreError::NodesAway { nodes: caught.away }) }
    }

    /// The places in pages that this node writes anew, and those in pages of others.
    pub(crate) fn by_keeper(&self, places: Vec<KeyPlace>) -> (Vec<KeyPlace>, Vec<KeyPlace>) {
        places.into_iter().partition(|place| self.keeps(place.page))
    }

    /// Takes from the nodes that keep these places' pages what they have written anew, until the keys in these places are gone here too.
    ///
    /// # Errors
    /// [`StoreError::NodesAway`] names the nodes that do not answer, or have not written their pages anew yet.
    pub(crate) fn follow(&self, places: &[KeyPlace]) -> Result<(), StoreError> {
        let mut by_keeper: BTreeMap<NodeNumber, Vec<KeyPlace>> = BTreeMap::new();
        places.iter().for_each(|place| by_keeper.entry(self.keeper(place.page)).or_default().push(*place));
        let mut waited_for = Vec::new();
        for (keeper, places) in by_keeper {
            let peer = self.inner.peers.iter().find(|peer| peer.node() == keeper);
            let peer = peer.expect("the keeper of a page that this node does not keep is another of the roster");
            if !self.follow_one(peer.as_ref(), &places)? {
                waited_for.push(keeper);
            }
        }
        if waited_for.is_empty() { Ok(()) } else { Err(StoreError::NodesAway { nodes: waited_for }) }
    }

    /// Whether the keys in these places are gone here, now that their keeper was asked.
    fn follow_one(&self, keeper: &dyn PageKeyPeer, places: &[KeyPlace]) -> Result<bool, StoreError> {
        let mut unchanged = BTreeSet::new();
        for place in places {
            if !self.is_erased(place)? {
                unchanged.insert(place.page);
            }
        }
        let unchanged: Vec<u64> = unchanged.into_iter().collect();
        // Also where all of them have been taken before: what the keeper has destroyed since is destroyed here before anybody is told so.
        let taken = self.take_pages(keeper, &unchanged).and_then(|()| self.catch_up_with(keeper));
        match taken {
            Ok(()) => {}
            Err(Failed::Store(error)) => return Err(error),
            Err(Failed::Peer(failure)) => {
                tracing::debug!(node = keeper.node().0, error = &failure as &dyn Error, "an erasure waits for a node");
                return Ok(false);
            }
        }
        for place in places {
            if !self.is_erased(place)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_erased(&self, place: &KeyPlace) -> Result<bool, StoreError> {
        let log = self.journal()?.log.as_ref();
        if self.inner.vault.stored(place.page, log)?.is_none() {
            // A page from before several nodes wrote is in none of their frames; what its keeper writes anew is.
            return Ok(false);
        }
        if self.inner.vault.gone(place.page, log)?.is_some() {
            // Where a page key that was never here is not destroyed either, another node may have it: it was asked for.
            return Ok(true);
        }
        Ok(self.inner.vault.page(place.page, log)?.key(place.slot)?.is_none())
    }

    /// Whether the page key of a page was never here.
    fn lacks(&self, page: u64) -> Result<bool, StoreError> {
        match self.inner.vault.stored(page, self.journal()?.log.as_ref())? {
            Some(stored) => self.inner.vault.page_keys().is_absent(slot_of(&stored)?),
            None => Ok(false),
        }
    }

    fn journal(&self) -> Result<&Shared, StoreError> {
        self.inner.journal.get().map(AsRef::as_ref).ok_or(StoreError::Closed)
    }
}

fn pages_of(places: &[KeyPlace]) -> BTreeSet<u64> {
    places.iter().map(|place| place.page).collect()
}
