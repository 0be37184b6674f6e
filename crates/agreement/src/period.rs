//! When what becomes releasable is released.

use causeway_model::Timestamp;

/// When what becomes releasable is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReleasePeriod {
    /// In daily batches, shuffled, so that the time of a release tells nothing about the time of a submission.
    Daily,
    /// In weekly batches, shuffled: a week begins on Monday (ISO 8601), as days do at midnight UTC.
    Weekly,
    /// As soon as it is known.
    Immediate,
}

impl ReleasePeriod {
    /// Whether the period in which something was recorded is over, so that it may be released.
    pub const fn is_over(self, recorded: Timestamp, now: Timestamp) -> bool {
        match self {
            Self::Daily => recorded.day() < now.day(),
            Self::Weekly => week(recorded) < week(now),
            Self::Immediate => true,
        }
    }
}

/// Weeks since Monday, 29 December 1969: 1 January 1970 was a Thursday.
const fn week(at: Timestamp) -> u64 {
    (at.day() + 3) / 7
}

#[cfg(test)]
mod tests {
    use causeway_model::Date;

    use super::*;

    fn at(date: &str) -> Timestamp {
        date.parse::<Date>().expect("a date").start()
    }

    #[test]
    fn a_week_ends_with_its_sunday_and_a_day_with_its_last_microsecond() {
        // 2026-11-16 and 2026-11-23 are Mondays.
        let (monday, sunday, next) = (at("2026-11-16"), at("2026-11-22"), at("2026-11-23"));
        let last = Timestamp(next.0 - 1);
        assert!(!ReleasePeriod::Weekly.is_over(monday, last) && !ReleasePeriod::Weekly.is_over(sunday, last));
        assert!(ReleasePeriod::Weekly.is_over(monday, next) && ReleasePeriod::Weekly.is_over(last, next));
        assert!(!ReleasePeriod::Daily.is_over(sunday, last) && ReleasePeriod::Daily.is_over(last, next));
        assert!(ReleasePeriod::Immediate.is_over(last, last));
        // A year's end does not begin a week: 2026-12-31 is a Thursday.
        assert!(!ReleasePeriod::Weekly.is_over(at("2026-12-31"), at("2027-01-03")));
        assert!(ReleasePeriod::Weekly.is_over(at("2026-12-31"), at("2027-01-04")));
    }
}
