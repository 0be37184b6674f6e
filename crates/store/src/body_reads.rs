//! Reading the bodies of a page of a feed: something is made of each where it is read, one after the other, while the caller goes on.
//! Nothing is read that only their sealed halves need, nor the rest of their frames where few of a frame are wanted.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use causeway_journal::Place;
use causeway_model::{FrameSeq, LeafIndex};
use zeroize::Zeroizing;

use crate::draft::open_body_bytes;
use crate::error::StoreError;
use crate::journal::Journal;
use crate::key_pages::KeyPage;
use crate::raw_frame::{Locked, RawFrame, Shut, half_in};
use crate::reader::{Asked, Reader, entry_id_of, item_of};

/// A frame is read whole where more than one of so many of the entries from the first to the last that is wanted of it is wanted: one
/// entry takes two or three of the 38 rows of a frame, which need be neither hashed nor decoded.
const SPARSE: u32 = 8;

/// What is being made of bodies that are being read.
#[derive(Debug)]
pub struct MadeAhead<T>(Asked<Made<T>>);

/// What was made, or what its maker panicked with.
type Made<T> = Result<Vec<Option<T>>, Box<dyn Any + Send>>;

impl<T> MadeAhead<T> {
    /// What was made, in the order in which the bodies were asked for; none where there was none or it has been erased.
    ///
    /// # Errors
    /// When one of them cannot be read or does not open.
    ///
    /// # Panics
    /// Where the maker did, on the journal's thread: it is the caller's own fault, and ends the caller.
    pub async fn answer(self) -> Result<Vec<Option<T>>, StoreError> {
        Ok(self.0.answer().await?.unwrap_or_else(|panic| resume_unwind(panic)))
    }
}

/// The classified half of a body, in bytes that are wiped when it is let go.
pub struct ClassifiedHalf {
    body: Zeroizing<Vec<u8>>,
    schema: Range<usize>,
    classified: Range<usize>,
}

impl fmt::Debug for ClassifiedHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClassifiedHalf({})", self.schema())
    }
}

impl ClassifiedHalf {
    fn of(body: Zeroizing<Vec<u8>>) -> Result<Self, StoreError> {
        const UNREADABLE: StoreError = StoreError::Corrupt("a body does not decode");
        let (schema, classified) = half_in(&body).ok_or(UNREADABLE)?;
        let half = Self { body, schema, classified };
        std::str::from_utf8(half.body.get(half.schema.clone()).unwrap_or_default()).map_err(|_| UNREADABLE)?;
        Ok(half)
    }

    /// The schema that the record was submitted in.
    pub fn schema(&self) -> &str {
        self.body.get(self.schema.clone()).and_then(|schema| std::str::from_utf8(schema).ok()).unwrap_or_default()
    }

    /// The classified body.
    pub fn classified(&self) -> &[u8] {
        self.body.get(self.classified.clone()).unwrap_or_default()
    }
}

impl Journal {
    /// Has the bodies beside these entries read, and `make` called with the place of each among them and its classified half. It runs on
    /// a thread of the journal's, which is not to wait for anything.
    ///
    /// # Errors
    /// `Closed` once the journal is.
    pub async fn begin_each<T, F>(&self, leaves: Vec<LeafIndex>, mut make: F) -> Result<MadeAhead<T>, StoreError>
    where
        T: Send + 'static,
        F: FnMut(usize, &ClassifiedHalf) -> T + Send + 'static,
    {
        self.readers.begin(move |reader| reader.each(&leaves, &mut make)).await.map(MadeAhead)
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

/// What was read for the body before: the next one mostly lies beside it.
#[derive(Debug, Default)]
struct Last {
    frame: Option<(FrameSeq, Arc<RawFrame>)>,
    page: Option<(u64, Arc<KeyPage>)>,
}

impl Reader {
    fn each<T>(
        &self,
        leaves: &[LeafIndex],
        make: &mut impl FnMut(usize, &ClassifiedHalf) -> T,
    ) -> Result<Made<T>, StoreError> {
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
        let mut last = Last::default();
        let mut made = Vec::with_capacity(places.len());
        for (at, (leaf, place)) in places.into_iter().enumerate() {
            let half = self.half(leaf, place, is_sparse(place.seq), &mut last)?;
            // Nothing is made after it has panicked, so nobody sees what it was in the middle of.
            match half.map(|half| catch_unwind(AssertUnwindSafe(|| make(at, &half)))).transpose() {
                Ok(one) => made.push(one),
                Err(panic) => return Ok(Err(panic)),
            }
        }
        Ok(Ok(made))
    }

    /// A body; from its own bytes alone where few of its frame are wanted, and the frame is not at hand. That there is none, or that it
    /// does not open, is believed of a whole frame only, whose id is checked.
    fn half(
        &self,
        leaf: LeafIndex,
        place: Place,
        is_sparse: bool,
        last: &mut Last,
    ) -> Result<Option<ClassifiedHalf>, StoreError> {
        if let Some(frame) = self.shared.recent.frame(place.seq) {
            return self.opened_half(Shut::of(item_of(&frame, place.item)?), last);
        }
        if is_sparse && let Ok(Some(half)) = self.item(leaf).and_then(|item| self.opened_half(Shut::of(&item), last)) {
            return Ok(Some(half));
        }
        let frame = match &last.frame {
            Some((seq, frame)) if *seq == place.seq => Arc::clone(frame),
            _ => self.raw_frame(place.seq)?,
        };
        last.frame = Some((place.seq, Arc::clone(&frame)));
        self.opened_half(frame.shut(place.item)?, last)
    }

    fn raw_frame(&self, seq: FrameSeq) -> Result<Arc<RawFrame>, StoreError> {
        self.shared.recent.raw_frame(seq, || {
            let read = self.shared.log.read(seq, 1)?.pop();
            let (_, bytes) = read.ok_or(StoreError::Corrupt("a frame that was applied is not in the log"))?;
            Ok(RawFrame::new(bytes))
        })
    }

    fn opened_half(&self, shut: Shut<'_>, last: &mut Last) -> Result<Option<ClassifiedHalf>, StoreError> {
        let Some(Locked { page: number, slot, ciphertext }) = shut.body else { return Ok(None) };
        let page = match &last.page {
            Some((known, page)) if *known == number && page.reaches(slot) => Arc::clone(page),
            _ => self.key_page(number, slot)?,
        };
        let half = match page.key(slot)? {
            Some(key) => {
                let body = open_body_bytes(key, &entry_id_of(shut.entry)?, ciphertext)?;
                Some(ClassifiedHalf::of(body)?)
            }
            None => None,
        };
        last.page = Some((number, page));
        Ok(half)
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
