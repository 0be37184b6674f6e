//! Whether what was shown at different times can be of one log: of one size there is one root, and at one place one entry.

use std::collections::BTreeMap;

use causeway_crypto::Digest;
use causeway_journal::Checkpoint;
use causeway_model::LeafIndex;

/// Checkpoints, and entries that were proven under them.
#[derive(Debug, Clone, Default)]
pub struct Histories {
    origin: Option<String>,
    /// The root at each size, with the signed checkpoint that says so.
    roots: BTreeMap<u64, (Digest, String)>,
    /// The leaf hash at each place, with the size under which it was proven.
    leaves: BTreeMap<u64, (Digest, u64)>,
}

/// Why something cannot be of the log that the rest is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unlike {
    /// It is of a journal of another name.
    Journal {
        /// The name of the first one.
        first: String,
        /// The name of this one.
        other: String,
    },
    /// It is of another history of the same journal: where both checkpoints are signed, the signer has shown two.
    History {
        /// Up to which size they differ.
        size: u64,
        /// The signed checkpoint from before.
        known: String,
        /// The signed checkpoint that contradicts it.
        found: String,
    },
}

impl Histories {
    /// Takes an entry whose inclusion in the tree of this checkpoint was proven, and whose checkpoint's signature was looked at: nothing
    /// is verified here.
    ///
    /// # Errors
    /// What it contradicts; it is not taken then.
    pub fn take(&mut self, place: LeafIndex, leaf: Digest, checkpoint: &Checkpoint, note: &str) -> Result<(), Unlike> {
        let Checkpoint { origin, size, root } = checkpoint;
        let first = self.origin.get_or_insert_with(|| origin.clone());
        if first != origin {
            return Err(Unlike::Journal { first: first.clone(), other: origin.clone() });
        }
        let differs = |size, known: &str| Unlike::History { size, known: known.to_owned(), found: note.to_owned() };
        if let Some((known, known_note)) = self.roots.get(size)
            && known != root
        {
            return Err(differs(*size, known_note));
        }
        if let Some((known, under)) = self.leaves.get(&place.0)
            && *known != leaf
        {
            return Err(differs(place.0.saturating_add(1), self.note(*under).unwrap_or_default()));
        }
        self.leaves.entry(place.0).or_insert((leaf, *size));
        self.roots.entry(*size).or_insert_with(|| (*root, note.to_owned()));
        Ok(())
    }

    /// The signed checkpoint of a size; none where there was none.
    pub fn note(&self, size: u64) -> Option<&str> {
        self.roots.get(&size).map(|(_, note)| note.as_str())
    }

    /// The signed checkpoint of the greatest size.
    pub fn newest(&self) -> Option<&str> {
        self.roots.last_key_value().map(|(_, (_, note))| note.as_str())
    }
}
