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

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        assert_eq!(hex.len(), 2 * N);
        std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hexadecimal"))
    }

    /// RFC 8032 section 7.1, tests 1 and 3.
    #[test]
    fn signatures_are_those_of_rfc_8032() {
        let cases: [(&str, &str, &[u8], &str); 2] = [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                b"",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd\
                 25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
                &[0xaf, 0x82],
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594\
                 a7c15e9716ed28dc027beceea1ec40a",
            ),
        ];
        for (seed, public, message, signature) in cases {
            let key = SigningKey::from_seed(&bytes(seed));
            assert_eq!(key.public_key(), PublicKey(bytes(public)));
            assert_eq!(key.sign(message), bytes(signature));
            assert!(key.public_key().verify(message, &bytes::<64>(signature)));
        }
    }

    #[test]
    fn a_signature_is_good_for_its_key_and_message_only() {
        let key = SigningKey::generate();
        let signature = key.sign(b"message");
        assert!(key.public_key().verify(b"message", &signature));
        assert!(!key.public_key().verify(b"messagf", &signature));
        assert!(!key.public_key().verify(b"message", &signature[..63]));
        assert!(!SigningKey::generate().public_key().verify(b"message", &signature));
        assert!(!PublicKey([0xff; 32]).verify(b"message", &signature), "not a point of the curve");
        assert_eq!(SigningKey::from_seed(&key.seed()).public_key(), key.public_key());
    }
}
