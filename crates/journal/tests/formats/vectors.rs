//! The proofs of transparency-dev/merkle, most of which must be refused, and the tree of its constants.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_crypto::{Digest, sha256};
use causeway_journal::{
    Tree, empty_root, leaf_hash, node_hash, verify_consistency, verify_inclusion, verify_subtree_consistency,
    verify_subtree_inclusion,
};
use causeway_model::LeafIndex;
use serde_json::Value;

pub(crate) fn read(path: impl AsRef<Path>) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(path);
    serde_json::from_slice(&fs::read(&path).expect("the vectors are in the repository")).expect("they are JSON")
}

fn cases(folder: &str) -> Vec<(PathBuf, Value)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/transparency-dev-merkle").join(folder);
    let mut folders = vec![root];
    let mut cases = Vec::new();
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(folder).expect("the vectors are in the repository") {
            let path = item.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                cases.push((path.clone(), read(path)));
            }
        }
    }
    cases
}

fn bytes(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().expect("a text")).expect("the vectors are base64")
}

/// A hash of the case. Some cases have placeholders of another length: their digests stand for them, equal for equal.
fn hash(value: &Value) -> Digest {
    let bytes = bytes(value);
    Digest::try_from(bytes.as_slice()).unwrap_or_else(|_| sha256(&[&bytes]))
}

pub(crate) fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("hexadecimal");
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal")).collect()
}

fn hashes(value: &Value) -> Vec<Digest> {
    value.as_array().map_or_else(Vec::new, |list| list.iter().map(hash).collect())
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number of the vectors")
}

/// Runs each case, and counts those that held and those that were refused.
fn run(folder: &str, holds: impl Fn(&Value) -> bool) -> (u32, u32) {
    let (mut held, mut refused) = (0, 0);
    for (path, case) in cases(folder) {
        let result = holds(&case);
        assert_eq!(result, case["wantErr"] == false, "{}", path.display());
        if result { held += 1 } else { refused += 1 }
    }
    (held, refused)
}

#[test]
fn inclusion_proofs_of_transparency_dev() {
    let counted = run("inclusion", |case| {
        // Four cases have an empty root or leaf, which no reader takes for a hash.
        if bytes(&case["root"]).is_empty() || bytes(&case["leafHash"]).is_empty() {
            return false;
        }
        let (leaf, index, size) = (hash(&case["leafHash"]), number(&case["leafIdx"]), number(&case["treeSize"]));
        verify_inclusion(leaf, LeafIndex(index), size, &hashes(&case["proof"]), hash(&case["root"])).is_ok()
    });
    assert_eq!(counted, (6, 92));
}

#[test]
fn consistency_proofs_of_transparency_dev() {
    let counted = run("consistency", |case| {
        let (first, second) = (number(&case["size1"]), number(&case["size2"]));
        verify_consistency(first, second, &hashes(&case["proof"]), hash(&case["root1"]), hash(&case["root2"])).is_ok()
    });
    assert_eq!(counted, (6, 92));
}

#[test]
fn subtree_inclusion_proofs_of_transparency_dev() {
    let counted = run("subtreeinclusion", |case| {
        // Some cases have an empty root or leaf, which no reader takes for a hash.
        if bytes(&case["root"]).is_empty() || bytes(&case["leafHash"]).is_empty() {
            return false;
        }
        let range = (number(&case["start"]), number(&case["end"]));
        let (leaf, index) = (hash(&case["leafHash"]), LeafIndex(number(&case["leafIdx"])));
        verify_subtree_inclusion(leaf, index, range, &hashes(&case["proof"]), hash(&case["root"])).is_ok()
    });
    assert_eq!(counted, (12, 192));
}

#[test]
fn subtree_consistency_proofs_of_transparency_dev() {
    let counted = run("subtreeconsistency", |case| {
        let (range, size) = ((number(&case["start"]), number(&case["end"])), number(&case["size"]));
        let (subtree, root) = (hash(&case["root1"]), hash(&case["root2"]));
        verify_subtree_consistency(range, size, &hashes(&case["proof"]), subtree, root).is_ok()
    });
    assert_eq!(counted, (12, 106));
}

#[test]
fn the_tree_of_the_constants() {
    let constants = read("rfc6962-tree.json");
    let as_hash = |value: &Value| Digest::try_from(hex(value).as_slice()).expect("32 bytes");
    let leaves = constants["leaf_inputs_hex"].as_array().expect("a list");
    let roots = constants["root_hash_hex_for_size_1_to_8"].as_array().expect("a list");
    let mut tree = Tree::new();
    assert_eq!(tree.root(), as_hash(&constants["empty_root_hex"]));
    assert_eq!(empty_root(), tree.root());
    for (leaf, root) in leaves.iter().zip(roots) {
        tree.push(leaf_hash(&hex(leaf)));
        assert_eq!(tree.root(), as_hash(root));
    }
    assert_eq!(tree.size(), 8);
    let hasher = &constants["rfc6962_hasher"];
    assert_eq!(leaf_hash(b"L123456"), as_hash(&hasher["leaf('L123456')"]));
    let (left, right) = (b"N123", b"N456");
    assert_eq!(sha256(&[&[1], left, right]), as_hash(&hasher["node('N123','N456')"]));
    let levels = constants["node_hashes_hex_by_level"].as_array().expect("a list");
    assert_eq!(node_hash(&as_hash(&levels[0][0]), &as_hash(&levels[0][1])), as_hash(&levels[1][0]));
}
