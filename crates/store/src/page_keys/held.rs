//! The page keys while they are wrapped under another root key.

use std::collections::BTreeSet;
use std::sync::{MutexGuard, PoisonError};

use causeway_crypto::RootKey;

use super::files::name;
use super::slot_file::{SLOT_BYTES, destroyed, written};
use super::state::{State, state};
use super::{Ahead, PageKeys, Slot, slot_aad};
use crate::error::StoreError;

/// The page keys while they are wrapped anew: nobody gets a slot meanwhile, and no slot changes.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    pub(super) page_keys: &'a PageKeys,
    pub(super) _alone: MutexGuard<'a, Ahead>,
}

impl Held<'_> {
    /// Every slot as it is to be under another root key: each file's name, and all of its bytes. `in_use` tells which slots a page
    /// is under; it is asked only where one opens in neither file.
    ///
    /// # Errors
    /// [`StoreError::Keys`] when that is the slot of a page: its key is in no file here, but another copy may have it,
    /// and would be of no use once the root key has gone.
    pub(crate) fn wrapped_under(
        &self,
        root: &RootKey,
        in_use: impl FnOnce() -> Result<BTreeSet<Slot>, StoreError>,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let files = self.page_keys.files.read().unwrap_or_else(PoisonError::into_inner);
        let (next, mut all, mut unopened) = (root.page_wrapping_key(), Vec::new(), Vec::new());
        for writer in files.writers() {
            let mut bytes = Vec::new();
            files.each_slot(writer, |slot, copies| {
                let moved = match state(&files.wrapping, slot, copies) {
                    State::Key(key) => written(&next.seal(&slot_aad(slot), key.expose())),
                    State::Destroyed => destroyed(),
                    State::Absent => {
                        unopened.push(slot);
                        [0; SLOT_BYTES]
                    }
                    State::Damaged(_) => {
                        unopened.push(slot);
                        destroyed()
                    }
                };
                bytes.extend_from_slice(&moved);
            })?;
            all.push((name(writer), bytes));
        }
        if !unopened.is_empty() {
            // Those of a run that was cut short were never used, and nothing is lost with them.
            let in_use = in_use()?;
            unopened.retain(|slot| in_use.contains(slot));
        }
        if let Some(Slot(first)) = unopened.first() {
            tracing::error!(slots = unopened.len(), first, "page keys that are in use do not open");
            return Err(StoreError::keys(files.primary(), DAMAGED));
        }
        Ok(all)
    }

    /// Runs `settle`, which puts the files that are wrapped under this root key in their places, and goes on with those.
    /// Nobody reads a key meanwhile: the files that go are overwritten.
    pub(crate) fn exchange(
        self,
        root: &RootKey,
        settle: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut files = self.page_keys.files.write().unwrap_or_else(PoisonError::into_inner);
        settle()?;
        let exchanged = files.exchanged(root.page_wrapping_key())?;
        *files = exchanged;
        Ok(())
    }
}

const DAMAGED: &str = "a slot that is in use is damaged, here and in the mirror: nothing is rotated, because its key would be \
                       lost for good (docs/keys.md, \"A page key is damaged\")";
