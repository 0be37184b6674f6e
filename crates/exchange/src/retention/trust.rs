//! Whether the clock can be believed: what expires is erased for good, so a clock that was set wrong would erase everything.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use causeway_journal::decode_entry;
use causeway_model::{LeafIndex, Timestamp};
use causeway_store::Clock;

use crate::{Class, Error, Exchange};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The newest entry lies at most so long before the clock of a start that is believed at once.
const LONGEST_REST: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long a clock has to run before it is believed without the log.
const PROBATION: Duration = DAY;

/// How far the clock may come away from the time that has passed.
const MOST_DRIFT: Duration = HOUR;

/// The reason code of what is refused for a clock that cannot be believed.
pub(super) const CLOCK_NOT_TRUSTED: &str = "clock-not-trusted";

/// What the clock has shown since it was first looked at, or since it last jumped.
#[derive(Debug)]
pub(crate) struct ClockTrust {
    clock: Clock,
    watched: Mutex<Watched>,
}

#[derive(Debug)]
struct Watched {
    time: Timestamp,
    passed: Duration,
    is_vouched: bool,
}

impl ClockTrust {
    /// Nothing speaks for the clock yet.
    pub(crate) fn starting(clock: Clock) -> Self {
        let watched = Watched { time: clock.now(), passed: clock.passed(), is_vouched: false };
        Self { clock, watched: Mutex::new(watched) }
    }

    /// The time, if it can be believed: the log spoke for it or it has run for 24 hours, and it has not jumped since. To be asked often,
    /// since jumps are seen only then.
    pub(super) fn time(&self) -> Option<Timestamp> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        watched.is_believed(now, self.clock.passed()).then_some(now)
    }

    fn vouch(&self) {
        let (time, passed) = (self.clock.now(), self.clock.passed());
        *self.watched.lock().unwrap_or_else(PoisonError::into_inner) = Watched { time, passed, is_vouched: true };
    }
}

impl Watched {
    fn is_believed(&mut self, now: Timestamp, passed: Duration) -> bool {
        let ran = passed.saturating_sub(self.passed);
        let expected = self.time.0.saturating_add(micros(ran));
        if now.0.abs_diff(expected) > micros(MOST_DRIFT) {
            *self = Self { time: now, passed, is_vouched: false };
            return false;
        }
        self.is_vouched || ran >= PROBATION
    }
}

impl Exchange {
    /// Asks the log, once and before anything is appended, whether it speaks for the clock: it does where the newest entry is of the
    /// last seven days, and what came a day before that is not much older. A start under a wrong clock writes entries under it, and
    /// those must not speak for it at the next.
    pub(crate) async fn ask_the_log_of_the_clock(&self) -> Result<(), Error> {
        let (size, newest, now) = self.journal().read(|state| (state.tree().size(), state.last_time(), self.now()));
        let is_near = |time: Timestamp, most: Duration| now.0.saturating_sub(time.0) <= micros(most);
        let before = Timestamp(newest.0.saturating_sub(micros(DAY)));
        // The times of entries never go back, so the last one of a day before is found by halving.
        let (mut low, mut high, mut earlier) = (0, size, None);
        while low < high {
            let middle = low + (high - low) / 2;
            let entry = self.journal().entry(LeafIndex(middle)).await.map_err(Error::corrupt)?;
            let time = Timestamp(decode_entry(&entry).map_err(Error::corrupt)?.time_micros);
            if time <= before {
                (low, earlier) = (middle + 1, Some(time));
            } else {
                high = middle;
            }
        }
        if is_near(newest, LONGEST_REST) && earlier.is_none_or(|time| is_near(time, LONGEST_REST + DAY)) {
            self.clock_trust().vouch();
        } else {
            tracing::warn!("{}", distrust().message);
        }
        Ok(())
    }
}

/// What is said to whoever asks for an erasure by date meanwhile, and in the log.
pub(super) fn distrust() -> Error {
    let message = "the clock cannot be believed, so nothing is erased by its date: the journal's newest entries are long before it, or \
                   it has jumped; set it right where it is wrong, and expiry goes on when it has run for 24 hours without a jump";
    Error::new(Class::Unavailable, CLOCK_NOT_TRUSTED, message)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_believed_once_it_has_run_for_a_day_and_until_it_jumps() {
        let at = |passed: Duration| Timestamp(1_000_000_000 + micros(passed));
        let mut watched = Watched { time: at(Duration::ZERO), passed: Duration::ZERO, is_vouched: false };
        assert!(!watched.is_believed(at(DAY - HOUR), DAY - HOUR), "not for a day yet");
        assert!(watched.is_believed(at(DAY + HOUR), DAY), "an hour is no jump");
        assert!(!watched.is_believed(at(DAY * 3), DAY), "two days in no time");
        assert!(!watched.is_believed(at(DAY * 3), DAY), "nor at the second look");
        assert!(!watched.is_believed(at(DAY), DAY), "nor when it is put back, since either may be wrong");
        assert!(watched.is_believed(at(DAY * 2), DAY * 2));
        let mut vouched = Watched { is_vouched: true, ..watched };
        assert!(vouched.is_believed(at(DAY * 2), DAY * 2));
        assert!(!vouched.is_believed(at(DAY * 9), DAY * 2), "what the log spoke for was another time");
    }
}
