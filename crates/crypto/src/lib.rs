//! Digests, keyed pseudonyms, sealing, signatures and keys; the only crate that knows ring and hpke.
//!
//! In scope: every cryptographic step of the gateway and of its offline tools, each behind a type that names what it is
//! for, with its domain label written where it is used. Out of scope: where keys are kept, what is encrypted and when,
//! certificates and TLS, clocks.
//!
//! Labels all begin with `causeway/v1/` and are framed with their lengths ([`digest()`]), so that no two uses of one key
//! or hash can be given the same bytes. Secrets are zeroised when dropped and their `Debug` prints nothing of them; what
//! ring itself builds from a key for the length of one call is not wiped.

mod aead;
mod backup;
mod commitment;
mod digest;
mod encapsulated;
mod error;
mod key_bundle;
mod key_ring;
mod mac;
mod ml_kem;
mod pseudonym;
mod root_key;
mod sealing;
mod secret;
mod signing;

pub use aead::AeadKey;
pub use backup::BackupPartKey;
pub use commitment::commit;
pub use digest::{Digest, digest, sha256};
pub use encapsulated::ENCAPSULATION_BYTES as BACKUP_ENCAPSULATION_BYTES;
pub use error::CryptoError;
pub use key_bundle::{open_key_bundle, seal_key_bundle};
pub use key_ring::KeyRing;
pub use mac::MacKey;
pub use ml_kem::{
    CIPHERTEXT_BYTES, ENCAPSULATION_KEY_BYTES, KemPrivateKey, SHARED_SECRET_BYTES, SharedSecret, encapsulate,
};
pub use pseudonym::{FeedKey, InternalPseudonym, PseudonymKey, pseudonym_is_well_formed};
pub use root_key::RootKey;
pub use sealing::{SealContext, Sealed, SealingKeyId, SealingPrivateKey, SealingPublicKey, SealingWindow, open_sealed};
pub use secret::random;
pub use signing::{PublicKey, SigningKey};
