//! What keys are read from: wrapped rings, bundles, sealed bodies, public keys. Nothing that was not made with the key opens.
#![no_main]

use std::sync::LazyLock;

use causeway_crypto::{
    AeadKey, KeyRing, PublicKey, RootKey, SealContext, Sealed, SealingKeyId, SealingPrivateKey, SealingPublicKey,
    open_key_bundle, open_sealed,
};
use causeway_model::{AgencyId, Kind, RecordId, RecordVersion};
use libfuzzer_sys::fuzz_target;

static PRIVATE: LazyLock<SealingPrivateKey> =
    LazyLock::new(|| SealingPrivateKey::from_bytes(&[7; 32]).expect("32 bytes"));

fuzz_target!(|bytes: &[u8]| {
    assert!(KeyRing::unwrap(&RootKey::from_bytes([7; 32]), bytes).is_err());
    assert!(open_key_bundle(&PRIVATE, bytes).is_err());
    assert!(AeadKey::new([7; 32]).open(b"", bytes).is_err());
    if let Ok(public) = SealingPublicKey::from_bytes(bytes) {
        assert_eq!(public.to_bytes(), bytes);
    }
    if let Ok(key) = <[u8; 32]>::try_from(bytes) {
        PublicKey(key).verify(bytes, &[0; 64]);
    }
    let owner: AgencyId = "gb-nca".parse().expect("an agency id");
    let place = SealContext {
        owner: &owner,
        record_id: RecordId::from_bytes([5; 16]),
        version: RecordVersion(1),
        kind: Kind::VictimProfile,
    };
    let (encapsulation, ciphertext) = bytes.split_at(bytes.len().min(1120));
    let sealed = Sealed {
        kem_id: 0x647a,
        kdf_id: 1,
        aead_id: 2,
        key_id: PRIVATE.public_key().key_id(),
        encapsulation_id: [0; 16],
        ciphertext: ciphertext.to_vec(),
    };
    assert!(open_sealed(&PRIVATE, encapsulation, &place, &sealed).is_err());
    assert_ne!(SealingKeyId([0; 16]), sealed.key_id);
});
