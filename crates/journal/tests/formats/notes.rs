//! Signed notes of golang/mod and C2SP, and checkpoints.

use causeway_crypto::{Digest, SigningKey};
use causeway_journal::note::{self, MAX_SIGNATURES, Note, Signature, VerifierKey};
use causeway_journal::{Checkpoint, JournalError, checkpoint, verify_checkpoint};
use serde_json::Value;

use crate::vectors;

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn key(value: &Value) -> VerifierKey {
    text(value).parse().expect("a valid verifier key")
}

#[test]
fn published_notes_verify_and_malformed_ones_are_refused() {
    let vectors = vectors::read("signed-note.json");
    for case in vectors["valid"].as_array().expect("a list") {
        let verified = note::verify(text(&case["note"]), &key(&case["vkey"])).expect("a valid note");
        assert_eq!(
            verified,
            text(&case["note"]).split_inclusive("\n\n").next().expect("text").trim_end().to_owned() + "\n"
        );
        assert_eq!(key(&case["vkey"]).to_string(), text(&case["vkey"]));
    }
    let neumann = key(&vectors["valid"][0]["vkey"]);
    let malformed = vectors["malformed_notes"].as_array().expect("a list");
    assert_eq!(malformed.len(), 7);
    for case in malformed {
        let refused = note::verify(text(case), &neumann);
        assert!(matches!(refused, Err(JournalError::Note(_))), "{refused:?}");
    }
    for case in vectors["invalid_vkeys"].as_array().expect("a list") {
        assert!(text(case).parse::<VerifierKey>().is_err());
    }
    let wrong = note::verify(text(&vectors["bad_signature_note"]), &neumann);
    assert_eq!(wrong, Err(JournalError::Signature("it does not verify")));
    note::verify(text(&vectors["two_signature_note"]), &neumann).expect("an unknown key's signature is passed over");
    let stranger = key(&vectors["valid"][1]["vkey"]);
    let unsigned = note::verify(text(&vectors["two_signature_note"]), &stranger);
    assert_eq!(unsigned, Err(JournalError::Signature("none of them is by the expected key")));
}

#[test]
fn the_published_seed_signs_the_published_note() {
    let case = &vectors::read("signed-note.json")["valid"][0];
    let encoded = text(&case["skey"]).splitn(5, '+').last().expect("a key");
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded).expect("base64");
    let seed: &[u8; 32] = bytes[1..].try_into().expect("a type byte and a seed");
    let signed_text = text(&case["note"]).split_once("\n\n").expect("a note").0.to_owned() + "\n";
    assert_eq!(note::sign(&signed_text, "PeterNeumann", &SigningKey::from_seed(seed)), text(&case["note"]));
}

#[test]
fn a_note_over_the_limit_is_refused_unread() {
    let key = VerifierKey::new("log.example", SigningKey::from_seed(&[1; 32]).public_key()).expect("a name");
    let long = "x\n".repeat(500_000);
    let refused = note::verify(&long, &key);
    assert_eq!(refused, Err(JournalError::TooLarge { what: "note", limit: note::MAX_NOTE_BYTES }));
}

#[test]
fn checkpoints_are_of_one_log_and_one_spelling() {
    let signing = SigningKey::from_seed(&[1; 32]);
    let key = VerifierKey::new("log.example/one", signing.public_key()).expect("a name");
    let checkpoint = Checkpoint { origin: "log.example/one".into(), size: 17, root: Digest([3; 32]) };
    let signed = checkpoint.sign(&signing);
    assert_eq!(verify_checkpoint(&signed, &key, "log.example/one"), Ok(checkpoint.clone()));
    assert_eq!(verify_checkpoint(&signed, &key, "log.example/two"), Err(JournalError::Origin));
    let other = VerifierKey::new("log.example/one", SigningKey::from_seed(&[2; 32]).public_key()).expect("a name");
    assert!(verify_checkpoint(&signed, &other, "log.example/one").is_err());
    for (at, byte) in signed.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_alphanumeric()) {
        let mut tampered = signed.clone().into_bytes();
        tampered[at] = if byte == b'a' { b'b' } else { b'a' };
        let tampered = String::from_utf8(tampered).expect("letters and digits");
        assert!(verify_checkpoint(&tampered, &key, "log.example/one").is_err(), "byte {at}");
    }
    let body = checkpoint.to_string();
    assert_eq!(Checkpoint::parse(&body), Ok(checkpoint));
    for (from, to) in [
        ("\n17\n", "\n017\n"),
        ("\n17\n", "\n+17\n"),
        ("\n17\n", "\n17\r\n"),
        ("\n17\n", "\n4611686018427387905\n"),
        ("\n17\n", "\n\n"),
        ("log.example/one\n", "\n"),
        ("AwM=\n", "AwN=\n"),
        ("AwM=\n", "AwM=\n\n"),
        ("AwM=\n", "AwM="),
    ] {
        assert!(Checkpoint::parse(&body.replace(from, to)).is_err(), "{from:?} as {to:?}");
    }
}

