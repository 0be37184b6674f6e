//! Reading runs of entries, each frame once, with what a verifier needs beside them.

use std::sync::Arc;

use causeway_journal::{decode_frame, v1};
use causeway_model::{FrameSeq, LeafIndex};

use crate::error::StoreError;
use crate::journal::Journal;
use crate::reader::Reader;

/// Bytes of frames that are read at once: about a thousand frames of one entry each, or the largest one.
const READ_BYTES: usize = 256 * 1024;

/// Entries next to each other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bundle {
    /// Their exact bytes.
    pub entries: Vec<Vec<u8>>,
    /// What goes with them beside the tree.
    pub notes: v1::BundleNotes,
}

impl Journal {
    /// The bytes of up to `count` entries, from `from` on; fewer at the journal's end.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn entries(&self, from: LeafIndex, count: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        self.readers.ask(move |reader| reader.entries(from, count)).await
    }

    /// Up to `count` entries from `from` on with their notes: fewer at the journal's end, and where they and the texts beside them
    /// reach `max_bytes`; at least one where there is one.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn bundle(&self, from: LeafIndex, count: usize, max_bytes: usize) -> Result<Bundle, StoreError> {
        self.readers.ask(move |reader| reader.bundle(from, count, max_bytes)).await
    }

    /// What goes with up to `count` entries from `from` on: rules versions, outcomes, and texts of documents and tables.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn bundle_notes(&self, from: LeafIndex, count: usize) -> Result<v1::BundleNotes, StoreError> {
        self.readers.ask(move |reader| Ok(reader.bundle(from, count, usize::MAX)?.notes)).await
    }
}

impl Reader {
    /// The bytes of up to `count` entries from `from` on.
    pub(crate) fn entries(&self, from: LeafIndex, count: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut entries = Vec::new();
        self.go_over(from, count, |_, item| {
            entries.push(item.entry.clone());
            true
        })?;
        Ok(entries)
    }

    fn bundle(&self, from: LeafIndex, count: usize, max_bytes: usize) -> Result<Bundle, StoreError> {
        let mut bundle = Bundle::default();
        let Bundle { entries, notes } = &mut bundle;
        notes.from_leaf_index = from.0;
        let mut bytes = 0usize;
        self.go_over(from, count, |rules, item| {
            match notes.rules.last_mut().filter(|run| run.version == rules) {
                Some(run) => run.count += 1,
                None => notes.rules.push(v1::RulesRun { count: 1, version: rules }),
            }
            if !item.document_text.is_empty() {
                let leaf_index = from.0 + entries.len() as u64;
                notes.texts.push(v1::EntryText { leaf_index, text: item.document_text.clone() });
            }
            bytes = bytes.saturating_add(item.entry.len()).saturating_add(item.document_text.len());
            entries.push(item.entry.clone());
            bytes < max_bytes
        })?;
        self.shared.read(|state| {
            for leaf in (from.0..).take(entries.len()) {
                let outcome = state.outcome(LeafIndex(leaf)).as_str();
                match notes.outcomes.last_mut().filter(|run| run.outcome == outcome) {
                    Some(run) => run.count += 1,
                    None => notes.outcomes.push(v1::OutcomeRun { count: 1, outcome: outcome.to_owned() }),
                }
            }
        });
        Ok(bundle)
    }

    /// Goes over up to `count` entries from `from` on, with the rules version of each, for as long as `take` wants more.
    fn go_over(
        &self,
        from: LeafIndex,
        count: usize,
        mut take: impl FnMut(u32, &v1::Item) -> bool,
    ) -> Result<(), StoreError> {
        let places = self.shared.read(|state| {
            let end = from.0.saturating_add(count as u64).min(state.tree().size());
            let last = end.checked_sub(1).map(LeafIndex).filter(|last| *last >= from)?;
            Some((state.place(from)?, state.place(last)?, end - from.0))
        });
        let Some((first, last, mut left)) = places else { return Ok(()) };
        let mut skip = usize::try_from(first.item).unwrap_or(usize::MAX);
        let mut seq = first.seq;
        while left > 0 && seq <= last.seq {
            for frame in self.frames(seq, last.seq)? {
                for item in frame.items.iter().skip(skip) {
                    if left == 0 || !take(frame.rules_version, item) {
                        return Ok(());
                    }
                    left -= 1;
                }
                skip = 0;
                seq = seq.next();
            }
        }
        if left == 0 { Ok(()) } else { Err(StoreError::Corrupt("an entry is not where it was applied")) }
    }

    /// At least one frame from `from` on, and none after `last`. What is read in passing is not kept at hand: it would drive out
    /// what was appended last, which is what others ask for.
    fn frames(&self, from: FrameSeq, last: FrameSeq) -> Result<Vec<Arc<v1::Frame>>, StoreError> {
        if from == last {
            return Ok(vec![self.frame(from)?]);
        }
        if let Some(frame) = self.shared.recent.frame(from) {
            return Ok(vec![frame]);
        }
        let read = self.shared.log.read(from, READ_BYTES)?;
        if read.is_empty() {
            return Err(StoreError::Corrupt("a frame that was applied is not in the log"));
        }
        let wanted = read.into_iter().take_while(|(seq, _)| *seq <= last);
        let wanted = wanted.map(|(seq, bytes)| (seq, self.unless_passed_over(seq, bytes)));
        let decoded = wanted.map(|(at, bytes)| match bytes.map(|bytes| decode_frame(&bytes)) {
            // It has a place, and no entry.
            None => Ok(Arc::default()),
            Some(Ok(frame)) => Ok(Arc::new(frame)),
            Some(Err(source)) => Err(StoreError::Replay { at, source }),
        });
        decoded.collect()
    }
}
