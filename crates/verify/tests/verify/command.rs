//! The command on evidence of every form: good, forged, old, below its quorum, and of a log that was cut back or split.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use causeway_crypto::SigningKey;
use causeway_journal::{
    Checkpoint, JournalError, ProofFile, TileNodes, Tree, VerifierKey, consistency_proof, cosign, inclusion_proof,
    leaf_hash,
};
use causeway_model::LeafIndex;
use causeway_verify::command::{Answer, Options, run};
use causeway_verify::{ConsistencyFile, MirrorWriter, Trust};
use tempfile::TempDir;

use crate::synthetic::{ORIGIN, Synthetic};

pub(crate) const NOW: u64 = 1_800_001_000;

/// A folder with evidence, and the command on it.
pub(crate) struct Desk {
    pub(crate) folder: TempDir,
    pub(crate) key: Vec<String>,
    pub(crate) policy: Option<String>,
    pub(crate) max_age: Option<u64>,
    pub(crate) remembers: bool,
    pub(crate) entries_only: bool,
}

impl Desk {
    pub(crate) fn new(key: &VerifierKey) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder, key: vec![key.to_string()], policy: None, max_age: None, remembers: false, entries_only: false }
    }

    pub(crate) fn put(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).expect("written");
        path
    }

    pub(crate) fn evidence(&self) -> Vec<String> {
        let folder = fs::read_dir(self.folder.path().join("evidence")).into_iter().flatten().flatten();
        folder.map(|file| fs::read_to_string(file.path()).expect("read")).collect()
    }

    pub(crate) fn run(&self, evidence: &[&Path]) -> Answer {
        let policy = self.policy.as_ref().map(|policy| self.put("policy", policy));
        let options = Options {
            evidence: evidence.iter().map(|path| (*path).to_owned()).collect(),
            key: self.key.clone(),
            policy,
            max_age: self.max_age.map(std::time::Duration::from_secs),
            now: None,
            state: self.remembers.then(|| self.folder.path().join("state")),
            evidence_dir: Some(self.folder.path().join("evidence")),
            entries_only: self.entries_only,
            json: false,
        };
        let answer = run(&options, || NOW);
        let json = run(
            &Options { json: true, state: None, evidence_dir: Some(self.folder.path().join("json")), ..options },
            || NOW,
        );
        let said: serde_json::Value = serde_json::from_str(&json.lines[0]).expect("one JSON object");
        assert!(json.lines.len() == 1 && said["verdict"].is_string(), "{said}");
        answer
    }

    /// The exit code for one piece of evidence with this content.
    pub(crate) fn code(&self, content: &str) -> u8 {
        self.run(&[&self.put("evidence-file", content)]).code
    }
}

fn tree(entries: &[Vec<u8>], size: u64) -> Tree {
    let mut tree = Tree::new();
    entries.iter().take(usize::try_from(size).expect("small")).for_each(|entry| drop(tree.push(leaf_hash(entry))));
    tree
}

pub(crate) fn note_at(log: &Synthetic, size: u64) -> String {
    Checkpoint { origin: ORIGIN.into(), size, root: tree(&log.entries, size).root() }.sign(&log.key)
}

fn none(level: u8, index: u64) -> Result<Arc<TileNodes>, JournalError> {
    Err(JournalError::Tile { level, index })
}

pub(crate) fn proof_file(log: &Synthetic, index: u64) -> String {
    let tree = tree(&log.entries, log.size());
    let hashes = inclusion_proof(&tree, LeafIndex(index), log.size(), &none).expect("in range");
    let entry = log.entries[usize::try_from(index).expect("small")].clone();
    ProofFile { entry: Some(entry), index: LeafIndex(index), hashes, checkpoint: log.note() }.to_string()
}

pub(crate) fn consistency(log: &Synthetic, first: u64, second: u64) -> String {
    let hashes = consistency_proof(&tree(&log.entries, second), first, second, &none).expect("in range");
    ConsistencyFile { first, second, hashes }.to_string()
}

pub(crate) fn mirrored(log: &Synthetic, folder: &Path) {
    let trust = Trust::new(None, &[log.verifier()], None);
    let mut writer = MirrorWriter::open(folder, &trust).expect("opened");
    writer.begin(&log.note()).expect("begun");
    for (from, entries, notes) in log.stream(writer.size(), log.size()) {
        writer.take(from, entries, notes).expect("it comes next");
    }
    writer.finish(&trust).expect("finished");
}

/// Another log of the same key: the same beginning and another end.
pub(crate) fn forked(log: &Synthetic, size: u64) -> Synthetic {
    let mut fork = Synthetic::of(log.size().min(10));
    let mut number = 1_000_000;
    while fork.size() < size {
        fork.take(crate::synthetic::numbered(number), Vec::new());
        number += 1;
    }
    fork
}

