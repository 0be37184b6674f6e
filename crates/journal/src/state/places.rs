//! Where entries are: which frame holds a leaf, and what became of it.

use causeway_crypto::Digest;
use causeway_model::{FrameSeq, LeafIndex};

use super::Chunks;
use crate::Outcome;
use crate::saved::saved_fields;

/// Where an entry is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its frame.
    pub seq: FrameSeq,
    /// Its place in the frame, the first is 0.
    pub item: u32,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// The first leaf of each frame, the first frame first: 8 bytes a frame.
    starts: Chunks<LeafIndex>,
    newest: Option<Digest>,
    /// What did not simply take effect, in the entries' order.
    outcomes: Chunks<(LeafIndex, Outcome)>,
}

saved_fields!(Places { starts, newest, outcomes });

impl Places {
    pub(crate) fn head(&self) -> (FrameSeq, Option<Digest>) {
        (FrameSeq(self.starts.len() as u64), self.newest)
    }

    pub(crate) fn place(&self, leaf: LeafIndex, size: u64) -> Option<Place> {
        if leaf.0 >= size {
            return None;
        }
        let frames = self.starts.partition_point(|start| *start <= leaf);
        let start = self.starts.get(frames.checked_sub(1)?)?;
        Some(Place { seq: FrameSeq(frames as u64), item: u32::try_from(leaf.0 - start.0).ok()? })
    }

    pub(crate) fn first_leaf(&self, seq: FrameSeq) -> Option<LeafIndex> {
        self.starts.get(usize::try_from(seq.0.checked_sub(1)?).ok()?).copied()
    }

    pub(crate) fn outcome(&self, leaf: LeafIndex) -> Outcome {
        let place = self.outcomes.partition_point(|(earlier, _)| *earlier < leaf);
        let found = self.outcomes.get(place).filter(|(known, _)| *known == leaf);
        found.map(|(_, outcome)| outcome.clone()).unwrap_or_default()
    }

    pub(crate) fn add_frame(&mut self, id: Digest, first: LeafIndex) {
        self.starts.push(first);
        self.newest = Some(id);
    }

    pub(crate) fn add_outcome(&mut self, leaf: LeafIndex, outcome: &Outcome) {
        if !outcome.is_effective() {
            self.outcomes.push((leaf, outcome.clone()));
        }
    }
}
