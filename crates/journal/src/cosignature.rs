//! Witnesses' cosignatures (C2SP tlog-cosignature v1.0.1, `cosignature/v1`, Ed25519): that as of a time the largest
//! consistent tree that a witness saw of a log is the checkpoint's.

use causeway_crypto::{PublicKey, SigningKey};

use crate::note::{Note, Signature};
use crate::verifier_key::VerifierKey;
use crate::{Checkpoint, JournalError};

/// The first line of what is signed, which keeps cosignatures apart from all other signatures.
const HEADER: &str = "cosignature/v1";

/// The largest time that a cosignature may state, in seconds since 1970.
const MAX_TIME_SECONDS: u64 = (1 << 63) - 1;

/// Cosigns a checkpoint: gives the signature line, with its line feed, to be added to the note. `note` is the checkpoint
/// with its signatures, which the caller has verified; the time is in seconds since 1970.
///
/// # Errors
/// A note that is no checkpoint, a name that [`VerifierKey::cosigner`] refuses, a time of 2^63 seconds or more.
pub fn cosign(checkpoint_note: &str, name: &str, key: &SigningKey, time_seconds: u64) -> Result<String, JournalError> {
    let note = Note::parse(checkpoint_note)?;
    Checkpoint::parse(note.text)?;
    if time_seconds > MAX_TIME_SECONDS {
        return Err(JournalError::OutOfRange("time of a cosignature"));
    }
    let verifier = VerifierKey::cosigner(name, key.public_key())?;
    let signature = key.sign(message(note.text, time_seconds).as_bytes());
    let bytes = [time_seconds.to_be_bytes().as_slice(), &signature].concat();
    Ok(Signature { name: name.into(), key_id: verifier.key_id(), bytes }.line())
}

/// The time, in seconds since 1970, at which the witness cosigned the note; none where it did not. Of several times it is
/// the newest.
///
/// # Errors
/// A note that is not of the form, a cosignature that names the key and does not verify, or a key that is no witness's.
pub fn verify_cosignature(note: &str, key: &VerifierKey) -> Result<Option<u64>, JournalError> {
    cosigned_time(&Note::parse(note)?, key)
}

/// As [`verify_cosignature`], of a note that was read.
pub(crate) fn cosigned_time(note: &Note<'_>, key: &VerifierKey) -> Result<Option<u64>, JournalError> {
    if !key.is_cosigner() {
        return Err(JournalError::Key("it is no witness's"));
    }
    let mut newest = None;
    for signature in note.signatures.iter().filter(|signature| key.is_named_by(signature)) {
        let time = verified_time(note.text, key.public_key(), &signature.bytes)
            .ok_or(JournalError::Signature("a cosignature does not verify"))?;
        newest = newest.max(Some(time));
    }
    Ok(newest)
}

/// The time of a cosignature (8 bytes of time, 64 of signature), if it is the key's over this text.
pub(crate) fn verified_time(text: &str, public: &PublicKey, bytes: &[u8]) -> Option<u64> {
    let (time, signature) = bytes.split_first_chunk::<8>()?;
    let time = u64::from_be_bytes(*time);
    let good = time <= MAX_TIME_SECONDS && public.verify(message(text, time).as_bytes(), signature);
    good.then_some(time)
}

fn message(text: &str, time_seconds: u64) -> String {
    format!("{HEADER}\ntime {time_seconds}\n{text}")
}
