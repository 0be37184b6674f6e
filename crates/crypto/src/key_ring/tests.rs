//! Rings: wrapped and unwrapped, altered, of both versions, and what rotating one of their secrets leaves alone.

use super::layout::{HEADER_LENGTH, PLAINTEXT_1_LENGTH};
use super::*;
use crate::CryptoError;
use crate::root_key::RootKey;

fn feed(text: &str) -> AgreementId {
    text.parse().expect("an agreement id")
}

/// A ring with something in each of its parts.
fn full() -> KeyRing {
    let ring = KeyRing::generate().with_feed_secret(&feed("ISA-AL-2026-014"), 2).with_checkpoint_candidate().0;
    ring.with_feed_secret(&feed("ISA-VN-2026-021"), 7)
}

fn all(ring: &KeyRing) -> Vec<[u8; 32]> {
    let six = ring.secrets().into_iter();
    six.chain(&ring.checkpoint_candidates).chain(ring.feed_epochs.values()).map(|secret| *secret.expose()).collect()
}

fn publics(ring: &KeyRing) -> Vec<PublicKey> {
    ring.checkpoint_keys().iter().map(SigningKey::public_key).collect()
}

fn version_1(ring: &KeyRing, root: &RootKey) -> Vec<u8> {
    let header = b"causeway-key-ring\x01";
    let plaintext: Vec<u8> = ring.secrets().iter().flat_map(|secret| *secret.expose()).collect();
    [header.as_slice(), &root.ring_wrapping_key().seal(header, &plaintext)].concat()
}

#[test]
fn a_wrapped_ring_unwraps_to_the_same_secrets() {
    let root = RootKey::generate();
    for ring in [KeyRing::generate(), full()] {
        let wrapped = ring.wrap(&root);
        assert_eq!(wrapped[HEADER_LENGTH - 1], 2);
        let again = KeyRing::unwrap(&root, &wrapped).expect("it was wrapped under this root key");
        assert_eq!(all(&ring), all(&again));
        assert_eq!(ring.feed_epochs.keys().collect::<Vec<_>>(), again.feed_epochs.keys().collect::<Vec<_>>());
        assert_ne!(all(&ring), all(&KeyRing::generate()));
    }
}

#[test]
fn a_ring_of_version_1_unwraps_to_the_same_secrets() {
    let (root, ring) = (RootKey::generate(), KeyRing::generate());
    let again = KeyRing::unwrap(&root, &version_1(&ring, &root)).expect("version 1 is still read");
    assert_eq!(all(&ring), all(&again));
    assert!(again.checkpoint_candidates.is_empty() && again.feed_epochs.is_empty());
}

#[test]
fn a_ring_of_every_version_has_the_same_keys_of_index_and_state_which_are_no_other_of_its_keys() {
    let (root, ring) = (RootKey::generate(), full());
    let tag = |mac: MacKey| mac.tag("test", &[]);
    for wrapped in [version_1(&ring, &root), ring.wrap(&root)] {
        let again = KeyRing::unwrap(&root, &wrapped).expect("both versions are read");
        assert_eq!(tag(again.index_mac()), tag(ring.index_mac()));
        assert_eq!(tag(again.state_mac()), tag(ring.state_mac()));
    }
    for other in [ring.cursor_mac(), ring.content_mac(), ring.submission_mac(), KeyRing::generate().index_mac()] {
        assert_ne!(tag(other.clone()), tag(ring.index_mac()));
        assert_ne!(tag(other), tag(ring.state_mac()));
    }
    assert_ne!(tag(ring.index_mac()), tag(ring.state_mac()));
    assert_ne!(tag(ring.state_mac()), tag(KeyRing::generate().state_mac()));
}

#[test]
fn a_version_is_bound_to_what_it_is_the_version_of() {
    let (root, ring) = (RootKey::generate(), KeyRing::generate());
    for (mut wrapped, other) in [(version_1(&ring, &root), 2), (ring.wrap(&root), 1)] {
        wrapped[HEADER_LENGTH - 1] = other;
        assert_eq!(KeyRing::unwrap(&root, &wrapped).err(), Some(CryptoError::Refused));
    }
}

#[test]
fn a_ring_does_not_unwrap_under_another_root_key() {
    let wrapped = full().wrap(&RootKey::generate());
    assert_eq!(KeyRing::unwrap(&RootKey::generate(), &wrapped).err(), Some(CryptoError::Refused));
}

