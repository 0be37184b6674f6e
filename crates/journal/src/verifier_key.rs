//! Verifier keys (C2SP signed-note v1.0.0, "vkeys"): the Ed25519 keys of logs (type 0x01) and of witnesses (type 0x04).

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_crypto::{PublicKey, sha256};

use crate::note::{Signature, is_name};
use crate::{JournalError, cosignature};

/// Longest text of a key that is read, in bytes: a name of a few hundred, and the rest has fixed lengths.
pub const MAX_VERIFIER_KEY_BYTES: usize = 1024;

/// What a key signs; its number is the type byte of signed notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyType {
    /// The note's text.
    Note = 0x01,
    /// The note's text and a time (C2SP tlog-cosignature, `cosignature/v1`).
    Cosignature = 0x04,
}

/// The key that verifies one signer's notes, or one witness's cosignatures. Reads `name+hex(key id)+base64(type, public
/// key)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: Box<str>,
    id: [u8; 4],
    kind: KeyType,
    public: PublicKey,
}

impl VerifierKey {
    /// The key of the signer with this name; for a log, the name is its origin.
    ///
    /// # Errors
    /// An empty name, or one with a plus sign, a space or a control character.
    pub fn new(name: &str, public: PublicKey) -> Result<Self, JournalError> {
        Self::of_type(KeyType::Note, name, public)
    }

    /// The key of the witness with this name (type 0x04).
    ///
    /// # Errors
    /// As [`VerifierKey::new`].
    pub fn cosigner(name: &str, public: PublicKey) -> Result<Self, JournalError> {
        Self::of_type(KeyType::Cosignature, name, public)
    }

    fn of_type(kind: KeyType, name: &str, public: PublicKey) -> Result<Self, JournalError> {
        // Readers must take any name without spaces and plus signs; whoever is given a key by name gets a printable one.
        if !is_name(name) || name.chars().any(char::is_control) {
            return Err(JournalError::Key("malformed name"));
        }
        Ok(Self { id: key_id(name, kind, &public), name: name.into(), kind, public })
    }

    /// The signer's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id by which signature lines name the key, together with its name.
    pub fn key_id(&self) -> [u8; 4] {
        self.id
    }

    /// Whether the key is a witness's, which verifies cosignatures and no plain signatures.
    pub fn is_cosigner(&self) -> bool {
        self.kind == KeyType::Cosignature
    }

    /// The public key.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Whether the line claims to be this key's.
    pub(crate) fn is_named_by(&self, signature: &Signature) -> bool {
        *self.name == *signature.name && self.id == signature.key_id
    }

    /// Whether the bytes are this key's signature or cosignature over the text of a note.
    pub(crate) fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        match self.kind {
            KeyType::Note => self.public.verify(text.as_bytes(), signature),
            KeyType::Cosignature => cosignature::verified_time(text, &self.public, signature).is_some(),
        }
    }
}

impl FromStr for VerifierKey {
    type Err = JournalError;
    fn from_str(text: &str) -> Result<Self, JournalError> {
        if text.len() > MAX_VERIFIER_KEY_BYTES {
            return Err(JournalError::TooLarge { what: "verifier key", limit: MAX_VERIFIER_KEY_BYTES });
        }
        let malformed = JournalError::Key("not of the form name+id+key");
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed);
        };
        let key = STANDARD.decode(key).map_err(|_| malformed)?;
        let (kind, public) = match key.split_first() {
            Some((1, public)) => (KeyType::Note, public),
            Some((4, public)) => (KeyType::Cosignature, public),
            _ => return Err(JournalError::Key("a type that is not supported")),
        };
        let public = public.try_into().map_err(|_| JournalError::Key("wrong length"))?;
        let key = Self::of_type(kind, name, PublicKey(public))?;
        if Hex(&key.id).to_string() == id { Ok(key) } else { Err(JournalError::Key("the id is of another key")) }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.kind as u8], self.public.0.as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, Hex(&self.id), STANDARD.encode(key))
    }
}

/// The id of a key, as signed-note recommends and tlog-cosignature demands it.
pub(crate) fn key_id(name: &str, kind: KeyType, public: &PublicKey) -> [u8; 4] {
    let hash = sha256(&[name.as_bytes(), b"\n", &[kind as u8], &public.0]).0;
    [hash[0], hash[1], hash[2], hash[3]]
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
