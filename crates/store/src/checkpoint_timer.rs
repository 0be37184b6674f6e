//! When a node says how far the log goes and what its root is, for the others to compare.

use std::time::{Duration, Instant};

/// After so long it is said in any case, where anything has come since.
const AT_LEAST_EVERY: Duration = Duration::from_secs(60);

/// Counts frames since somebody said it.
#[derive(Debug)]
pub(crate) struct CheckpointTimer {
    every: u64,
    frames: u64,
    since: Instant,
}

impl CheckpointTimer {
    pub(crate) fn new(every: u64, now: Instant) -> Self {
        Self { every: every.max(1), frames: 0, since: now }
    }

    /// Takes a frame that was applied; `says` is whether it was somebody's saying so.
    pub(crate) fn took(&mut self, says: bool, now: Instant) {
        if says {
            (self.frames, self.since) = (0, now);
        } else {
            self.frames += 1;
        }
    }

    /// Whether it is time. Once it was, it is only after as much again.
    pub(crate) fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.frames >= self.every
            || (self.frames > 0 && now.saturating_duration_since(self.since) >= AT_LEAST_EVERY);
        if is_due {
            (self.frames, self.since) = (0, now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_after_so_many_frames_or_a_minute_with_any() {
        let start = Instant::now();
        let mut timer = CheckpointTimer::new(3, start);
        assert!(!timer.is_due(start + 2 * AT_LEAST_EVERY), "nothing has come");
        (0..2).for_each(|_| timer.took(false, start));
        assert!(!timer.is_due(start));
        timer.took(false, start);
        assert!(timer.is_due(start) && !timer.is_due(start), "once");
        timer.took(false, start);
        assert!(timer.is_due(start + AT_LEAST_EVERY));
        (0..3).for_each(|_| timer.took(false, start));
        timer.took(true, start);
        assert!(!timer.is_due(start), "another node has said it");
    }
}
