//! Whether what a witness holds is this log's history, by the log's own signature on it. A bare number proves nothing.

use std::sync::Arc;

use causeway_journal::note::Note;
use causeway_journal::{Checkpoint, Policy, VerifierKey};
use causeway_store::Journal;

/// The log as the gateway has it.
#[derive(Debug, Clone)]
pub(super) struct Ours {
    pub(super) journal: Journal,
    pub(super) origin: Arc<str>,
    pub(super) policy: Policy,
}

/// What a witness's checkpoint says of this log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Memory {
    /// The log has been that, at this size.
    Ours(u64),
    /// This log has signed it, and it is not in its history.
    Contradiction {
        size: u64,
        /// The size of the log.
        own: u64,
    },
    /// It is no checkpoint that this log has signed.
    NotOurs,
    /// It cannot be told.
    Unknown,
}

impl Ours {
    /// The policy, which believes the log's keys of now too, whatever the file says.
    pub(super) fn policy(&self) -> Policy {
        self.policy.clone().with_log_keys(&self.journal.verifier_keys())
    }

    /// The newest checkpoint, and its size.
    pub(super) fn newest(&self) -> Option<(Arc<str>, Checkpoint)> {
        let note = self.journal.checkpoint();
        let checkpoint = Checkpoint::parse(Note::parse(&note).ok()?.text).ok()?;
        Some((note, checkpoint))
    }

    /// Compares a witness's checkpoint with the log.
    pub(super) async fn compare(&self, note: &str) -> Memory {
        let Some(theirs) = self.signed(note) else { return Memory::NotOurs };
        // Looked at after theirs was read: what this log has signed is shown before anybody can have it.
        let Some((_, own)) = self.newest() else { return Memory::Unknown };
        if theirs.size > own.size {
            return Memory::Contradiction { size: theirs.size, own: own.size };
        }
        let root = match theirs.size == own.size {
            true => own.root,
            false => match self.journal.root_at(theirs.size).await {
                Ok(root) => root,
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "a root of the past could not be computed"
                    );
                    return Memory::Unknown;
                }
            },
        };
        match root == theirs.root {
            true => Memory::Ours(theirs.size),
            false => Memory::Contradiction { size: theirs.size, own: own.size },
        }
    }

    /// The checkpoint of a note that this log has signed.
    fn signed(&self, note: &str) -> Option<Checkpoint> {
        let note = Note::parse(note).ok()?;
        let checkpoint = Checkpoint::parse(note.text).ok()?;
        let stated = self.policy.logs().iter().map(|log| log.key.clone());
        let mut keys: Vec<VerifierKey> = self.journal.verifier_keys();
        keys.extend(stated.filter(|key| key.name() == &*self.origin));
        // After a compromise, a key of before is in others' hands, and one liar who has it could halt the gateway for ever.
        let sound = self.journal.read(|state| state.sound_signing_keys().to_vec());
        keys.retain(|key| sound.is_empty() || sound.contains(key.public_key()));
        let by = note.verified_by(&keys).ok()?;
        (!by.is_empty() && checkpoint.origin == *self.origin).then_some(checkpoint)
    }

    /// Halts the journal because of what a witness holds; the note is kept as evidence.
    pub(super) async fn halt(&self, witness: &str, size: u64, own: u64, note: String) {
        let reason = match size > own {
            true => format!(
                "the journal holds {own} entries, and the witness {witness} holds a checkpoint of {size} that it has signed: it was cut \
                 back, or an old copy was put in its place"
            ),
            false => format!(
                "the witness {witness} holds a checkpoint of {size} entries that this journal has signed, and its first {size} entries \
                 are others: there are two histories"
            ),
        };
        let journal = self.journal.clone();
        let halted = tokio::task::spawn_blocking(move || journal.halt(&reason, Some(&note))).await;
        if halted.is_err() {
            tracing::error!("the journal could not be halted in order");
        }
    }
}
