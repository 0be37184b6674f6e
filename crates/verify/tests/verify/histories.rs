//! Two histories under one key: found wherever both are shown, and both signed checkpoints are kept.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_crypto::SigningKey;
use causeway_journal::{Checkpoint, ProofFile, VerifierKey, cosign, decode_entry};

use crate::command::{Desk, consistency, forked, note_at, proof_file};
use crate::synthetic::Synthetic;

/// A receipt as `causeway submit --receipts` keeps it.
fn kept(proof: &str) -> String {
    let file = ProofFile::parse(proof).expect("a proof file");
    let bytes = file.entry.expect("it holds its entry");
    let entry = decode_entry(&bytes).expect("well formed");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let hashes: Vec<String> = file.hashes.iter().map(|hash| hex(&hash.0)).collect();
    let receipt = serde_json::json!({
        "record_id": hex(&entry.records[0].record_id),
        "version": entry.records[0].version,
        "leaf_index": file.index.0,
        "entry": STANDARD.encode(&bytes),
        "checkpoint": file.checkpoint,
        "inclusion_proof": {"hashes": hashes},
    });
    format!("{receipt}\n")
}

fn receipt(log: &Synthetic, index: u64) -> String {
    kept(&proof_file(log, index))
}

#[test]
fn receipts_of_two_histories_convict_the_signer() {
    let log = Synthetic::of(50);
    let fork = forked(&log, 50);
    let longer = forked(&log, 53);
    let desk = Desk::new(&log.verifier());
    let good = [receipt(&log, 40), receipt(&log, 41), receipt(&Synthetic::of(53), 40)].concat();
    assert_eq!(desk.code(&good), 0, "one history at two sizes");
    assert!(desk.evidence().is_empty());
    let answer = desk.run(&[&desk.put("size", &format!("{}{}", receipt(&log, 40), receipt(&fork, 41)))]);
    assert_eq!(answer.code, 4, "one size and two roots: {answer:?}");
    let kept = desk.evidence();
    assert!(kept.contains(&log.note()) && kept.contains(&fork.note()), "{kept:?}");
    let answer = desk.run(&[&desk.put("leaf", &format!("{}{}", receipt(&log, 40), receipt(&longer, 40)))]);
    assert_eq!(answer.code, 4, "one place and two entries: {answer:?}");
    assert!(desk.evidence().contains(&longer.note()));
    assert_eq!(desk.code(&format!("{}{}", receipt(&log, 40), receipt(&longer, 41))), 0, "which nothing contradicts");
}

#[test]
fn what_another_key_signed_and_what_nobody_is_believed_to_have_signed_convicts_nobody() {
    let log = Synthetic::of(50);
    let mut desk = Desk::new(&log.verifier());
    let mut forged = forked(&log, 50);
    forged.key = SigningKey::from_seed(&[9; 32]);
    let both = format!("{}{}", receipt(&log, 40), receipt(&forged, 40));
    assert_eq!(desk.code(&both), 1);
    desk.key.clear();
    assert_eq!(desk.code(&both), 1, "it contradicts itself, whoever made it");
    assert!(desk.evidence().is_empty());
}

#[test]
fn receipts_are_of_one_journal() {
    let log = Synthetic::of(50);
    let mut desk = Desk::new(&log.verifier());
    let name = "other.example/journal";
    let other = Checkpoint { origin: name.into(), ..log.checkpoint() }.sign(&log.key);
    desk.key.push(VerifierKey::new(name, log.key.public_key()).expect("a name").to_string());
    let file = ProofFile { checkpoint: other, ..ProofFile::parse(&proof_file(&log, 41)).expect("a proof file") };
    let elsewhere = kept(&file.to_string());
    assert_eq!(desk.code(&elsewhere), 0, "by itself it holds");
    let answer = desk.run(&[&desk.put("mixed", &format!("{}{elsewhere}", receipt(&log, 40)))]);
    assert!(answer.code == 1 && answer.notes[0].contains("other.example"), "{answer:?}");
}

