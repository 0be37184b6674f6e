//! A bound on log lines that anybody can cause: so many a minute of each kind, and how many were left out.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lines of one kind in one window.
const LINES: u32 = 20;

/// The window.
const WINDOW: Duration = Duration::from_secs(60);

/// What has been said of late, by kind. The kinds are reasons of the code, never a peer's words.
#[derive(Debug, Default)]
pub(crate) struct Notices(Mutex<BTreeMap<&'static str, Window>>);

#[derive(Debug)]
struct Window {
    since: Instant,
    said: u32,
    unsaid: u64,
}

impl Notices {
    /// Whether another line of this kind may be written; with it, how many were left out since the last one.
    pub(crate) fn admit(&self, kind: &'static str) -> Option<u64> {
        self.admit_at(kind, Instant::now())
    }

    fn admit_at(&self, kind: &'static str, now: Instant) -> Option<u64> {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = kinds.entry(kind).or_insert(Window { since: now, said: 0, unsaid: 0 });
        if now.duration_since(window.since) >= WINDOW {
            (window.since, window.said) = (now, 0);
        }
        if window.said == LINES {
            window.unsaid += 1;
            return None;
        }
        window.said += 1;
        Some(std::mem::take(&mut window.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_bounded_by_itself_and_what_was_left_out_is_counted() {
        let (notices, now) = (Notices::default(), Instant::now());
        for _ in 0..LINES {
            assert_eq!(notices.admit_at("one", now), Some(0));
        }
        assert_eq!(notices.admit_at("one", now), None);
        assert_eq!(notices.admit_at("one", now + WINDOW - Duration::from_nanos(1)), None);
        assert_eq!(notices.admit_at("other", now), Some(0), "a flood of one kind hides no other");
        assert_eq!(notices.admit_at("one", now + WINDOW), Some(2));
        assert_eq!(notices.admit_at("one", now + WINDOW), Some(0));
    }
}
