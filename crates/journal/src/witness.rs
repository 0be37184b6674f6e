//! The pure half of the witness protocol (C2SP tlog-witness v1.0.0): what is asked, what is decided, what is answered.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_crypto::Digest;

use crate::checkpoint::decode_hash;
use crate::cosignature::cosigned_time;
use crate::note::{MAX_NOTE_BYTES, Note, VerifierKey, parse_signatures};
use crate::proof::MAX_PROOF_HASHES;
use crate::{Checkpoint, JournalError, decimal, empty_root, verify_consistency};

/// Longest request that is read, in bytes: a note, 63 hash lines of 45 bytes, and the first line.
pub const MAX_ADD_CHECKPOINT_BYTES: usize = MAX_NOTE_BYTES + MAX_PROOF_HASHES * 45 + 32;

/// The content type of the body that goes with a conflict.
pub const SIZE_CONTENT_TYPE: &str = "text/x.tlog.size";

/// What a log asks of a witness: to cosign a checkpoint, with the proof that it extends the last one that the witness
/// cosigned. Its `Display` is the body of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size of the checkpoint that the witness cosigned last, as far as the log knows; 0 if none.
    pub old_size: u64,
    /// The consistency proof from the old size, empty from 0.
    pub proof: Vec<Digest>,
    /// The signed checkpoint.
    pub checkpoint: String,
}

/// A checkpoint that a witness may cosign once it has made it the last one that it knows of that log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
}

/// Why a witness does not cosign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WitnessRefusal {
    /// The request is not of the form, or its old size is larger than its checkpoint.
    BadRequest(JournalError),
    /// No key of the log signed the checkpoint, or a signature that names one does not verify.
    Forbidden,
    /// The witness does not know the log.
    UnknownOrigin,
    /// The old size is not that of the checkpoint that the witness cosigned last, or is, with another root.
    Conflict {
        /// The size of the checkpoint that the witness cosigned last; 0 if none.
        size: u64,
    },
    /// The proof does not lead from the one checkpoint to the other.
    Unprocessable,
}

impl AddCheckpoint {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// Another form, more than 63 hashes, or a note over its limit. The note is read by [`decide`].
    pub fn parse(body: &[u8]) -> Result<Self, JournalError> {
        if body.len() > MAX_ADD_CHECKPOINT_BYTES {
            return Err(JournalError::TooLarge { what: "add-checkpoint request", limit: MAX_ADD_CHECKPOINT_BYTES });
        }
        let malformed = |_| JournalError::Malformed("add-checkpoint request: not UTF-8");
        let text = std::str::from_utf8(body).map_err(malformed)?;
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or(JournalError::Malformed("add-checkpoint request: no empty line"))?;
        let mut lines = head.split('\n');
        let old_size = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(decimal);
        let old_size = old_size.ok_or(JournalError::Malformed("add-checkpoint request: old size line"))?;
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == MAX_PROOF_HASHES {
                return Err(crate::ProofError::ProofTooLong.into());
            }
            proof.push(decode_hash(line).ok_or(JournalError::Malformed("add-checkpoint request: hash line"))?);
        }
        if checkpoint.len() > MAX_NOTE_BYTES {
            return Err(JournalError::TooLarge { what: "note", limit: MAX_NOTE_BYTES });
        }
        Ok(Self { old_size, proof, checkpoint: checkpoint.into() })
    }

    /// The origin that the checkpoint states, not verified: to find out which log it is about.
    pub fn origin(&self) -> &str {
        self.checkpoint.split('\n').next().unwrap_or_default()
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", STANDARD.encode(hash.0)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// Decides whether a witness may cosign. `known` is the checkpoint that it cosigned last of the log that
/// [`AddCheckpoint::origin`] names; `keys` are those of the logs that it knows, of which those with the origin's name
/// count. The caller holds a lock from reading `known` until the accepted checkpoint is stored durably, and only then
/// cosigns: else two requests at once could make it go back.
///
/// # Errors
/// The refusals of the specification, in its order.
pub fn decide(
    known: Option<&Checkpoint>,
    request: &AddCheckpoint,
    keys: &[VerifierKey],
) -> Result<Accepted, WitnessRefusal> {
    let note = Note::parse(&request.checkpoint)?;
    let checkpoint = Checkpoint::parse(note.text)?;
    let keys: Vec<VerifierKey> =
        keys.iter().filter(|key| key.name() == checkpoint.origin && !key.is_cosigner()).cloned().collect();
    if keys.is_empty() {
        return Err(WitnessRefusal::UnknownOrigin);
    }
    note.verified_by(&keys).map_err(|_| WitnessRefusal::Forbidden)?;
    if request.old_size > checkpoint.size {
        let what = JournalError::Malformed("add-checkpoint request: the old size is above the new one");
        return Err(WitnessRefusal::BadRequest(what));
    }
    let size = known.map_or(0, |known| known.size);
    if request.old_size != size {
        return Err(WitnessRefusal::Conflict { size });
    }
    check_consistency(known, request, &checkpoint)?;
    Ok(Accepted { checkpoint })
}

/// The old sizes are equal; the rest depends on what is between the two.
fn check_consistency(
    known: Option<&Checkpoint>,
    request: &AddCheckpoint,
    new: &Checkpoint,
) -> Result<(), WitnessRefusal> {
    if new.size == 0 && new.root != empty_root() {
        return Err(WitnessRefusal::Unprocessable);
    }
    match known {
        Some(known) if known.size == new.size && known.root != new.root => {
            Err(WitnessRefusal::Conflict { size: known.size })
        }
        Some(known) if known.size > 0 => verify_consistency(known.size, new.size, &request.proof, known.root, new.root)
            .map_err(|_| WitnessRefusal::Unprocessable),
        // Everything extends the empty log, and there is nothing to prove.
        _ if request.proof.is_empty() => Ok(()),
        _ => Err(WitnessRefusal::Unprocessable),
    }
}

impl WitnessRefusal {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::BadRequest(_) => 400,
            Self::Forbidden => 403,
            Self::UnknownOrigin => 404,
            Self::Conflict { .. } => 409,
            Self::Unprocessable => 422,
        }
    }

    /// The body of the answer: of a conflict the size alone, in [`SIZE_CONTENT_TYPE`]; else a line of text.
    pub fn body(&self) -> String {
        match self {
            Self::Conflict { size } => format!("{size}\n"),
            other => format!("{other}\n"),
        }
    }
}

