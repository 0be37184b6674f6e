//! Exports: one that holds, and one with anything in it changed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_crypto::Digest;
use causeway_journal::{JournalError, Tree, consistency_proof, decode_entry, inclusion_proof, leaf_hash};
use causeway_model::LeafIndex;
use causeway_verify::{Exported, Trust, VerifyError, entry_fields, export};
use serde_json::{Value, json};

use crate::synthetic::{ORIGIN, Synthetic};

fn hashes(proof: &[Digest]) -> Vec<String> {
    proof.iter().map(ToString::to_string).collect()
}

/// Entries 2 to 5 under a checkpoint of size 10, then 6 and 7 under one of size 20.
fn lines(log: &Synthetic, proofs: bool) -> Vec<Value> {
    let none = |level, index| Err(JournalError::Tile { level, index });
    let tree_at = |size: usize| {
        let mut tree = Tree::new();
        log.entries[..size].iter().for_each(|entry| drop(tree.push(leaf_hash(entry))));
        tree
    };
    let note = |size: usize| {
        let tree = tree_at(size);
        causeway_journal::Checkpoint { origin: ORIGIN.into(), size: tree.size(), root: tree.root() }.sign(&log.key)
    };
    let row = |leaf: usize, size: usize| {
        let entry = &log.entries[leaf];
        let mut row = json!({
            "type": "row",
            "leaf_index": leaf,
            "leaf_hash": leaf_hash(entry).to_string(),
            "entry": STANDARD.encode(entry),
            "outcome": log.outcomes[leaf],
            "fields": entry_fields(&decode_entry(entry).expect("well formed")),
        });
        if proofs {
            let proof = inclusion_proof(&tree_at(size), LeafIndex(leaf as u64), size as u64, &none).expect("in range");
            row["proof"] = json!(hashes(&proof));
        }
        if let Some((_, text)) = log.texts.iter().find(|(of, _)| *of == leaf as u64) {
            row["text"] = json!(STANDARD.encode(text));
        }
        row
    };
    let consistency = consistency_proof(&tree_at(20), 10, 20, &none).expect("in range");
    let mut lines = vec![
        json!({
            "type": "header",
            "format": "causeway-audit-export/1",
            "gateway": "https://127.0.0.1:8443",
            "query": {"from_leaf_index": 2, "to_leaf_index": 8},
            "newest_first": false,
            "proofs": proofs,
        }),
        json!({"type": "checkpoint", "checkpoint": note(10), "tree_size": 10, "consistency": []}),
    ];
    lines.extend((2..6).map(|leaf| row(leaf, 10)));
    lines.push(
        json!({"type": "checkpoint", "checkpoint": note(20), "tree_size": 20, "consistency": hashes(&consistency)}),
    );
    lines.extend((6..8).map(|leaf| row(leaf, 20)));
    lines.push(json!({"type": "end", "rows": 6, "checkpoint": note(20), "tree_size": 20}));
    lines
}

fn verified(log: &Synthetic, lines: &[Value]) -> Result<Exported, VerifyError> {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    export(text.as_bytes(), &Trust::new(None, &[log.verifier()], None))
}

#[test]
fn an_export_holds_row_by_row() {
    let log = Synthetic::of(20);
    let found = verified(&log, &lines(&log, true)).expect("it holds");
    assert_eq!((found.rows, found.proofs, found.dense, found.leaves), (6, true, true, Some((2, 7))));
    assert_eq!(found.vouched.expect("a checkpoint").checkpoint, log.checkpoint());
    assert!(!verified(&log, &lines(&log, false)).expect("it agrees with itself").proofs);
    let mut fewer = lines(&log, true);
    fewer.remove(3);
    fewer.last_mut().expect("the end")["rows"] = json!(5);
    assert!(!verified(&log, &fewer).expect("it holds").dense, "an entry of the range is left out");
}

#[test]
fn nothing_of_an_export_can_be_changed() {
    let log = Synthetic::of(20);
    let good = lines(&log, true);
    let changed = |at: usize, member: &str, value: Value| {
        let mut lines = good.clone();
        lines[at][member] = value;
        verified(&log, &lines)
    };
    let faults = [
        (0, "format", json!("causeway-audit-export/2")),
        (0, "newest_first", json!(true)),
        (0, "proofs", json!(false)),
        (1, "tree_size", json!(11)),
        (1, "checkpoint", good[6]["checkpoint"].clone()),
        (1, "consistency", good[6]["consistency"].clone()),
        (2, "leaf_index", json!(1)),
        (2, "leaf_hash", good[3]["leaf_hash"].clone()),
        (2, "entry", good[3]["entry"].clone()),
        (2, "outcome", json!("splendid")),
        (2, "fields", good[3]["fields"].clone()),
        (2, "proof", good[3]["proof"].clone()),
        (2, "text", json!("AAAA")),
        (2, "opened", json!({"operator_id": "x", "nonce": "00"})),
        (2, "more", json!(1)),
        (6, "consistency", json!([])),
        (9, "rows", json!(5)),
        (9, "tree_size", json!(10)),
        (9, "checkpoint", good[1]["checkpoint"].clone()),
    ];
    for (at, member, value) in faults {
        let refused = changed(at, member, value).expect_err(member);
        assert_eq!(refused.exit_code(), 1, "{at} {member}: {refused}");
    }
    for at in 0..good.len() {
        let mut fewer = good.clone();
        fewer.remove(at);
        assert!(verified(&log, &fewer).is_err(), "without line {at}");
        let mut twice = good.clone();
        twice.insert(at, good[at].clone());
        let refused = verified(&log, &twice);
        // A checkpoint that is stated again changes nothing, if it says that it goes on from itself.
        assert!(refused.is_err() || at == 1, "line {at} twice");
    }
    let twice = r#"{"type":"header","type":"header"}"#;
    assert!(export(twice.as_bytes(), &Trust::default()).is_err(), "a member twice");
    assert!(export("x".repeat(2 << 20).as_bytes(), &Trust::default()).is_err(), "an endless line");
}

#[test]
fn opened_texts_are_held_to_their_commitments() {
    let mut log = Synthetic::begun();
    let nonce = [5; 32];
    let committed = causeway_crypto::commit(&nonce, "operator", "a.clerk").to_vec();
    let commitments = causeway_journal::v1::Commitments { operator: committed, ..Default::default() };
    let entry = causeway_journal::v1::Entry { commitments: Some(commitments), ..crate::synthetic::numbered(3) };
    log.take(entry, Vec::new());
    while log.size() < 20 {
        log.take(crate::synthetic::numbered(log.size()), Vec::new());
    }
    let with = |opened: Value| {
        let mut lines = lines(&log, true);
        lines[7]["opened"] = opened;
        verified(&log, &lines)
    };
    let nonce = Digest(nonce).to_string();
    with(json!({"operator_id": "a.clerk", "nonce": nonce})).expect("it holds");
    assert!(with(json!({"operator_id": "a.clerc", "nonce": nonce})).is_err());
    assert!(with(json!({"purpose_text": "a.clerk", "nonce": nonce})).is_err());
    assert!(with(json!({"operator_id": "a.clerk", "nonce": "05"})).is_err());
    assert!(with(json!({"operator_id": "a.clerk"})).is_err());
}
