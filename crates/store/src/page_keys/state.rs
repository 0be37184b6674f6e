//! What becomes of a slot when the file and its mirror are read together.

use causeway_crypto::AeadKey;

use super::slot_file::{Content, SLOT_BYTES, SlotBytes, content};
use super::{Slot, unwrap};
use crate::error::StoreError;

/// What the copies of a slot say between them.
#[derive(Debug)]
pub(super) enum State {
    /// One of them opens.
    Key(AeadKey),
    /// One of them says that the key was destroyed, which counts more than a copy that opens.
    Destroyed,
    /// It was written in none of them.
    Absent,
    /// There are bytes, and they are no key of this root key: why not.
    Damaged(StoreError),
}

/// The state of a slot of which these are the copies, in the order in which they count.
pub(super) fn state<'a>(wrapping: &AeadKey, slot: Slot, copies: impl IntoIterator<Item = &'a SlotBytes>) -> State {
    let (mut key, mut damage) = (None, None);
    for copy in copies {
        match content(copy) {
            Content::Destroyed => return State::Destroyed,
            Content::Key(wrapped) if key.is_none() => match unwrap(wrapping, slot, wrapped) {
                Ok(opened) => key = Some(opened),
                Err(error) => damage = Some(error),
            },
            Content::Nothing if *copy != [0; SLOT_BYTES] => {
                damage = Some(StoreError::Corrupt("a page-key slot is damaged"));
            }
            Content::Key(_) | Content::Nothing => {}
        }
    }
    match (key, damage) {
        (Some(key), _) => State::Key(key),
        (None, Some(error)) => State::Damaged(error),
        (None, None) => State::Absent,
    }
}
