//! What the sequencer does to the keys between two frames: erase some, write pages anew, rotate the root key.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_crypto::RootKey;

use crate::error::StoreError;
use crate::key_pages::KeyPlace;
use crate::page_keys::NodeNumber;
use crate::room::Room;
use crate::root_rotation;
use crate::sequencer::Sequencer;
use crate::vault::Rewrite;
use crate::work::{Slice, Task};

/// Pages that are written anew at once: each takes a few syncs, and appends wait meanwhile.
const PAGES_AT_ONCE: usize = 32;

/// Page numbers that one slice of a rotation looks at.
const NUMBERS_AT_ONCE: usize = 2048;

impl Sequencer {
    /// Does a task and answers it. An error is one after which only a start can go on.
    pub(crate) fn maintain(&mut self, task: Task) -> Result<(), Arc<str>> {
        // Whoever asked may have gone; what was asked for is done all the same.
        match task {
            Task::Shred { places, answer } => {
                let _ = answer.send(self.shred(&places));
            }
            Task::Forget { frame } => {
                if let Err(error) = self.forget(&frame) {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "the keys of a frame that was passed over are not all destroyed");
                }
            }
            Task::BeginPages { answer } => {
                let _ = answer.send(self.shared.has_ample_room().and_then(|()| self.begin_afresh()));
            }
            Task::RotatePages { from, end, answer } => {
                let _ = answer.send(self.shared.has_ample_room().and_then(|()| self.rotate_pages(from, end)));
            }
            Task::RotateRoot { answer } => match self.rotate_root() {
                Ok(()) => drop(answer.send(Ok(()))),
                Err(root_rotation::Failed { error, decided }) => {
                    let stopped = if decided { Err(self.fail(Vec::new(), &error)) } else { Ok(()) };
                    drop(answer.send(Err(error)));
                    return stopped;
                }
            },
        }
        Ok(())
    }

    fn shred(&mut self, places: &[KeyPlace]) -> Result<u64, StoreError> {
        if self.shared.room().0 == Room::None {
            return Err(StoreError::DiskLow);
        }
        let mut pages: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
        places.iter().for_each(|place| pages.entry(place.page).or_default().push(place.slot));
        let (mut rewrites, mut gone) = (Vec::new(), Vec::new());
        for (page, erased) in pages {
            if let Some(slot) = self.vault.gone(page, self.shared.log.as_ref())? {
                tracing::warn!(page, "the key page of what is erased has no page key any more");
                gone.push(slot);
                continue;
            }
            let held = self.vault.page(page, self.shared.log.as_ref())?;
            let mut any = false;
            for place in &erased {
                any |= held.key(*place)?.is_some();
            }
            if any {
                rewrites.push(Rewrite { page, erased });
            }
        }
        // Also without anything to erase: an earlier call may have been stopped before the page keys were destroyed.
        let mut found = self.rewrite(&[])?;
        for slice in rewrites.chunks(PAGES_AT_ONCE) {
            found += self.rewrite(slice)?;
        }
        // An empty slot would be filled again by a mirror of earlier that is put back; a destroyed one is not.
        let mut reached = Vec::new();
        for slot in gone {
            if self.vault.page_keys().reaches(slot)? {
                reached.push(slot);
            }
        }
        if !reached.is_empty() {
            self.vault.page_keys().destroy(&reached)?;
        }
        Ok(found)
    }

    /// No page is filled any further, and none begun, under a page key that was made before.
    fn begin_afresh(&mut self) -> Result<u64, StoreError> {
        self.pages.close();
        self.vault.page_keys().begin_afresh().map(|slot| slot.0)
    }

    fn rotate_pages(&mut self, from: u64, end: u64) -> Result<Slice, StoreError> {
        let own = self.vault.page_keys().own();
        let numbers = self.vault.numbers(from, NUMBERS_AT_ONCE, self.shared.log.as_ref())?;
        let (mut rewrites, mut next) = (Vec::new(), None);
        for number in numbers {
            if rewrites.len() == PAGES_AT_ONCE {
                break;
            }
            next = number.checked_add(1);
            let log = self.shared.log.as_ref();
            // What this node has begun since is under new page keys; what others keep they write anew themselves.
            let is_new = NodeNumber::of_page(number) == own && number >= end;
            if !is_new
                && self.keeps(number)
                && self.vault.stored(number, log)?.is_some()
                && self.vault.gone(number, log)?.is_none()
            {
                rewrites.push(Rewrite { page: number, erased: Vec::new() });
            }
        }
        self.rewrite(&rewrites)?;
        let rewritten = u64::try_from(rewrites.len()).expect("a small constant at most");
        Ok(Slice { rewritten, next })
    }

    /// Whether this node is the one that writes a page anew.
    pub(crate) fn keeps(&self, page: u64) -> bool {
        self.node_keys.as_ref().is_none_or(|node| node.keeps(page))
    }

    pub(crate) fn rewrite(&mut self, pages: &[Rewrite]) -> Result<u64, StoreError> {
        if !pages.is_empty() {
            // The page that is being filled would be stored again as it was.
            self.pages.close();
        }
        let rewritten = self.vault.rewrite(pages, self.shared.log.as_ref());
        // After an error too: some may have been written anew.
        self.shared.recent.forget_pages(pages.iter().map(|rewrite| rewrite.page));
        rewritten
    }

    fn rotate_root(&mut self) -> Result<(), root_rotation::Failed> {
        self.shared.has_ample_room().map_err(|error| root_rotation::Failed { error, decided: false })?;
        if !self.keys.has_root_file() {
            let what = "the root key is not in a file here: put a new one where it comes from, name the one there is as \
                        previous_root, and start again";
            let error = StoreError::keys(self.folders.primary(), what);
            return Err(root_rotation::Failed { error, decided: false });
        }
        // Whoever knows the old root key and has a copy of the page keys could read what is still to be written into it.
        self.pages.close();
        let in_use = || self.vault.slots_in_use(self.shared.log.as_ref());
        root_rotation::rotate(&self.keys, self.vault.page_keys(), &self.folders, RootKey::generate(), true, in_use)
    }
}
