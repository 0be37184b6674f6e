//! A log for tests: its leaves, its keys, and what it asks of a witness.

use causeway_crypto::{Digest, SigningKey};
use causeway_journal::witness::AddCheckpoint;
use causeway_journal::{Checkpoint, VerifierKey, empty_root, leaf_hash, node_hash};

pub(crate) const ORIGIN: &str = "log.example/journal";

/// A log whose history is told by a word: two logs with other words are two histories.
pub(crate) struct FakeLog {
    pub(crate) origin: &'static str,
    pub(crate) key: SigningKey,
    leaves: Vec<Digest>,
}

impl FakeLog {
    pub(crate) fn new(history: &str) -> Self {
        Self::named(ORIGIN, history, SigningKey::from_seed(&[7; 32]))
    }

    pub(crate) fn named(origin: &'static str, history: &str, key: SigningKey) -> Self {
        let leaves = (0..64).map(|index| leaf_hash(format!("{history} {index}").as_bytes())).collect();
        Self { origin, key, leaves }
    }

    pub(crate) fn verifier(&self) -> VerifierKey {
        VerifierKey::new(self.origin, self.key.public_key()).expect("a name")
    }

    pub(crate) fn checkpoint(&self, size: usize) -> Checkpoint {
        let size_field = u64::try_from(size).expect("small");
        Checkpoint { origin: self.origin.into(), size: size_field, root: root(&self.leaves[..size]) }
    }

    /// The request to cosign the tree of `new` leaves where the witness holds that of `old`.
    pub(crate) fn request(&self, old: usize, new: usize) -> AddCheckpoint {
        let proof = if old == 0 || old == new { Vec::new() } else { consistency(old, &self.leaves[..new], true) };
        let old_size = u64::try_from(old).expect("small");
        AddCheckpoint { old_size, proof, checkpoint: self.checkpoint(new).sign(&self.key) }
    }
}

/// RFC 6962 section 2.1.
fn root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&root(left), &root(right))
        }
    }
}

/// RFC 6962 section 2.1.2: SUBPROOF.
fn consistency(old: usize, leaves: &[Digest], is_whole: bool) -> Vec<Digest> {
    if old == leaves.len() {
        return if is_whole { Vec::new() } else { vec![root(leaves)] };
    }
    let at = split(leaves.len());
    let (left, right) = leaves.split_at(at);
    if old <= at {
        [consistency(old, left, is_whole), vec![root(right)]].concat()
    } else {
        [consistency(old - at, right, false), vec![root(left)]].concat()
    }
}

/// The largest power of two below `count`.
fn split(count: usize) -> usize {
    count.next_power_of_two() / 2
}
