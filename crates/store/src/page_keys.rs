//! The page-key file and its mirror: fixed slots outside sled, each holding one page key wrapped under the root key.
//!
//! sled never overwrites in place, so a key that must be destroyed cannot live there. A slot can be overwritten and synced:
//! that destroys the page key, and with it every copy of the page that was written under it, in backups too.

mod mirror;
mod slot_file;
mod state;

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use causeway_crypto::{AeadKey, RootKey};

use crate::error::StoreError;
use crate::key_folders::KeyFolders;
use slot_file::{SLOT_BYTES, SlotBytes, SlotFile, destroyed, written};
use state::{State, state};

/// The file's name, in the keys folder and in its mirror.
pub(crate) const NAME: &str = "page-keys";

/// Slots that are written and synced at once, ahead of their use: one sync for 64 pages, which is 8,192 keys.
const RUN: usize = 64;

/// Slots that are read at once where all are.
const STRETCH: usize = 1024;

/// What a slot's wrapping is bound to, with its number.
const SLOT_DOMAIN: &[u8] = b"causeway/v1/page-key-slot\0";

/// A slot's number in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot(pub(crate) u64);

/// The open page-key file, with its mirror where there is one. A write is durable in both before it is told of.
#[derive(Debug)]
pub(crate) struct PageKeys {
    paths: Vec<PathBuf>,
    files: RwLock<Files>,
    ahead: Mutex<Ahead>,
}

/// The files as they are under one root key.
#[derive(Debug)]
struct Files {
    /// In the keys folder, then in the mirror.
    all: Vec<SlotFile>,
    wrapping: AeadKey,
}

/// Slots that are durable and not yet used, and the number of the first slot that is not written.
#[derive(Debug)]
struct Ahead {
    ready: VecDeque<(Slot, AeadKey)>,
    end: u64,
}

impl PageKeys {
    /// Opens, or creates, the file and its mirror, and brings each up to date by the other. Slots of earlier runs that
    /// were never used stay unused.
    ///
    /// # Errors
    /// [`StoreError::Keys`] when the file is missing and its mirror is not, or the mirror belongs to other keys.
    pub(crate) fn open(folders: &KeyFolders, root: &RootKey) -> Result<Self, StoreError> {
        let paths = folders.paths(NAME);
        let wrapping = root.page_wrapping_key();
        let all = mirror::open(&paths, &wrapping)?;
        // A run that was cut short was never used: the next one begins at the slot after the cut.
        let mut end = 0;
        for file in &all {
            end = end.max(file.slots()?);
        }
        let ahead = Ahead { ready: VecDeque::new(), end };
        Ok(Self { paths, files: RwLock::new(Files { all, wrapping }), ahead: Mutex::new(ahead) })
    }

    /// Opens the file and its mirror for reading only: nothing is made or brought up to date, and a journal may run over them.
    pub(crate) fn as_they_are(folders: &KeyFolders, root: &RootKey) -> Result<Self, StoreError> {
        let mut paths = folders.paths(NAME);
        paths.retain(|path| path.exists());
        let all = paths.iter().map(|path| SlotFile::open_to_read(path)).collect::<Result<Vec<_>, _>>()?;
        if all.is_empty() {
            return Err(StoreError::keys(&folders.primary().join(NAME), "missing: restore it from the mirror"));
        }
        let files = RwLock::new(Files { all, wrapping: root.page_wrapping_key() });
        Ok(Self { paths, files, ahead: Mutex::new(Ahead { ready: VecDeque::new(), end: 0 }) })
    }

    /// The number of the first slot that has never been written: above every slot and every page in use.
    pub(crate) fn end(&self) -> u64 {
        self.ahead().end
    }

    /// A fresh page key in a slot of its own, durable before this returns.
    pub(crate) fn allocate(&self) -> Result<(Slot, AeadKey), StoreError> {
        let mut ahead = self.ahead();
        if ahead.ready.is_empty() {
            self.write_run(&mut ahead)?;
        }
        Ok(ahead.ready.pop_front().expect("a run has just been written"))
    }

    /// The page key in a slot: the file's, else its mirror's.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it has been destroyed or there is none, [`StoreError::Unopened`] when it is not one
    /// of this root key.
    pub(crate) fn key(&self, slot: Slot) -> Result<AeadKey, StoreError> {
        match self.state(slot)? {
            State::Key(key) => Ok(key),
            State::Destroyed => Err(StoreError::Corrupt("a page key has been destroyed, but not its page replaced")),
            State::Absent => Err(StoreError::Corrupt("a page-key slot is empty")),
            State::Damaged(error) => Err(error),
        }
    }

    /// Whether neither file has a key in the slot, because it was destroyed or never written. A damaged slot is not gone:
    /// another copy of the file may have it whole.
    pub(crate) fn is_gone(&self, slot: Slot) -> Result<bool, StoreError> {
        Ok(matches!(self.state(slot)?, State::Destroyed | State::Absent))
    }

    /// Whether there is a page key of this root key in the slot.
    pub(crate) fn has(&self, slot: Slot) -> bool {
        self.key(slot).is_ok()
    }

