//! Who the witness is: its name, its key, and the verifier keys by which it knows its own cosignatures.

use causeway_crypto::SigningKey;
use causeway_journal::{JournalError, VerifierKey};

use crate::config::Config;
use crate::key_file;

/// The witness's own name and keys.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) name: String,
    pub(crate) key: SigningKey,
    verifiers: Vec<VerifierKey>,
}

impl Identity {
    /// Reads the key that the settings name.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn load(config: &Config) -> Result<Self, String> {
        let at = |what: String| format!("{}: {what}", config.key.display());
        let key = key_file::read(&config.key).map_err(at)?;
        let public = key.public_key();
        // The signed bytes of Ed25519 cosignatures and notes are told apart by their first line only.
        if config.logs.iter().flat_map(|log| &log.keys).any(|of_log| *of_log.public_key() == public) {
            return Err(at("is a log's key as well: a witness has a key of its own".into()));
        }
        Self::new(&config.name, key, &config.former_keys).map_err(|error| format!("name: {error}"))
    }

    pub(crate) fn new(name: &str, key: SigningKey, former: &[VerifierKey]) -> Result<Self, JournalError> {
        let own = VerifierKey::cosigner(name, key.public_key())?;
        let verifiers = std::iter::once(own).chain(former.iter().cloned()).collect();
        Ok(Self { name: name.to_owned(), key, verifiers })
    }

    /// The key by which others verify the cosignatures.
    pub(crate) fn verifier_key(&self) -> &VerifierKey {
        &self.verifiers[0]
    }

    /// That key, and those before it.
    pub(crate) fn verifiers(&self) -> &[VerifierKey] {
        &self.verifiers
    }
}
