//! Reading entries' terms off the log: for what no block or segment covers yet, and to make those.

use std::ops::Range;
use std::sync::Arc;

use causeway_journal::{decode_entry, decode_frame, leaf_hash, v1};
use causeway_model::{FrameSeq, LeafIndex};
use prost::Message;

use super::clauses::held_clauses;
use super::query::Query;
use super::row::Row;
use super::term::TermKey;
use crate::error::StoreError;
use crate::one_entry::item_offsets;
use crate::reader::Reader;

/// Bytes of frames that are read at once.
const READ_BYTES: usize = 1 << 20;

/// An entry as the index sees it.
#[derive(Debug)]
pub(crate) struct Indexed {
    pub(crate) leaf: u64,
    pub(crate) time_micros: u64,
    /// The hashes of its terms, without its outcome's.
    pub(crate) terms: Vec<u64>,
    pub(crate) outcome: &'static str,
    pub(crate) row: Row,
}

/// How an operator id is come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operators {
    /// From the openings.
    Opened,
    /// Not at all: no operator is searched for.
    Left,
}

/// A frame that was read: its number, where each of its items begins, and what it holds.
type ReadFrame = (FrameSeq, Vec<u32>, Arc<v1::Frame>);

/// Reads the log for the index.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    pub(crate) reader: &'a Reader,
    pub(crate) key: &'a TermKey,
    pub(crate) operators: Operators,
}

impl Scan<'_> {
    /// The leaves of a range that a query finds, in its order, `limit` at most.
    pub(crate) fn search(&self, range: Range<u64>, query: &Query, limit: usize) -> Result<Vec<LeafIndex>, StoreError> {
        let mut found = Vec::new();
        self.each(range, |entry| {
            let leaf = LeafIndex(entry.leaf);
            let outcome = self.key.of_outcome(entry.outcome);
            let has = |term: &u64| *term == outcome || entry.terms.binary_search(term).is_ok();
            let is_among = query.among.as_ref().is_none_or(|among| among.binary_search(&leaf).is_ok());
            let is_within = query.within.iter().all(|group| group.iter().any(has));
            if is_among && is_within && query.terms.iter().all(has) {
                found.push(leaf);
            }
        })?;
        if query.newest_first {
            found.reverse();
        }
        found.truncate(limit);
        Ok(found)
    }

    /// Takes every entry of a range, in order.
    pub(crate) fn each(&self, range: Range<u64>, mut take: impl FnMut(Indexed)) -> Result<(), StoreError> {
        let Some(mut seq) = self.seq_of(range.start)? else { return Ok(()) };
        let mut leaf = 0;
        while leaf < range.end {
            let frames = match self.reader.shared.recent.frame(seq) {
                Some(frame) => vec![(seq, item_offsets(&frame.encode_to_vec()), frame)],
                None => self.read(seq)?,
            };
            for (at, offsets, frame) in frames {
                let first = self.reader.shared.read(|state| state.first_leaf(at));
                leaf = first.ok_or(StoreError::Corrupt("the log holds a frame that was not applied"))?.0;
                for (item, offset) in frame.items.iter().zip(offsets) {
                    if range.contains(&leaf) {
                        take(self.indexed(leaf, item, offset)?);
                    }
                    leaf += 1;
                }
                if leaf >= range.end {
                    return Ok(());
                }
                seq = at.next();
            }
        }
        Ok(())
    }

    /// The frame of the first leaf of a range; none where that is beyond the newest.
    fn seq_of(&self, leaf: u64) -> Result<Option<FrameSeq>, StoreError> {
        Ok(self.reader.shared.read(|state| state.place(LeafIndex(leaf))).map(|place| place.seq))
    }

    /// Frames, and where each one's items begin.
    fn read(&self, from: FrameSeq) -> Result<Vec<ReadFrame>, StoreError> {
        let head = self.reader.shared.read(|state| state.head().0);
        let frames = self.reader.shared.log.read(from, READ_BYTES)?;
        if frames.is_empty() {
            return Err(StoreError::Corrupt("a frame that was applied is not in the log"));
        }
        // The newest may be durable and not applied yet.
        let applied = frames.into_iter().filter(|(seq, _)| *seq <= head);
        let decoded = applied.map(|(seq, bytes)| {
            let Some(bytes) = self.reader.unless_passed_over(seq, bytes) else {
                return Ok((seq, Vec::new(), Arc::default()));
            };
            let frame = decode_frame(&bytes).map_err(|source| StoreError::Replay { at: seq, source })?;
            Ok((seq, item_offsets(&bytes), Arc::new(frame)))
        });
        decoded.collect()
    }

    fn indexed(&self, leaf: u64, item: &v1::Item, offset: u32) -> Result<Indexed, StoreError> {
        let entry = decode_entry(&item.entry).map_err(|_| StoreError::Corrupt("a stored entry does not decode"))?;
        let names_operator = entry.commitments.as_ref().is_some_and(|made| !made.operator.is_empty());
        let operator = if names_operator && self.operators == Operators::Opened {
            self.operator(leaf, item)?
        } else {
            String::new()
        };
        Ok(Indexed {
            leaf,
            time_micros: entry.time_micros,
            terms: self.key.of_entry(&entry, &operator, &held_clauses(&self.reader.shared, &entry, LeafIndex(leaf))),
            outcome: self.reader.shared.read(|state| state.outcome(LeafIndex(leaf)).as_str()),
            row: Row { offset, leaf_hash: leaf_hash(&item.entry) },
        })
    }

    /// The operator id of an entry; empty where it has been erased, or is damaged: then nobody can say whose it was.
    fn operator(&self, leaf: u64, item: &v1::Item) -> Result<String, StoreError> {
        match self.reader.openings_of(item) {
            Ok(openings) => Ok(openings.map(|openings| openings.operator).unwrap_or_default()),
            Err(error @ (StoreError::Corrupt(_) | StoreError::Unopened(_))) => {
                tracing::error!(leaf, error = &error as &dyn std::error::Error, "the openings of an entry are damaged");
                Ok(String::new())
            }
            Err(error) => Err(error),
        }
    }
}
