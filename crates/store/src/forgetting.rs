//! What a frame carried that left no entry: nobody ever reads it, and no erasure names it, so its keys go at once.

use std::collections::BTreeSet;

use causeway_crypto::AeadKey;
use causeway_journal::{PassedOver, decode_entry, decode_frame, v1};
use causeway_model::FrameSeq;

use crate::draft::{open_body_bytes, open_openings};
use crate::error::StoreError;
use crate::key_pages::{KeyPage, slot_of};
use crate::page_keys::NodeNumber;
use crate::sequencer::Sequencer;
use crate::vault::Rewrite;

/// Where a key lies: its page's number, and its place in that.
type Places = BTreeSet<(u64, u32)>;

/// Bytes of frames that are read at once.
const READ_BYTES: usize = 4 << 20;

impl Sequencer {
    /// Destroys the keys of a frame of this node that was passed over. A page that other frames have keys in is written anew without them,
    /// which makes noise of the frame's own copy of it too; of a page that no frame has stored, the page key itself goes.
    ///
    /// # Errors
    /// When a file cannot be read or written: some of the keys may be there still.
    pub(crate) fn forget(&mut self, frame: &v1::Frame) -> Result<(), StoreError> {
        let own = self.vault.page_keys().own();
        let (mut rewrites, mut alone) = (Vec::new(), Vec::new());
        for page in frame.key_pages.iter().filter(|page| NodeNumber::of_page(page.number) == own) {
            let (number, log) = (page.number, self.shared.log.as_ref());
            let Some(stored) = self.vault.stored(number, log)? else {
                alone.push(slot_of(&page.stored)?);
                continue;
            };
            if self.vault.gone(number, log)?.is_some() {
                continue;
            }
            let held = self.vault.page(number, log)?;
            let shrouded = frame.items.iter().flat_map(|item| item.aside.iter().chain(&item.body));
            let slots = shrouded.filter(|shrouded| shrouded.page == number).map(|shrouded| shrouded.slot);
            let erased: Vec<u32> = slots.filter(|slot| held.reaches(*slot)).collect();
            if !erased.is_empty() || slot_of(&stored)? == slot_of(&page.stored)? {
                rewrites.push(Rewrite { page: number, erased });
            }
        }
        if !alone.is_empty() {
            self.vault.page_keys().destroy(&alone)?;
        }
        self.rewrite(&rewrites).map(drop)
    }

    /// Destroys the keys of all frames that were passed over, in the pages that this node keeps: a stop may have come before that. Called
    /// before anything is on its way. Anybody can put a frame into the log that names any page, or has items of another frame: only a key
    /// goes that opens what is in the frame, and under which no entry has anything. Where there may be one the whole log is read.
    ///
    /// # Errors
    /// As [`Sequencer::forget`].
    pub(crate) fn forget_all_passed_over(&mut self) -> Result<(), StoreError> {
        // What has been applied before is an entry's.
        let was_never = |why: PassedOver| why != PassedOver::AppliedBefore;
        let mut seqs: Vec<FrameSeq> = self
            .shared
            .read(|state| state.all_passed_over().filter(|(_, why)| was_never(*why)).map(|(seq, _)| seq).collect());
        let mut open = Places::new();
        let mut unread = Ok(());
        seqs.retain(|seq| match self.passed_over(*seq).and_then(|frame| self.open_places(&frame)) {
            Ok(places) => {
                let is_any = !places.is_empty();
                open.extend(places);
                is_any
            }
            Err(error) => {
                unread = Err(error);
                false
            }
        });
        unread?;
        if !open.is_empty() {
            self.without_those_of_entries(&mut open)?;
        }
        for seq in seqs {
            let frame = self.passed_over(seq)?;
            self.forget_places(seq, &frame, &open)?;
        }
        Ok(())
    }

    /// A frame that was passed over; an empty one where it is none.
    fn passed_over(&self, seq: FrameSeq) -> Result<v1::Frame, StoreError> {
        let there = self.shared.log.read(seq, 1)?.pop();
        Ok(there.and_then(|(_, bytes)| decode_frame(&bytes).ok()).unwrap_or_default())
    }

