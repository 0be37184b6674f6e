//! Who signs checkpoints: the key that the log names and, for a while after a planned rotation, the one of before beside it.

use std::time::Duration;

use causeway_crypto::{PublicKey, SigningKey};
use causeway_journal::{Checkpoint, KEY_CHECKPOINT_SIGNING, KeyState, State, decode_entry, decode_frame};
use causeway_model::Timestamp;

use crate::error::StoreError;
use crate::keys::Keys;
use crate::log::FrameLog;

/// The keys that sign, and for how long both of them do.
#[derive(Debug)]
pub(crate) struct Signers {
    current: SigningKey,
    earlier: Option<Earlier>,
    /// How long the key of before a planned rotation signs on.
    overlap: Duration,
}

/// The signing key of before a planned rotation.
#[derive(Debug)]
struct Earlier {
    key: SigningKey,
    /// The first of the log's times at which it signs no more.
    until: Timestamp,
}

impl Signers {
    /// Those of a log in this state, from the ring: the key that the log names, else the ring's first.
    ///
    /// # Errors
    /// [`StoreError::Keys`] where the ring lacks the key that the log names; a log that cannot be read.
    pub(crate) fn of(state: &State, log: &dyn FrameLog, keys: &Keys, overlap: Duration) -> Result<Self, StoreError> {
        let named = state.key(KEY_CHECKPOINT_SIGNING);
        let mut held = keys.ring().checkpoint_keys();
        let at = match named.and_then(|named| named.public_key) {
            None => Some(0),
            Some(named) => held.iter().position(|key| key.public_key() == named),
        };
        let what = "does not hold the signing key that the log names: restore the newest bundle of the keys, or a newer copy \
                    of the journal";
        let at = at.ok_or_else(|| StoreError::keys(keys.ring_path(), what))?;
        let current = held.remove(at);
        // The ring's first key is the current one, and behind it the one of before; where a stop kept a rotation from coming so
        // far, its first is the one of before.
        let before = held.into_iter().next();
        let earlier = match (named.filter(|named| !named.after_compromise), before) {
            (Some(named), Some(key)) => {
                let until = end_of(time_of(named, state, log)?, overlap);
                (state.last_time() < until).then_some(Earlier { key, until })
            }
            _ => None,
        };
        Ok(Self { current, earlier, overlap })
    }

    /// Signs by the key that the log names from now on, where the ring holds it, and beside it by the one of before as long as that
    /// is to be; says whether anything of that has changed. One that the ring lacks changes nothing here; the next start refuses
    /// it in words.
    pub(crate) fn follow(&mut self, state: &State, time: Timestamp, keys: &Keys) -> bool {
        let ended = self.earlier.take_if(|earlier| earlier.until <= time).is_some();
        let named = state.key(KEY_CHECKPOINT_SIGNING);
        let Some((named, public)) = named.and_then(|named| Some((named, named.public_key?))) else { return ended };
        if public == self.current.public_key() {
            return ended;
        }
        let found = keys.ring().checkpoint_keys().into_iter().find(|key| key.public_key() == public);
        let Some(key) = found else { return ended };
        let before = std::mem::replace(&mut self.current, key);
        let until = end_of(time, self.overlap);
        // What somebody else may sign with proves nothing beside the new one. A second rotation ends the overlap of the first.
        self.earlier = (!named.after_compromise && until > time).then_some(Earlier { key: before, until });
        true
    }

    /// Takes every key that does not sign out of the ring.
    pub(crate) fn keep_alone(&self, keys: &Keys) -> Result<(), StoreError> {
        let earlier = self.earlier.as_ref().map(|earlier| earlier.key.public_key());
        keys.keep_signing_keys(&self.current.public_key(), earlier.as_ref())
    }

    /// The public keys, the current one first.
    pub(crate) fn publics(&self) -> impl Iterator<Item = PublicKey> {
        let earlier = self.earlier.as_ref().map(|earlier| earlier.key.public_key());
        std::iter::once(self.current.public_key()).chain(earlier)
    }

    /// The checkpoint as a note with the signatures of all of them, the current one's first.
    pub(crate) fn sign(&self, checkpoint: &Checkpoint) -> String {
        let mut note = checkpoint.sign(&self.current);
        if let Some(earlier) = &self.earlier {
            // A signature is over the text alone, so the lines of two notes with one text make one note.
            let by_earlier = checkpoint.sign(&earlier.key);
            note.push_str(&by_earlier[checkpoint.to_string().len() + 1..]);
        }
        note
    }
}

/// The time of the entry that began a key's epoch.
fn time_of(key: &KeyState, state: &State, log: &dyn FrameLog) -> Result<Timestamp, StoreError> {
    const GONE: StoreError = StoreError::Corrupt("the entry of a rotation is not where it was applied");
    let place = state.place(key.leaf).ok_or(GONE)?;
    let (_, bytes) = log.read(place.seq, 1)?.pop().ok_or(GONE)?;
    let refused = |source| StoreError::Replay { at: place.seq, source };
    let frame = decode_frame(&bytes).map_err(refused)?;
    let item = usize::try_from(place.item).ok().and_then(|item| frame.items.get(item)).ok_or(GONE)?;
    Ok(Timestamp(decode_entry(&item.entry).map_err(refused)?.time_micros))
}

fn end_of(begun: Timestamp, overlap: Duration) -> Timestamp {
    begun.plus_seconds(overlap.as_secs())
}
