//! Sealing to an owner's public key: HPKE (RFC 9180) with X-Wing, HKDF-SHA-256 and AES-256-GCM.
//!
//! One encapsulation serves a window of records; each record has its own key, from the exporter (RFC 9180 section 5.3),
//! for the context that names owner, record, version and kind. The gateway keeps no key that opens what it sealed.

use std::fmt;
use std::sync::Arc;

use causeway_model::{AgencyId, Kind, RecordId, RecordVersion};
use hpke::aead::{Aead, AeadCtxS, AesGcm256};
use hpke::kdf::{HkdfSha256, Kdf};
use hpke::kem::XWing;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use zeroize::{Zeroize, Zeroizing};

use crate::CryptoError;
use crate::aead::AeadKey;
use crate::digest::{digest, framed, sha256};

/// HPKE's `info`: binds an encapsulation to this use and to the owner.
const ENCAPSULATION: &str = "causeway/v1/sealing";
/// The exporter's context and the record encryption's associated data.
const RECORD: &str = "causeway/v1/sealed-record";
/// From a public key to its id.
const KEY_ID: &str = "causeway/v1/sealing-key-id";

const KEM_ID: u16 = <XWing as Kem>::KEM_ID;
const KDF_ID: u16 = <HkdfSha256 as Kdf>::KDF_ID;
const AEAD_ID: u16 = <AesGcm256 as Aead>::AEAD_ID;

/// Names a sealing key: the first 16 bytes of the digest of its public half. Prints as hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SealingKeyId(pub [u8; 16]);

impl fmt::Display for SealingKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SealingKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An owner's public sealing key: X-Wing, 1,216 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct SealingPublicKey(<XWing as Kem>::PublicKey);

impl SealingPublicKey {
    /// The key that these bytes encode.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] for another length, or a lattice key that is not in its reduced form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        Deserializable::from_bytes(bytes).map(Self).map_err(|_| CryptoError::Malformed("sealing public key"))
    }

    /// The key's encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes().to_vec()
    }

    /// The id by which sealed bodies and receipts name this key.
    pub fn key_id(&self) -> SealingKeyId {
        SealingKeyId(first_half(&digest(KEY_ID, &[&self.0.to_bytes()]).0))
    }
}

impl fmt::Debug for SealingPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingPublicKey({})", self.key_id())
    }
}

/// An owner's private sealing key, which belongs on the owner's machine: X-Wing's 32-byte seed.
#[derive(Clone)]
pub struct SealingPrivateKey(<XWing as Kem>::PrivateKey);

impl SealingPrivateKey {
    /// A fresh random key.
    pub fn generate() -> Self {
        Self(XWing::gen_keypair().0)
    }

    /// The key that these bytes encode.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] unless there are 32.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        Deserializable::from_bytes(bytes).map(Self).map_err(|_| CryptoError::Malformed("sealing private key"))
    }

    /// The key's encoding, for writing it to where its owner keeps it.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = self.0.to_bytes();
        let copy = Zeroizing::new(bytes.to_vec());
        bytes.as_mut_slice().zeroize();
        copy
    }

    /// The public half.
    pub fn public_key(&self) -> SealingPublicKey {
        SealingPublicKey(XWing::sk_to_pk(&self.0))
    }
}

impl fmt::Debug for SealingPrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingPrivateKey(..)")
    }
}

/// What a sealed body is bound to: it opens in this place only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealContext<'a> {
    /// The agency that owns the record and its key.
    pub owner: &'a AgencyId,
    /// The record.
    pub record_id: RecordId,
    /// The version that the sealed body belongs to.
    pub version: RecordVersion,
    /// The record's kind.
    pub kind: Kind,
}

impl SealContext<'_> {
    fn to_bytes(self) -> Vec<u8> {
        let (version, kind) = (self.version.0.to_be_bytes(), self.kind.as_str());
        let parts = [self.owner.as_str().as_bytes(), self.record_id.as_bytes(), &version, kind.as_bytes()];
        let mut bytes = Vec::with_capacity(160);
        framed(RECORD, &parts, |part| bytes.extend_from_slice(part));
        bytes
    }
}