#[test]
fn receipts_are_compared_with_what_was_seen_before() {
    let log = Synthetic::of(50);
    let fork = forked(&log, 50);
    let mut desk = Desk::new(&log.verifier());
    desk.remembers = true;
    assert_eq!(desk.code(&receipt(&log, 40)), 0, "which is remembered");
    assert_eq!(desk.code(&note_at(&log, 40)), 3, "as a checkpoint is");
    let of_both = format!("{}{}", receipt(&forked(&log, 60), 55), receipt(&fork, 40));
    assert_eq!(desk.code(&receipt(&fork, 40)), 4);
    assert_eq!(desk.code(&of_both), 4, "also where it is not the newest of the file");
    let kept = desk.evidence();
    assert!(kept.contains(&log.note()) && kept.contains(&fork.note()), "{kept:?}");
    assert_eq!(desk.code(&receipt(&log, 41)), 0);
}

#[test]
fn a_pair_is_compared_with_what_was_seen_before_where_it_can_be() {
    let log = Synthetic::of(60);
    let fork = forked(&log, 60);
    let mut desk = Desk::new(&log.verifier());
    desk.remembers = true;
    let pair = |log: &Synthetic, first: u64| {
        let older = desk.put("older", &note_at(log, first));
        let newer = desk.put("newer", &log.note());
        desk.run(&[&older, &newer, &desk.put("proof", &consistency(log, first, 60))])
    };
    assert_eq!(desk.code(&note_at(&log, 30)), 0, "which is remembered");
    let answer = pair(&log, 40);
    assert!(answer.code == 0 && answer.lines.iter().any(|line| line.contains("not compared")), "{answer:?}");
    let answer = pair(&fork, 30);
    assert_eq!(answer.code, 4, "another root at the size that is remembered: {answer:?}");
    let kept = desk.evidence();
    assert!(kept.contains(&note_at(&log, 30)) && kept.contains(&note_at(&fork, 30)), "{kept:?}");
    let answer = pair(&log, 30);
    assert!(answer.code == 0 && answer.lines.iter().any(|line| line.contains("goes on from size 30")), "{answer:?}");
    assert_eq!(pair(&fork, 40).code, 4, "the newer one is remembered now");
}

#[test]
fn a_witness_s_time_tells_an_old_checkpoint_from_a_journal_that_was_cut_back() {
    let log = Synthetic::of(60);
    let witness = |seed: u8, name: &str| {
        let key = SigningKey::from_seed(&[seed; 32]);
        (VerifierKey::cosigner(name, key.public_key()).expect("a name"), key)
    };
    let ((one_key, one), (two_key, two)) = (witness(1, "one.example"), witness(2, "two.example"));
    let by = |note: &str, name: &str, key: &SigningKey, time: u64| {
        format!("{note}{}", cosign(note, name, key, time).expect("cosigned"))
    };
    let mut desk = Desk::new(&log.verifier());
    desk.remembers = true;
    desk.policy = Some(format!(
        "log {}\nwitness one {one_key}\nwitness two {two_key}\ngroup any any one two\nquorum any\n",
        log.verifier()
    ));
    let known = by(&log.note(), "one.example", &one, 1_000);
    assert_eq!(desk.code(&known), 0, "which is remembered");
    let small = note_at(&log, 40);
    assert_eq!(desk.code(&small), 3, "it has no time");
    assert_eq!(desk.code(&by(&small, "one.example", &one, 1_000)), 3);
    assert_eq!(desk.code(&by(&small, "two.example", &two, 1_300)), 3, "another witness may be slow, or ahead");
    assert!(desk.evidence().is_empty());
    let later = by(&small, "one.example", &one, 1_001);
    let answer = desk.run(&[&desk.put("later", &later)]);
    assert_eq!(answer.code, 4, "{answer:?}");
    let kept = desk.evidence();
    assert!(kept.contains(&known) && kept.contains(&later), "{kept:?}");
    assert_eq!(desk.code(&by(&small, "two.example", &two, 1_301)), 4, "nobody is so slow");
    assert_eq!(desk.code(&known), 0, "what is remembered is as before");
}