impl fmt::Display for WitnessRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadRequest(error) => error.fmt(f),
            Self::Forbidden => f.write_str("no good signature by the log"),
            Self::UnknownOrigin => f.write_str("the log is not known here"),
            Self::Conflict { size } => write!(f, "the checkpoint that was cosigned last has size {size}"),
            Self::Unprocessable => f.write_str("the consistency proof does not verify"),
        }
    }
}

impl std::error::Error for WitnessRefusal {}

impl From<JournalError> for WitnessRefusal {
    fn from(error: JournalError) -> Self {
        Self::BadRequest(error)
    }
}

/// Reads the answer of a witness that cosigned: gives the witness's signature line, with its line feed, to be added to the
/// note, and its time in seconds since 1970. Lines of other keys are passed over.
///
/// # Errors
/// An answer that is not of the form or over 64 KiB, or no good cosignature by this key over this note.
pub fn read_cosignature(note: &str, body: &[u8], key: &VerifierKey) -> Result<(String, u64), JournalError> {
    if body.len() > MAX_NOTE_BYTES {
        return Err(JournalError::TooLarge { what: "witness's answer", limit: MAX_NOTE_BYTES });
    }
    let body = std::str::from_utf8(body).map_err(|_| JournalError::Malformed("witness's answer"))?;
    if body.bytes().any(|byte| byte < b' ' && byte != b'\n') {
        return Err(JournalError::Malformed("witness's answer"));
    }
    let mut answered = Note::parse(note)?;
    answered.signatures = parse_signatures(body)?;
    answered.signatures.retain(|signature| key.is_named_by(signature));
    // Of several by one key the first is as good as any: each of them is over this note.
    answered.signatures.truncate(1);
    match (cosigned_time(&answered, key)?, answered.signatures.first()) {
        (Some(time), Some(signature)) => Ok((signature.line(), time)),
        _ => Err(JournalError::Signature("none of them is by the expected key")),
    }
}

/// Reads the body that goes with a conflict: the size of the checkpoint that the witness cosigned last. Nobody signed it:
/// it is a hint what to ask next, and no evidence.
///
/// # Errors
/// Another form.
pub fn read_size(body: &[u8]) -> Result<u64, JournalError> {
    let text = std::str::from_utf8(body).ok().and_then(|text| text.strip_suffix('\n'));
    text.and_then(decimal).ok_or(JournalError::Malformed("size line"))
}
