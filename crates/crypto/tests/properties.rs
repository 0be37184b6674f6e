//! What must hold of every sealed body, pseudonym and signature, on values drawn at random: sizes, bytes, places and changes.

use std::collections::BTreeSet;

use causeway_crypto::{
    CryptoError, InternalPseudonym, KeyRing, SealContext, Sealed, SealingPrivateKey, SealingWindow, SigningKey,
    open_key_bundle, open_sealed, pseudonym_is_well_formed, random, seal_key_bundle,
};
use causeway_model::{AgencyId, ItemId, Kind, RecordId, RecordVersion};

/// A body of a drawn length: none, a few bytes, or as long as a record may be.
fn body(round: usize) -> Vec<u8> {
    let length: usize = [0, 1, 15, 16, 17, 4_096, 128 * 1024][round % 7];
    (0..length.div_ceil(32)).flat_map(|_| random::<32>()).take(length).collect()
}

fn agency(id: &str) -> AgencyId {
    id.parse().expect("an agency id")
}

/// A place with one thing at a time another.
fn other_places<'a>(place: &SealContext<'a>, other: &'a AgencyId) -> [SealContext<'a>; 4] {
    let kind = if place.kind == Kind::VictimProfile { Kind::TraffickingRoute } else { Kind::VictimProfile };
    [
        SealContext { owner: other, ..*place },
        SealContext { record_id: RecordId::from_bytes(random()), ..*place },
        SealContext { version: RecordVersion(place.version.0.wrapping_add(1)), ..*place },
        SealContext { kind, ..*place },
    ]
}

#[test]
fn every_body_opens_with_its_key_in_its_place_and_nowhere_else() {
    let (owner, other) = (agency("gb-nca"), agency("al-police"));
    for round in 0..28 {
        let (private, stranger) = (SealingPrivateKey::generate(), SealingPrivateKey::generate());
        let window = SealingWindow::new(&private.public_key(), &owner);
        let place = SealContext {
            owner: &owner,
            record_id: RecordId::from_bytes(random()),
            version: RecordVersion(u32::from_be_bytes(random()) >> 1),
            kind: [Kind::VictimProfile, Kind::TraffickingRoute][round % 2],
        };
        let body = body(round);
        let sealed = window.seal(&place, &body);
        let encapsulation = window.encapsulation();
        let opened = open_sealed(&private, &encapsulation, &place, &sealed).expect("its own key and place");
        assert_eq!(*opened, body, "round {round}");
        assert_eq!(open_sealed(&stranger, &encapsulation, &place, &sealed).err(), Some(CryptoError::OtherKey));
        for elsewhere in other_places(&place, &other) {
            assert!(open_sealed(&private, &encapsulation, &elsewhere, &sealed).is_err(), "{elsewhere:?}");
        }
        if body.len() >= 16 {
            assert!(!sealed.ciphertext.windows(16).any(|part| part == &body[..16]), "it is in the clear");
        }
    }
}

#[test]
fn no_changed_byte_of_a_sealed_body_or_its_encapsulation_goes_unseen() {
    let owner = agency("gb-nca");
    let private = SealingPrivateKey::generate();
    let window = SealingWindow::new(&private.public_key(), &owner);
    let place = SealContext {
        owner: &owner,
        record_id: RecordId::from_bytes(random()),
        version: RecordVersion(3),
        kind: Kind::VictimProfile,
    };
    let sealed = window.seal(&place, &body(4));
    let encapsulation = window.encapsulation();
    let refused = |sealed: &Sealed, encapsulation: &[u8]| open_sealed(&private, encapsulation, &place, sealed).is_err();
    for at in 0..sealed.ciphertext.len() {
        for bit in 0..8 {
            let mut altered = sealed.clone();
            altered.ciphertext[at] ^= 1 << bit;
            assert!(refused(&altered, &encapsulation), "bit {bit} of byte {at}");
        }
        let cut = Sealed { ciphertext: sealed.ciphertext[..at].to_vec(), ..sealed.clone() };
        assert!(refused(&cut, &encapsulation), "cut at {at}");
    }
    for at in (0..encapsulation.len()).step_by(13) {
        let mut altered = encapsulation.to_vec();
        altered[at] ^= 1;
        assert!(refused(&sealed, &altered), "byte {at} of the encapsulation");
        // Also where the body names the altered one.
        let half = *causeway_crypto::sha256(&[&altered]).0.first_chunk().expect("16 of 32");
        assert!(refused(&Sealed { encapsulation_id: half, ..sealed.clone() }, &altered), "byte {at}, named");
    }
}

