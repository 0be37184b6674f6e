//! Cosignatures: a published one, and what makes one bad.

use causeway_crypto::{Digest, SigningKey};
use causeway_journal::note::{Note, Signature};
use causeway_journal::{Checkpoint, JournalError, VerifierKey, cosign, verify_checkpoint, verify_cosignature};

use crate::vectors;

const WITNESS: &str = "witness.example/w1";

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: "log.example".into(), size: 17, root: Digest([3; 32]) }
}

fn witness() -> (SigningKey, VerifierKey) {
    let key = SigningKey::from_seed(&[7; 32]);
    let verifier = VerifierKey::cosigner(WITNESS, key.public_key()).expect("a name");
    (key, verifier)
}

#[test]
fn the_published_cosignature_verifies() {
    let vector = vectors::read("cosignature-v1.json");
    let key: VerifierKey = vector["witness_vkey"].as_str().expect("a text").parse().expect("a key");
    let note = vector["cosigned_checkpoint"].as_str().expect("a text");
    assert!(key.is_cosigner());
    assert_eq!(key.to_string(), vector["witness_vkey"]);
    assert_eq!(verify_cosignature(note, &key), Ok(Some(1_767_139_200)));
    let parsed = Note::parse(note).expect("a note");
    assert_eq!(parsed.signatures.len(), 2, "the log's, of a type that is not known here, is passed over");
    let lines: String = parsed.signatures.iter().map(Signature::line).collect();
    assert_eq!(format!("{}\n{lines}", parsed.text), note);
    let moved = note.replace("\n300\n", "\n301\n");
    assert_eq!(verify_cosignature(&moved, &key), Err(JournalError::Signature("a cosignature does not verify")));
}

#[test]
fn a_cosignature_is_of_one_checkpoint_one_witness_and_one_time() {
    let (key, verifier) = witness();
    let note = checkpoint().sign(&SigningKey::from_seed(&[1; 32]));
    let line = cosign(&note, WITNESS, &key, 1_900_000_000).expect("a checkpoint");
    let cosigned = format!("{note}{line}");
    assert_eq!(verify_cosignature(&cosigned, &verifier), Ok(Some(1_900_000_000)));
    assert_eq!(verify_cosignature(&note, &verifier), Ok(None));
    let later = cosign(&note, WITNESS, &key, 1_900_000_100).expect("a checkpoint");
    assert_eq!(verify_cosignature(&format!("{note}{later}{line}"), &verifier), Ok(Some(1_900_000_100)));

    let other = VerifierKey::cosigner(WITNESS, SigningKey::from_seed(&[8; 32]).public_key()).expect("a name");
    assert_eq!(verify_cosignature(&cosigned, &other), Ok(None));
    let named = VerifierKey::cosigner("witness.example/w2", key.public_key()).expect("a name");
    assert_eq!(verify_cosignature(&cosigned, &named), Ok(None));
    let plain = VerifierKey::new(WITNESS, key.public_key()).expect("a name");
    assert_eq!(verify_cosignature(&cosigned, &plain), Err(JournalError::Key("it is no witness's")));
    assert_ne!(plain.key_id(), verifier.key_id());

    let mut parsed = Note::parse(&cosigned).expect("a note");
    for at in 0..parsed.signatures[1].bytes.len() {
        parsed.signatures[1].bytes[at] ^= 1;
        let changed = format!("{note}{}", parsed.signatures[1].line());
        let refused = verify_cosignature(&changed, &verifier);
        assert_eq!(refused, Err(JournalError::Signature("a cosignature does not verify")), "byte {at}");
        parsed.signatures[1].bytes[at] ^= 1;
    }
    for length in [1, 8, 64, 71] {
        let mut short = parsed.signatures[1].clone();
        short.bytes.truncate(length);
        assert!(verify_cosignature(&format!("{note}{}", short.line()), &verifier).is_err(), "{length} bytes");
    }
}

#[test]
fn only_checkpoints_are_cosigned_and_only_at_times_that_can_be_stated() {
    let (key, verifier) = witness();
    let note = checkpoint().sign(&SigningKey::from_seed(&[1; 32]));
    assert!(cosign(&note, WITNESS, &key, (1 << 63) - 1).is_ok());
    assert_eq!(cosign(&note, WITNESS, &key, 1 << 63), Err(JournalError::OutOfRange("time of a cosignature")));
    let text = checkpoint().to_string();
    for (time, good) in [((1u64 << 63) - 1, true), (1 << 63, false), (u64::MAX, false)] {
        let signature = key.sign(format!("cosignature/v1\ntime {time}\n{text}").as_bytes());
        let bytes = [&time.to_be_bytes()[..], &signature].concat();
        let line = Signature { name: WITNESS.into(), key_id: verifier.key_id(), bytes }.line();
        assert_eq!(verify_cosignature(&format!("{note}{line}"), &verifier).is_ok(), good, "{time}");
    }
    assert!(cosign(&note, "two words", &key, 1).is_err());
    assert!(cosign(&checkpoint().to_string(), WITNESS, &key, 1).is_err(), "nobody signed it");
    let text = causeway_journal::note::sign("some text\n", "log.example", &SigningKey::from_seed(&[1; 32]));
    assert!(cosign(&text, WITNESS, &key, 1).is_err(), "no checkpoint");
}

#[test]
fn a_plain_signature_and_a_cosignature_are_not_taken_for_each_other() {
    let (key, verifier) = witness();
    let note = checkpoint().sign(&key);
    // A log is not believed because a witness is.
    let cosigned = note.clone() + &cosign(&note, WITNESS, &key, 5).expect("a checkpoint");
    let refused = JournalError::Key("it is a witness's");
    assert_eq!(verify_checkpoint(&cosigned, &verifier, "log.example"), Err(refused.clone()));
    assert_eq!(causeway_journal::note::verify(&cosigned, &verifier), Err(refused));
    let mut plain = Note::parse(&note).expect("a note").signatures.remove(0);
    (plain.name, plain.key_id) = (WITNESS.into(), verifier.key_id());
    plain.bytes = [&1_900_000_000u64.to_be_bytes()[..], &plain.bytes].concat();
    assert!(verify_cosignature(&format!("{note}{}", plain.line()), &verifier).is_err());
}
