//! The whole log of a gateway, as its auditor gets it, applied again.

use causeway_crypto::Digest;
use causeway_journal::{Checkpoint, MirroredEntry, State, Tree, apply_mirrored, checkpoint, leaf_hash, v1 as journal};
use causeway_proto::v1;
use prost::Message;

use crate::Failed;
use causeway_rig::Reach;

const AUDITOR: &str = "gb-nca/audit";

/// Entries that are asked for at once: no range may have more.
const MOST_ENTRIES: usize = 1_000_000;

/// Every entry's bytes, and the state that they make.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) state: State,
    /// The newest checkpoint, and the key that verifies it, as the gateway names both.
    pub(super) note: String,
    pub(crate) verifier_key: String,
}

impl Log {
    /// Reads the log up to its newest checkpoint. A log in which something is half done is refused: by the rules, by its own root or
    /// by the outcomes that the gateway states.
    pub(crate) async fn read(reach: &Reach) -> Result<Self, Failed> {
        let mut audit = reach.clients(AUDITOR, "lawfulness").await?.audit();
        let newest = audit.get_checkpoint(v1::GetCheckpointRequest::default()).await?.into_inner();
        if !newest.halted.is_empty() {
            return Err(format!("the gateway is halted: {}", newest.halted).into());
        }
        let key = newest.verifier_key.parse()?;
        let Checkpoint { size, root, .. } = checkpoint::verify_with_any(&newest.checkpoint, &[key], ORIGIN)?;
        let mut log = Self {
            entries: Vec::new(),
            state: State::new(),
            note: newest.checkpoint,
            verifier_key: newest.verifier_key,
        };
        for from_leaf_index in (0..size).step_by(MOST_ENTRIES) {
            let to_leaf_index = size.min(from_leaf_index + MOST_ENTRIES as u64);
            let range = v1::StreamEntriesRequest { from_leaf_index, to_leaf_index };
            let mut parts = audit.stream_entries(range).await?.into_inner();
            while let Some(part) = parts.message().await? {
                log.take(part)?;
            }
        }
        if log.state.tree().size() != size || log.state.tree().root() != root {
            return Err("the entries do not make the checkpoint".into());
        }
        Ok(log)
    }

    fn take(&mut self, part: v1::StreamEntriesResponse) -> Result<(), Failed> {
        let notes = journal::BundleNotes::decode(part.notes.as_slice())?;
        let mut texts = notes.texts.into_iter().map(|text| (text.leaf_index, text.text)).collect::<Vec<_>>();
        let mut mirrored = Vec::new();
        for (entry, leaf) in part.entries.iter().zip(part.from_leaf_index..) {
            let text = texts.iter_mut().find(|(at, _)| *at == leaf).map(|(_, text)| std::mem::take(text));
            mirrored.push(MirroredEntry::read(entry, text.unwrap_or_default())?);
        }
        let mut rest = mirrored.as_slice();
        let mut outcomes = Vec::new();
        for run in notes.rules {
            let (now, later) = rest.split_at_checked(run.count as usize).ok_or("more rules than entries")?;
            outcomes.extend(apply_mirrored(&mut self.state, run.version, now)?.outcomes);
            rest = later;
        }
        let stated = notes.outcomes.into_iter().map(|run| u64::from(run.count)).sum::<u64>();
        if !rest.is_empty() || outcomes.len() as u64 != stated {
            return Err("entries without the rules that they were applied under".into());
        }
        self.entries.extend(part.entries);
        Ok(())
    }

    /// The entry at a place.
    pub(super) fn entry(&self, leaf: u64) -> Option<&[u8]> {
        usize::try_from(leaf).ok().and_then(|leaf| self.entries.get(leaf)).map(Vec::as_slice)
    }

    /// The roots of the first so many entries, for sizes in ascending order; none where the log is shorter.
    pub(crate) fn roots(&self, sizes: impl IntoIterator<Item = u64>) -> Vec<Option<Digest>> {
        let (mut tree, mut entries) = (Tree::new(), self.entries.iter());
        let mut root_at = |size: u64| {
            while tree.size() < size {
                tree.push(leaf_hash(entries.next()?));
            }
            (tree.size() == size).then(|| tree.root())
        };
        sizes.into_iter().map(&mut root_at).collect()
    }
}

/// The journal's name in the shipped configuration.
pub(crate) const ORIGIN: &str = "gateway.causeway.example/journal";
