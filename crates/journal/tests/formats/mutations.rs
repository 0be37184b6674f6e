//! Each parser with 20,000 inputs that are nearly good: none panics, and what is read prints back as the same bytes. The
//! fuzz targets under `fuzz/` go further; these run with every `cargo test`.

use causeway_crypto::{Digest, SigningKey};
use causeway_journal::note::Note;
use causeway_journal::tlog_path::{decode_bundle, decode_tile, encode_bundle, encode_tile};
use causeway_journal::witness::{AddCheckpoint, decide, read_cosignature, read_size};
use causeway_journal::{
    Checkpoint, Policy, ProofFile, State, TilePath, Tree, VerifierKey, apply, consistency_proof, cosign, decode_entry,
    decode_frame, encode_entry, encode_frame, inclusion_proof, leaf_hash, v1, verify_consistency, verify_cosignature,
    verify_inclusion, verify_subtree_consistency, verify_subtree_inclusion,
};
use causeway_model::{FrameSeq, LeafIndex};

use crate::random::Random;

const CASES: u32 = 20_000;

/// Feeds mutants of the seeds to a parser, which tells whether it read one. Some of them must be read and some refused,
/// else the mutants would show nothing.
fn run(seeds: &[Vec<u8>], mut reads: impl FnMut(&[u8], &mut Random) -> bool) {
    let mut random = Random(5);
    let mut read = 0;
    for seed in seeds {
        assert!(reads(seed, &mut random), "a seed must be good: {:?}", String::from_utf8_lossy(seed));
    }
    for _ in 0..CASES {
        let seed = &seeds[random.below(seeds.len())];
        let mutant = random.mutated(seed);
        read += u32::from(reads(&mutant, &mut random));
    }
    assert!(read > 0 && read < CASES, "{read} of {CASES} were read");
}

/// As [`run`], of a format that is text.
fn run_text(seeds: &[String], mut reads: impl FnMut(&str) -> bool) {
    let seeds: Vec<Vec<u8>> = seeds.iter().map(|seed| seed.clone().into_bytes()).collect();
    run(&seeds, |bytes, _| std::str::from_utf8(bytes).is_ok_and(&mut reads));
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

fn log_key() -> VerifierKey {
    VerifierKey::new("log.example", key().public_key()).expect("a name")
}

fn witness_key() -> VerifierKey {
    VerifierKey::cosigner("witness.example", key().public_key()).expect("a name")
}

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: "log.example".into(), size: 9, root: tree(9).root() }
}

fn note() -> String {
    let note = checkpoint().sign(&key());
    let line = cosign(&note, "witness.example", &key(), 1_900_000_000).expect("a checkpoint");
    note + &line
}

fn tree(size: u64) -> Tree {
    let mut tree = Tree::new();
    (0..size).for_each(|n| drop(tree.push(leaf_hash(&n.to_be_bytes()))));
    tree
}

fn entry() -> v1::Entry {
    v1::Entry {
        entry_id: vec![7; 16],
        time_micros: 1_800_000_000_000_000,
        node: "node-1".into(),
        operation: v1::Operation::Administration.into(),
        decision: v1::Decision::Allowed.into(),
        reason: "genesis".into(),
        actor: Some(v1::Actor { agency: "gb-nca".into(), ..v1::Actor::default() }),
        ..v1::Entry::default()
    }
}

fn frame() -> v1::Frame {
    let item = v1::Item { entry: encode_entry(&entry()).expect("well formed"), ..v1::Item::default() };
    v1::Frame {
        rules_version: causeway_journal::RULES_VERSION,
        log_id: vec![8; 16],
        items: vec![item],
        ..v1::Frame::default()
    }
}

#[test]
fn entries() {
    run(&[encode_entry(&entry()).expect("well formed")], |bytes, _| {
        let Ok(entry) = decode_entry(bytes) else { return false };
        assert_eq!(encode_entry(&entry).expect("it was read"), bytes);
        true
    });
}

#[test]
fn frames() {
    run(&[encode_frame(&frame()).expect("well formed")], |bytes, _| {
        let applied = apply(&mut State::new(), FrameSeq(1), bytes).is_ok_and(|applied| applied.passed_over.is_none());
        let Ok(frame) = decode_frame(bytes) else {
            assert!(!applied);
            return false;
        };
        assert_eq!(encode_frame(&frame).expect("it was read"), bytes);
        true
    });
}