/// A sealed body. The ids are RFC 9180's (sections 7.1 to 7.3 and their registries), kept beside it so that bodies of a
/// later suite can live next to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// How the window's secret was encapsulated; X-Wing is 0x647a.
    pub kem_id: u16,
    /// How keys are derived from it; HKDF-SHA-256 is 1.
    pub kdf_id: u16,
    /// How the body is encrypted; AES-256-GCM is 2.
    pub aead_id: u16,
    /// The key that it is sealed to.
    pub key_id: SealingKeyId,
    /// The encapsulation that opens it: the first 16 bytes of its SHA-256.
    pub encapsulation_id: [u8; 16],
    /// Nonce (12 bytes), ciphertext, tag (16 bytes).
    pub ciphertext: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({}, {} bytes)", self.key_id, self.ciphertext.len())
    }
}

/// One encapsulation to one owner, and the keys of the records sealed under it. Whoever holds a window keeps its limits
/// (one second or 1,000 records) and then drops it, which zeroises the exporter's secret.
pub struct SealingWindow {
    exporter: AeadCtxS<AesGcm256, HkdfSha256, XWing>,
    encapsulation: Arc<[u8]>,
    encapsulation_id: [u8; 16],
    key_id: SealingKeyId,
    owner: AgencyId,
}

impl SealingWindow {
    /// A fresh encapsulation to the owner's key; some 100 us of work.
    pub fn new(public: &SealingPublicKey, owner: &AgencyId) -> Self {
        let info = encapsulation_info(owner);
        let (encapsulated, exporter) =
            hpke::setup_sender::<AesGcm256, HkdfSha256, XWing>(&OpModeS::Base, &public.0, &info)
                .expect("X-Wing encapsulates to every key that was read");
        let encapsulation: Arc<[u8]> = encapsulated.to_bytes().as_slice().into();
        let encapsulation_id = encapsulation_id(&encapsulation);
        Self { exporter, encapsulation, encapsulation_id, key_id: public.key_id(), owner: owner.clone() }
    }

    /// The encapsulated secret, which is stored once for all that is sealed under it: 1,120 bytes.
    pub fn encapsulation(&self) -> Arc<[u8]> {
        Arc::clone(&self.encapsulation)
    }

    /// The id by which sealed bodies name it.
    pub fn encapsulation_id(&self) -> [u8; 16] {
        self.encapsulation_id
    }

    /// Seals one record version's body. Sealing the same again gives other bytes.
    ///
    /// # Panics
    /// When the context names another owner than the window was made for: nothing is sealed to a key of another agency.
    pub fn seal(&self, context: &SealContext<'_>, plaintext: &[u8]) -> Sealed {
        assert!(*context.owner == self.owner, "a sealing window serves the owner it was made for");
        let context = context.to_bytes();
        let key = record_key(|secret| self.exporter.export(&context, secret));
        Sealed {
            kem_id: KEM_ID,
            kdf_id: KDF_ID,
            aead_id: AEAD_ID,
            key_id: self.key_id,
            encapsulation_id: self.encapsulation_id,
            ciphertext: key.seal(&context, plaintext),
        }
    }
}

impl fmt::Debug for SealingWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingWindow({}, {})", self.owner, self.key_id)
    }
}

