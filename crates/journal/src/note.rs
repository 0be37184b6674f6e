//! Signed notes (C2SP signed-note v1.0.0): a text, and the signatures of any number of keys over it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_crypto::SigningKey;

use crate::JournalError;
use crate::verifier_key::{KeyType, key_id};

pub use crate::verifier_key::{MAX_VERIFIER_KEY_BYTES, VerifierKey};

/// Longest note that is read, in bytes.
pub const MAX_NOTE_BYTES: usize = 64 * 1024;

/// Most signature lines that are read: the 32 logs and the 32 witnesses of a policy. The specification asks for 16.
pub const MAX_SIGNATURES: usize = 64;

/// A note that is of the form. Nobody has verified its signatures yet: its text is to be ignored until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'a> {
    /// The text that is signed, with its last line feed.
    pub text: &'a str,
    /// The signatures, in their order; at least one.
    pub signatures: Vec<Signature>,
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The signer's name: no space, no plus sign; anything else that a peer may have put there.
    pub name: String,
    /// The id of the signer's key.
    pub key_id: [u8; 4],
    /// The signature; of a witness, a time and the signature.
    pub bytes: Vec<u8>,
}

impl<'a> Note<'a> {
    /// Reads a note.
    ///
    /// # Errors
    /// More than 64 KiB or 64 signatures, a control character other than line feed, no signature, or a signature line
    /// that is not of the form (em dash, name, canonical base64).
    pub fn parse(note: &'a str) -> Result<Self, JournalError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(JournalError::TooLarge { what: "note", limit: MAX_NOTE_BYTES });
        }
        if note.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return Err(JournalError::Note("control character"));
        }
        let middle = note.rfind("\n\n").ok_or(JournalError::Note("no signatures"))?;
        let (text, lines) = (&note[..=middle], &note[middle + 2..]);
        let signatures = parse_signatures(lines)?;
        Ok(Self { text, signatures })
    }

    /// The keys, of those given, that signed the note. Signatures of other keys are passed over.
    ///
    /// # Errors
    /// A signature that names one of the keys and does not verify, or no signature by any of them.
    pub fn verified_by<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<&'k VerifierKey>, JournalError> {
        let mut signers = Vec::new();
        for key in keys {
            if self.is_signed_by(key)? {
                signers.push(key);
            }
        }
        if signers.is_empty() {
            Err(JournalError::Signature("none of them is by the expected key"))
        } else {
            Ok(signers)
        }
    }

    /// Whether the key signed the note.
    ///
    /// # Errors
    /// A signature that names the key and does not verify.
    pub(crate) fn is_signed_by(&self, key: &VerifierKey) -> Result<bool, JournalError> {
        let mut signed = false;
        for signature in self.signatures.iter().filter(|signature| key.is_named_by(signature)) {
            if !key.verifies(self.text, &signature.bytes) {
                return Err(JournalError::Signature("it does not verify"));
            }
            signed = true;
        }
        Ok(signed)
    }
}

impl Signature {
    /// The line as notes hold it, with its line feed.
    pub fn line(&self) -> String {
        let signature = [self.key_id.as_slice(), &self.bytes].concat();
        format!("— {} {}\n", self.name, STANDARD.encode(signature))
    }

    fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
        let decoded = STANDARD.decode(encoded).ok()?;
        let (key_id, bytes) = decoded.split_first_chunk::<4>()?;
        let is_one = is_name(name) && !bytes.is_empty();
        is_one.then(|| Self { name: name.into(), key_id: *key_id, bytes: bytes.to_vec() })
    }
}

/// Signs a text, which must end in a line feed, under the name; the name must be one that [`VerifierKey::new`] takes.
pub fn sign(text: &str, name: &str, key: &SigningKey) -> String {
    sign_with(text, name, &[key])
}

/// Signs a text with several keys of one name, as in the weeks in which a new key of a log stands beside the old one. The
/// signatures come in the order of the keys. Without a key it is no note.
pub(crate) fn sign_with(text: &str, name: &str, keys: &[&SigningKey]) -> String {
    let signatures = keys.iter().map(|key| {
        let bytes = key.sign(text.as_bytes()).to_vec();
        Signature { name: name.into(), key_id: key_id(name, KeyType::Note, &key.public_key()), bytes }.line()
    });
    format!("{text}\n{}", signatures.collect::<String>())
}

/// Verifies a note and gives its text.
///
/// # Errors
/// A note that is not of the form, that this key did not sign, or that holds a signature of this key that is wrong; or a
/// witness's key, whose cosignature says something else. Signatures of other keys are passed over.
pub fn verify<'a>(note: &'a str, key: &VerifierKey) -> Result<&'a str, JournalError> {
    verify_with_any(note, std::slice::from_ref(key))
}

/// As [`verify`], of a signer of whom several keys are known. One of them is enough.
pub(crate) fn verify_with_any<'a>(note: &'a str, keys: &[VerifierKey]) -> Result<&'a str, JournalError> {
    if keys.iter().any(VerifierKey::is_cosigner) {
        return Err(JournalError::Key("it is a witness's"));
    }
    let note = Note::parse(note)?;
    note.verified_by(keys)?;
    Ok(note.text)
}

/// Reads signature lines, at least one, the last of which ends in a line feed.
pub(crate) fn parse_signatures(lines: &str) -> Result<Vec<Signature>, JournalError> {
    let lines =
        lines.strip_suffix('\n').ok_or(JournalError::Note("no signatures, or a last line that does not end"))?;
    let mut signatures = Vec::new();
    for line in lines.split('\n') {
        if signatures.len() == MAX_SIGNATURES {
            return Err(JournalError::Note("too many signatures"));
        }
        signatures.push(Signature::parse(line).ok_or(JournalError::Note("signature line"))?);
    }
    Ok(signatures)
}

/// Whether a signature line may hold the name.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c == '+' || c.is_whitespace())
}
