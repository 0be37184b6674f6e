//! SHA-256 digests, plain and domain-separated.

use std::fmt;

use ring::digest::{Context, SHA256};

use crate::CryptoError;

/// A SHA-256 digest. Reads and prints as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

/// SHA-256 of the parts, one after the other with nothing between: for hashes that a standard defines (RFC 6962, frame
/// ids). Where several parts of free length meet, use [`digest()`].
pub fn sha256(parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    finish(context)
}

/// SHA-256 in the domain that the label names: over the domain and each part, each after its length as a 64-bit
/// big-endian number, so that no two lists of parts hash the same bytes.
pub fn digest(domain: &str, parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    framed(domain, parts, |bytes| context.update(bytes));
    finish(context)
}

/// Feeds the domain and the parts, each after its length, to `update`: the one framing that digests, codes and derived
/// keys share.
pub(crate) fn framed(domain: &str, parts: &[&[u8]], mut update: impl FnMut(&[u8])) {
    for part in std::iter::once(domain.as_bytes()).chain(parts.iter().copied()) {
        update(&(part.len() as u64).to_be_bytes());
        update(part);
    }
}

fn finish(context: Context) -> Digest {
    Digest(context.finish().as_ref().try_into().expect("SHA-256 gives 32 bytes"))
}

impl Digest {
    /// Its 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<&[u8]> for Digest {
    type Error = CryptoError;
    fn try_from(bytes: &[u8]) -> Result<Self, CryptoError> {
        bytes.try_into().map(Self).map_err(|_| CryptoError::Malformed("digest"))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha256_is_that_of_fips_180_4() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(&[b"abc"]).to_string(), expected);
        assert_eq!(sha256(&[b"a", b"", b"bc"]).to_string(), expected);
    }

    #[test]
    fn a_domain_digest_is_over_lengths_and_bytes() {
        let plain = sha256(&[&[0, 0, 0, 0, 0, 0, 0, 1], b"d", &[0, 0, 0, 0, 0, 0, 0, 2], b"ab"]);
        assert_eq!(digest("d", &[b"ab"]), plain);
        assert_ne!(digest("d", &[b"a", b"b"]), plain);
        assert_ne!(digest("da", &[b"b"]), plain);
    }

    #[test]
    fn a_digest_is_read_from_32_bytes_only() {
        assert_eq!(Digest::try_from([1; 32].as_slice()), Ok(Digest([1; 32])));
        assert_eq!(Digest::try_from([1; 31].as_slice()), Err(CryptoError::Malformed("digest")));
    }
}
