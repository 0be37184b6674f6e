//! What other nodes are answered.

use std::error::Error;
use std::fmt;

use super::{NodeKeys, PageKey};
use crate::error::StoreError;
use crate::page_keys::{NodeNumber, PutRefused, STANDINGS_AT_ONCE, Slot, SlotStanding};

/// How far beyond the last slot of a node that is here one may lie that it puts: those of 8 million bodies. Beyond that this node has been
/// away, and catches up first.
const MOST_BEYOND: u64 = 1 << 16;

/// What is in a writer's slots, from the place that was asked for on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotStandings {
    /// What tells the key ring of whoever answers from any other.
    pub ring_check: [u8; 32],
    /// Every node whose page keys are known here.
    pub writers: Vec<NodeNumber>,
    /// The slots, in order: 1,024, or fewer where there are no more.
    pub slots: Vec<SlotStanding>,
}

impl SlotStandings {
    /// Whether there may be more slots after these.
    pub fn goes_on(&self) -> bool {
        self.slots.len() >= STANDINGS_AT_ONCE
    }
}

/// Why keys of another node are not taken. None of them is.
#[derive(Debug)]
pub enum PageKeyRefused {
    /// Some are of slots that another node numbers.
    OtherWriter,
    /// A slot lies far beyond those that are known here.
    TooFar(u64),
    /// A slot has another key: a number is given to one key for ever.
    OtherKey(u64),
    /// The key of a slot was destroyed, for ever.
    Destroyed(u64),
    /// A file could not be read or written.
    Store(StoreError),
}

impl fmt::Display for PageKeyRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherWriter => f.write_str("a node may put page keys of its own number only"),
            Self::TooFar(slot) => write!(f, "slot {slot} is far beyond those that are known here"),
            Self::OtherKey(slot) => write!(f, "slot {slot} has another page key"),
            Self::Destroyed(slot) => write!(f, "the page key of slot {slot} has been destroyed"),
            Self::Store(_) => f.write_str("the page keys could not be kept"),
        }
    }
}

impl Error for PageKeyRefused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Store(source) => Some(source),
            _ => None,
        }
    }
}

impl NodeKeys {
    /// Takes page keys that another node has made: durable, in file and mirror, when it returns. The same key again is taken.
    ///
    /// # Errors
    /// See [`PageKeyRefused`].
    pub fn take_keys(&self, from: NodeNumber, keys: &[PageKey]) -> Result<(), PageKeyRefused> {
        if from == self.inner.own || keys.iter().any(|key| key.slot.writer() != from) {
            return Err(PageKeyRefused::OtherWriter);
        }
        let known = self.inner.vault.page_keys().slots_of(from).map_err(PageKeyRefused::Store)?;
        if let Some(far) = keys.iter().find(|key| key.slot.index() >= known + MOST_BEYOND) {
            return Err(PageKeyRefused::TooFar(far.slot.0));
        }
        self.put(keys).map_err(|refused| match refused {
            PutRefused::OtherKey(slot) => PageKeyRefused::OtherKey(slot.0),
            PutRefused::Destroyed(slot) => PageKeyRefused::Destroyed(slot.0),
            PutRefused::Store(error) => PageKeyRefused::Store(error),
        })
    }

    /// What is in a writer's slots from a place on. No key is in it.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn standings(&self, writer: NodeNumber, first: u64) -> Result<SlotStandings, StoreError> {
        let page_keys = self.inner.vault.page_keys();
        let (writers, slots) = (page_keys.writers(), page_keys.standings(writer, first)?);
        Ok(SlotStandings { ring_check: self.inner.ring_check, writers, slots })
    }

    /// The page keys in those of the slots that have one.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn keys_of(&self, slots: &[u64]) -> Result<Vec<PageKey>, StoreError> {
        let slots: Vec<Slot> = slots.iter().copied().map(Slot).collect();
        let keys = self.inner.vault.page_keys().those_of(&slots)?;
        Ok(keys.into_iter().map(|(slot, key)| PageKey { slot, key }).collect())
    }

    /// Those of the pages that were written anew: numbers and stored forms, encrypted under their page keys.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn pages_written_anew(&self, numbers: &[u64]) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let mut pages = Vec::new();
        for number in numbers {
            pages.extend(self.inner.vault.written_anew(*number)?.map(|page| (*number, page)));
        }
        Ok(pages)
    }

    pub(super) fn put(&self, keys: &[PageKey]) -> Result<(), PutRefused> {
        let keys: Vec<_> = keys.iter().map(|key| (key.slot, key.key.clone())).collect();
        self.inner.vault.page_keys().put(&keys)
    }
}
