//! Signed notes: what is read prints back as the same text, and no key that signed nothing verifies it.
#![no_main]

use causeway_crypto::PublicKey;
use causeway_journal::note::{Note, Signature, VerifierKey};
use causeway_journal::verify_cosignature;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(note) = Note::parse(text) else { return };
    let lines: String = note.signatures.iter().map(Signature::line).collect();
    assert_eq!(format!("{}\n{lines}", note.text), text);
    // Nobody has the private half of these: they only make the verifier work.
    for signature in &note.signatures {
        let keys = [
            VerifierKey::new(&signature.name, PublicKey([9; 32])),
            VerifierKey::cosigner(&signature.name, PublicKey([9; 32])),
        ];
        for key in keys.into_iter().flatten() {
            assert!(note.verified_by(std::slice::from_ref(&key)).is_err());
            assert!(!matches!(verify_cosignature(text, &key), Ok(Some(_))));
        }
    }
});