/// Opens a sealed body with the owner's private key, in the place that the context names.
///
/// # Errors
/// [`CryptoError::Unsupported`] for another suite, [`CryptoError::OtherKey`] when it names another key,
/// [`CryptoError::Malformed`] when the encapsulation is not the one it names or none at all, and
/// [`CryptoError::Refused`] when it was sealed in another context or has been altered.
pub fn open_sealed(
    private: &SealingPrivateKey,
    encapsulation: &[u8],
    context: &SealContext<'_>,
    sealed: &Sealed,
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    if (sealed.kem_id, sealed.kdf_id, sealed.aead_id) != (KEM_ID, KDF_ID, AEAD_ID) {
        return Err(CryptoError::Unsupported("sealing suite"));
    }
    if sealed.key_id != private.public_key().key_id() {
        return Err(CryptoError::OtherKey);
    }
    let malformed = CryptoError::Malformed("encapsulation");
    if sealed.encapsulation_id != encapsulation_id(encapsulation) {
        return Err(malformed);
    }
    let encapsulated = <XWing as Kem>::EncappedKey::from_bytes(encapsulation).map_err(|_| malformed)?;
    let info = encapsulation_info(context.owner);
    let exporter =
        hpke::setup_receiver::<AesGcm256, HkdfSha256, XWing>(&OpModeR::Base, &private.0, &encapsulated, &info)
            .map_err(|_| CryptoError::Refused)?;
    let context = context.to_bytes();
    record_key(|secret| exporter.export(&context, secret)).open(&context, &sealed.ciphertext)
}

fn encapsulation_info(owner: &AgencyId) -> Vec<u8> {
    let mut info = Vec::new();
    framed(ENCAPSULATION, &[owner.as_str().as_bytes()], |bytes| info.extend_from_slice(bytes));
    info
}

fn encapsulation_id(encapsulation: &[u8]) -> [u8; 16] {
    first_half(&sha256(&[encapsulation]).0)
}

fn first_half(bytes: &[u8; 32]) -> [u8; 16] {
    *bytes.first_chunk().expect("16 is within 32")
}

