//! Key pages that another node has written anew: taken in the place of those that are here, whose page keys are destroyed.

use std::collections::BTreeSet;

use super::Vault;
use super::retiring::Retiring;
use crate::error::StoreError;
use crate::key_pages::{KeyPage, slot_of};
use crate::log::FrameLog;
use crate::page_keys::Slot;

impl Vault {
    /// The stored form of a page that has been written anew; none where it has not.
    pub(crate) fn written_anew(&self, number: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.rewritten.page(number)
    }

    /// All pages that were written anew: each one's number, and the slot that it is under.
    pub(crate) fn all_written_anew(&self) -> Result<Vec<(u64, Slot)>, StoreError> {
        let mut pages = Vec::new();
        for number in self.rewritten.numbers()? {
            if let Some(stored) = self.rewritten.page(number)? {
                pages.push((number, slot_of(&stored)?));
            }
        }
        Ok(pages)
    }

    /// Takes pages that another node has written anew in the place of those that are here, and destroys the page keys of what they
    /// replace; their own page keys are here already. Whether any was another than the one here. `log` is none before the journal is open.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a page that does not open, that has another key where one is here, or a key where one was erased:
    /// nothing is taken then. Otherwise as [`Vault::rewrite`]: what is interrupted is ended by the next call or start.
    pub(crate) fn replace(&self, pages: Vec<(u64, Vec<u8>)>, log: Option<&dyn FrameLog>) -> Result<bool, StoreError> {
        let _alone = self.changing();
        self.resume()?;
        let (mut retiring, mut anew) = (Vec::new(), Vec::new());
        for (number, stored) in pages {
            let slot = slot_of(&stored)?;
            let here = self.here(number, log)?;
            if here.as_ref() == Some(&stored) {
                continue;
            }
            let page = KeyPage::open(number, &stored, &self.page_keys)?;
            let mut replaced = BTreeSet::from([Slot(number)]);
            if let Some(here) = here {
                // What is here may be under a page key that is gone already: then there is nothing to compare.
                if let Ok(here) = KeyPage::open(number, &here, &self.page_keys)
                    && !page.follows(&here)
                {
                    return Err(StoreError::Corrupt(
                        "a key page of another node has keys that the one here does not have",
                    ));
                }
                replaced.insert(slot_of(&here)?);
            }
            replaced.remove(&slot);
            retiring.extend(replaced.into_iter().map(|slot| Retiring { page: number, slot }));
            anew.push((number, stored));
        }
        if anew.is_empty() {
            return Ok(false);
        }
        self.retiring.write(&retiring)?;
        // If we stop here, no page has changed, and the next start takes the list away.
        self.rewritten.put(&anew)?;
        // If we stop here, the next start destroys the page keys of those pages that have changed.
        self.retire(&retiring.iter().map(|one| one.slot).collect::<Vec<_>>())?;
        Ok(true)
    }

    fn here(&self, number: u64, log: Option<&dyn FrameLog>) -> Result<Option<Vec<u8>>, StoreError> {
        match log {
            Some(log) => self.stored(number, log),
            None => self.rewritten.page(number),
        }
    }
}
