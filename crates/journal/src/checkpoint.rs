//! Checkpoints (C2SP tlog-checkpoint v1.0.0): a log's size and root, as a signed note.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_crypto::{Digest, SigningKey};

use crate::note::{self, VerifierKey};
use crate::tree::MAX_TREE_SIZE;
use crate::{JournalError, decimal};

/// What a log says of itself at the end of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name, which is also that of its key: a URL without scheme.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root hash.
    pub root: Digest,
}

impl Checkpoint {
    /// The checkpoint as a note signed by the log's key. The origin must be a name that [`VerifierKey::new`] takes.
    pub fn sign(&self, key: &SigningKey) -> String {
        self.sign_with(&[key])
    }

    /// The checkpoint as a note signed by several keys of the log, in their order: the new key of a rotation before the
    /// old one. Without a key it is no note.
    pub fn sign_with(&self, keys: &[&SigningKey]) -> String {
        note::sign_with(&self.to_string(), &self.origin, keys)
    }

    /// Reads the text of a checkpoint, which nobody has signed yet. Extension lines are passed over.
    ///
    /// # Errors
    /// Another form, a size with leading zeros or over 2^62, a root that is not 32 bytes.
    pub fn parse(text: &str) -> Result<Self, JournalError> {
        let mut lines = text.strip_suffix('\n').ok_or(JournalError::Note("last line does not end"))?.split('\n');
        let mut line = |what| lines.next().filter(|line: &&str| !line.is_empty()).ok_or(JournalError::Note(what));
        let (origin, size, root) = (line("no origin")?, line("no size")?, line("no root")?);
        let size = decimal(size).filter(|size| *size <= MAX_TREE_SIZE).ok_or(JournalError::Note("tree size"))?;
        let root = decode_hash(root).ok_or(JournalError::Note("root hash"))?;
        if lines.any(str::is_empty) {
            return Err(JournalError::Note("empty line"));
        }
        Ok(Self { origin: origin.into(), size, root })
    }
}

/// The text of the note: origin, size and root, each on its line.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.0))
    }
}

/// Verifies a signed checkpoint of the log with this origin.
///
/// # Errors
/// A note that is malformed, not signed by the key, or no checkpoint of that log.
pub fn verify(signed: &str, key: &VerifierKey, origin: &str) -> Result<Checkpoint, JournalError> {
    verify_with_any(signed, std::slice::from_ref(key), origin)
}

/// Verifies a signed checkpoint of the log with this origin, of which several keys are known: those of a rotation. One of
/// them is enough.
///
/// # Errors
/// A note that is malformed, that none of the keys signed, that holds a signature which names one of them and does not
/// verify, or that is no checkpoint of that log; a witness's key among them.
pub fn verify_with_any(signed: &str, keys: &[VerifierKey], origin: &str) -> Result<Checkpoint, JournalError> {
    let checkpoint = Checkpoint::parse(note::verify_with_any(signed, keys)?)?;
    if checkpoint.origin == origin { Ok(checkpoint) } else { Err(JournalError::Origin) }
}

/// A hash in base64, as checkpoints and proof files spell it.
pub(crate) fn decode_hash(text: &str) -> Option<Digest> {
    STANDARD.decode(text).ok()?.try_into().ok().map(Digest)
}
