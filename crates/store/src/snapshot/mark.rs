//! What a kept state says of itself before it is read: in which formats it is, and of which log and frame.

use causeway_crypto::{Digest, MacKey};
use causeway_journal::{RULES_SHARED, RULES_VERSION, SNAPSHOT_VERSION, Snapshot};
use causeway_model::FrameSeq;

use super::unusable::Unusable;

/// What the file begins with: the version of the file's own form is in it.
const MAGIC: &[u8; 16] = b"causeway-state-1";

/// Bytes of the tag.
const TAG: usize = 32;

/// Bytes of a mark in the file, with its tag.
pub(super) const MARK_BYTES: usize = 16 + 4 + 4 + 16 + 16 + 8 + 32 + 8 + 32 + TAG;

/// A frame's end, and the versions of what makes a state of the frames before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// The rules of its frames, where they are later than those that this software writes by itself, or else those.
    pub(super) rules: u32,
    pub(super) log_id: [u8; 16],
    /// The newest frame, and its id: with it all frames before are named, since each names the one before it.
    pub(super) seq: FrameSeq,
    pub(super) frame: Digest,
    pub(super) leaves: u64,
    pub(super) root: Digest,
}

impl Mark {
    /// That of a snapshot; none before the first frame.
    pub(super) fn of(snapshot: &Snapshot) -> Option<Self> {
        let (seq, frame) = snapshot.head();
        let tree = snapshot.tree();
        let rules = snapshot.rules().max(RULES_VERSION);
        Some(Self { rules, log_id: snapshot.log_id()?, seq, frame: frame?, leaves: tree.size(), root: tree.root() })
    }

    /// Its bytes in a new file, and the tag that ends them, which is another in every file.
    pub(super) fn sealed(&self, key: &MacKey) -> (Vec<u8>, [u8; TAG]) {
        let mut bytes = Vec::with_capacity(MARK_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&SNAPSHOT_VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.rules.to_le_bytes());
        bytes.extend_from_slice(&causeway_crypto::random::<16>());
        bytes.extend_from_slice(&self.log_id);
        bytes.extend_from_slice(&self.seq.0.to_le_bytes());
        bytes.extend_from_slice(&self.frame.0);
        bytes.extend_from_slice(&self.leaves.to_le_bytes());
        bytes.extend_from_slice(&self.root.0);
        let tag = tag_of(&bytes, key);
        bytes.extend_from_slice(&tag);
        (bytes, tag)
    }

    /// Reads what `sealed` has written, and its tag.
    pub(super) fn read(bytes: &[u8; MARK_BYTES], key: &MacKey) -> Result<(Self, [u8; TAG]), Unusable> {
        let (stated, tag) = bytes.split_at(MARK_BYTES - TAG);
        let tag = *tag.first_chunk().expect("a tag's bytes");
        let mut rest = stated;
        let magic: [u8; 16] = take(&mut rest);
        let [version, rules] = [take(&mut rest), take(&mut rest)].map(u32::from_le_bytes);
        // Before the tag, whose form another version may have changed.
        if magic != *MAGIC || version != SNAPSHOT_VERSION || ![RULES_VERSION, RULES_SHARED].contains(&rules) {
            return Err(Unusable::Because("it is of another version of this software, or damaged"));
        }
        if tag_of(stated, key) != tag {
            return Err(Unusable::Because("it was not written under these keys, or is damaged"));
        }
        let _salt: [u8; 16] = take(&mut rest);
        let log_id = take(&mut rest);
        let seq = FrameSeq(u64::from_le_bytes(take(&mut rest)));
        let frame = Digest(take(&mut rest));
        let leaves = u64::from_le_bytes(take(&mut rest));
        Ok((Self { rules, log_id, seq, frame, leaves, root: Digest(take(&mut rest)) }, tag))
    }
}

fn tag_of(stated: &[u8], key: &MacKey) -> [u8; TAG] {
    key.tag("causeway/v1/state/mark", &[stated])
}

fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (taken, left) = rest.split_first_chunk().expect("a mark has all of its fields");
    *rest = left;
    *taken
}
