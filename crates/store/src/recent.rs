//! The newest frames and key pages, kept in memory so that reading them does not make sled write.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use causeway_journal::{TileNodes, v1};
use causeway_model::FrameSeq;

use crate::key_pages::KeyPage;
use crate::raw_frame::RawFrame;

/// Frames kept: at most 256 KiB each, so at most 16 MiB.
const FRAMES: usize = 64;

/// Frames kept as they lie in the log, for pages of feeds: at most 4 MiB.
const RAW_FRAMES: usize = 16;

/// Key pages kept: about 6 KiB each, so about 1.5 MiB.
const PAGES: usize = 256;

/// Full tiles kept of the levels above the lowest: 16 KiB each, so at most 4 MiB, which is all of them up to 16 million entries.
const UPPER_TILES: usize = 256;

/// What was appended or read last.
#[derive(Debug)]
pub(crate) struct Recent {
    frames: Mutex<Kept<FrameSeq, Arc<v1::Frame>>>,
    raw_frames: Mutex<Kept<FrameSeq, Once<RawFrame>>>,
    upper_tiles: Mutex<Kept<(u8, u64), Arc<TileNodes>>>,
    pages: Mutex<Pages>,
}

/// What is being read, or has been: whoever else needs it waits for the first one.
type Once<V> = Arc<Mutex<Option<Arc<V>>>>;

#[derive(Debug)]
struct Pages {
    kept: Kept<u64, Arc<KeyPage>>,
    /// How often pages have been forgotten. Whoever began to read one before may hold it as it was.
    forgotten: u64,
}

impl Recent {
    pub(crate) fn new() -> Self {
        let pages = Pages { kept: Kept::new(PAGES), forgotten: 0 };
        let (frames, raw_frames) = (Mutex::new(Kept::new(FRAMES)), Mutex::new(Kept::new(RAW_FRAMES)));
        Self { frames, raw_frames, upper_tiles: Mutex::new(Kept::new(UPPER_TILES)), pages: Mutex::new(pages) }
    }

    pub(crate) fn upper_tile(&self, level: u8, index: u64) -> Option<Arc<TileNodes>> {
        self.upper_tiles.lock().unwrap_or_else(PoisonError::into_inner).get(&(level, index))
    }

    /// Keeps a full tile, which never changes; only those above the lowest level, of which there are few.
    pub(crate) fn keep_upper_tile(&self, level: u8, index: u64, tile: Arc<TileNodes>) {
        if level > 0 {
            self.upper_tiles.lock().unwrap_or_else(PoisonError::into_inner).put((level, index), tile);
        }
    }

    pub(crate) fn frame(&self, seq: FrameSeq) -> Option<Arc<v1::Frame>> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner).get(&seq)
    }

    pub(crate) fn keep_frame(&self, seq: FrameSeq, frame: Arc<v1::Frame>) {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner).put(seq, frame);
    }

    /// A frame as it lies in the log, which `read` is asked for unless it is at hand. Several who need it read it once.
    pub(crate) fn raw_frame<E>(
        &self,
        seq: FrameSeq,
        read: impl FnOnce() -> Result<RawFrame, E>,
    ) -> Result<Arc<RawFrame>, E> {
        let once = {
            let mut kept = self.raw_frames.lock().unwrap_or_else(PoisonError::into_inner);
            kept.get(&seq).unwrap_or_else(|| {
                let once = Once::default();
                kept.put(seq, Arc::clone(&once));
                once
            })
        };
        let mut once = once.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(frame) = &*once {
            return Ok(Arc::clone(frame));
        }
        let frame = Arc::new(read()?);
        *once = Some(Arc::clone(&frame));
        Ok(frame)
    }

    pub(crate) fn page(&self, number: u64) -> Option<Arc<KeyPage>> {
        self.pages().kept.get(&number)
    }

    /// Keeps a page that has just been written.
    pub(crate) fn keep_page(&self, number: u64, page: Arc<KeyPage>) {
        self.pages().kept.put(number, page);
    }

    /// What [`Recent::keep_read_page`] is to be given: to be asked for before the page is read.
    pub(crate) fn forgotten(&self) -> u64 {
        self.pages().forgotten
    }

    /// Keeps a page that was read from disk, unless pages have been forgotten since: it may be as it was before.
    pub(crate) fn keep_read_page(&self, number: u64, page: Arc<KeyPage>, forgotten: u64) {
        let mut pages = self.pages();
        if pages.forgotten == forgotten {
            pages.kept.put(number, page);
        }
    }

    /// Lets go of pages that have been written anew, and of what is being read of them.
    pub(crate) fn forget_pages(&self, numbers: impl IntoIterator<Item = u64>) {
        let mut pages = self.pages();
        pages.forgotten += 1;
        numbers.into_iter().for_each(|number| pages.kept.remove(&number));
    }

    fn pages(&self) -> std::sync::MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A bounded map that forgets what came first.
#[derive(Debug)]
pub(crate) struct Kept<K, V> {
    values: HashMap<K, V>,
    order: VecDeque<K>,
    limit: usize,
}

impl<K: Copy + Eq + Hash, V: Clone> Kept<K, V> {
    pub(crate) fn new(limit: usize) -> Self {
        Self { values: HashMap::with_capacity(limit), order: VecDeque::with_capacity(limit), limit }
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        self.values.get(key).cloned()
    }

    fn remove(&mut self, key: &K) {
        if self.values.remove(key).is_some() {
            self.order.retain(|kept| kept != key);
        }
    }

    pub(crate) fn put(&mut self, key: K, value: V) {
        if self.values.insert(key, value).is_some() {
            return;
        }
        if self.order.len() == self.limit
            && let Some(first) = self.order.pop_front()
        {
            self.values.remove(&first);
        }
        self.order.push_back(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_no_more_than_its_limit() {
        let mut kept = Kept::new(2);
        for key in [1, 2, 2, 3] {
            kept.put(key, key * 10);
        }
        assert_eq!((kept.get(&1), kept.get(&2), kept.get(&3)), (None, Some(20), Some(30)));
        assert_eq!((kept.values.len(), kept.order.len()), (2, 2));
        kept.remove(&2);
        kept.remove(&7);
        assert_eq!((kept.get(&2), kept.get(&3), kept.order.len()), (None, Some(30), 1));
    }

    #[test]
    fn a_frame_is_read_once_and_again_after_it_could_not_be() {
        let recent = Recent::new();
        assert_eq!(recent.raw_frame(FrameSeq(1), || Err("no disk")).err(), Some("no disk"));
        let first = recent.raw_frame(FrameSeq(1), || Ok::<_, &str>(RawFrame::new(Vec::new()))).expect("read");
        let again = recent.raw_frame(FrameSeq(1), || Err("it is at hand")).expect("at hand");
        assert!(Arc::ptr_eq(&first, &again));
    }

    #[test]
    fn a_page_whose_reading_began_before_it_was_forgotten_is_not_kept() {
        let recent = Recent::new();
        let page = || Arc::new(KeyPage::empty());
        let before = recent.forgotten();
        recent.forget_pages([7]);
        recent.keep_read_page(7, page(), before);
        assert!(recent.page(7).is_none());
        recent.keep_read_page(7, page(), recent.forgotten());
        assert!(recent.page(7).is_some());
        recent.forget_pages([7]);
        assert!(recent.page(7).is_none());
    }
}