#[test]
fn no_changed_byte_of_a_key_bundle_goes_unseen() {
    let recipient = SealingPrivateKey::generate();
    let bundle = seal_key_bundle(&recipient.public_key(), &body(2));
    for at in (0..1_134).step_by(41).chain(1_134..bundle.len()) {
        let mut altered = bundle.clone();
        altered[at] ^= 0x80;
        assert!(open_key_bundle(&recipient, &altered).is_err(), "byte {at}");
    }
}

/// What of a pseudonym could join two of them: all but the epoch and the check characters.
fn shown(pseudonym: &str) -> String {
    pseudonym.split('-').nth(1).expect("three parts").to_owned()
}

#[test]
fn no_two_feeds_epochs_items_or_owners_share_a_pseudonym() {
    let ring = KeyRing::generate();
    let (albania, vietnam) =
        ("ISA-AL-2026-014".parse().expect("an agreement id"), "ISA-VN-2026-021".parse().expect("an agreement id"));
    let rotated = ring.with_feed_secret(&albania, 2);
    let feeds = [ring.feed_key(&albania, 1), ring.feed_key(&vietnam, 1), rotated.feed_key(&albania, 2)];
    let feeds = feeds.map(|feed| feed.expect("it has begun"));
    let items = [ItemId::from_bytes(random()), ItemId::from_bytes(random())];
    let (mut seen, mut made) = (BTreeSet::new(), 0);
    for number in 0..500 {
        // One person's one number, in the records of two owners, and under two schemes.
        let value = format!("GB{number:07}");
        for (owner, scheme) in [("gb-nca", "nrm"), ("al-police", "nrm"), ("gb-nca", "subject")] {
            let internal = ring.pseudonym_key().internal(&agency(owner), scheme, &value);
            for feed in &feeds {
                for item in [None, Some(&items[0]), Some(&items[1])] {
                    let pseudonym = feed.pseudonym(&internal, item);
                    assert!(pseudonym_is_well_formed(&pseudonym) && !pseudonym.contains(&value));
                    assert_eq!(pseudonym, feed.pseudonym(&internal, item), "the same person in the same place");
                    made += 1;
                    assert!(seen.insert(shown(&pseudonym)), "{pseudonym} is shown twice");
                }
            }
        }
    }
    assert_eq!(seen.len(), made);
}

#[test]
fn slips_of_the_hand_are_caught_in_any_pseudonym() {
    let ring = KeyRing::generate();
    let feed = ring.feed_key(&"ISA-AL-2026-014".parse().expect("an agreement id"), 1).expect("it has begun");
    for _ in 0..300 {
        let text = feed.pseudonym(&InternalPseudonym(random()), None);
        let [at, with] = random::<2>().map(usize::from);
        let mut bytes = text.clone().into_bytes();
        let at = 3 + at % (bytes.len() - 3);
        bytes[at] = b"abcdefghijklmnopqrstuvwxyz234567-"[with % 33];
        let changed = String::from_utf8(bytes.clone()).expect("ASCII");
        assert_eq!(pseudonym_is_well_formed(&changed), changed == text, "{text} -> {changed}");
        let mut swapped = text.clone().into_bytes();
        swapped.swap(at - 1, at);
        let swapped = String::from_utf8(swapped).expect("ASCII");
        assert_eq!(pseudonym_is_well_formed(&swapped), swapped == text, "{text} -> {swapped}");
    }
}

#[test]
fn what_holds_a_secret_prints_nothing_of_it() {
    let private = SealingPrivateKey::from_bytes(&[0xab; 32]).expect("32 bytes");
    let signing = SigningKey::from_seed(&[0xab; 32]);
    let ring = KeyRing::generate();
    let owner = agency("gb-nca");
    let shown = [
        format!("{private:?}"),
        format!("{signing:?}"),
        format!("{ring:?} {ring:#?}"),
        format!("{:?}", causeway_crypto::RootKey::from_bytes([0xab; 32])),
        format!("{:?}", causeway_crypto::AeadKey::new([0xab; 32])),
        format!("{:?}", causeway_crypto::MacKey::new([0xab; 32])),
        format!("{:?}", ring.pseudonym_key()),
        format!("{:?}", ring.feed_key(&"ISA-AL-2026-014".parse().expect("an agreement id"), 1)),
        format!("{:?}", InternalPseudonym([0xab; 32])),
        format!("{:?}", SealingWindow::new(&private.public_key(), &owner)),
    ];
    for text in shown {
        for spelt in ["171", "abab", "ABAB", "ab, ab", "0xab"] {
            assert!(!text.contains(spelt), "{text}");
        }
        assert!(text.len() < 2_000, "too much is said of it: {text}");
    }
}
