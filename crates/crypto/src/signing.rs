//! Ed25519 signatures (RFC 8032): checkpoints, persons' approvals.

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// An Ed25519 public key. Not checked to be a point of the curve: one that is not verifies nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// Whether the signature is this key's over exactly this message. A signature of a wrong length is not.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
    }
}

/// An Ed25519 private key, as its 32-byte seed.
#[derive(Debug, Clone)]
pub struct SigningKey {
    seed: Secret,
    public: PublicKey,
}

impl SigningKey {
    /// A fresh random key.
    pub fn generate() -> Self {
        Self::from_secret(Secret::generate())
    }

    /// The key of this seed (RFC 8032 section 5.1.5).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self::from_secret(Secret::new(*seed))
    }

    pub(crate) fn from_secret(seed: Secret) -> Self {
        let public = ring_pair(&seed).public_key().as_ref().try_into().expect("Ed25519 public keys are 32 bytes");
        Self { seed, public: PublicKey(public) }
    }

    /// The seed, for storing the key.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(*self.seed.expose())
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        self.public
    }

    /// Signs exactly these bytes. The caller puts the domain into the message, as signed notes and approvals do.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        // The expanded pair is made again each time (about 15 us), because ring would not wipe it when dropped.
        ring_pair(&self.seed).sign(message).as_ref().try_into().expect("Ed25519 signatures are 64 bytes")
    }
}

fn ring_pair(seed: &Secret) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(seed.expose()).expect("Ed25519 seeds are 32 bytes")
}
