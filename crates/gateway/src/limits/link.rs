//! What a connection and its calls tell each other: until when the connection is not read, and which answers its peer does not take.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// One connection. A cheap clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Link(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Microseconds since the gateway began; 0 where nothing is to be waited for.
    paused_until: AtomicU64,
    answers: Mutex<Answers>,
}

#[derive(Debug, Default)]
struct Answers {
    next: u64,
    waiting: BTreeMap<u64, Arc<AtomicU64>>,
}

/// One answer on its way: since when a part of it waits to be taken.
#[derive(Debug)]
pub(crate) struct Mark {
    link: Link,
    number: u64,
    since: Arc<AtomicU64>,
}

impl Link {
    /// The connection is not read for so long.
    pub(crate) fn pause(&self, now: Duration, pause: Duration) {
        if pause > Duration::ZERO {
            self.0.paused_until.fetch_max(micros(now + pause), Ordering::Relaxed);
        }
    }

    /// For how long it is not read; none where it is.
    pub(crate) fn paused(&self, now: Duration) -> Option<Duration> {
        let left = self.0.paused_until.load(Ordering::Relaxed).checked_sub(micros(now))?;
        (left > 0).then(|| Duration::from_micros(left))
    }

    /// An answer begins.
    pub(crate) fn answer(&self) -> Mark {
        let mut answers = self.answers();
        let number = answers.next;
        answers.next += 1;
        let since = Arc::new(AtomicU64::new(0));
        answers.waiting.insert(number, Arc::clone(&since));
        Mark { link: self.clone(), number, since }
    }

    /// Whether the peer has taken nothing of some answer for longer than this.
    pub(crate) fn is_stuck(&self, now: Duration, longest: Duration) -> bool {
        let before = micros(now.saturating_sub(longest));
        let is_before = |since: &Arc<AtomicU64>| (1..before).contains(&since.load(Ordering::Relaxed));
        self.answers().waiting.values().any(is_before)
    }

    fn answers(&self) -> std::sync::MutexGuard<'_, Answers> {
        self.0.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mark {
    /// A part of the answer is there for the peer.
    pub(crate) fn offered(&self, now: Duration) {
        self.since.store(micros(now).max(1), Ordering::Relaxed);
    }

    /// It has been taken.
    pub(crate) fn taken(&self) {
        self.since.store(0, Ordering::Relaxed);
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.link.answers().waiting.remove(&self.number);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_is_offered_and_not_taken_makes_it_stuck() {
        let link = Link::default();
        let (one, other) = (link.answer(), link.answer());
        one.offered(SECOND);
        other.offered(3 * SECOND);
        assert!(!link.is_stuck(3 * SECOND, 2 * SECOND) && link.is_stuck(4 * SECOND, 2 * SECOND));
        one.taken();
        assert!(!link.is_stuck(4 * SECOND, 2 * SECOND), "the other has time");
        assert!(link.is_stuck(6 * SECOND, 2 * SECOND));
        drop(other);
        assert!(!link.is_stuck(60 * SECOND, 2 * SECOND), "it is over");
    }

    #[test]
    fn the_longest_pause_counts() {
        let link = Link::default();
        assert_eq!(link.paused(SECOND), None);
        link.pause(SECOND, 2 * SECOND);
        link.pause(SECOND, SECOND);
        assert_eq!(link.paused(2 * SECOND), Some(SECOND));
        assert_eq!(link.paused(3 * SECOND), None);
    }
}
