//! Keyed authentication codes: HMAC-SHA-256 (RFC 2104), domain-separated.

use ring::hmac;
use zeroize::Zeroizing;

use crate::digest::framed;
use crate::secret::Secret;

/// An HMAC-SHA-256 key.
#[derive(Debug, Clone)]
pub struct MacKey(Secret);

impl MacKey {
    /// The key that these bytes are.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    pub(crate) fn from_secret(secret: Secret) -> Self {
        Self(secret)
    }

    /// The code of the parts in this domain, framed as [`crate::digest()`] frames them.
    pub fn tag(&self, domain: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.ring_key());
        framed(domain, parts, |bytes| context.update(bytes));
        into_bytes(context.sign())
    }

    /// Whether `tag` is the code of the parts in this domain; takes the same time wherever they differ.
    pub fn verify(&self, domain: &str, parts: &[&[u8]], tag: &[u8]) -> bool {
        // ring compares in constant time only over one slice, so the framed message is put together first.
        let mut message = Zeroizing::new(Vec::new());
        framed(domain, parts, |bytes| message.extend_from_slice(bytes));
        hmac::verify(&self.ring_key(), &message, tag).is_ok()
    }

    /// The code of exactly these bytes, for keys that are derived for one use and so need no domain.
    pub(crate) fn tag_unframed(&self, message: &[u8]) -> [u8; 32] {
        into_bytes(hmac::sign(&self.ring_key(), message))
    }

    fn ring_key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.0.expose())
    }
}

fn into_bytes(tag: hmac::Tag) -> [u8; 32] {
    tag.as_ref().try_into().expect("HMAC-SHA-256 gives 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(tag: [u8; 32]) -> String {
        crate::Digest(tag).to_string()
    }

    /// RFC 4231 section 4, test cases whose key is at most 32 bytes: HMAC pads a key with zeros, so a shorter one is its
    /// zero-padded self.
    #[test]
    fn codes_are_those_of_rfc_4231() {
        let key = |bytes: &[u8]| {
            let mut padded = [0; 32];
            padded[..bytes.len()].copy_from_slice(bytes);
            MacKey::new(padded)
        };
        let counting: Vec<u8> = (1..=25).collect();
        let cases: [(MacKey, &[u8], &str); 4] = [
            (key(&[0x0b; 20]), b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                key(b"Jefe"),
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (key(&[0xaa; 20]), &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            (key(&counting), &[0xcd; 50], "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        ];
        for (key, message, expected) in cases {
            assert_eq!(hex(key.tag_unframed(message)), expected);
        }
    }

    #[test]
    fn a_code_is_good_for_its_domain_and_parts_only() {
        let key = MacKey::new([1; 32]);
        let tag = key.tag("cursor", &[b"ab", b"c"]);
        assert!(key.verify("cursor", &[b"ab", b"c"], &tag));
        assert!(!key.verify("cursor", &[b"a", b"bc"], &tag));
        assert!(!key.verify("curso", &[b"rab", b"c"], &tag));
        assert!(!key.verify("cursor", &[b"ab", b"c"], &tag[..31]));
        assert!(!key.verify("cursor", &[b"ab", b"c"], &[]));
        assert!(!MacKey::new([2; 32]).verify("cursor", &[b"ab", b"c"], &tag));
        let mut framed = Vec::new();
        crate::digest::framed("cursor", &[b"ab", b"c"], |bytes| framed.extend_from_slice(bytes));
        assert_eq!(tag, key.tag_unframed(&framed), "a code is over the frame that digests use");
    }
}
