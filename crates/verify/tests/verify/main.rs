//! The offline verifier on evidence that holds, and on evidence that was touched anywhere.

mod command;
mod export;
mod histories;
mod mirror;
mod refusals;
mod synthetic;

use causeway_crypto::{Digest, SigningKey};
use causeway_journal::{
    Checkpoint, JournalError, ProofError, ProofFile, Tree, VerifierKey, consistency_proof, encode_entry,
    inclusion_proof, leaf_hash, v1,
};
use causeway_model::LeafIndex;
use causeway_verify::{Receipt, VerifyError, checkpoint, extends, proof_file, proof_file_of, receipt};

const ORIGIN: &str = "gateway.example/journal";

fn entry(number: u64) -> Vec<u8> {
    let entry = v1::Entry {
        entry_id: vec![7; 16],
        time_micros: number,
        operation: v1::Operation::Consultation.into(),
        decision: v1::Decision::Allowed.into(),
        reason: "audit-query".into(),
        ..v1::Entry::default()
    };
    encode_entry(&entry).expect("well formed")
}

/// A log of a few entries with its key.
struct Log {
    tree: Tree,
    key: SigningKey,
}

impl Log {
    fn of(entries: u64) -> Self {
        let mut tree = Tree::new();
        (0..entries).for_each(|number| drop(tree.push(leaf_hash(&entry(number)))));
        Self { tree, key: SigningKey::from_seed(&[1; 32]) }
    }

    fn verifier(&self) -> VerifierKey {
        VerifierKey::new(ORIGIN, self.key.public_key()).expect("a name")
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint { origin: ORIGIN.into(), size: self.tree.size(), root: self.tree.root() }
    }

    fn proof_file(&self, index: u64) -> ProofFile {
        let none = |level, index| Err(JournalError::Tile { level, index });
        let hashes = inclusion_proof(&self.tree, LeafIndex(index), self.tree.size(), &none).expect("in range");
        let checkpoint = self.checkpoint().sign(&self.key);
        ProofFile { entry: Some(entry(index)), index: LeafIndex(index), hashes, checkpoint }
    }
}

#[test]
fn a_proof_file_proves_its_entry() {
    let log = Log::of(11);
    for index in 0..11 {
        let verified = proof_file(&log.proof_file(index).to_string(), &log.verifier(), None).expect("it holds");
        assert_eq!((verified.index, verified.entry.time_micros), (LeafIndex(index), index));
        assert_eq!((verified.entry_bytes, verified.checkpoint), (entry(index), log.checkpoint()));
    }
    let bare = ProofFile { entry: None, ..log.proof_file(3) }.to_string();
    assert_eq!(proof_file(&bare, &log.verifier(), None), Err(VerifyError::NoEntry));
    assert!(proof_file_of(&entry(3), &bare, &log.verifier(), Some(ORIGIN)).is_ok());
    assert!(proof_file_of(&entry(4), &bare, &log.verifier(), Some(ORIGIN)).is_err());
    let whole = log.proof_file(3).to_string();
    assert_eq!(proof_file_of(&entry(4), &whole, &log.verifier(), None), Err(VerifyError::OtherEntry));
}

#[test]
fn no_byte_of_a_proof_file_can_be_changed() {
    let log = Log::of(11);
    let text = log.proof_file(6).to_string();
    for at in 0..text.len() {
        for change in [1, 2, 0x10, 0x20] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= change;
            let Ok(tampered) = String::from_utf8(bytes) else { continue };
            let refused = proof_file(&tampered, &log.verifier(), None).expect_err("a changed file");
            assert_eq!(refused.exit_code(), 1, "byte {at}: {refused}");
        }
    }
    for end in 0..text.len() {
        if let Some(cut) = text.get(..end) {
            assert!(proof_file(cut, &log.verifier(), None).is_err(), "cut at {end}");
        }
    }
}

#[test]
fn evidence_is_of_one_log_and_one_key() {
    let log = Log::of(5);
    let text = log.proof_file(2).to_string();
    let elsewhere = proof_file(&text, &log.verifier(), Some("other.example/journal"));
    assert_eq!(elsewhere, Err(VerifyError::Journal(JournalError::Origin)));
    let stranger = VerifierKey::new(ORIGIN, SigningKey::from_seed(&[2; 32]).public_key()).expect("a name");
    let refused = proof_file(&text, &stranger, None).expect_err("another key");
    assert!(matches!(refused, VerifyError::Journal(JournalError::Signature(_))));
    assert!(checkpoint(&log.checkpoint().sign(&log.key), &stranger).is_err());
    assert_eq!(checkpoint(&log.checkpoint().sign(&log.key), &log.verifier()), Ok(log.checkpoint()));
}

#[test]
fn a_receipt_is_verified_from_its_parts() {
    let log = Log::of(9);
    let file = log.proof_file(8);
    let bytes = entry(8);
    let good = Receipt { entry: &bytes, index: file.index, proof: &file.hashes, checkpoint: &file.checkpoint };
    assert!(receipt(&good, &log.verifier(), Some(ORIGIN)).is_ok());
    let moved = Receipt { index: LeafIndex(7), ..good };
    assert!(receipt(&moved, &log.verifier(), None).is_err());
    let beyond = Receipt { index: LeafIndex(9), ..good };
    let refused = receipt(&beyond, &log.verifier(), None);
    assert_eq!(refused, Err(VerifyError::Journal(ProofError::IndexOutOfRange.into())));
    let long = [Digest([0; 32]); 64];
    let refused = receipt(&Receipt { proof: &long, ..good }, &log.verifier(), None);
    assert_eq!(refused, Err(VerifyError::Journal(ProofError::ProofTooLong.into())));
}

#[test]
fn a_leaf_that_is_no_entry_is_refused_although_it_is_in_the_tree() {
    let mut log = Log::of(1);
    log.tree.push(leaf_hash(b"no entry"));
    let file = ProofFile { entry: Some(b"no entry".to_vec()), ..log.proof_file(1) };
    let refused = proof_file(&file.to_string(), &log.verifier(), None);
    assert_eq!(refused, Err(VerifyError::Journal(JournalError::NotCanonical("entry"))));
}

#[test]
fn a_log_only_grows() {
    let (log, older) = (Log::of(20), Log::of(13).checkpoint());
    let newer = log.checkpoint();
    let none = |level, index| Err(JournalError::Tile { level, index });
    let proof = consistency_proof(&log.tree, 13, 20, &none).expect("in range");
    assert_eq!(extends(&older, &newer, &proof), Ok(()));
    assert_eq!(extends(&newer, &newer, &[]), Ok(()));
    assert_eq!(extends(&Log::of(0).checkpoint(), &newer, &[]), Ok(()));

    let back = extends(&newer, &older, &[]).expect_err("it is smaller");
    assert_eq!(back, VerifyError::Rollback { known: 20, found: 13 });
    let other = Checkpoint { root: Digest([5; 32]), ..newer.clone() };
    let split = extends(&newer, &other, &[]).expect_err("one size, two roots");
    assert_eq!(split, VerifyError::SplitView { size: 20 });
    assert_eq!((back.exit_code(), split.exit_code()), (4, 4));

    let bad = extends(&older, &other, &proof).expect_err("the proof does not lead there");
    assert_eq!(bad.exit_code(), 1);
    assert!(extends(&older, &newer, &proof[1..]).is_err());
    let elsewhere = Checkpoint { origin: "other.example".into(), ..newer };
    assert!(extends(&older, &elsewhere, &proof).is_err());
}