#[test]
fn verifier_keys_have_one_spelling() {
    let key =
        VerifierKey::new("log.example", SigningKey::from_seed(&[1; 32]).public_key()).expect("a name").to_string();
    assert_eq!(key.parse::<VerifierKey>().expect("its own spelling").to_string(), key);
    let cosigner = VerifierKey::cosigner("log.example", SigningKey::from_seed(&[1; 32]).public_key()).expect("a name");
    assert_eq!(cosigner.to_string().parse(), Ok(cosigner.clone()));
    assert_ne!(cosigner.to_string(), key, "one public key, two types, two ids");
    for bad in [key.replace("log.", "lag."), key.to_uppercase(), key[1..key.len() - 4].to_owned(), format!("{key} ")] {
        assert!(bad.parse::<VerifierKey>().is_err(), "{bad:?}");
    }
    let public = SigningKey::from_seed(&[1; 32]).public_key();
    for bad in ["", "a b", "a+b", "a\nb", "a\u{2003}b"] {
        assert!(VerifierKey::new(bad, public).is_err(), "{bad:?}");
    }
}

#[test]
fn a_note_has_one_form() {
    let signing = SigningKey::from_seed(&[1; 32]);
    let good = note::sign("a text\n\nof two parts\n", "log.example", &signing);
    let read = Note::parse(&good).expect("a note");
    assert_eq!(read.text, "a text\n\nof two parts\n", "the last empty line ends the text");
    assert_eq!((read.signatures.len(), read.signatures[0].name.as_str()), (1, "log.example"));
    let line = read.signatures[0].line();
    for (from, to) in [
        ("— ", "- "),
        ("— ", "—"),
        ("— ", "—  "),
        ("— ", " — "),
        ("log.example ", "log.example\u{a0}"),
        ("log.example ", "log\u{2003}example "),
        ("log.example ", "log+example "),
        ("log.example ", " "),
        ("log.example ", "log.example  "),
        ("=\n", "\n"),
        ("=\n", "==\n"),
        ("=\n", "= \n"),
        ("=\n", "=\r\n"),
        ("=\n", "="),
        ("=\n", "=\n\n"),
        ("a text", "a\ttext"),
        ("a text", "a\u{0}text"),
        (line.as_str(), "— log.example AAAAAA==\n"),
        (line.as_str(), ""),
    ] {
        let changed = good.replace(from, to);
        assert_ne!(changed, good);
        assert!(matches!(Note::parse(&changed), Err(JournalError::Note(_))), "{from:?} as {to:?}");
    }
    let delete = good.replace("a text", "a\u{7f}text");
    assert!(Note::parse(&delete).is_ok(), "the specification bars what is below a space");
    let most = good.clone() + &line.repeat(MAX_SIGNATURES - 1);
    assert_eq!(Note::parse(&most).expect("the most").signatures.len(), MAX_SIGNATURES);
    assert_eq!(Note::parse(&(most + &line)), Err(JournalError::Note("too many signatures")));
}

#[test]
fn of_several_signatures_each_known_one_must_be_good() {
    let keys = [1, 2, 3].map(|seed| SigningKey::from_seed(&[seed; 32]));
    let [one, two, three] = &keys;
    let known: Vec<VerifierKey> =
        keys.iter().map(|key| VerifierKey::new("log.example", key.public_key()).expect("a name")).collect();
    let checkpoint = Checkpoint { origin: "log.example".into(), size: 17, root: Digest([3; 32]) };
    let both = checkpoint.sign_with(&[two, one]);
    let names: Vec<[u8; 4]> = Note::parse(&both).expect("a note").signatures.iter().map(|line| line.key_id).collect();
    assert_eq!(names, [known[1].key_id(), known[0].key_id()], "in the order of the keys");
    assert_eq!(Note::parse(&both).expect("a note").verified_by(&known), Ok(vec![&known[0], &known[1]]));
    for key in &known[..2] {
        assert_eq!(verify_checkpoint(&both, key, "log.example"), Ok(checkpoint.clone()));
    }
    assert_eq!(checkpoint::verify_with_any(&both, &known, "log.example"), Ok(checkpoint.clone()));
    assert_eq!(checkpoint::verify_with_any(&both, &known, "other.example"), Err(JournalError::Origin));
    let unsigned = JournalError::Signature("none of them is by the expected key");
    assert_eq!(checkpoint::verify_with_any(&both, &known[2..], "log.example"), Err(unsigned.clone()));
    assert_eq!(checkpoint::verify_with_any(&both, &[], "log.example"), Err(unsigned));

    // One good signature does not make up for a bad one by a known key; one by an unknown key is passed over.
    let bad = Signature { name: "log.example".into(), key_id: known[2].key_id(), bytes: vec![0; 64] };
    let with_bad = both + &bad.line();
    let wrong = JournalError::Signature("it does not verify");
    assert_eq!(checkpoint::verify_with_any(&with_bad, &known, "log.example"), Err(wrong));
    assert_eq!(checkpoint::verify_with_any(&with_bad, &known[..2], "log.example"), Ok(checkpoint.clone()));
    let other_name = Signature { name: "log.other".into(), ..bad };
    let signed = checkpoint.sign(three) + &other_name.line();
    assert_eq!(
        verify_checkpoint(&signed, &known[2], "log.example"),
        Ok(checkpoint),
        "an id without its name is no key"
    );
}
