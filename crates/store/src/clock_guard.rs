//! Whether the machine's clock can be relied on for the time of entries. That time never goes back: what a wrong clock has
//! written a year ahead would keep everything out for a year once the clock is right again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use causeway_model::Timestamp;

use crate::clock::Clock;
use crate::error::AppendFailure;

/// How far the machine's clock may be behind the newest entry before drafts are refused. Up to that, they get its time.
const MOST_BEHIND: Duration = Duration::from_secs(5);

/// How far the clock may come ahead of the time that has passed since it was last relied on: more is a jump.
const MOST_AHEAD: Duration = Duration::from_secs(3600);

/// How long before a start the newest entry may be. A clock that is further ahead is one that has jumped as far as anybody can tell.
const LONGEST_REST: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long a clock that has jumped ahead has to run on before it is relied on again: whoever sets it right has that long.
const PROBATION: Duration = Duration::from_secs(600);

/// Watches a clock.
#[derive(Debug)]
pub(crate) struct ClockGuard {
    clock: Clock,
    relied_on: Mutex<ReliedOn>,
}

/// What the clock showed when it was last relied on, and what had passed by then.
#[derive(Debug)]
struct ReliedOn {
    time: Timestamp,
    passed: Duration,
    /// What had passed when it was first seen to be ahead.
    ahead_since: Option<Duration>,
}

impl ClockGuard {
    /// Relies on the clock as it is now, unless it is far ahead of the newest entry: then it has to run on first, as after a jump. Where
    /// there is no entry, there is nothing to hold it against.
    pub(crate) fn starting(clock: Clock, newest: Option<Timestamp>) -> Self {
        let relied_on = ReliedOn::starting(clock.now(), clock.passed(), newest);
        Self { clock, relied_on: Mutex::new(relied_on) }
    }

    /// The time that an entry gets now: the machine's, or the newest entry's where the machine is a little behind it. To be asked often:
    /// a jump counts from when it is seen.
    pub(crate) fn time_of_entry(&self, newest: Timestamp) -> Result<Timestamp, AppendFailure> {
        let mut relied_on = self.relied_on.lock().unwrap_or_else(PoisonError::into_inner);
        relied_on.time_of_entry(self.clock.now(), self.clock.passed(), newest)
    }
}

impl ReliedOn {
    fn starting(now: Timestamp, passed: Duration, newest: Option<Timestamp>) -> Self {
        match newest {
            Some(newest) if now.0.saturating_sub(newest.0) > micros(LONGEST_REST) => {
                Self { time: newest, passed, ahead_since: Some(passed) }
            }
            _ => Self { time: now, passed, ahead_since: None },
        }
    }

    fn time_of_entry(
        &mut self,
        now: Timestamp,
        passed: Duration,
        newest: Timestamp,
    ) -> Result<Timestamp, AppendFailure> {
        if newest.0.saturating_sub(now.0) > micros(MOST_BEHIND) {
            return Err(AppendFailure::ClockBehind { now, newest });
        }
        let expected = Timestamp(self.time.0.saturating_add(micros(passed.saturating_sub(self.passed))));
        if now.0.saturating_sub(expected.0) > micros(MOST_AHEAD) {
            let since = *self.ahead_since.get_or_insert(passed);
            if passed.saturating_sub(since) < PROBATION {
                return Err(AppendFailure::ClockAhead { now, expected });
            }
        }
        *self = Self { time: now, passed, ahead_since: None };
        Ok(now.max(newest))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_000_000_000_000;

    fn at(seconds: u64) -> Timestamp {
        Timestamp(START + seconds * 1_000_000)
    }

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn relied_on() -> ReliedOn {
        ReliedOn { time: at(0), passed: secs(7), ahead_since: None }
    }

    #[test]
    fn time_never_goes_back_and_a_clock_far_behind_is_refused() {
        let (mut clock, newest) = (relied_on(), at(100));
        assert_eq!(clock.time_of_entry(at(101), secs(8), newest), Ok(at(101)));
        assert_eq!(clock.time_of_entry(at(95), secs(9), newest), Ok(newest));
        let now = Timestamp(at(95).0 - 1);
        assert_eq!(clock.time_of_entry(now, secs(10), newest), Err(AppendFailure::ClockBehind { now, newest }));
        assert_eq!(clock.time_of_entry(at(96), secs(11), newest), Ok(newest), "caught up");
    }

    #[test]
    fn a_start_long_after_the_newest_entry_waits_and_one_with_none_or_within_a_month_does_not() {
        let (newest, month) = (at(0), 30 * 86_400);
        for newest in [None, Some(newest)] {
            let mut clock = ReliedOn::starting(at(month), secs(7), newest);
            assert_eq!(clock.time_of_entry(at(month), secs(7), at(0)), Ok(at(month)));
        }
        let late = at(month + 1);
        let mut clock = ReliedOn::starting(late, secs(7), Some(newest));
        let refused = clock.time_of_entry(late, secs(7), newest);
        assert_eq!(refused, Err(AppendFailure::ClockAhead { now: late, expected: newest }));
        assert!(clock.time_of_entry(at(month + 600), secs(606), newest).is_err());
        assert_eq!(clock.time_of_entry(at(month + 601), secs(607), newest), Ok(at(month + 601)), "it has run on");
        let mut clock = ReliedOn::starting(late, secs(7), Some(newest));
        assert_eq!(clock.time_of_entry(at(60), secs(67), newest), Ok(at(60)), "somebody has set it right");
        assert_eq!(ReliedOn::starting(Timestamp(0), secs(7), Some(newest)).time, Timestamp(0), "behind is told anyway");
    }

    #[test]
    fn a_clock_that_jumps_ahead_is_relied_on_once_it_is_put_back_or_has_run_on_for_a_while() {
        let newest = at(0);
        let ahead = |now, expected| Err(AppendFailure::ClockAhead { now, expected });
        for (jump, passed) in [(3600, 0), (4600, 1000)] {
            let found = relied_on().time_of_entry(at(jump), secs(7 + passed), newest);
            assert_eq!(found, Ok(at(jump)), "an hour beside what has passed is no jump");
        }
        let year = 31_536_000;
        let mut clock = relied_on();
        assert_eq!(clock.time_of_entry(at(year), secs(7), newest), ahead(at(year), at(0)));
        assert_eq!(clock.time_of_entry(at(year + 599), secs(606), newest), ahead(at(year + 599), at(599)));
        assert_eq!(clock.time_of_entry(at(599), secs(606), newest), Ok(at(599)), "put back: as if nothing had been");
        assert_eq!(clock.time_of_entry(at(year), secs(606), newest), ahead(at(year), at(599)), "the wait begins anew");
        assert_eq!(clock.time_of_entry(at(year + 600), secs(1206), newest), Ok(at(year + 600)), "it stays there");
        assert_eq!(clock.time_of_entry(at(year + 601), secs(1207), at(year + 600)), Ok(at(year + 601)));
    }
}
