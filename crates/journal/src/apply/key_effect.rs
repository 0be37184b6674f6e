//! What an entry says of the gateway's own keys: an epoch begins.

use causeway_crypto::PublicKey;
use causeway_model::{AgreementId, LeafIndex};

use super::RULES_PROTECTION;
use crate::reason::{
    ACTION_COMPROMISED, ACTION_ROTATED, KEY_CHECKPOINT_SIGNING, KEY_FEED_PREFIX, KEY_PAGES, KEY_ROOT,
    REASON_KEY_ROTATED,
};
use crate::state::KeyState;
use crate::{Outcome, State, v1};

/// An entry of operation key. The epoch must be the next one, so that of two rotations at once one is void.
pub(super) fn settle(state: &mut State, leaf: LeafIndex, entry: &v1::Entry) -> Outcome {
    let Some(change) = &entry.key_change else { return Outcome::Effective };
    if state.rules < RULES_PROTECTION || entry.reason != REASON_KEY_ROTATED {
        return Outcome::Effective;
    }
    let by_operator = entry.actor.as_ref().map(|actor| actor.agency.as_str()) == state.operator().map(|id| id.as_str());
    let after_compromise = match change.action.as_str() {
        ACTION_ROTATED => false,
        ACTION_COMPROMISED => true,
        _ => return Outcome::Void,
    };
    if !by_operator || Some(change.epoch) != state.keys.epoch(&change.key).checked_add(1) {
        return Outcome::Void;
    }
    let public_key = <[u8; 32]>::try_from(change.public_key.as_slice()).ok().map(PublicKey);
    let is_known = match change.key.as_str() {
        KEY_CHECKPOINT_SIGNING => public_key.is_some(),
        KEY_PAGES | KEY_ROOT => true,
        key => begin_feed_epoch(state, key, after_compromise),
    };
    if !is_known {
        return Outcome::Void;
    }
    state.keys.begin(&change.key, KeyState { epoch: change.epoch, public_key, after_compromise, leaf });
    Outcome::Effective
}

fn begin_feed_epoch(state: &mut State, key: &str, after_compromise: bool) -> bool {
    let feed: Option<AgreementId> = key.strip_prefix(KEY_FEED_PREFIX).and_then(|id| id.parse().ok());
    let list = feed.and_then(|feed| state.feeds.get_mut(&feed));
    list.map(|list| list.begin_epoch(after_compromise)).is_some()
}
