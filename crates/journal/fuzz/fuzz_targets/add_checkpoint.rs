//! Requests to witnesses and their answers: what is read prints back as the same bytes, and is decided without a panic.
#![no_main]

use causeway_crypto::{Digest, PublicKey};
use causeway_journal::witness::{AddCheckpoint, decide, read_cosignature, read_size};
use causeway_journal::{Checkpoint, VerifierKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(size) = read_size(bytes) {
        assert_eq!(format!("{size}\n").as_bytes(), bytes);
    }
    let Ok(request) = AddCheckpoint::parse(bytes) else { return };
    assert_eq!(request.to_string().as_bytes(), bytes);
    // Nobody has the private half of this key.
    let Ok(key) = VerifierKey::new(request.origin(), PublicKey([9; 32])) else { return };
    let known = Checkpoint { origin: request.origin().into(), size: request.old_size, root: Digest([1; 32]) };
    assert!(decide(Some(&known), &request, &[key]).is_err());
    let witness = VerifierKey::cosigner("witness.example", PublicKey([9; 32])).expect("a name");
    assert!(read_cosignature(&request.checkpoint, request.checkpoint.as_bytes(), &witness).is_err());
});
