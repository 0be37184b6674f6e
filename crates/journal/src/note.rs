//! Signed notes and verifier keys (C2SP signed-note v1.0.0), with Ed25519 signatures.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_crypto::{PublicKey, SigningKey, sha256};

use crate::JournalError;

/// Longest note that is read, in bytes.
pub const MAX_NOTE_BYTES: usize = 64 * 1024;

/// Most signature lines that are read. The specification asks for 16 at least.
pub const MAX_SIGNATURES: usize = 32;

/// The signature type of an Ed25519 signature over the note's text.
const ED25519: u8 = 1;

/// The key that verifies one signer's notes. Reads `name+hex(key id)+base64(type, public key)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: Box<str>,
    id: [u8; 4],
    public: PublicKey,
}

impl VerifierKey {
    /// The key of the signer with this name; for a log, the name is its origin.
    ///
    /// # Errors
    /// An empty name, or one with a plus sign, a space or a control character.
    pub fn new(name: &str, public: PublicKey) -> Result<Self, JournalError> {
        if !is_name(name) {
            return Err(JournalError::Key("malformed name"));
        }
        Ok(Self { id: key_id(name, &public), name: name.into(), public })
    }

    /// The signer's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public key.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }
}

impl FromStr for VerifierKey {
    type Err = JournalError;
    fn from_str(text: &str) -> Result<Self, JournalError> {
        let malformed = JournalError::Key("not of the form name+id+key");
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed);
        };
        let key = STANDARD.decode(key).map_err(|_| malformed)?;
        let public = match key.as_slice() {
            [ED25519, public @ ..] => public.try_into().map_err(|_| JournalError::Key("wrong length"))?,
            _ => return Err(JournalError::Key("a type that is not supported")),
        };
        let key = Self::new(name, PublicKey(public))?;
        if Hex(&key.id).to_string() == id { Ok(key) } else { Err(JournalError::Key("the id is of another key")) }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ED25519], self.public.0.as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, Hex(&self.id), STANDARD.encode(key))
    }
}

/// Signs a text, which must end in a line feed, under the name; the name must be one that [`VerifierKey::new`] takes.
pub fn sign(text: &str, name: &str, key: &SigningKey) -> String {
    let signature = [key_id(name, &key.public_key()).as_slice(), &key.sign(text.as_bytes())].concat();
    format!("{text}\n— {name} {}\n", STANDARD.encode(signature))
}

/// Verifies a note and gives its text.
///
/// # Errors
/// A note that is not of the form, that this key did not sign, or that holds a signature of this key that is wrong.
/// Signatures of other keys are passed over.
pub fn verify<'a>(note: &'a str, key: &VerifierKey) -> Result<&'a str, JournalError> {
    let (text, signatures) = split(note)?;
    let mut signed = false;
    for signature in signatures {
        if signature.name != &*key.name || signature.key_id != key.id {
            continue;
        }
        if !key.public.verify(text.as_bytes(), &signature.bytes) {
            return Err(JournalError::Signature("it does not verify"));
        }
        signed = true;
    }
    if signed { Ok(text) } else { Err(JournalError::Signature("none of them is by the expected key")) }
}

/// One signature line.
struct Signature<'a> {
    name: &'a str,
    key_id: [u8; 4],
    bytes: Vec<u8>,
}

/// A note's text, with its last line feed, and its signatures.
fn split(note: &str) -> Result<(&str, Vec<Signature<'_>>), JournalError> {
    if note.len() > MAX_NOTE_BYTES {
        return Err(JournalError::TooLarge { what: "note", limit: MAX_NOTE_BYTES });
    }
    if note.bytes().any(|byte| byte < b' ' && byte != b'\n') {
        return Err(JournalError::Note("control character"));
    }
    let middle = note.rfind("\n\n").ok_or(JournalError::Note("no signatures"))?;
    let (text, lines) = (&note[..=middle], &note[middle + 2..]);
    let lines =
        lines.strip_suffix('\n').ok_or(JournalError::Note("no signatures, or a last line that does not end"))?;
    let mut signatures = Vec::new();
    for line in lines.split('\n') {
        if signatures.len() == MAX_SIGNATURES {
            return Err(JournalError::Note("too many signatures"));
        }
        signatures.push(read_signature(line).ok_or(JournalError::Note("signature line"))?);
    }
    Ok((text, signatures))
}

fn read_signature(line: &str) -> Option<Signature<'_>> {
    let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
    let decoded = STANDARD.decode(encoded).ok()?;
    let (key_id, bytes) = decoded.split_first_chunk::<4>()?;
    (is_name(name) && !bytes.is_empty()).then(|| Signature { name, key_id: *key_id, bytes: bytes.to_vec() })
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c == '+' || c.is_whitespace() || c.is_control())
}

fn key_id(name: &str, public: &PublicKey) -> [u8; 4] {
    let hash = sha256(&[name.as_bytes(), b"\n", &[ED25519], &public.0]).0;
    [hash[0], hash[1], hash[2], hash[3]]
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
