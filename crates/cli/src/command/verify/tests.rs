//! Evidence of every form, good, forged and broken, with a key and without.

use causeway_crypto::{Digest, SigningKey};
use causeway_journal::{Tree, encode_entry, inclusion_proof, leaf_hash};
use causeway_model::LeafIndex;
use causeway_proto::v1::{InclusionProof, Receipt};

use super::*;
use crate::receipt_form::ReceiptForm;

const ORIGIN: &str = "test.example/journal";
const RECORD: [u8; 16] = [7; 16];

/// A journal of three entries that one key signs; the evidence is of the second.
struct Log {
    key: SigningKey,
    entry: Vec<u8>,
    hashes: Vec<Digest>,
    note: String,
}

impl Log {
    fn new() -> Self {
        let key = SigningKey::generate();
        let record = journal::RecordRef {
            record_id: RECORD.to_vec(),
            version: 1,
            kind: "victim-profile".into(),
            schema_version: "1.0".into(),
            expected_version: 0,
        };
        let entry = journal::Entry {
            entry_id: vec![1; 16],
            operation: journal::Operation::Collection.into(),
            decision: journal::Decision::Allowed.into(),
            records: vec![record],
            ..journal::Entry::default()
        };
        let entry = encode_entry(&entry).expect("within the limits");
        let mut tree = Tree::new();
        for leaf in [b"first".as_slice(), &entry, b"third"] {
            tree.push(leaf_hash(leaf));
        }
        let hashes = inclusion_proof(&tree, LeafIndex(1), 3, &|_, _| Ok(Vec::new())).expect("it is there");
        let note = Checkpoint { origin: ORIGIN.into(), size: 3, root: tree.root() }.sign(&key);
        Self { key, entry, hashes, note }
    }

    fn proof(&self) -> String {
        let (entry, hashes, checkpoint) = (Some(self.entry.clone()), self.hashes.clone(), self.note.clone());
        ProofFile { entry, index: LeafIndex(1), hashes, checkpoint }.to_string()
    }

    fn receipt(&self, proven: bool) -> String {
        let hashes = self.hashes.iter().map(|hash| hash.0.to_vec()).collect();
        let proof = InclusionProof { leaf_index: 1, tree_size: 3, hashes };
        let receipt = Receipt {
            record_id: crate::hex::hex(&RECORD),
            version: 1,
            leaf_index: 1,
            entry: self.entry.clone(),
            checkpoint: self.note.clone(),
            inclusion_proof: proven.then_some(proof),
            ..Receipt::default()
        };
        serde_json::to_string(&ReceiptForm::new("s-1", &receipt)).expect("JSON") + "\n"
    }

    fn vkey(&self) -> String {
        VerifierKey::new(ORIGIN, self.key.public_key()).expect("a name").to_string()
    }
}

/// The exit code for evidence, and what is said of it where it is not proven.
fn code(evidence: &str, key: Option<String>) -> (u8, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let proof = folder.path().join("evidence");
    std::fs::write(&proof, evidence).expect("written");
    match run(&Options { proof, key }) {
        Ok(()) => (0, String::new()),
        Err(failure) => (failure.exit_code(), failure.to_string()),
    }
}

#[test]
fn every_form_of_evidence_is_proven_with_the_key_and_never_without() {
    let log = Log::new();
    let receipts = log.receipt(true).repeat(2) + "\n";
    for evidence in [log.proof(), log.note.clone(), receipts] {
        assert_eq!(code(&evidence, Some(log.vkey())), (0, String::new()), "{evidence}");
        let (exit, said) = code(&evidence, None);
        assert_eq!(exit, 2, "{evidence}");
        assert!(said.contains("NOT proven") && said.contains("--key"), "{said}");
    }
}

#[test]
fn what_another_key_signed_is_refused_and_without_a_key_not_proven() {
    let (log, forged) = (Log::new(), Log::new());
    for evidence in [forged.proof(), forged.note.clone(), forged.receipt(true)] {
        assert_eq!(code(&evidence, Some(log.vkey())).0, 1, "{evidence}");
        assert_eq!(code(&evidence, None).0, 2, "whoever made it, it agrees with itself");
    }
}

#[test]
fn evidence_that_does_not_agree_with_itself_is_refused_with_or_without_a_key() {
    let log = Log::new();
    let other = crate::hex::hex(&[8; 16]);
    let wrong_place = log.proof().replace("index 1\n", "index 0\n");
    let another_record = log.receipt(true).replace(&crate::hex::hex(&RECORD), &other);
    let one_of_two = log.receipt(true) + &log.receipt(false);
    for evidence in [&wrong_place, &another_record, &one_of_two, "", "hello", "{}", "c2sp.org/tlog-proof@v1\n"] {
        assert_eq!(code(evidence, Some(log.vkey())).0, 1, "{evidence}");
        assert_eq!(code(evidence, None).0, 1, "{evidence}");
    }
}
