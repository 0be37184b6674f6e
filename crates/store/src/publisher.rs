//! Applying what is in the log, and signing what it comes to: the half of a commit that begins when the frame is durable.

use std::error::Error;
use std::sync::Arc;

use causeway_crypto::Digest;
use causeway_journal::{Applied, Checkpoint, JournalError, Judged, State, Tree, VerifierKey, apply_judged, v1};
use causeway_model::{FrameSeq, LeafIndex};

use crate::building::Answer;
use crate::committed::Committed;
use crate::error::StoreError;
use crate::journal::Options;
use crate::keys::Keys;
use crate::log::FrameLog;
use crate::past::Past;
use crate::shared::Shared;
use crate::signers::Signers;

/// In whose name checkpoints are signed.
#[derive(Debug)]
pub(crate) struct Signer {
    pub(crate) origin: String,
    pub(crate) signers: Signers,
}

/// Changes the state, and shows it. There is one.
#[derive(Debug)]
pub(crate) struct Publisher {
    pub(crate) shared: Arc<Shared>,
    pub(crate) signer: Signer,
    pub(crate) keys: Arc<Keys>,
    pub(crate) past: Past,
}

/// What a frame came to.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) applied: Applied,
    /// Signed at the frame's end.
    pub(crate) checkpoint: Arc<str>,
    /// Whether other keys sign from now on.
    pub(crate) keys_changed: bool,
}

impl Publisher {
    /// Applies a frame that is durable and judged, and signs; none where the journal is halted meanwhile.
    pub(crate) fn apply(&mut self, judged: Judged) -> Result<Option<Published>, JournalError> {
        // Whoever sees the new state also finds the checkpoint that covers it.
        let (shared, signer, keys) = (&self.shared, &mut self.signer, &self.keys);
        shared.change(|state| {
            let applied = apply_judged(state, judged)?;
            shared.replace_tiles(applied.tiles.clone());
            let keys_changed = signer.signers.follow(state, state.last_time(), keys);
            if keys_changed {
                shared.replace_verifier_keys(signer.verifier_keys());
            }
            if shared.halted().is_some() {
                return Ok(None);
            }
            let checkpoint = signer.sign(applied.size, applied.root);
            shared.publish(Arc::clone(&checkpoint));
            Ok(Some(Published { applied, checkpoint, keys_changed }))
        })
    }

    /// Takes the signing keys that sign no more out of the ring, once the checkpoint file is signed by the one of now: a start
    /// verifies it by what is in the ring.
    pub(crate) fn drop_other_signing_keys(&self) {
        let dropped = self.past.keep_newest(&self.shared).and_then(|is_kept| {
            // Where it is not there, the journal is halted: what is in the file may be signed by one of those keys, and the next start
            // has to verify it.
            if is_kept { self.signer.signers.keep_alone(&self.keys) } else { Ok(()) }
        });
        if let Err(error) = dropped {
            tracing::error!(
                error = &error as &dyn Error,
                "the signing key of before is in the ring still; the next start tries again"
            );
        }
    }
}

impl Signer {
    /// That of a log in this state.
    ///
    /// # Errors
    /// As [`Signers::of`].
    pub(crate) fn of(state: &State, log: &dyn FrameLog, options: &Options) -> Result<Self, StoreError> {
        let signers = Signers::of(state, log, &options.keys, options.signing_overlap)?;
        Ok(Self { origin: options.origin.clone(), signers })
    }

    /// Writes the checkpoint file of a log without entries.
    pub(crate) fn keep_first(&self, past: &Past) -> Result<(), StoreError> {
        let empty = Tree::new();
        past.file.write(|| self.sign(empty.size(), empty.root()), |_| true).map(drop)
    }

    /// The keys that verify what this signs, the signing key's first.
    pub(crate) fn verifier_keys(&self) -> Vec<VerifierKey> {
        let key = |public| VerifierKey::new(&self.origin, public).expect("the origin was a key's name at the start");
        self.signers.publics().map(key).collect()
    }

    /// The signed checkpoint of the tree at a frame's end.
    pub(crate) fn sign(&self, size: u64, root: Digest) -> Arc<str> {
        self.signers.sign(&Checkpoint { origin: self.origin.clone(), size, root }).into()
    }
}

/// Tells every draft of a frame what became of it.
pub(crate) fn answer_all(
    answers: Vec<Answer>,
    seq: FrameSeq,
    frame: &v1::Frame,
    applied: &Applied,
    checkpoint: &Arc<str>,
) {
    let entries = frame.items.iter().zip(&applied.outcomes).zip(applied.first_leaf.0..);
    for (answer, ((item, outcome), leaf)) in answers.into_iter().zip(entries) {
        // Whoever asked may have gone; the entry stands all the same.
        let _ = answer.send(Ok(Committed {
            frame: seq,
            leaf: LeafIndex(leaf),
            entry: item.entry.clone(),
            outcome: outcome.clone(),
            checkpoint: Arc::clone(checkpoint),
            tree_size: applied.size,
            time: applied.time,
        }));
    }
}
