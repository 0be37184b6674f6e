//! Reading one entry of a frame that is not at hand: without decoding the other 255, without reading them where the index covers it,
//! and checked against the tree's leaf instead of the frame's id. What travels beside it is checked where it is opened.

use std::cell::Cell;

use causeway_crypto::Digest;
use causeway_journal::{self as journal, TILE_WIDTH, v1};
use causeway_model::{FrameSeq, LeafIndex};
use prost::Message;

use crate::error::StoreError;
use crate::index::Row;
use crate::raw_frame::{Value, field};
use crate::reader::{Reader, item_of};

/// The field of a frame that holds its items.
const ITEMS: u64 = 5;

impl Reader {
    /// An entry with what travels beside it. The entry is as it was appended; the rest is as it is stored.
    pub(crate) fn item(&self, leaf: LeafIndex) -> Result<v1::Item, StoreError> {
        let (place, size) = self.shared.read(|state| (state.place(leaf), state.tree().size()));
        let place = place.ok_or(StoreError::NoSuchEntry(leaf))?;
        if let Some(frame) = self.shared.recent.frame(place.seq) {
            return Ok(item_of(&frame, place.item)?.clone());
        }
        // What the index says is of no matter where it leads to nothing: the log is asked then.
        if let Some(Row { offset, leaf_hash }) = self.index.as_ref().and_then(|index| index.row(leaf))
            && let Ok(offset) = usize::try_from(offset)
            && let Ok(item) = self.item_in(place.seq, offset, &ItemSearch::of(0), leaf_hash)
        {
            return Ok(item);
        }
        let width = u64::try_from(TILE_WIDTH).expect("256 fits");
        let tile = leaf.0 / width;
        if size / width <= tile {
            return Ok(item_of(&*self.frame(place.seq)?, place.item)?.clone());
        }
        let hashes = self.shared.tile(0, tile).map_err(StoreError::Proof)?;
        let hash = usize::try_from(leaf.0 % width).ok().and_then(|at| hashes.get(at)).ok_or(DAMAGED)?;
        self.item_in(place.seq, 0, &ItemSearch::of(place.item), *hash)
    }

    /// The item that a search finds in a frame from a place on, if its entry is the leaf of this hash.
    fn item_in(
        &self,
        seq: FrameSeq,
        from: usize,
        search: &ItemSearch,
        leaf_hash: Digest,
    ) -> Result<v1::Item, StoreError> {
        let bytes = self.shared.log.read_part(seq, from, &|begun| search.goes_on_to(begun).is_some())?;
        let item = search.goes_on_to(&bytes).and_then(|bytes| v1::Item::decode(bytes).ok());
        item.filter(|item| journal::leaf_hash(&item.entry) == leaf_hash).ok_or(DAMAGED)
    }
}

const DAMAGED: StoreError = StoreError::Corrupt("an entry is not where it was applied, or not what it was");

/// Where each item begins in the bytes of a frame.
pub(crate) fn item_offsets(frame: &[u8]) -> Vec<u32> {
    let (mut offsets, mut rest) = (Vec::new(), frame);
    while let (at, Some(item)) = (frame.len() - rest.len(), next_field(&mut rest)) {
        if item.is_some() {
            offsets.push(u32::try_from(at).expect("a frame has at most 256 KiB"));
        }
    }
    offsets
}

/// A search for one item of a frame, of which more and more is there.
#[derive(Debug)]
struct ItemSearch {
    /// Where the next field begins.
    at: Cell<usize>,
    /// Items to be passed over.
    left: Cell<u32>,
}

impl ItemSearch {
    fn of(place: u32) -> Self {
        Self { at: Cell::new(0), left: Cell::new(place) }
    }

    /// The item's bytes; none where the frame does not reach to their end, has fewer items, or is no frame. It goes on from
    /// where it stopped, so `frame` has to begin as it did the time before.
    fn goes_on_to<'f>(&self, frame: &'f [u8]) -> Option<&'f [u8]> {
        loop {
            let mut rest = frame.get(self.at.get()..)?;
            let item = next_field(&mut rest)?;
            match (item, self.left.get()) {
                (Some(item), 0) => return Some(item),
                (Some(_), left) => self.left.set(left - 1),
                (None, _) => {}
            }
            self.at.set(frame.len() - rest.len());
        }
    }
}

/// Takes the next field off a frame, if it is whole: gives the value of an item, and nothing of others.
fn next_field<'f>(frame: &mut &'f [u8]) -> Option<Option<&'f [u8]>> {
    Some(match field(frame)? {
        (ITEMS, Value::Bytes(item)) => Some(item),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_found_where_a_decoder_finds_them() {
        let item = |number: u8| v1::Item { entry: vec![number; usize::from(number) * 9], ..Default::default() };
        let frame = v1::Frame {
            rules_version: 3,
            log_id: vec![7; 16],
            previous_frame: vec![8; 32],
            encapsulations: vec![vec![9; 300], vec![10; 4]],
            items: (0..40).map(item).collect(),
            key_pages: vec![v1::KeyPage { number: 5, stored: vec![11; 200] }],
        };
        let bytes = frame.encode_to_vec();
        for (place, item) in (0u32..).zip(&frame.items) {
            let search = ItemSearch::of(place);
            // As it comes from the log: a chunk more each time, until the item is whole.
            let found =
                (0..=bytes.len()).step_by(50).chain([bytes.len()]).find_map(|end| search.goes_on_to(&bytes[..end]));
            assert_eq!(found.map(v1::Item::decode), Some(Ok(item.clone())));
            assert_eq!(search.goes_on_to(&bytes), found, "again");
        }
        let offsets = item_offsets(&bytes);
        assert_eq!(offsets.len(), frame.items.len());
        for (offset, item) in offsets.into_iter().zip(&frame.items) {
            let from = &bytes[usize::try_from(offset).expect("fits")..];
            let found = ItemSearch::of(0).goes_on_to(from).map(v1::Item::decode);
            assert_eq!(found, Some(Ok(item.clone())), "at {offset}");
        }
        assert_eq!(ItemSearch::of(40).goes_on_to(&bytes), None);
        for cut in 0..bytes.len() {
            // No panic, whatever is left.
            let _ = ItemSearch::of(39).goes_on_to(&bytes[..cut]);
        }
        assert_eq!(ItemSearch::of(0).goes_on_to(&[0xff; 40]), None);
    }
}
