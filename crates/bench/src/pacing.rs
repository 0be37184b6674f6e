//! Callers that keep their pace whatever becomes of their calls: each call has a moment at which it is due, and its time counts from there.

use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, UnboundedReceiver};

/// The moments at which calls are due, `per_second` of them from now on for so long; each comes when it is due. A thread of its own
/// keeps the time, since a runtime's timers come up to a millisecond late.
pub(crate) fn ticks(per_second: f64, lasting: Duration) -> UnboundedReceiver<Instant> {
    let (due, dues) = mpsc::unbounded_channel();
    let begin = Instant::now();
    let calls = calls_in(per_second, lasting);
    thread::spawn(move || {
        for call in 0..calls {
            let at = begin + Duration::from_secs_f64(call as f64 / per_second);
            thread::sleep(at.saturating_duration_since(Instant::now()));
            // Whoever made the calls may have given up.
            if due.send(at).is_err() {
                return;
            }
        }
    });
    dues
}

/// How many calls that are.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "some thousands, and none for a negative number"
)]
pub(crate) fn calls_in(per_second: f64, lasting: Duration) -> usize {
    (per_second * lasting.as_secs_f64()) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_is_due_at_its_own_moment_and_never_told_of_before() {
        let mut dues = ticks(1_000.0, Duration::from_millis(50));
        let mut all = Vec::new();
        while let Some(due) = dues.blocking_recv() {
            assert!(Instant::now() >= due);
            all.push(due);
        }
        assert_eq!(all.len(), 50);
        let apart: Vec<u128> = all.windows(2).map(|pair| (pair[1] - pair[0]).as_micros()).collect();
        assert!(apart.iter().all(|micros| (999..=1_001).contains(micros)), "{apart:?}");
    }
}
