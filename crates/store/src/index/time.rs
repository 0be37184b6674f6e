//! Finding the first entry of a time: by the samples that the index keeps, and then by the entries themselves.

use std::ops::Range;

use causeway_journal::{MOST_LATE, RULES_SHARED, decode_entry};
use causeway_model::{LeafIndex, Timestamp};

use super::Index;
use crate::error::StoreError;
use crate::reader::Reader;

impl Index {
    /// The first entry whose time is not before `time`; the tree's size where there is none.
    pub(crate) fn leaf_at(&self, reader: &Reader, time: Timestamp) -> Result<LeafIndex, StoreError> {
        let (size, rules) = reader.shared.read(|state| (state.tree().size(), state.rules()));
        if rules >= RULES_SHARED {
            return among_several(reader, size, time);
        }
        let is_earlier = |leaf: u64| is_earlier(reader, leaf, time);
        let hinted = self.covered().around(time.0, size);
        let mut found = hinted.end.min(size);
        if !hinted.is_empty() {
            found = first(hinted.clone(), is_earlier)?;
        }
        // The samples are believed only where the entries on both sides say the same.
        let stands = (found == 0 || is_earlier(found - 1)?) && (found >= size || !is_earlier(found)?);
        let found = if stands { found } else { first(0..size, is_earlier)? };
        Ok(LeafIndex(found))
    }
}

/// The same in a log of several writers, where an entry may be earlier than one before it, though not by much. What is much earlier than
/// `time` is before every entry that is not, and what is much later is behind the first: between the two, frames are looked at one by
/// one, each of which has one time.
fn among_several(reader: &Reader, size: u64, time: Timestamp) -> Result<LeafIndex, StoreError> {
    let micros = u64::try_from(MOST_LATE.as_micros()).unwrap_or(u64::MAX);
    let (surely_before, surely_behind) = (time.0.saturating_sub(micros), time.0.saturating_add(micros));
    let low = first(0..size, |leaf| is_earlier(reader, leaf, Timestamp(surely_before)))?;
    let high = first(low..size, |leaf| is_earlier(reader, leaf, Timestamp(surely_behind)))?;
    let mut leaf = low;
    while leaf < high {
        if !is_earlier(reader, leaf, time)? {
            return Ok(LeafIndex(leaf));
        }
        let next = reader.shared.read(|state| state.first_leaf(state.place(LeafIndex(leaf))?.seq.next()));
        leaf = next.map_or(leaf + 1, |next| next.0.max(leaf + 1));
    }
    Ok(LeafIndex(high))
}

/// The first leaf of a range that is not earlier, or its end.
fn first(range: Range<u64>, is_earlier: impl Fn(u64) -> Result<bool, StoreError>) -> Result<u64, StoreError> {
    let Range { start: mut low, end: mut high } = range;
    while low < high {
        let middle = low + (high - low) / 2;
        if is_earlier(middle)? { low = middle + 1 } else { high = middle }
    }
    Ok(low)
}

fn is_earlier(reader: &Reader, leaf: u64, time: Timestamp) -> Result<bool, StoreError> {
    let entry = decode_entry(&reader.entry(LeafIndex(leaf))?);
    let entry = entry.map_err(|_| StoreError::Corrupt("a stored entry does not decode"))?;
    Ok(entry.time_micros < time.0)
}
