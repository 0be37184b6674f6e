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
