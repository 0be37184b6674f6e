//! What the nodes of a cluster tell each other of slots: which keys there are, which were destroyed, and the keys themselves.

use std::sync::PoisonError;

use causeway_crypto::AeadKey;

use super::slot_file::{Content, SlotBytes, content, written};
use super::state::State;
use super::{NodeNumber, PageKeys, STRETCH, Slot, slot_aad};
use crate::error::StoreError;

/// What is in a slot, as far as others have to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotStanding {
    /// It was never written here, or is damaged.
    Nothing,
    /// A key.
    Key,
    /// A key was destroyed here.
    Destroyed,
}

/// Why a key of another node is not put into its slot.
#[derive(Debug)]
pub(crate) enum PutRefused {
    /// There is another key: a number is given to one key for ever.
    OtherKey(Slot),
    /// Its key was destroyed, for ever.
    Destroyed(Slot),
    /// A file cannot be read or written.
    Store(StoreError),
}

impl From<StoreError> for PutRefused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl PageKeys {
    /// Puts keys into their slots, durably, in the file and in its mirror; all of them or none. One that is there already is left.
    pub(crate) fn put(&self, keys: &[(Slot, AeadKey)]) -> Result<(), PutRefused> {
        // Nobody else changes a slot, and the root key is not rotated, between the look and the writing.
        let mut ahead = self.ahead();
        let slots: Vec<Slot> = keys.iter().map(|(slot, _)| *slot).collect();
        self.add_files(&slots)?;
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let mut lacking = Vec::new();
        for (slot, key) in keys {
            match files.state(*slot)? {
                State::Key(there) if there.expose() == key.expose() => {}
                State::Key(_) => return Err(PutRefused::OtherKey(*slot)),
                State::Destroyed => return Err(PutRefused::Destroyed(*slot)),
                State::Absent | State::Damaged(_) => {
                    lacking.push((*slot, written(&files.wrapping.seal(&slot_aad(*slot), key.expose()))));
                }
            }
        }
        files.write(&lacking)?;
        // Of this node's own, as others have kept them: none of them is given out again.
        ahead.end = ahead.end.max(files.slots(self.own)?);
        Ok(())
    }

    /// Marks slots as destroyed in which there is nothing, or a key that others have destroyed; as [`PageKeys::destroy`].
    pub(crate) fn destroy_as_others(&self, slots: &[Slot]) -> Result<(), StoreError> {
        let mut ahead = self.ahead();
        self.overwrite(slots)?;
        ahead.ready.retain(|(slot, _)| !slots.contains(slot));
        ahead.end = ahead.end.max(self.files.read().unwrap_or_else(PoisonError::into_inner).slots(self.own)?);
        Ok(())
    }

    /// The keys in those of the slots that have one.
    pub(crate) fn those_of(&self, slots: &[Slot]) -> Result<Vec<(Slot, AeadKey)>, StoreError> {
        let mut keys = Vec::new();
        for slot in slots {
            if let State::Key(key) = self.state(*slot)? {
                keys.push((*slot, key));
            }
        }
        Ok(keys)
    }

    /// Whether nothing was ever written into the slot here: no key, and no word that one was destroyed.
    pub(crate) fn is_absent(&self, slot: Slot) -> Result<bool, StoreError> {
        Ok(matches!(self.state(slot)?, State::Absent))
    }

    /// The nodes that have written page keys, as far as this one knows.
    pub(crate) fn writers(&self) -> Vec<NodeNumber> {
        self.files.read().unwrap_or_else(PoisonError::into_inner).writers().collect()
    }

    /// What is in a writer's slots from a place on: as many as are looked at together, fewer at the end. Keys are not opened.
    pub(crate) fn standings(&self, writer: NodeNumber, first: u64) -> Result<Vec<SlotStanding>, StoreError> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let left = files.slots(writer)?.saturating_sub(first);
        let copies = files.copies(writer, first)?;
        let count = usize::try_from(left).map_or(STRETCH, |left| left.min(STRETCH));
        Ok((0..count).map(|at| standing(copies.iter().map(|copy| &copy[at]))).collect())
    }
}

fn standing<'a>(copies: impl Iterator<Item = &'a SlotBytes>) -> SlotStanding {
    let mut standing = SlotStanding::Nothing;
    for copy in copies {
        match content(copy) {
            Content::Destroyed => return SlotStanding::Destroyed,
            Content::Key(_) => standing = SlotStanding::Key,
            Content::Nothing => {}
        }
    }
    standing
}

/// What [`PageKeys::standings`] looks at together.
pub(crate) const STANDINGS_AT_ONCE: usize = STRETCH;