    /// The places of keys that open a frame's items still: in its own copies of its pages, or in the pages as they are now.
    fn open_places(&self, frame: &v1::Frame) -> Result<Places, StoreError> {
        let mut places = Places::new();
        for page in frame.key_pages.iter().filter(|page| self.keeps(page.number)) {
            let stored = self.vault.stored(page.number, self.shared.log.as_ref())?;
            for copy in [Some(&page.stored), stored.as_ref()].into_iter().flatten() {
                places.extend(self.opened_by(frame, page.number, copy));
            }
        }
        Ok(places)
    }

    /// The places in a stored page whose keys open items of a frame; none where its page key is gone.
    fn opened_by(&self, frame: &v1::Frame, number: u64, stored: &[u8]) -> Places {
        let Ok(keys) = KeyPage::open(number, stored, self.vault.page_keys()) else { return Places::new() };
        let places = (0..).take_while(|place| keys.reaches(*place)).map(|place| (number, place));
        let opens_any = |place: &(u64, u32)| {
            let key = keys.key(place.1).ok().flatten();
            key.is_some_and(|key| frame.items.iter().any(|item| opens(item, *place, key)))
        };
        places.filter(opens_any).collect()
    }

    /// Takes away the places of the keys of what is beside entries.
    fn without_those_of_entries(&self, places: &mut Places) -> Result<(), StoreError> {
        let mut next = FrameSeq(1);
        loop {
            let frames = self.shared.log.read(next, READ_BYTES)?;
            let Some((last, _)) = frames.last() else { return Ok(()) };
            next = last.next();
            for (seq, bytes) in frames {
                if self.shared.read(|state| state.passed_over(seq)).is_some() {
                    continue;
                }
                let frame = decode_frame(&bytes).map_err(|source| StoreError::Replay { at: seq, source })?;
                for shrouded in frame.items.iter().flat_map(|item| item.aside.iter().chain(&item.body)) {
                    places.remove(&(shrouded.page, shrouded.slot));
                }
            }
        }
    }

    /// Destroys those of the keys in these places that are in a frame's pages.
    fn forget_places(&mut self, seq: FrameSeq, frame: &v1::Frame, places: &Places) -> Result<(), StoreError> {
        let (mut rewrites, mut alone) = (Vec::new(), Vec::new());
        for page in frame.key_pages.iter().filter(|page| self.keeps(page.number)) {
            let number = page.number;
            let in_copy = !self.opened_by(frame, number, &page.stored).is_disjoint(places);
            let Some(stored) = self.vault.stored(number, self.shared.log.as_ref())? else {
                alone.extend(in_copy.then_some(slot_of(&page.stored)?));
                continue;
            };
            let held = self.opened_by(frame, number, &stored);
            let erased: Vec<u32> = held.intersection(places).map(|(_, place)| *place).collect();
            // The frame's own copy is noise once the page is under another page key.
            if !erased.is_empty() || in_copy && slot_of(&stored)? == slot_of(&page.stored)? {
                rewrites.push(Rewrite { page: number, erased });
            }
        }
        if rewrites.is_empty() && alone.is_empty() {
            return Ok(());
        }
        tracing::info!(frame = seq.0, "destroying the keys of a frame that was passed over");
        if !alone.is_empty() {
            self.vault.page_keys().destroy(&alone)?;
        }
        self.rewrite(&rewrites).map(drop)
    }
}

/// Whether a key opens what an item has under the key in this place.
fn opens(item: &v1::Item, (page, slot): (u64, u32), key: &AeadKey) -> bool {
    let Ok(entry) = decode_entry(&item.entry) else { return false };
    let there = |shrouded: &Option<v1::Shrouded>| {
        shrouded.clone().filter(|shrouded| (shrouded.page, shrouded.slot) == (page, slot))
    };
    let body = there(&item.body);
    let aside = there(&item.aside);
    body.is_some_and(|body| open_body_bytes(key, &entry.entry_id, &body.ciphertext).is_ok())
        || aside.is_some_and(|aside| open_openings(key, &entry.entry_id, &aside.ciphertext).is_ok())
}
