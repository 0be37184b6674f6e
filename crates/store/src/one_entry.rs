//! Reading one entry of a frame that is not at hand: without decoding the other 255, and checked against the tree's leaf
//! instead of the frame's id. What travels beside it is checked where it is opened.

use causeway_journal::{TILE_WIDTH, leaf_hash, v1};
use causeway_model::LeafIndex;
use prost::Message;

use crate::error::StoreError;
use crate::reader::{Reader, item_of};

/// The field of a frame that holds its items, as it is written: number 5, with a length.
const ITEMS: u64 = 5 << 3 | 2;

impl Reader {
    /// An entry with what travels beside it. The entry is as it was appended; the rest is as it is stored.
    pub(crate) fn item(&self, leaf: LeafIndex) -> Result<v1::Item, StoreError> {
        let (place, size) = self.shared.read(|state| (state.place(leaf), state.tree().size()));
        let place = place.ok_or(StoreError::NoSuchEntry(leaf))?;
        let width = u64::try_from(TILE_WIDTH).expect("256 fits");
        let tile = leaf.0 / width;
        let is_in_a_full_tile = size / width > tile;
        if self.shared.recent.frame(place.seq).is_some() || !is_in_a_full_tile {
            return Ok(item_of(&*self.frame(place.seq)?, place.item)?.clone());
        }
        let frame = self.shared.log.read_unchecked(place.seq)?;
        let damaged = StoreError::Corrupt("an entry is not where it was applied, or not what it was");
        let Some(item) = item_in(&frame, place.item).and_then(|bytes| v1::Item::decode(bytes).ok()) else {
            return Err(damaged);
        };
        let hashes = self.shared.tile(0, tile).map_err(StoreError::Proof)?;
        let hash = usize::try_from(leaf.0 % width).ok().and_then(|at| hashes.get(at));
        if hash == Some(&leaf_hash(&item.entry)) { Ok(item) } else { Err(damaged) }
    }
}

/// The bytes of an item of a frame, by its place; none where the bytes are no frame, or it has fewer.
fn item_in(mut frame: &[u8], place: u32) -> Option<&[u8]> {
    let mut left = place;
    loop {
        let tag = varint(&mut frame)?;
        match tag & 7 {
            0 => {
                varint(&mut frame)?;
            }
            2 => {
                let length = usize::try_from(varint(&mut frame)?).ok()?;
                let (bytes, rest) = frame.split_at_checked(length)?;
                frame = rest;
                if tag == ITEMS {
                    if left == 0 {
                        return Some(bytes);
                    }
                    left -= 1;
                }
            }
            _ => return None,
        }
    }
}

/// A number as protobuf writes it: seven bits a byte, the lowest first.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for place in 0..10 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(7 * place)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
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
        };
        let bytes = frame.encode_to_vec();
        for (place, item) in (0u32..).zip(&frame.items) {
            let found = item_in(&bytes, place).expect("there");
            assert_eq!(v1::Item::decode(found).as_ref(), Ok(item));
        }
        assert_eq!(item_in(&bytes, 40), None);
        for cut in 0..bytes.len() {
            // No panic, whatever is left.
            let _ = item_in(&bytes[..cut], 39);
        }
        assert_eq!(item_in(&[0xff; 40], 0), None);
    }
}