#[test]
fn notes_and_checkpoints() {
    let policy = format!("log {}\nwitness w {}\nquorum w\n", log_key(), {
        VerifierKey::cosigner("witness.example", SigningKey::from_seed(&[2; 32]).public_key()).expect("a name")
    });
    let policy = Policy::parse(&policy).expect("a good policy");
    let (good, size_line) = (note(), "\n9\n");
    run_text(std::slice::from_ref(&good), |text| {
        let Ok(read) = Note::parse(text) else {
            assert!(verify_cosignature(text, &witness_key()).is_err() && policy.check(text).is_err());
            return false;
        };
        let lines: String = read.signatures.iter().map(causeway_journal::note::Signature::line).collect();
        assert_eq!(format!("{}\n{lines}", read.text), text);
        if let Ok(checkpoint) = Checkpoint::parse(read.text) {
            assert!(read.text.starts_with(&checkpoint.to_string()));
        }
        // No change of the text may pass as signed.
        if policy.check(text).is_ok() || matches!(verify_cosignature(text, &witness_key()), Ok(Some(_))) {
            assert!(good.starts_with(read.text) && read.text.contains(size_line));
        }
        true
    });
}

#[test]
fn verifier_keys() {
    run_text(&[log_key().to_string(), witness_key().to_string()], |text| {
        let Ok(key) = text.parse::<VerifierKey>() else { return false };
        assert_eq!(key.to_string(), text);
        true
    });
}

#[test]
fn proof_files() {
    let file = ProofFile {
        entry: Some(encode_entry(&entry()).expect("well formed")),
        index: LeafIndex(7),
        hashes: vec![Digest([1; 32]), Digest([2; 32])],
        checkpoint: note(),
    };
    let bare = ProofFile { entry: None, ..file.clone() };
    run_text(&[file.to_string(), bare.to_string()], |text| {
        let Ok(file) = ProofFile::parse(text) else { return false };
        assert_eq!(file.to_string(), text);
        true
    });
}

#[test]
fn policies() {
    let witness = |seed: u8| {
        VerifierKey::cosigner("w", SigningKey::from_seed(&[seed; 32]).public_key()).expect("a name").to_string()
    };
    let text = format!(
        "# a comment\nlog {} https://log.example\nwitness a {}\nwitness b {}\ngroup ab 2 a b\ngroup g any ab\nquorum g\n",
        log_key(),
        witness(2),
        witness(3)
    );
    run_text(&[text, format!("log {}\nquorum none\n", log_key())], |text| {
        let Ok(policy) = Policy::parse(text) else { return false };
        assert!(policy.witnesses().iter().all(|witness| text.contains(&witness.key.to_string())));
        assert!(!policy.asks_for_witnesses() || !policy.is_quorum([]), "nobody is no quorum");
        assert!(policy.is_quorum(policy.witnesses().iter().map(|witness| witness.name.as_str())));
        true
    });
}

#[test]
fn tile_paths_and_tiles() {
    let paths = ["tile/0/067", "tile/1/x001/x234/067.p/17", "tile/entries/x001/x234/067.p/255", "tile/entries/000"];
    run_text(&paths.map(str::to_owned), |text| {
        let Ok(path) = TilePath::parse(text) else { return false };
        assert_eq!(path.to_string(), text);
        true
    });
    run(&[encode_tile(&[Digest([1; 32]), Digest([2; 32])])], |bytes, random| {
        let width = if bytes.len() == 64 { 2 } else { u16::from(random.hash().0[0] % 4) };
        let Ok(hashes) = decode_tile(bytes, width) else { return false };
        assert_eq!(encode_tile(&hashes), bytes);
        true
    });
}

#[test]
fn entry_bundles() {
    let entry = encode_entry(&entry()).expect("well formed");
    let bundle = encode_bundle(&[entry.clone(), b"x".to_vec(), entry]).expect("within the limits");
    run(&[bundle], |bytes, _| {
        let Ok(entries) = decode_bundle(bytes, 3) else { return false };
        assert_eq!(entries.len(), 3);
        assert_eq!(encode_bundle(&entries).expect("they were read"), bytes);
        true
    });
}

#[test]
fn requests_to_witnesses_and_their_answers() {
    let none = |level, index| Err(causeway_journal::JournalError::Tile { level, index });
    let proof = consistency_proof(&tree(9), 5, 9, &none).expect("a small tree");
    let request = AddCheckpoint { old_size: 5, proof, checkpoint: checkpoint().sign(&key()) };
    let known = Checkpoint { size: 5, root: tree(5).root(), ..checkpoint() };
    run(&[request.to_string().into_bytes()], |bytes, _| {
        let Ok(read) = AddCheckpoint::parse(bytes) else { return false };
        assert_eq!(read.to_string().as_bytes(), bytes);
        if let Ok(accepted) = decide(Some(&known), &read, &[log_key()]) {
            assert_eq!(accepted.checkpoint, checkpoint());
            assert_eq!((read.old_size, &read.proof), (5, &request.proof));
        }
        true
    });
    let note = checkpoint().sign(&key());
    let line = cosign(&note, "witness.example", &key(), 1_900_000_000).expect("a checkpoint");
    run_text(std::slice::from_ref(&line), |text| {
        let Ok((read, time)) = read_cosignature(&note, text.as_bytes(), &witness_key()) else { return false };
        assert_eq!((read, time), (line.clone(), 1_900_000_000));
        true
    });
    run_text(&["20852163\n".to_owned(), "0\n".to_owned()], |text| {
        let Ok(size) = read_size(text.as_bytes()) else { return false };
        assert_eq!(format!("{size}\n"), text);
        true
    });
}

