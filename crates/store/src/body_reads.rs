//! Reading the bodies of a page of a feed: while the page before is made, without what only their sealed halves need, and without the rest
//! of their frames where few of a frame are wanted.

use std::collections::HashMap;

use causeway_journal::{Place, v1};
use causeway_model::{FrameSeq, LeafIndex};

use crate::error::StoreError;
use crate::journal::Journal;
use crate::reader::{Asked, Reader, item_of};

/// A frame is read whole where more than one of so many of the entries from the first to the last that is wanted of it is wanted: one
/// entry takes two or three of the 38 rows of a frame, which need be neither hashed nor decoded.
const SPARSE: u32 = 8;

/// Bodies that are being read.
#[derive(Debug)]
pub struct BodiesAhead(Asked<Vec<Option<v1::Body>>>);

impl BodiesAhead {
    /// The bodies, in the order in which they were asked for; none where there was none or it has been erased.
    ///
    /// # Errors
    /// When one of them cannot be read or does not open.
    pub async fn answer(self) -> Result<Vec<Option<v1::Body>>, StoreError> {
        self.0.answer().await
    }
}

impl Journal {
    /// Has the bodies beside these entries read, without the encapsulations of their sealed halves, while the caller goes on.
    ///
    /// # Errors
    /// `Closed` once the journal is.
    pub async fn begin_bodies(&self, leaves: Vec<LeafIndex>) -> Result<BodiesAhead, StoreError> {
        self.readers.begin(move |reader| reader.bodies_alone(&leaves)).await.map(BodiesAhead)
    }
}

/// What is wanted of one frame: how many entries, from which to which.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    count: u32,
    first: u32,
    last: u32,
}

impl Wanted {
    const fn is_sparse(self) -> bool {
        self.count == 1 || (self.last - self.first) / self.count >= SPARSE
    }
}

impl Reader {
    fn bodies_alone(&self, leaves: &[LeafIndex]) -> Result<Vec<Option<v1::Body>>, StoreError> {
        let places: Vec<(LeafIndex, Place)> = self.shared.read(|state| {
            let placed = |leaf: &LeafIndex| Ok((*leaf, state.place(*leaf).ok_or(StoreError::NoSuchEntry(*leaf))?));
            leaves.iter().map(placed).collect::<Result<_, StoreError>>()
        })?;
        let mut wanted: HashMap<FrameSeq, Wanted> = HashMap::new();
        for (_, Place { seq, item, .. }) in &places {
            let of_frame = wanted.entry(*seq).or_insert(Wanted { count: 0, first: *item, last: *item });
            let Wanted { count, first, last } = *of_frame;
            *of_frame = Wanted { count: count + 1, first: first.min(*item), last: last.max(*item) };
        }
        let is_sparse = |seq| wanted.get(&seq).is_some_and(|wanted| wanted.is_sparse());
        places.into_iter().map(|(leaf, place)| self.body_alone(leaf, place, is_sparse(place.seq))).collect()
    }

    /// A body; from its own bytes alone where few of its frame are wanted, and the frame is not at hand. That there is none, or that it
    /// does not open, is believed of a whole frame only, whose id is checked.
    fn body_alone(&self, leaf: LeafIndex, place: Place, is_sparse: bool) -> Result<Option<v1::Body>, StoreError> {
        if is_sparse
            && self.shared.recent.frame(place.seq).is_none()
            && let Ok(Some(body)) = self.item(leaf).and_then(|item| self.opened(&item))
        {
            return Ok(Some(body));
        }
        self.opened(item_of(&*self.frame(place.seq)?, place.item)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_for_what_fills_it_and_not_for_a_few_that_are_far_apart() {
        let wanted = |count, first, last| Wanted { count, first, last }.is_sparse();
        assert!(wanted(1, 0, 0) && wanted(1, 90, 90) && wanted(5, 3, 98));
        assert!(!wanted(32, 0, 31) && !wanted(2, 7, 8) && !wanted(25, 0, 99));
    }
}
