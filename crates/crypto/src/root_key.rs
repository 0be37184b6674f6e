//! The root key: kept outside the data volume; wraps the key ring and the page keys, and does nothing else.

use crate::CryptoError;
use crate::aead::AeadKey;
use crate::secret::Secret;

/// From the root key to the key that wraps page keys in the slot file.
const PAGE_WRAPPING: &str = "causeway/v1/page-wrapping";
/// From the root key to the key that wraps the key ring.
const RING_WRAPPING: &str = "causeway/v1/ring-wrapping";

/// The key at the root: whoever has it and the data volume can read what the gateway can read.
#[derive(Debug, Clone)]
pub struct RootKey(Secret);

impl RootKey {
    /// A fresh random key.
    pub fn generate() -> Self {
        Self(Secret::generate())
    }

    /// The key that these bytes are.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// The key's bytes, for writing it to where it is kept.
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// The key under which page keys are wrapped in the slot file.
    pub fn page_wrapping_key(&self) -> AeadKey {
        AeadKey::from_secret(self.0.derive(PAGE_WRAPPING, &[]))
    }

    pub(crate) fn ring_wrapping_key(&self) -> AeadKey {
        AeadKey::from_secret(self.0.derive(RING_WRAPPING, &[]))
    }
}

impl TryFrom<&[u8]> for RootKey {
    type Error = CryptoError;
    fn try_from(bytes: &[u8]) -> Result<Self, CryptoError> {
        bytes.try_into().map(Self::from_bytes).map_err(|_| CryptoError::Malformed("root key"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_use_has_its_own_key() {
        let root = RootKey::from_bytes([3; 32]);
        assert_ne!(root.page_wrapping_key().expose(), root.ring_wrapping_key().expose());
        assert_ne!(root.page_wrapping_key().expose(), root.expose());
        assert_ne!(root.page_wrapping_key().expose(), RootKey::generate().page_wrapping_key().expose());
        assert_eq!(RootKey::try_from([3; 31].as_slice()).err(), Some(CryptoError::Malformed("root key")));
    }
}
