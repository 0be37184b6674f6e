//! How fresh the knowledge is of what an agency has revoked, and what follows from that.

use std::time::Duration;

use rustls_pki_types::UnixTime;

use crate::config::RevocationTerms;

/// How fresh it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// There are no lists, and none are asked for.
    NotAsked,
    /// The next lists are not due, or have not been for long.
    Fresh,
    /// They have been due for so long.
    Old(Duration),
    /// They have been due for longer than the agency's budget, or there have been none: the agency's systems get withdrawals only.
    Stale,
}

impl Freshness {
    /// Of lists that are due at `next_update`; none where there are no lists, or not of every root. Without lists there is nothing to
    /// count a budget from.
    pub(crate) fn at(now: UnixTime, next_update: Option<UnixTime>, terms: &RevocationTerms) -> Self {
        let Some(next_update) = next_update else {
            return if terms.required { Self::Stale } else { Self::NotAsked };
        };
        // nextUpdate is the first moment at which the list is no longer the newest (RFC 5280 section 5.1.2.5).
        if now < next_update {
            return Self::Fresh;
        }
        match Duration::from_secs(now.as_secs().saturating_sub(next_update.as_secs())) {
            age if terms.required && age >= terms.budget => Self::Stale,
            age if age >= terms.warn => Self::Old(age),
            _ => Self::Fresh,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3600;

    fn at(age_hours: i64, required: bool) -> Freshness {
        let terms =
            RevocationTerms { required, warn: Duration::from_secs(HOUR), budget: Duration::from_secs(24 * HOUR) };
        let second = |hours: i64| UnixTime::since_unix_epoch(Duration::from_secs(hours.unsigned_abs() * HOUR));
        Freshness::at(second(1_000 + age_hours), Some(second(1_000)), &terms)
    }

    #[test]
    fn the_warning_comes_before_the_budget_is_used_up() {
        let old = |hours| Freshness::Old(Duration::from_secs(hours * HOUR));
        assert_eq!(
            [at(-1, true), at(0, true), at(1, true), at(23, true)],
            [Freshness::Fresh, Freshness::Fresh, old(1), old(23)]
        );
        assert_eq!([at(24, true), at(900, true)], [Freshness::Stale; 2]);
        assert_eq!(at(900, false), old(900), "lists that are not required narrow nobody");
    }

    #[test]
    fn without_lists_there_is_nothing_to_count_from() {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(HOUR));
        let terms = RevocationTerms { required: true, warn: Duration::ZERO, budget: Duration::from_secs(HOUR) };
        assert_eq!(Freshness::at(now, None, &terms), Freshness::Stale);
        assert_eq!(Freshness::at(now, None, &RevocationTerms { required: false, ..terms }), Freshness::NotAsked);
    }
}
