//! Hiding commitments to texts that entries may not hold.

use crate::mac::MacKey;
use crate::secret::Secret;

/// From the 32 random bytes of an entry's openings to the key of one field's commitment.
const FIELD_KEY: &str = "causeway/v1/commitment-field";

/// The commitment to `text` as the field of this name: HMAC-SHA-256 of the text under HKDF-Expand of the nonce for the
/// field. Without the nonce it says nothing, not even whether two fields or two entries hold the same text; with the
/// nonce and the text anyone can check it.
pub fn commit(nonce: &[u8; 32], field: &str, text: &str) -> [u8; 32] {
    let key = Secret::new(*nonce).derive(FIELD_KEY, &[field.as_bytes()]);
    MacKey::from_secret(key).tag_unframed(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commitment_binds_nonce_field_and_text() {
        let base = commit(&[1; 32], "operator", "a.clerk");
        assert_eq!(base, commit(&[1; 32], "operator", "a.clerk"));
        // Worked out apart from this code, with Python's hmac.
        let hex = crate::Digest(base).to_string();
        assert_eq!(hex, "8d762359a7db0ec7f3982aeb4b0ac47cc62cdf879931ece2c51060bc7212e6d2");
        assert_ne!(base, commit(&[2; 32], "operator", "a.clerk"));
        assert_ne!(base, commit(&[1; 32], "purpose_text", "a.clerk"));
        assert_ne!(base, commit(&[1; 32], "operator", "a.clerc"));
    }
}