    /// Destroys the page keys in these slots: overwritten, in the file and in its mirror, and synced. Slots that hold none
    /// any more are overwritten again.
    pub(crate) fn destroy(&self, slots: &[Slot]) -> Result<(), StoreError> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        // Both before either is told to be durable, so that a mirror that fails leaves as little as can be.
        for file in &files.all {
            slots.iter().try_for_each(|slot| file.write(*slot, &[destroyed()]))?;
        }
        files.all.iter().try_for_each(SlotFile::sync)
    }

    /// Gives no page key out any more that is on disk by now: whoever copied the file and knows the root key has those to
    /// come as well as those in use. They are destroyed. Every slot that is given out from now on has at least the number
    /// that is returned; every slot and every page so far has a smaller one.
    pub(crate) fn begin_afresh(&self) -> Result<u64, StoreError> {
        let mut ahead = self.ahead();
        self.destroy_unused(&mut ahead)?;
        Ok(ahead.end)
    }

    /// Lets nobody get a slot until what is returned is dropped, and then none that was written before.
    pub(crate) fn hold(&self) -> Result<Held<'_>, StoreError> {
        let mut ahead = self.ahead();
        self.destroy_unused(&mut ahead)?;
        Ok(Held { page_keys: self, _alone: ahead })
    }

    fn destroy_unused(&self, ahead: &mut Ahead) -> Result<(), StoreError> {
        let unused: Vec<Slot> = ahead.ready.drain(..).map(|(slot, _)| slot).collect();
        // If we stop or fail here, they are never given out all the same.
        if unused.is_empty() { Ok(()) } else { self.destroy(&unused) }
    }

    /// The mirror is read only where the file does not answer.
    fn state(&self, slot: Slot) -> Result<State, StoreError> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let mut copies = Vec::new();
        for file in &files.all {
            copies.extend(file.read(slot.0, 1)?);
            let state = state(&files.wrapping, slot, &copies);
            if matches!(state, State::Key(_) | State::Destroyed) {
                return Ok(state);
            }
        }
        Ok(state(&files.wrapping, slot, &copies))
    }

    fn write_run(&self, ahead: &mut Ahead) -> Result<(), StoreError> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let (mut slots, mut ready) = (Vec::with_capacity(RUN), VecDeque::with_capacity(RUN));
        for number in (ahead.end..).take(RUN) {
            let (slot, key) = (Slot(number), AeadKey::generate());
            slots.push(written(&files.wrapping.seal(&slot_aad(slot), key.expose())));
            ready.push_back((slot, key));
        }
        // If we stop or fail here, the slots were never given out, and the next run is written over them or after them.
        for file in &files.all {
            file.write(Slot(ahead.end), &slots)?;
            file.sync()?;
        }
        ahead.end += u64::try_from(RUN).expect("a small constant");
        ahead.ready = ready;
        Ok(())
    }

    fn ahead(&self) -> MutexGuard<'_, Ahead> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The page keys while they are wrapped anew: nobody gets a slot meanwhile.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    page_keys: &'a PageKeys,
    _alone: MutexGuard<'a, Ahead>,
}

impl Held<'_> {
    /// Every slot as it is to be under another root key: the whole file's bytes. `in_use` tells which slots a page is
    /// under; it is asked only where one opens in neither file.
    ///
    /// # Errors
    /// [`StoreError::Keys`] when that is the slot of a page: its key is in no file here, but another copy may have it,
    /// and would be of no use once the root key has gone.
    pub(crate) fn wrapped_under(
        &self,
        root: &RootKey,
        in_use: impl FnOnce() -> Result<BTreeSet<Slot>, StoreError>,
    ) -> Result<Vec<u8>, StoreError> {
        let files = self.page_keys.files.read().unwrap_or_else(PoisonError::into_inner);
        let (next, mut bytes, mut unopened) = (root.page_wrapping_key(), Vec::new(), Vec::new());
        files.each_slot(|slot, copies| {
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
        if !unopened.is_empty() {
            // Those of a run that was cut short were never used, and nothing is lost with them.
            let in_use = in_use()?;
            unopened.retain(|slot| in_use.contains(slot));
        }
        if let Some(Slot(first)) = unopened.first() {
            tracing::error!(slots = unopened.len(), first, "page keys that are in use do not open");
            return Err(StoreError::keys(files.primary().path(), DAMAGED));
        }
        Ok(bytes)
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
        let all = self.page_keys.paths.iter().map(|path| SlotFile::open(path)).collect::<Result<_, _>>()?;
        *files = Files { all, wrapping: root.page_wrapping_key() };
        Ok(())
    }
}

const DAMAGED: &str = "a slot that is in use is damaged, here and in the mirror: nothing is rotated, because its key would be \
                       lost for good (docs/keys.md, \"A page key is damaged\")";

impl Files {
    /// Shows every slot, in order, with its copies.
    fn each_slot(&self, mut look: impl FnMut(Slot, &[SlotBytes])) -> Result<(), StoreError> {
        let mut slots = 0;
        for file in &self.all {
            slots = slots.max(file.slots()?);
        }
        for first in (0..slots).step_by(STRETCH) {
            let copies = self.all.iter().map(|file| file.read(first, STRETCH)).collect::<Result<Vec<_>, _>>()?;
            for (number, at) in (first..slots).zip(0..STRETCH) {
                look(Slot(number), &copies.iter().map(|copy| copy[at]).collect::<Vec<_>>());
            }
        }
        Ok(())
    }

    fn primary(&self) -> &SlotFile {
        self.all.first().expect("the keys folder's own file is always open")
    }
}

fn unwrap(wrapping: &AeadKey, slot: Slot, wrapped: &[u8]) -> Result<AeadKey, StoreError> {
    let key = wrapping.open(&slot_aad(slot), wrapped).map_err(StoreError::Unopened)?;
    let key: &[u8; 32] = key.as_slice().try_into().map_err(|_| StoreError::Corrupt("a page key is not 32 bytes"))?;
    Ok(AeadKey::new(*key))
}

fn slot_aad(slot: Slot) -> Vec<u8> {
    [SLOT_DOMAIN, &slot.0.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests;