#[test]
fn what_holds_is_proven_with_the_key_and_never_without() {
    let log = Synthetic::of(40);
    let mut desk = Desk::new(&log.verifier());
    let folder = desk.folder.path().join("mirror");
    mirrored(&log, &folder);
    for evidence in [proof_file(&log, 17), log.note()] {
        let answer = desk.run(&[&desk.put("good", &evidence)]);
        assert_eq!((answer.code, answer.notes.len()), (0, 0), "{answer:?}");
        assert!(answer.lines[0].starts_with("holds: "), "{answer:?}");
        assert_eq!(desk.code(&evidence.replace("\n40\n", "\n41\n")), 1);
    }
    let answer = desk.run(&[&folder]);
    assert_eq!(answer.code, 0, "{answer:?}");
    assert!(answer.lines.iter().any(|line| line.contains("8 approvals verified")), "{answer:?}");
    desk.key.clear();
    for evidence in [proof_file(&log, 17), log.note()] {
        let answer = desk.run(&[&desk.put("good", &evidence)]);
        assert!(answer.code == 2 && answer.lines[0].starts_with("NOT proven"), "{answer:?}");
    }
    assert_eq!(desk.run(&[&folder]).code, 2);
    let strange = VerifierKey::new(ORIGIN, SigningKey::from_seed(&[9; 32]).public_key()).expect("a name");
    desk.key = vec![strange.to_string()];
    let answer = desk.run(&[&desk.put("good", &log.note())]);
    assert!(answer.code == 1 && answer.notes[0].contains("rotated"), "{answer:?}");
    desk.key.push(log.verifier().to_string());
    assert_eq!(desk.run(&[&desk.put("good", &log.note())]).code, 0, "one of several keys");
}

#[test]
fn what_is_no_evidence_is_refused_in_words() {
    let desk = Desk::new(&Synthetic::begun().verifier());
    for nothing in ["", "hello", "{}", "{", "c2sp.org/tlog-proof@v1\n", "causeway.consistency@v1\n", "\n\n", "\u{0}"] {
        assert_eq!(desk.code(nothing), 1, "{nothing:?}");
    }
    assert_eq!(desk.code(&"x".repeat(1 << 20)), 1, "a note of 1 MB");
    assert_eq!(desk.run(&[&desk.folder.path().join("nowhere")]).code, 1);
    let empty = desk.folder.path().join("empty");
    fs::create_dir(&empty).expect("made");
    assert_eq!(desk.run(&[&empty]).code, 1);
    let proof = desk.put("proof", &consistency(&Synthetic::of(20), 7, 20));
    assert_eq!(desk.run(&[&proof]).code, 1, "alone it proves nothing");
    assert_eq!(desk.run(&[&proof, &proof]).code, 1);
}

#[test]
fn witnesses_are_counted_and_their_time_is_looked_at() {
    let log = Synthetic::of(20);
    let witness = |seed: u8, name: &str| {
        let key = SigningKey::from_seed(&[seed; 32]);
        let public = VerifierKey::cosigner(name, key.public_key()).expect("a name");
        (key, public)
    };
    let ((one, one_key), (two, two_key)) = (witness(1, "one.example"), witness(2, "two.example"));
    let mut desk = Desk::new(&log.verifier());
    desk.key.clear();
    let policy = |quorum: &str| {
        format!(
            "log {}\nwitness one {one_key}\nwitness two {two_key}\ngroup both all one two\nquorum {quorum}\n",
            log.verifier()
        )
    };
    let cosigned = |note: &str, name: &str, key: &SigningKey, time: u64| {
        format!("{note}{}", cosign(note, name, key, time).expect("cosigned"))
    };
    let by_one = cosigned(&log.note(), "one.example", &one, NOW - 100);
    let by_both = cosigned(&by_one, "two.example", &two, NOW - 30);
    desk.policy = Some(policy("both"));
    assert_eq!((desk.code(&log.note()), desk.code(&by_one), desk.code(&by_both)), (2, 2, 0));
    let broken = by_both.replace("— two.example ", "— two.example A");
    assert_eq!(desk.code(&broken), 1, "a witness's signature that is wrong");
    desk.max_age = Some(100);
    assert_eq!(desk.code(&by_both), 0);
    desk.max_age = Some(99);
    assert_eq!(desk.code(&by_both), 3, "as old as the older of both");
    desk.policy = Some(policy("two"));
    assert_eq!(desk.code(&by_both), 0);
    desk.policy = Some(policy("none"));
    assert_eq!(desk.code(&by_both), 3, "without witnesses a checkpoint has no time");
    desk.max_age = Some(2_000);
    assert_eq!(desk.code(&proof_file(&log, 7)), 0, "an entry has one");
    desk.max_age = Some(100);
    assert_eq!(desk.code(&proof_file(&log, 7)), 3);
    desk.policy = Some("log nothing\n".into());
    assert_eq!(desk.code(&by_both), 1, "a policy with a fault believes nobody");
}

