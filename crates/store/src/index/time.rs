//! Finding the first entry of a time: by the samples that the index keeps, and then by the entries themselves.

use std::ops::Range;

use causeway_journal::decode_entry;
use causeway_model::{LeafIndex, Timestamp};

use super::Index;
use crate::error::StoreError;
use crate::reader::Reader;

impl Index {
    /// The first entry whose time is not before `time`; the tree's size where there is none.
    pub(crate) fn leaf_at(&self, reader: &Reader, time: Timestamp) -> Result<LeafIndex, StoreError> {
        let size = reader.shared.read(|state| state.tree().size());
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
