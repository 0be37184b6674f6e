//! The keys of bodies and openings as they can be read now, and how some of them are destroyed.
//!
//! A key page lies in the log, where nothing is ever overwritten, under a page key that lies in a slot, which is. To erase a
//! key its page is written anew without it, into `pages/` and under a fresh page key, and the old page key is destroyed:
//! then no copy of the old page opens any more, wherever it is, and the page's other keys are in the new one.

mod replacing;
mod retiring;
mod rewritten;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use causeway_crypto::RootKey;

use crate::error::StoreError;
use crate::key_folders::KeyFolders;
use crate::key_pages::{KeyPage, slot_of};
use crate::log::FrameLog;
use crate::page_keys::{NodeNumber, PageKeys, Slot};
use retiring::{List, Retiring};
use rewritten::Rewritten;

/// Page numbers that are looked at together where all are.
const NUMBERS_AT_ONCE: usize = 2048;

/// Page keys, rewritten pages and the list of what is being destroyed.
#[derive(Debug)]
pub(crate) struct Vault {
    page_keys: PageKeys,
    rewritten: Rewritten,
    retiring: List,
    /// Held while pages are written anew or replaced: there is one list of what is being destroyed.
    changing: Mutex<()>,
}

/// A page that is to be written anew, and the places of the keys in it that are to be erased.
#[derive(Debug)]
pub(crate) struct Rewrite {
    pub(crate) page: u64,
    pub(crate) erased: Vec<u32>,
}

impl Vault {
    /// Opens what the keys folder holds, brings its mirror up to date, and ends what a stop has interrupted. `own` is the node that
    /// page keys are made for.
    pub(crate) fn open_as(own: NodeNumber, folders: &KeyFolders, root: &RootKey) -> Result<Self, StoreError> {
        let page_keys = PageKeys::open_as(own, folders, root)?;
        let rewritten = Rewritten::open(folders, &page_keys)?;
        let vault = Self { page_keys, rewritten, retiring: List::of(folders), changing: Mutex::new(()) };
        vault.resume()?;
        Ok(vault)
    }

    /// The same for a gateway that is alone.
    #[cfg(test)]
    pub(crate) fn open(folders: &KeyFolders, root: &RootKey) -> Result<Self, StoreError> {
        Self::open_as(NodeNumber::ALONE, folders, root)
    }

    /// What the keys folder holds, for reading only: a journal may run over it meanwhile.
    pub(crate) fn as_it_is(folders: &KeyFolders, root: &RootKey) -> Result<Self, StoreError> {
        let page_keys = PageKeys::as_they_are(folders, root)?;
        let rewritten = Rewritten::as_they_are(folders);
        Ok(Self { page_keys, rewritten, retiring: List::of(folders), changing: Mutex::new(()) })
    }

    pub(crate) fn page_keys(&self) -> &PageKeys {
        &self.page_keys
    }

    /// A page as it is now.
    pub(crate) fn page(&self, number: u64, log: &dyn FrameLog) -> Result<KeyPage, StoreError> {
        let mut stored = self.stored(number, log)?.ok_or(StoreError::Corrupt("a key page is missing"))?;
        loop {
            match KeyPage::open(number, &stored, &self.page_keys) {
                Ok(page) => return Ok(page),
                Err(error) => {
                    // It may have been written anew, and its old page key destroyed, since it was read.
                    let again = self.stored(number, log)?.filter(|again| *again != stored);
                    stored = again.ok_or(error)?;
                }
            }
        }
    }

    /// A page's stored form as it is now; none where there is no such page.
    pub(crate) fn stored(&self, number: u64, log: &dyn FrameLog) -> Result<Option<Vec<u8>>, StoreError> {
        match self.rewritten.page(number)? {
            Some(page) => Ok(Some(page)),
            None => Ok(log.key_page(number)?),
        }
    }

    /// The slot of a page's page key where no key is in that any more: then no key of the page can be read.
    pub(crate) fn gone(&self, number: u64, log: &dyn FrameLog) -> Result<Option<Slot>, StoreError> {
        let Some(stored) = self.stored(number, log)? else { return Ok(None) };
        let slot = slot_of(&stored)?;
        Ok(self.page_keys.is_gone(slot)?.then_some(slot))
    }

