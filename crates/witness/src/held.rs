//! What the witness holds of a log: the newest checkpoint that it cosigned, as a note with the log's signatures and its own.

use causeway_journal::note::{Note, Signature};
use causeway_journal::{Checkpoint, JournalError, VerifierKey, cosign, verify_cosignature};

use crate::identity::Identity;

/// A checkpoint that has been cosigned, and verified to be.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// What the log said.
    pub(crate) checkpoint: Checkpoint,
    /// The whole note: the log's signatures, then the cosignature.
    pub(crate) note: String,
    /// When it was cosigned, in seconds since 1970.
    pub(crate) time: u64,
}

impl Held {
    /// Reads a note and verifies all that makes it the witness's own memory of the log with this origin.
    ///
    /// # Errors
    /// What does not hold, in words.
    pub(crate) fn read(bytes: &[u8], origin: &str, keys: &[VerifierKey], own: &[VerifierKey]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "is not text")?;
        let note = Note::parse(text).map_err(|error| error.to_string())?;
        let checkpoint = Checkpoint::parse(note.text).map_err(|error| error.to_string())?;
        if checkpoint.origin != origin {
            return Err("is a checkpoint of another log".into());
        }
        note.verified_by(keys)
            .map_err(|error| format!("{error}; where the log has a new key, state the one before as well"))?;
        let mut time = None;
        for key in own {
            time = time.max(verify_cosignature(text, key).map_err(|error| error.to_string())?);
        }
        let time = time.ok_or("is not cosigned by this witness: state the key that it had before in former_keys")?;
        Ok(Self { checkpoint, note: text.to_owned(), time })
    }

    /// Cosigns an accepted checkpoint. Gives what is to be held, and the signature line for whoever asked.
    ///
    /// # Errors
    /// A note that is so long that it cannot be cosigned.
    pub(crate) fn cosigned(
        signed: &SignedNote,
        identity: &Identity,
        time: u64,
    ) -> Result<(Self, String), JournalError> {
        let line = cosign(&signed.note, &identity.name, &identity.key, time)?;
        let note = format!("{}{line}", signed.note);
        // What is about to be written is read back first: a file that the next start refuses must never be made.
        let checkpoint = Checkpoint::parse(Note::parse(&note)?.text)?;
        Ok((Self { checkpoint, note, time }, line))
    }
}

/// A checkpoint with the signatures of its log, and with no others: those that whoever asks may have added are left out, so
/// that the note cannot grow by them.
#[derive(Debug)]
pub(crate) struct SignedNote {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) note: String,
}

impl SignedNote {
    /// Reads a checkpoint that one of `keys` has signed.
    ///
    /// # Errors
    /// Another form, a signature by none of them, or one that names a key of them and does not verify.
    pub(crate) fn of(note: &str, keys: &[VerifierKey]) -> Result<Self, JournalError> {
        let note = Note::parse(note)?;
        let checkpoint = Checkpoint::parse(note.text)?;
        let by = note.verified_by(keys)?;
        // A key signs a text once; the same line twice would only make the note longer.
        let line = |key: &&VerifierKey| {
            let mut signatures = note.signatures.iter();
            signatures.find(|one| one.name == key.name() && one.key_id == key.key_id()).map(Signature::line)
        };
        let lines: String = by.iter().filter_map(line).collect();
        Ok(Self { checkpoint, note: format!("{}\n{lines}", note.text) })
    }
}