#[test]
fn a_pair_holds_with_its_proof_and_convicts_where_it_contradicts_itself() {
    let log = Synthetic::of(30);
    let desk = Desk::new(&log.verifier());
    let old = desk.put("old", &note_at(&log, 13));
    let new = desk.put("new", &log.note());
    let proof = desk.put("proof", &consistency(&log, 13, 30));
    let other_proof = desk.put("other-proof", &consistency(&log, 12, 30));
    assert_eq!(desk.run(&[&old, &new, &proof]).code, 0);
    let answer = desk.run(&[&old, &new]);
    assert!(answer.code == 1 && answer.notes[0].contains("audit consistency"), "{answer:?}");
    assert_eq!(desk.run(&[&old, &new, &other_proof]).code, 1, "the proof of another pair");
    assert_eq!(desk.run(&[&old, &old]).code, 0);
    assert_eq!(desk.run(&[&old, &old, &proof]).code, 1, "a proof that shows nothing of them");
    let answer = desk.run(&[&new, &old, &proof]);
    assert!(answer.code == 0 && answer.lines[0].contains("at size 30 extends what it was at size 13"), "{answer:?}");
    let answer = desk.run(&[&new, &old]);
    assert!(answer.code == 1 && answer.notes[0].contains("audit consistency"), "the order is no rollback: {answer:?}");
    for alone in [[&old, &proof], [&new, &proof]] {
        let answer = desk.run(&[alone[0], alone[1]]);
        assert!(answer.code == 1 && answer.notes[0].contains("consistency file"), "{answer:?}");
    }
    assert!(desk.evidence().is_empty());
    let fork = desk.put("fork", &forked(&log, 30).note());
    for both in [[&new, &fork], [&fork, &new]] {
        let answer = desk.run(&[both[0], both[1]]);
        assert_eq!(answer.code, 4, "one size, two roots: {answer:?}");
    }
    let kept = desk.evidence();
    assert_eq!(kept.len(), 4, "both checkpoints, each once as the known one");
    for three in [[&new, &fork, &old], [&old, &new, &fork], [&new, &old, &fork]] {
        let answer = desk.run(&[three[0], three[1], three[2]]);
        assert!(answer.code == 1 && answer.notes[0].contains("in pairs"), "{answer:?}");
    }
    assert!(kept.contains(&log.note()) && kept.contains(&forked(&log, 30).note()));
    let forged = desk.put("forged", &forked(&log, 30).checkpoint().sign(&SigningKey::from_seed(&[9; 32])));
    assert_eq!(desk.run(&[&new, &forged]).code, 1, "what another key signed convicts nobody");
}

#[test]
fn what_was_seen_before_is_remembered() {
    let log = Synthetic::of(300);
    let mut desk = Desk::new(&log.verifier());
    desk.remembers = true;
    let small = Synthetic::of(100);
    let folder = |name: &str, log: &Synthetic| {
        let folder = desk.folder.path().join(name);
        mirrored(log, &folder);
        folder
    };
    let (first, second, fork) = (folder("a", &small), folder("b", &log), folder("c", &forked(&log, 310)));
    assert_eq!(desk.run(&[&first]).code, 0);
    assert_eq!(desk.run(&[&fork]).code, 4, "another history than was seen before");
    assert_eq!(desk.run(&[&second]).code, 0, "it goes on");
    let convicting = desk.evidence();
    let answer = desk.run(&[&first]);
    assert_eq!(answer.code, 3, "an old mirror, or one of a log that was cut back: {answer:?}");
    assert!(answer.notes[0].starts_with("older than size 300, seen before: not compared"), "{answer:?}");
    assert_eq!(desk.code(&proof_file(&small, 7)), 0, "an old proof is no rollback");
    assert_eq!(desk.code(&note_at(&log, 200)), 3, "nor is an old checkpoint, and it is said");
    assert_eq!(desk.code(&forked(&log, 200).note()), 3, "which cannot be compared");
    assert_eq!(desk.evidence(), convicting, "neither convicts");
    let before = desk.put("before", &note_at(&log, 300));
    let onward = desk.put("onward", &consistency(&Synthetic::of(320), 300, 320));
    assert_eq!(desk.run(&[&before, &onward]).code, 1, "the newer one was forgotten");
    assert_eq!(desk.code(&forked(&log, 300).note()), 4);
    let grown = Synthetic::of(320);
    let newest = desk.put("newest", &grown.note());
    let answer = desk.run(&[&newest]);
    assert!(answer.code == 0 && answer.lines.iter().any(|line| line.contains("not compared")), "{answer:?}");
    let proof = desk.put("proof", &consistency(&grown, 300, 320));
    assert_eq!(desk.run(&[&newest, &proof]).code, 0);
    let again = desk.run(&[&newest, &proof]);
    assert!(again.code == 0 && again.lines.iter().any(|line| line.contains("was not used")), "{again:?}");
    assert_eq!(desk.run(&[&second]).code, 3, "it is remembered from here on");
    let wrong = desk.put("wrong", &consistency(&grown, 300, 320).replace("first 300", "first 299"));
    desk.put("newest", &Synthetic::of(330).note());
    assert_eq!(desk.run(&[&newest, &wrong]).code, 1);
}