fn record_key(export: impl FnOnce(&mut [u8]) -> Result<(), hpke::HpkeError>) -> AeadKey {
    let mut secret = Zeroizing::new([0; 32]);
    export(secret.as_mut_slice()).expect("32 bytes are within the exporter's limit");
    AeadKey::new(*secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"{\"name\":\"exact\"}";

    struct Place {
        owner: AgencyId,
        private: SealingPrivateKey,
    }

    impl Place {
        fn new(owner: &str) -> Self {
            Self { owner: owner.parse().expect("an agency id"), private: SealingPrivateKey::generate() }
        }

        fn window(&self) -> SealingWindow {
            SealingWindow::new(&self.private.public_key(), &self.owner)
        }

        fn context(&self) -> SealContext<'_> {
            SealContext {
                owner: &self.owner,
                record_id: RecordId::from_bytes([5; 16]),
                version: RecordVersion(3),
                kind: Kind::VictimProfile,
            }
        }

        fn open(&self, window: &SealingWindow, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
            open_sealed(&self.private, &window.encapsulation(), &self.context(), sealed)
        }
    }

    #[test]
    fn what_is_sealed_opens_with_the_owners_key_read_back_from_its_bytes() {
        let nca = Place::new("gb-nca");
        let window = nca.window();
        let sealed = window.seal(&nca.context(), BODY);
        assert_eq!((sealed.kem_id, sealed.kdf_id, sealed.aead_id), (0x647a, 1, 2));
        assert_eq!(sealed.encapsulation_id, sha256(&[&window.encapsulation()]).0[..16]);
        let private = SealingPrivateKey::from_bytes(&nca.private.to_bytes()).expect("its own bytes");
        let public = SealingPublicKey::from_bytes(&private.public_key().to_bytes()).expect("its own bytes");
        assert_eq!(public.key_id(), sealed.key_id);
        let opened = open_sealed(&private, &window.encapsulation(), &nca.context(), &sealed);
        assert_eq!(opened.expect("sealed to this key").as_slice(), BODY);
        assert!(!sealed.ciphertext.windows(5).any(|bytes| bytes == b"exact"));
    }

    #[test]
    fn each_part_of_the_context_is_bound() {
        let (nca, other) = (Place::new("gb-nca"), Place::new("al-police"));
        let window = nca.window();
        let sealed = window.seal(&nca.context(), BODY);
        let context = nca.context();
        let wrong = [
            SealContext { owner: &other.owner, ..context },
            SealContext { record_id: RecordId::from_bytes([6; 16]), ..context },
            SealContext { version: RecordVersion(4), ..context },
            SealContext { kind: Kind::TraffickingRoute, ..context },
        ];
        for context in wrong {
            let opened = open_sealed(&nca.private, &window.encapsulation(), &context, &sealed);
            assert_eq!(opened.err(), Some(CryptoError::Refused), "{context:?}");
        }
    }

    #[test]
    fn another_key_suite_or_encapsulation_is_refused() {
        let nca = Place::new("gb-nca");
        let (window, second) = (nca.window(), nca.window());
        let sealed = window.seal(&nca.context(), BODY);
        let stranger = Place { owner: nca.owner.clone(), private: SealingPrivateKey::generate() };
        assert_eq!(stranger.open(&window, &sealed).err(), Some(CryptoError::OtherKey));
        let claimed = Sealed { key_id: stranger.private.public_key().key_id(), ..sealed.clone() };
        assert_eq!(stranger.open(&window, &claimed).err(), Some(CryptoError::Refused));
        assert_eq!(nca.open(&second, &sealed).err(), Some(CryptoError::Malformed("encapsulation")));
        let moved = Sealed { encapsulation_id: second.encapsulation_id(), ..sealed.clone() };
        assert_eq!(nca.open(&second, &moved).err(), Some(CryptoError::Refused));
        for suite in [(1, 1, 2), (0x647a, 2, 2), (0x647a, 1, 3)] {
            let (kem_id, kdf_id, aead_id) = suite;
            let sealed = Sealed { kem_id, kdf_id, aead_id, ..sealed.clone() };
            assert_eq!(nca.open(&window, &sealed).err(), Some(CryptoError::Unsupported("sealing suite")));
        }
        let short = Sealed { encapsulation_id: encapsulation_id(b"short"), ..sealed };
        let opened = open_sealed(&nca.private, b"short", &nca.context(), &short);
        assert_eq!(opened.err(), Some(CryptoError::Malformed("encapsulation")));
    }

    #[test]
    fn every_flipped_byte_of_a_sealed_body_is_refused() {
        let nca = Place::new("gb-nca");
        let window = nca.window();
        let sealed = window.seal(&nca.context(), BODY);
        for at in 0..sealed.ciphertext.len() {
            let mut altered = sealed.clone();
            altered.ciphertext[at] ^= 1;
            assert_eq!(nca.open(&window, &altered).err(), Some(CryptoError::Refused), "byte {at}");
        }
    }

    #[test]
    fn two_seals_of_one_record_version_differ() {
        let nca = Place::new("gb-nca");
        let (window, second) = (nca.window(), nca.window());
        let ciphertext = |window: &SealingWindow| window.seal(&nca.context(), BODY).ciphertext;
        assert_ne!(ciphertext(&window), ciphertext(&window));
        assert_ne!(window.encapsulation(), second.encapsulation());
    }

    #[test]
    fn a_window_can_be_shared_between_threads() {
        fn shared<T: Send + Sync>(_: &T) {}
        shared(&Place::new("gb-nca").window());
    }

    #[test]
    #[should_panic(expected = "serves the owner it was made for")]
    fn a_window_seals_for_its_owner_only() {
        Place::new("gb-nca").window().seal(&Place::new("al-police").context(), BODY);
    }

    #[test]
    fn keys_are_read_from_their_exact_length_only() {
        let private = SealingPrivateKey::generate();
        let public = private.public_key().to_bytes();
        assert_eq!((public.len(), private.to_bytes().len()), (1216, 32));
        assert!(SealingPublicKey::from_bytes(&public[1..]).is_err());
        assert!(SealingPublicKey::from_bytes(&[0xff; 1216]).is_err(), "coefficients above the modulus");
        assert!(SealingPrivateKey::from_bytes(&[1; 33]).is_err());
        assert_eq!(format!("{private:?}"), "SealingPrivateKey(..)");
    }
}