#[test]
fn every_flipped_byte_and_every_cut_of_a_wrapped_ring_is_refused() {
    let root = RootKey::generate();
    let wrapped = full().wrap(&root);
    for at in 0..wrapped.len() {
        let mut altered = wrapped.clone();
        altered[at] ^= 0x10;
        assert!(KeyRing::unwrap(&root, &altered).is_err(), "byte {at}");
        assert!(KeyRing::unwrap(&root, &wrapped[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn a_ring_of_another_version_or_length_is_named_as_such() {
    let root = RootKey::generate();
    let mut later = KeyRing::generate().wrap(&root);
    later[HEADER_LENGTH - 1] = 3;
    assert_eq!(KeyRing::unwrap(&root, &later).err(), Some(CryptoError::Unsupported("key ring version")));
    let malformed = |header: &[u8], plaintext: &[u8]| {
        let wrapped = [header, &root.ring_wrapping_key().seal(header, plaintext)].concat();
        assert_eq!(KeyRing::unwrap(&root, &wrapped).err(), Some(CryptoError::Malformed("key ring")), "{plaintext:?}");
    };
    for length in [0, 32, PLAINTEXT_1_LENGTH - 1, PLAINTEXT_1_LENGTH + 1, PLAINTEXT_1_LENGTH + 32] {
        malformed(b"causeway-key-ring\x01", &vec![0; length]);
    }
    let six = [0; PLAINTEXT_1_LENGTH];
    // No number of candidates; more than there may be; a candidate too few; no count of feeds; a feed too few; a feed's name cut; bytes left over.
    for rest in
        [&[][..], &[2, 0, 0, 0, 0], &[0, 0, 0], &[0, 0, 0, 0, 1], &[0, 0, 0, 0, 1, 9, b'I'], &[0, 0, 0, 0, 0, 0]]
    {
        malformed(b"causeway-key-ring\x02", &[&six[..], rest].concat());
    }
}

#[test]
fn a_feed_has_a_key_for_the_first_epoch_and_for_those_that_were_begun() {
    let (ring, albania) = (KeyRing::generate(), feed("ISA-AL-2026-014"));
    let internal = crate::InternalPseudonym([9; 32]);
    let shown = |ring: &KeyRing, epoch| ring.feed_key(&albania, epoch).map(|key| key.pseudonym(&internal, None));
    assert!(shown(&ring, 1).is_some());
    assert_eq!((shown(&ring, 0), shown(&ring, 2)), (None, None));
    let rotated = ring.with_feed_secret(&albania, 2);
    assert_eq!(shown(&rotated, 1), shown(&ring, 1), "the epoch before reads as it did");
    assert!(shown(&rotated, 2).is_some() && shown(&rotated, 3).is_none());
    assert!(rotated.feed_key(&feed("ISA-VN-2026-021"), 2).is_none(), "another feed has its own epochs");
    assert_ne!(shown(&rotated, 2), shown(&rotated.with_feed_secret(&albania, 2), 2), "a fresh secret each time");
}

#[test]
fn a_signing_key_is_a_candidate_first_and_alone_later() {
    let ring = full();
    let current = publics(&ring)[0];
    let (with, candidate) = ring.with_checkpoint_candidate();
    let earlier = publics(&ring)[1];
    assert_eq!(publics(&with), [current, earlier, candidate], "an earlier candidate may be the one that the log names");
    let many = (0..9).fold(ring.clone(), |ring, _| ring.with_checkpoint_candidate().0);
    assert!(publics(&many).len() == 5 && !publics(&many).contains(&earlier), "but not for ever");
    assert_eq!(
        all(&KeyRing::unwrap(&RootKey::from_bytes([1; 32]), &many.wrap(&RootKey::from_bytes([1; 32]))).expect("opens")),
        all(&many)
    );
    let rotated = with.with_checkpoint_only(&candidate).expect("it is in the ring");
    assert_eq!(publics(&rotated), [candidate]);
    assert!(!all(&rotated).contains(with.checkpoint.expose()), "the old private half is not in it");
    assert_eq!(publics(&with.with_checkpoint_only(&current).expect("it is in the ring")), [current]);
    assert!(rotated.with_checkpoint_only(&current).is_none(), "what is gone stays gone");
    let both = with.with_checkpoint_pair(&candidate, Some(&current)).expect("they are in the ring");
    assert_eq!(publics(&both), [candidate, current], "the current one first");
    assert!(rotated.with_checkpoint_pair(&candidate, Some(&current)).is_none());
    assert_eq!(rotated.feed_epochs.len(), 2, "the rest stays");
}

#[test]
fn no_two_uses_share_a_key() {
    let ring = KeyRing::generate();
    let macs = [ring.submission_mac(), ring.content_mac(), ring.cursor_mac()].map(|key| key.tag("d", &[b"x"]));
    assert!(macs[0] != macs[1] && macs[1] != macs[2] && macs[0] != macs[2]);
}

#[test]
fn debug_prints_nothing_of_a_ring() {
    let mut ring = KeyRing::from_secrets(std::array::from_fn(|_| Secret::new([0xa7; 32])));
    ring.checkpoint_candidates.push(Secret::new([0xa7; 32]));
    ring.feed_epochs.insert((feed("ISA-AL-2026-014"), 2), Secret::new([0xa7; 32]));
    let printed = format!("{ring:?} {:?} {:?}", ring.pseudonym_key(), ring.cursor_mac());
    assert!(!printed.contains("167") && !printed.contains("a7"), "{printed}");
}
