//! The gateway's keys, as far as the log speaks of them: which epoch, since when, and the public half where there is one.

use std::collections::BTreeMap;

use causeway_crypto::PublicKey;
use causeway_model::LeafIndex;

/// What the newest key entry says of a key. A key without one is in its first epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyState {
    /// Its epoch; the first is 1.
    pub epoch: u32,
    /// Its public half, where it has one.
    pub public_key: Option<PublicKey>,
    /// Whether the key before may be known to others.
    pub after_compromise: bool,
    /// The entry that began the epoch.
    pub leaf: LeafIndex,
}

/// By name.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyStates(BTreeMap<Box<str>, KeyState>);

impl KeyStates {
    pub(crate) fn get(&self, name: &str) -> Option<&KeyState> {
        self.0.get(name)
    }

    pub(crate) fn epoch(&self, name: &str) -> u32 {
        self.get(name).map_or(1, |key| key.epoch)
    }

    pub(crate) fn begin(&mut self, name: &str, key: KeyState) {
        self.0.insert(name.into(), key);
    }
}
