//! The gateway's keys, as far as the log speaks of them: which epoch, since when, and the public half where there is one.

use std::collections::BTreeMap;

use causeway_crypto::PublicKey;
use causeway_model::LeafIndex;

use crate::KEY_CHECKPOINT_SIGNING;
use crate::saved::saved_fields;

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

saved_fields!(KeyState { epoch, public_key, after_compromise, leaf });

/// By name.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyStates {
    by_name: BTreeMap<Box<str>, KeyState>,
    /// See [`crate::State::sound_signing_keys`].
    sound_signing: Vec<PublicKey>,
}

saved_fields!(KeyStates { by_name, sound_signing });

impl KeyStates {
    pub(crate) fn get(&self, name: &str) -> Option<&KeyState> {
        self.by_name.get(name)
    }

    pub(crate) fn epoch(&self, name: &str) -> u32 {
        self.get(name).map_or(1, |key| key.epoch)
    }

    pub(crate) fn begin(&mut self, name: &str, key: KeyState) {
        if name == KEY_CHECKPOINT_SIGNING && key.after_compromise {
            self.sound_signing = key.public_key.into_iter().collect();
        } else if name == KEY_CHECKPOINT_SIGNING && !self.sound_signing.is_empty() {
            self.sound_signing.extend(key.public_key);
        }
        self.by_name.insert(name.into(), key);
    }

    pub(crate) fn sound_signing(&self) -> &[PublicKey] {
        &self.sound_signing
    }
}