    /// The slots of all page keys that a stored page is under. Reads all pages.
    pub(crate) fn slots_in_use(&self, log: &dyn FrameLog) -> Result<BTreeSet<Slot>, StoreError> {
        let (mut slots, mut next) = (BTreeSet::new(), Some(0));
        while let Some(from) = next {
            let numbers = self.numbers(from, NUMBERS_AT_ONCE, log)?;
            next = numbers.last().and_then(|last| last.checked_add(1));
            for number in numbers {
                if let Some(stored) = self.stored(number, log)? {
                    slots.insert(slot_of(&stored)?);
                }
            }
        }
        Ok(slots)
    }

    /// The numbers of pages that there are, from one on, ascending: so many at most, and none only where there are no more.
    pub(crate) fn numbers(&self, from: u64, most: usize, log: &dyn FrameLog) -> Result<Vec<u64>, StoreError> {
        let mut numbers: BTreeSet<u64> = self.rewritten.numbers()?.range(from..).take(most).copied().collect();
        let (mut next, mut of_log) = (Some(from), 0);
        while let Some(from) = next
            && of_log < most
            && let Some(number) = log.next_key_page(from)?
        {
            numbers.insert(number);
            (next, of_log) = (number.checked_add(1), of_log + 1);
        }
        Ok(numbers.into_iter().take(most).collect())
    }

    /// Writes pages anew, each under a fresh page key and without the keys that are to be erased, and destroys their old
    /// page keys. Returns how many keys it erased that were not erased before. Only the sequencer calls this, with no page
    /// among them that it still fills.
    ///
    /// # Errors
    /// When a file cannot be written: some of the pages may then be written anew and some of the old page keys may be
    /// there still, until this is called again or the journal starts the next time. Nothing is lost.
    pub(crate) fn rewrite(&self, pages: &[Rewrite], log: &dyn FrameLog) -> Result<u64, StoreError> {
        let _alone = self.changing();
        // What an earlier call was stopped in comes first: its list is about to be replaced, and whoever asks for the same
        // again, and finds its keys erased, must not be told so before the old page keys are gone.
        self.resume()?;
        if pages.is_empty() {
            return Ok(0);
        }
        let (mut retiring, mut anew, mut erased) = (Vec::new(), Vec::new(), 0);
        for Rewrite { page: number, erased: places } in pages {
            let stored = self.stored(*number, log)?.ok_or(StoreError::Corrupt("a key page is missing"))?;
            let mut page = KeyPage::open(*number, &stored, &self.page_keys)?;
            for place in places {
                erased += u64::from(page.erase(*place)?);
            }
            // An erasure may take a page key that was on disk before: whoever copied that one has the old page key as well.
            let (slot, page_key) = self.page_keys.allocate()?;
            retiring.push(Retiring { page: *number, slot: slot_of(&stored)? });
            anew.push((*number, page.seal(*number, slot, &page_key)));
        }
        // If we stop here, nothing has happened but that some slots stay unused.
        self.retiring.write(&retiring)?;
        // If we stop here, no page has changed, and the next start takes the list away.
        self.rewritten.put(&anew)?;
        // If we stop here, the next start destroys the page keys of those pages that have changed.
        self.retire(&retiring.iter().map(|one| one.slot).collect::<Vec<_>>())?;
        Ok(erased)
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends what a list says has been begun: only pages that have changed are rid of their old page keys.
    fn resume(&self) -> Result<(), StoreError> {
        let listed = self.retiring.read()?;
        if listed.is_empty() {
            return Ok(());
        }
        let mut changed = Vec::new();
        for Retiring { page, slot } in listed {
            if let Some(anew) = self.rewritten.page(page)?
                && slot_of(&anew)? != slot
            {
                // The mirror must have it too before what it replaces goes.
                self.rewritten.put(&[(page, anew)])?;
                changed.push(slot);
            }
        }
        self.retire(&changed)
    }

    fn retire(&self, slots: &[Slot]) -> Result<(), StoreError> {
        self.page_keys.destroy(slots)?;
        // If we stop here, the next start destroys them again.
        self.retiring.remove()
    }
}
