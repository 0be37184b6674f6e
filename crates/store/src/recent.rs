//! The newest frames and key pages, kept in memory so that reading them does not make sled write.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use causeway_journal::v1;
use causeway_model::FrameSeq;

use crate::key_pages::KeyPage;

/// Frames kept: at most 256 KiB each, so at most 16 MiB.
const FRAMES: usize = 64;

/// Key pages kept: about 6 KiB each, so about 1.5 MiB.
const PAGES: usize = 256;

/// What was appended or read last.
#[derive(Debug)]
pub(crate) struct Recent {
    frames: Mutex<Kept<FrameSeq, Arc<v1::Frame>>>,
    pages: Mutex<Kept<u64, Arc<KeyPage>>>,
}

impl Recent {
    pub(crate) fn new() -> Self {
        Self { frames: Mutex::new(Kept::new(FRAMES)), pages: Mutex::new(Kept::new(PAGES)) }
    }

    pub(crate) fn frame(&self, seq: FrameSeq) -> Option<Arc<v1::Frame>> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner).get(&seq)
    }

    pub(crate) fn keep_frame(&self, seq: FrameSeq, frame: Arc<v1::Frame>) {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner).put(seq, frame);
    }

    pub(crate) fn page(&self, number: u64) -> Option<Arc<KeyPage>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).get(&number)
    }

    pub(crate) fn keep_page(&self, number: u64, page: Arc<KeyPage>) {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).put(number, page);
    }
}

/// A bounded map that forgets what came first.
#[derive(Debug)]
struct Kept<K, V> {
    values: HashMap<K, V>,
    order: VecDeque<K>,
    limit: usize,
}

impl<K: Copy + Eq + Hash, V: Clone> Kept<K, V> {
    fn new(limit: usize) -> Self {
        Self { values: HashMap::with_capacity(limit), order: VecDeque::with_capacity(limit), limit }
    }

    fn get(&self, key: &K) -> Option<V> {
        self.values.get(key).cloned()
    }

    fn put(&mut self, key: K, value: V) {
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
    }
}
