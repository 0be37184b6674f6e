//! 32 secret bytes that are wiped when dropped and never printed, how others are derived from them, and randomness.

use std::fmt;

use ring::hkdf;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::digest::framed;

/// `N` bytes from the operating system's random source.
///
/// # Panics
/// When the operating system has no randomness to give: nothing may go on without.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the operating system's random source works");
    bytes
}

/// 32 secret bytes.
#[derive(Clone)]
pub(crate) struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    pub(crate) fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn generate() -> Self {
        Self::new(random())
    }

    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Another secret for the use that `label` names and the thing that `parts` name: HKDF-Expand (RFC 5869 section 2.3)
    /// with SHA-256. The extract step is left out, since these bytes are uniformly random (section 3.3 there).
    pub(crate) fn derive(&self, label: &str, parts: &[&[u8]]) -> Self {
        let mut info = Vec::new();
        framed(label, parts, |bytes| info.extend_from_slice(bytes));
        let mut derived = Self::new([0; 32]);
        hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, self.expose())
            .expand(&[&info], hkdf::HKDF_SHA256)
            .and_then(|material| material.fill(derived.0.as_mut_slice()))
            .expect("32 bytes are within HKDF's 255 blocks");
        derived
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_secrets_differ_by_key_label_and_parts() {
        let secret = Secret::new([7; 32]);
        let base = secret.derive("label", &[b"ab", b"c"]);
        let same = secret.derive("label", &[b"ab", b"c"]);
        assert_eq!(base.expose(), same.expose());
        let others = [
            Secret::new([8; 32]).derive("label", &[b"ab", b"c"]),
            secret.derive("labe", &[b"lab", b"c"]),
            secret.derive("label", &[b"a", b"bc"]),
            secret.derive("label", &[b"abc"]),
        ];
        assert!(others.iter().all(|other| other.expose() != base.expose()));
    }

    #[test]
    fn debug_prints_nothing_of_a_secret() {
        let secret = Secret::new([0xab; 32]);
        assert_eq!(format!("{secret:?}"), "..");
    }
}
