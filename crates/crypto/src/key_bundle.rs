//! Sealing the gateway's own keys for an offline copy: HPKE (RFC 9180) in the suite of `sealing`, in a domain of its own.

use zeroize::Zeroizing;

use crate::CryptoError;
use crate::encapsulated::{ENCAPSULATION_BYTES, decapsulate, encapsulate};
use crate::sealing::{SealingPrivateKey, SealingPublicKey};

/// HPKE's `info`, which no sealed record has, and the exporter's context.
const BUNDLE: &[u8] = b"causeway/v1/key-bundle";

/// What a bundle begins with, and what its encryption is bound to. The last byte is the version.
const HEADER: &[u8; 14] = b"causeway-keys\x01";

/// Seals to the recipient: header, encapsulation (1,120 bytes), then the ciphertext with its nonce and tag.
///
/// # Panics
/// Never: X-Wing encapsulates to every key that was read.
pub fn seal_key_bundle(recipient: &SealingPublicKey, plaintext: &[u8]) -> Vec<u8> {
    let (encapsulation, key) = encapsulate(recipient, BUNDLE);
    [HEADER.as_slice(), &encapsulation, &key.seal(HEADER, plaintext)].concat()
}

/// Opens what [`seal_key_bundle`] sealed to this key.
///
/// # Errors
/// [`CryptoError::Malformed`] when it is no bundle, [`CryptoError::Unsupported`] when it is one of another version,
/// [`CryptoError::Refused`] when it is sealed to another key or has been altered.
pub fn open_key_bundle(recipient: &SealingPrivateKey, bundle: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let malformed = CryptoError::Malformed("key bundle");
    let (header, rest) = bundle.split_first_chunk::<{ HEADER.len() }>().ok_or(malformed)?;
    if header != HEADER {
        let same_name = header[..HEADER.len() - 1] == HEADER[..HEADER.len() - 1];
        return Err(if same_name { CryptoError::Unsupported("key bundle version") } else { malformed });
    }
    let (encapsulation, ciphertext) = rest.split_at_checked(ENCAPSULATION_BYTES).ok_or(malformed)?;
    decapsulate(recipient, encapsulation, BUNDLE)?.open(HEADER, ciphertext)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_opens_with_the_recipients_key_only_and_unaltered() {
        let recipient = SealingPrivateKey::generate();
        let bundle = seal_key_bundle(&recipient.public_key(), b"root and ring");
        assert_eq!(open_key_bundle(&recipient, &bundle).expect("opens").as_slice(), b"root and ring");
        assert_eq!(open_key_bundle(&SealingPrivateKey::generate(), &bundle).err(), Some(CryptoError::Refused));
        for at in [0, HEADER.len() - 1, HEADER.len(), HEADER.len() + ENCAPSULATION_BYTES, bundle.len() - 1] {
            let mut altered = bundle.clone();
            altered[at] ^= 1;
            assert!(open_key_bundle(&recipient, &altered).is_err(), "byte {at}");
            assert!(open_key_bundle(&recipient, &bundle[..at]).is_err(), "cut at {at}");
        }
        let mut later = bundle.clone();
        later[HEADER.len() - 1] = 2;
        let refused = open_key_bundle(&recipient, &later).err();
        assert_eq!(refused, Some(CryptoError::Unsupported("key bundle version")));
        assert!(!bundle.windows(4).any(|bytes| bytes == b"root"));
    }
}
