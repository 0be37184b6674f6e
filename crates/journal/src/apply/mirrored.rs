//! Applying a log that was mirrored: entries and texts, without frames and without what travels encrypted beside entries.
//!
//! No outcome depends on those: `effect` sees the entry, its text and its place. What is lost with them is the check that a body
//! came with its digest and openings with their commitments, and the chain of frame ids, which a mirror cannot check anyway.

use causeway_crypto::Digest;
use causeway_model::{LeafIndex, Timestamp};

use super::entry::{Course, take};
use super::{Applied, RULES_SHARED};
use crate::codec::MAX_DOCUMENT_BYTES;
use crate::{JournalError, MAX_TREE_SIZE, State, decode_entry, leaf_hash, v1};

/// An entry of a mirrored log, decoded and hashed. This is the work that needs no state, so it may be done elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct MirroredEntry {
    entry: v1::Entry,
    leaf_hash: Digest,
    text: Vec<u8>,
}

impl MirroredEntry {
    /// Reads an entry's bytes, with the text that travelled beside it: of a governed document or a published table, else empty.
    ///
    /// # Errors
    /// An entry that is too long, not canonical or malformed; a text over 128 KiB.
    pub fn read(bytes: &[u8], text: Vec<u8>) -> Result<Self, JournalError> {
        if text.len() > MAX_DOCUMENT_BYTES {
            return Err(JournalError::Malformed("document text"));
        }
        Ok(Self { entry: decode_entry(bytes)?, leaf_hash: leaf_hash(bytes), text })
    }

    /// The entry.
    pub fn entry(&self) -> &v1::Entry {
        &self.entry
    }

    /// Its leaf hash.
    pub fn leaf_hash(&self) -> Digest {
        self.leaf_hash
    }

    /// The text beside it; empty where there is none.
    pub fn text(&self) -> &[u8] {
        &self.text
    }
}

/// Applies entries that come next, under one version of the rules, as [`crate::apply`] applied the frames that they were in: the
/// same outcomes, tiles and root, and the same state but for what only frames say: where they begin, which [`State::head`],
/// [`State::place`], [`State::first_leaf`] and [`State::log_id`] therefore do not know, and which of them were passed over.
///
/// # Errors
/// A version of the rules that is older than the one before or not known, and entries that [`crate::check`] refuses: time, text, fields
/// of later rules, genesis. The state is as it was.
pub fn apply_mirrored(state: &mut State, rules: u32, entries: &[MirroredEntry]) -> Result<Applied, JournalError> {
    if !(state.rules.max(1)..=RULES_SHARED).contains(&rules) {
        return Err(JournalError::UnknownRules(rules));
    }
    if state.tree.size() > MAX_TREE_SIZE - entries.len() as u64 {
        return Err(JournalError::OutOfRange("tree size"));
    }
    let mut course = Course::after(state);
    entries.iter().try_for_each(|mirrored| course.step(rules, &mirrored.entry, &mirrored.text))?;
    let first_leaf = LeafIndex(state.tree.size());
    state.rules = rules;
    let mut outcomes = Vec::with_capacity(entries.len());
    let mut tiles = Vec::new();
    for MirroredEntry { entry, leaf_hash, text } in entries {
        let (outcome, completed) = take(state, entry, *leaf_hash, text);
        outcomes.push(outcome);
        tiles.extend(completed);
    }
    let (size, root) = (state.tree.size(), state.tree.root());
    let time = entries.last().map_or(state.last_time, |last| Timestamp(last.entry.time_micros));
    let leaf_hashes = entries.iter().map(MirroredEntry::leaf_hash).collect();
    Ok(Applied { first_leaf, outcomes, leaf_hashes, tiles, size, root, time, passed_over: None })
}
