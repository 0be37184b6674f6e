//! ML-KEM-768 (FIPS 203): one encapsulation each to a key that lives for one handshake. For the transport alone, beside X25519; what is
//! kept is sealed with X-Wing (`sealing`).

use ml_kem::kem::{Decapsulate, Kem, KeyExport};
use ml_kem::{Ciphertext, DecapsulationKey, EncapsulationKey, MlKem768, SharedKey};
use zeroize::Zeroizing;

use crate::secret::random;

/// Bytes of an encapsulation key.
pub const ENCAPSULATION_KEY_BYTES: usize = 1184;

/// Bytes of a ciphertext.
pub const CIPHERTEXT_BYTES: usize = 1088;

/// Bytes of a shared secret.
pub const SHARED_SECRET_BYTES: usize = 32;

/// The secret that both sides have in the end. Zeroised when dropped.
pub type SharedSecret = Zeroizing<[u8; SHARED_SECRET_BYTES]>;

/// The private half of a key for one exchange. Zeroised when dropped; its `Debug` prints nothing of it.
pub struct KemPrivateKey(DecapsulationKey<MlKem768>);

impl std::fmt::Debug for KemPrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KemPrivateKey(..)")
    }
}

impl KemPrivateKey {
    /// A fresh one, of 64 random bytes.
    pub fn generate() -> Self {
        Self::from_seed(&Zeroizing::new(random()))
    }

    fn from_seed(seed: &[u8; 64]) -> Self {
        Self(DecapsulationKey::from_seed((*seed).into()))
    }

    /// Its public half, as it is sent.
    pub fn encapsulation_key(&self) -> Vec<u8> {
        self.0.encapsulation_key().to_bytes().to_vec()
    }

    /// The secret of a ciphertext; none where it has not the length of one. One that was made for another key gives a secret that nobody
    /// else has (FIPS 203 section 6.3).
    pub fn decapsulate(&self, ciphertext: &[u8]) -> Option<SharedSecret> {
        let ciphertext = Ciphertext::<MlKem768>::try_from(ciphertext).ok()?;
        Some(kept(self.0.decapsulate(&ciphertext)))
    }
}

/// A ciphertext for an encapsulation key, and the secret in it; none for bytes that are no such key (FIPS 203 section 7.2).
pub fn encapsulate(encapsulation_key: &[u8]) -> Option<(Vec<u8>, SharedSecret)> {
    encapsulate_with(encapsulation_key, &Zeroizing::new(random()))
}

fn encapsulate_with(encapsulation_key: &[u8], message: &[u8; 32]) -> Option<(Vec<u8>, SharedSecret)> {
    let key = <MlKem768 as Kem>::EncapsulationKey::new(encapsulation_key.try_into().ok()?).ok()?;
    let key: EncapsulationKey<MlKem768> = key;
    let (ciphertext, secret) = key.encapsulate_deterministic(&(*message).into());
    Some((ciphertext.to_vec(), kept(secret)))
}

fn kept(mut secret: SharedKey) -> SharedSecret {
    use zeroize::Zeroize;
    let kept = Zeroizing::new(secret.into());
    secret.as_mut_slice().zeroize();
    kept
}

#[cfg(test)]
mod tests {
    use shake::Shake128;
    use shake::digest::{ExtendableOutput, Update, XofReader};

    use super::*;

    /// The accumulated vector that Go's `crypto/mlkem` is tested with (100 rounds): keys, ciphertexts and secrets of seeded rounds, and
    /// what a ciphertext of random bytes gives, all hashed together. An implementation that agrees with it agrees with that one.
    #[test]
    fn keys_ciphertexts_and_secrets_are_those_of_another_implementation() {
        let (mut input, mut output) = (Shake128::default().finalize_xof(), Shake128::default());
        for _ in 0..100 {
            let (mut seed, mut message, mut noise) = ([0; 64], [0; 32], [0; CIPHERTEXT_BYTES]);
            input.read(&mut seed);
            let key = KemPrivateKey::from_seed(&seed);
            let public = key.encapsulation_key();
            output.update(&public);
            input.read(&mut message);
            let (ciphertext, secret) = encapsulate_with(&public, &message).expect("a key");
            output.update(&ciphertext);
            output.update(&*secret);
            assert_eq!(key.decapsulate(&ciphertext).expect("a ciphertext"), secret);
            input.read(&mut noise);
            output.update(&*key.decapsulate(&noise).expect("of that length"));
        }
        let mut sum = [0; 32];
        output.finalize_xof().read(&mut sum);
        let spelt: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(spelt, "1114b1b6699ed191734fa339376afa7e285c9e6acf6ff0177d346696ce564415");
    }

    #[test]
    fn what_is_no_key_or_no_ciphertext_is_refused() {
        let key = KemPrivateKey::generate();
        let public = key.encapsulation_key();
        assert_eq!(public.len(), ENCAPSULATION_KEY_BYTES);
        assert!(encapsulate(&public[1..]).is_none());
        // Three bytes hold two coefficients of twelve bits; these are not below the modulus 3329.
        assert!(encapsulate(&[&[0xff; 3], &public[3..]].concat()).is_none());
        let (ciphertext, secret) = encapsulate(&public).expect("a key");
        assert_eq!(ciphertext.len(), CIPHERTEXT_BYTES);
        assert!(key.decapsulate(&ciphertext[1..]).is_none());
        let other = KemPrivateKey::generate().decapsulate(&ciphertext).expect("of that length");
        assert_ne!(other, secret);
        assert_eq!(format!("{key:?}"), "KemPrivateKey(..)");
    }
}
