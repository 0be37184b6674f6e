//! The page-key files and their mirrors: fixed slots outside sled, each holding one page key wrapped under the root key. One file for
//! each node that writes; of a gateway that is alone there is one.
//!
//! sled never overwrites in place, so a key that must be destroyed cannot live there. A slot can be overwritten and synced:
//! that destroys the page key, and with it every copy of the page that was written under it, in backups too.

mod files;
mod from_nodes;
mod held;
mod mirror;
mod slot;
mod slot_file;
mod state;

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use causeway_crypto::{AeadKey, RootKey};

use crate::error::StoreError;
use crate::key_folders::KeyFolders;
use files::Files;
use held::Held;
use slot_file::{destroyed, written};
use state::State;

pub(crate) use files::names;
pub use from_nodes::SlotStanding;
pub(crate) use from_nodes::{PutRefused, STANDINGS_AT_ONCE};
pub use slot::NodeNumber;
pub(crate) use slot::Slot;

/// The file's name, in the keys folder and in its mirror.
pub(crate) const NAME: &str = "page-keys";

/// Slots that are written and synced at once, ahead of their use: one sync for 64 pages, which is 8,192 keys.
const RUN: usize = 64;

/// Slots that are read at once where all are.
const STRETCH: usize = 1024;

/// What a slot's wrapping is bound to, with its number.
const SLOT_DOMAIN: &[u8] = b"causeway/v1/page-key-slot\0";

/// The open page-key files, with their mirrors where there is one. A write is durable in both before it is told of.
#[derive(Debug)]
pub(crate) struct PageKeys {
    /// The node that gives out slots here.
    own: NodeNumber,
    files: RwLock<Files>,
    ahead: Mutex<Ahead>,
}

/// Slots that are durable and not yet used, and the place of the first slot that nobody has tried to write.
#[derive(Debug)]
struct Ahead {
    ready: VecDeque<(Slot, AeadKey)>,
    end: u64,
}

impl PageKeys {
    /// Opens, or creates, the files and their mirrors, and brings each up to date by the other. Slots of earlier runs that
    /// were never used stay unused. `own` is the node that slots are given out for.
    ///
    /// # Errors
    /// [`StoreError::Keys`] when a file is missing and its mirror is not, or the mirror belongs to other keys.
    pub(crate) fn open_as(own: NodeNumber, folders: &KeyFolders, root: &RootKey) -> Result<Self, StoreError> {
        let files = Files::open(folders, own, root.page_wrapping_key())?;
        let ahead = Ahead { ready: VecDeque::new(), end: files.slots(own)? };
        Ok(Self { own, files: RwLock::new(files), ahead: Mutex::new(ahead) })
    }

    /// The same for a gateway that is alone.
    #[cfg(test)]
    pub(crate) fn open(folders: &KeyFolders, root: &RootKey) -> Result<Self, StoreError> {
        Self::open_as(NodeNumber::ALONE, folders, root)
    }

    /// Opens the files and their mirrors for reading only: nothing is made or brought up to date, and a journal may run over them.
    pub(crate) fn as_they_are(folders: &KeyFolders, root: &RootKey) -> Result<Self, StoreError> {
        let files = RwLock::new(Files::as_they_are(folders, root.page_wrapping_key())?);
        let ahead = Mutex::new(Ahead { ready: VecDeque::new(), end: 0 });
        Ok(Self { own: NodeNumber::ALONE, files, ahead })
    }

    /// The node that slots are given out for.
    pub(crate) fn own(&self) -> NodeNumber {
        self.own
    }

    /// The first of this node's slots that has never been written: above every slot and every page that it has given out.
    pub(crate) fn end(&self) -> Slot {
        Slot::of(self.own, self.ahead().end)
    }

    /// The first of this node's slots that has not been given out, and that may be.
    pub(crate) fn next(&self) -> Slot {
        let ahead = self.ahead();
        ahead.ready.front().map_or_else(|| Slot::of(self.own, ahead.end), |(slot, _)| *slot)
    }

    /// Writes a run where there is none yet, no nearer to the beginning than the place `index`: whoever reads the file from here on sees that
    /// this node has given out numbers, and none before that place is given out any more.
    pub(crate) fn begin_at(&self, index: u64) -> Result<(), StoreError> {
        let mut ahead = self.ahead();
        ahead.end = ahead.end.max(index);
        if ahead.ready.is_empty() { self.write_run(&mut ahead) } else { Ok(()) }
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
        let _no_rotation = self.ahead();
        self.overwrite(slots)
    }

    fn overwrite(&self, slots: &[Slot]) -> Result<(), StoreError> {
        self.add_files(slots)?;
        let slots: Vec<_> = slots.iter().map(|slot| (*slot, destroyed())).collect();
        self.files.read().unwrap_or_else(PoisonError::into_inner).write(&slots)
    }

    /// Makes the files that these slots are in, where there are none.
    fn add_files(&self, slots: &[Slot]) -> Result<(), StoreError> {
        let missing: BTreeSet<NodeNumber> = {
            let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
            slots.iter().map(|slot| slot.writer()).filter(|writer| files.of(*writer).is_empty()).collect()
        };
        if missing.is_empty() {
            return Ok(());
        }
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        missing.into_iter().try_for_each(|writer| files.add(writer))
    }

    /// Whether a slot lies within what has been written of its writer's file.
    pub(crate) fn reaches(&self, slot: Slot) -> Result<bool, StoreError> {
        Ok(slot.index() < self.slots_of(slot.writer())?)
    }

    /// How many slots a writer's files reach over here.
    pub(crate) fn slots_of(&self, writer: NodeNumber) -> Result<u64, StoreError> {
        self.files.read().unwrap_or_else(PoisonError::into_inner).slots(writer)
    }

    /// Gives no page key out any more that is on disk by now: whoever copied the file and knows the root key has those to
    /// come as well as those in use. They are destroyed. Every slot that this node gives out from now on has at least the number
    /// that is returned; every slot and every page of its own so far has a smaller one.
    pub(crate) fn begin_afresh(&self) -> Result<Slot, StoreError> {
        let mut ahead = self.ahead();
        self.destroy_unused(&mut ahead)?;
        Ok(Slot::of(self.own, ahead.end))
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
        if unused.is_empty() { Ok(()) } else { self.overwrite(&unused) }
    }

    fn state(&self, slot: Slot) -> Result<State, StoreError> {
        self.files.read().unwrap_or_else(PoisonError::into_inner).state(slot)
    }

    fn write_run(&self, ahead: &mut Ahead) -> Result<(), StoreError> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let (mut slots, mut ready) = (Vec::with_capacity(RUN), VecDeque::with_capacity(RUN));
        let first = ahead.end;
        // If we fail below, one of the files may have these keys, and other nodes may have asked for them: their numbers are not given again.
        ahead.end += u64::try_from(RUN).expect("a small constant");
        for index in (first..).take(RUN) {
            let (slot, key) = (Slot::of(self.own, index), AeadKey::generate());
            slots.push(written(&files.wrapping.seal(&slot_aad(slot), key.expose())));
            ready.push_back((slot, key));
        }
        // If we stop here, the slots were never given out, and the next start goes on after all that is in either file.
        for file in files.of(self.own) {
            file.write(Slot::of(self.own, first), &slots)?;
            file.sync()?;
        }
        ahead.ready = ready;
        Ok(())
    }

    fn ahead(&self) -> MutexGuard<'_, Ahead> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
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
