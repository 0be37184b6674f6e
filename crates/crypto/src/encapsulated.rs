//! A key that only a recipient can have: HPKE (RFC 9180) in the suite of `sealing`, of which the exporter alone is used.

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use zeroize::Zeroizing;

use crate::CryptoError;
use crate::aead::AeadKey;
use crate::sealing::{SealingPrivateKey, SealingPublicKey};

/// X-Wing's encapsulated secret.
pub const ENCAPSULATION_BYTES: usize = 1120;

/// A fresh key for one thing, and the encapsulation by which the recipient has it too. `domain` is what it is for: HPKE's `info` and
/// the exporter's context.
pub(crate) fn encapsulate(recipient: &SealingPublicKey, domain: &[u8]) -> (Vec<u8>, AeadKey) {
    let public = <XWing as Kem>::PublicKey::from_bytes(&recipient.to_bytes()).expect("a key's own encoding");
    let (encapsulated, exporter) = hpke::setup_sender::<AesGcm256, HkdfSha256, XWing>(&OpModeS::Base, &public, domain)
        .expect("X-Wing encapsulates to every key that was read");
    let key = exported(|secret| exporter.export(domain, secret));
    (encapsulated.to_bytes().to_vec(), key)
}

/// The key that [`encapsulate`] made for this recipient. To another one a key comes out that opens nothing.
pub(crate) fn decapsulate(
    recipient: &SealingPrivateKey,
    encapsulation: &[u8],
    domain: &[u8],
) -> Result<AeadKey, CryptoError> {
    let malformed = CryptoError::Malformed("encapsulation");
    let encapsulated = <XWing as Kem>::EncappedKey::from_bytes(encapsulation).map_err(|_| malformed)?;
    let private = <XWing as Kem>::PrivateKey::from_bytes(&recipient.to_bytes()).map_err(|_| malformed)?;
    let exporter =
        hpke::setup_receiver::<AesGcm256, HkdfSha256, XWing>(&OpModeR::Base, &private, &encapsulated, domain)
            .map_err(|_| CryptoError::Refused)?;
    Ok(exported(|secret| exporter.export(domain, secret)))
}

fn exported(export: impl FnOnce(&mut [u8]) -> Result<(), hpke::HpkeError>) -> AeadKey {
    let mut secret = Zeroizing::new([0; 32]);
    export(secret.as_mut_slice()).expect("32 bytes are within the exporter's limit");
    AeadKey::new(*secret)
}
