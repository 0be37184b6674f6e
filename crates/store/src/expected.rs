//! Drafts that are about to come: while there are many, a frame waits a moment for more of them.
//!
//! A frame costs its processor time and its syncs whatever is in it. Where thousands are on their way and the processors are what is
//! short, frames of the few that are ready first make everybody wait longer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use async_channel::{Receiver, TryRecvError};

use crate::shared::Shared;

/// A frame waits for one of so many that are on their way: with one or two, for none; and never for most of them, since some wait for
/// other things, and while it is written the others are made ready.
const SHARE: usize = 2;

/// Drafts that no frame waits beyond: what it costs by itself is little a draft then.
const ENOUGH: usize = 128;

/// How long a frame waits at most.
pub(crate) const PATIENCE: Duration = Duration::from_millis(3);

/// How long it waits between two looks.
const LOOK: Duration = Duration::from_micros(250);

/// What comes next, or comes by then where there is not enough yet.
pub(crate) fn next<T>(queue: &Receiver<T>, is_enough: impl Fn() -> bool, until: Instant) -> Option<T> {
    loop {
        match queue.try_recv() {
            Ok(next) => return Some(next),
            Err(TryRecvError::Closed) => return None,
            Err(TryRecvError::Empty) if is_enough() || Instant::now() >= until => return None,
            Err(TryRecvError::Empty) => thread::sleep(LOOK),
        }
    }
}

/// How many drafts are on their way.
#[derive(Debug, Default)]
pub(crate) struct OnTheirWay(AtomicUsize);

impl OnTheirWay {
    /// How many drafts a frame should have before it is written.
    pub(crate) fn worth_waiting_for(&self) -> usize {
        (self.0.load(Ordering::Relaxed) / SHARE).min(ENOUGH)
    }
}

/// Drafts that are on their way: all of them for as long as this lives, but for those that were said to be there.
#[derive(Debug)]
pub struct Expected {
    shared: Arc<Shared>,
    drafts: usize,
}

impl Expected {
    pub(crate) fn new(shared: &Arc<Shared>, drafts: usize) -> Self {
        shared.on_their_way.0.fetch_add(drafts, Ordering::Relaxed);
        Self { shared: Arc::clone(shared), drafts }
    }

    /// One of them is in the queue, or will not come.
    pub fn one_less(&mut self) {
        if let Some(left) = self.drafts.checked_sub(1) {
            self.drafts = left;
            self.shared.on_their_way.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.shared.on_their_way.0.fetch_sub(self.drafts, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However long it takes them to come.
    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn what_is_expected_is_waited_for_and_nothing_else() {
        let (sender, queue) = async_channel::unbounded();
        let sending = thread::spawn(move || {
            for number in 0..4 {
                thread::sleep(3 * LOOK);
                sender.send_blocking(number).expect("somebody waits");
            }
            sender
        });
        for number in 0..4 {
            assert_eq!(next(&queue, || false, Instant::now() + LONG), Some(number));
        }
        let sender = sending.join().expect("it ends");
        assert_eq!(next(&queue, || true, Instant::now() + LONG), None, "there is enough, and nothing is there");
        assert_eq!(next(&queue, || false, Instant::now()), None, "it has waited for long enough");
        sender.send_blocking(4).expect("somebody waits");
        drop(sender);
        assert_eq!(next(&queue, || true, Instant::now()), Some(4), "what is there is taken");
        assert_eq!(next(&queue, || false, Instant::now() + LONG), None, "nobody will send any more");
    }

    #[test]
    fn few_drafts_are_not_waited_for_and_never_too_many() {
        let worth = |drafts| OnTheirWay(AtomicUsize::new(drafts)).worth_waiting_for();
        assert_eq!([0, 1, 2, 3, 64, 256, 10_000].map(worth), [0, 0, 1, 1, 32, ENOUGH, ENOUGH]);
    }
}