/// A change of the proof: one bit of a hash, a hash less, a hash more.
fn changed_proof(random: &mut Random, proof: &[Digest]) -> Vec<Digest> {
    let mut proof = proof.to_vec();
    let at = random.below(proof.len() + 1);
    match random.below(3) {
        0 if at < proof.len() => proof[at].0[random.below(32)] ^= 1 << random.below(8),
        1 if at < proof.len() => drop(proof.remove(at)),
        _ => proof.insert(at, random.hash()),
    }
    proof
}

/// Any number, of any length in bits.
fn any_number(random: &mut Random) -> u64 {
    random.next() >> random.below(64)
}

#[test]
fn proofs() {
    let mut random = Random(6);
    let mut whole = Tree::new();
    let mut roots = vec![whole.root()];
    for n in 0..200u64 {
        whole.push(leaf_hash(&n.to_be_bytes()));
        roots.push(whole.root());
    }
    let none = |level, index| Err(causeway_journal::JournalError::Tile { level, index });
    for _ in 0..CASES {
        let (size, index) = (1 + random.below(200), random.below(200));
        let (root, index) = (roots[size], u64::try_from(index % size).expect("small"));
        let (size, leaf) = (u64::try_from(size).expect("small"), leaf_hash(&index.to_be_bytes()));
        let proof = inclusion_proof(&whole, LeafIndex(index), size, &none).expect("in range");
        assert_eq!(verify_inclusion(leaf, LeafIndex(index), size, &proof, root), Ok(()));
        let changed = changed_proof(&mut random, &proof);
        assert!(verify_inclusion(leaf, LeafIndex(index), size, &changed, root).is_err(), "{index} of {size}");
        let other = LeafIndex(any_number(&mut random));
        let verdict = verify_inclusion(leaf, other, size, &proof, root);
        assert_eq!(verdict.is_ok(), other.0 == index, "{index} of {size} at {other}");
        // Of any numbers at all no more is asked than an end and no panic: the root is nobody's.
        let (start, end) = (any_number(&mut random), any_number(&mut random));
        let nobodys = random.hash();
        assert!(verify_inclusion(leaf, other, end, &changed, nobodys).is_err());
        assert!(verify_subtree_inclusion(leaf, other, (start, end), &changed, nobodys).is_err());
        assert!(verify_subtree_consistency((start, end), other.0, &changed, nobodys, root).is_err());
    }
}

#[test]
fn proofs_of_growth() {
    let mut random = Random(7);
    let mut whole = Tree::new();
    let mut roots = vec![whole.root()];
    for n in 0..200u64 {
        whole.push(leaf_hash(&n.to_be_bytes()));
        roots.push(whole.root());
    }
    let none = |level, index| Err(causeway_journal::JournalError::Tile { level, index });
    for _ in 0..CASES {
        let second = 1 + random.below(200);
        let first = 1 + random.below(second);
        let (old, new) = (roots[first], roots[second]);
        let (first, second) = (u64::try_from(first).expect("small"), u64::try_from(second).expect("small"));
        let proof = consistency_proof(&whole, first, second, &none).expect("in range");
        assert_eq!(verify_consistency(first, second, &proof, old, new), Ok(()));
        let changed = changed_proof(&mut random, &proof);
        assert!(verify_consistency(first, second, &changed, old, new).is_err(), "{first} to {second}");
        // A tree is the subtree that begins at 0: both verifiers are of one mind, whatever the numbers are.
        let (from, to) = if random.below(2) == 0 {
            (1 + any_number(&mut random) % 250, any_number(&mut random) % 250)
        } else {
            (any_number(&mut random).max(1), any_number(&mut random))
        };
        for proof in [&proof, &changed] {
            assert_eq!(
                verify_consistency(from, to, proof, old, new).is_ok(),
                verify_subtree_consistency((0, from), to, proof, old, new).is_ok(),
                "{from} to {to}"
            );
        }
    }
}
