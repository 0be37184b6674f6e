//! How long the sequencer has been at one thing: a disk that neither takes nor fails shows in nothing else.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A frame that has been under way for so long waits for a disk that does not answer: a slow one takes seconds at the most.
pub const STALL: Duration = Duration::from_secs(10);

/// Since when the sequencer has been at what it is at.
#[derive(Debug, Default)]
pub(crate) struct AtWork(Mutex<Option<Instant>>);

impl AtWork {
    /// Runs one piece of the sequencer's work.
    pub(crate) fn during<R>(&self, work: impl FnOnce() -> R) -> R {
        self.set(Some(Instant::now()));
        let done = work();
        self.set(None);
        done
    }

    /// Whether it has been at one piece for too long.
    pub(crate) fn is_stalled(&self) -> bool {
        self.is_stalled_at(Instant::now())
    }

    fn is_stalled_at(&self, now: Instant) -> bool {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| now.saturating_duration_since(since) >= STALL)
    }

    fn set(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_under_way_for_long_is_stalled() {
        let (at_work, begun) = (AtWork::default(), Instant::now());
        assert!(!at_work.is_stalled_at(begun + 2 * STALL), "it waits for work");
        at_work.during(|| {
            assert!(!at_work.is_stalled_at(begun + STALL / 2));
            assert!(at_work.is_stalled_at(Instant::now() + STALL));
        });
        assert!(!at_work.is_stalled_at(begun + 2 * STALL), "it is done");
    }
}
