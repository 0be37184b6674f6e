//! The kinds of calls of the mix, and how much of it each is.

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A system submits a record, by a call of its own.
    Submit,
    /// A partner pulls a page of 100 items.
    Pull,
    /// A record is submitted that partners are watching for; it is done when all of them have it.
    Watch,
    /// An auditor asks who saw a record, and reads the answer.
    Audit,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Submit, Self::Pull, Self::Watch, Self::Audit];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Pull => "pull",
            Self::Watch => "watch",
            Self::Audit => "audit query",
        }
    }

    /// Its share of the processors that the mix keeps busy.
    pub(super) const fn share(self) -> f64 {
        match self {
            Self::Submit => 0.40,
            Self::Pull => 0.25,
            Self::Watch => 0.20,
            Self::Audit => 0.15,
        }
    }

    /// Calls that may be under way at a time. The gateway has an agency's auditors read four answers at a time and refuses a fifth; whoever
    /// knows that waits, and the time of the wait is the call's.
    pub(super) const fn at_a_time(self) -> usize {
        match self {
            Self::Submit | Self::Pull | Self::Watch => 1 << 20,
            Self::Audit => 4,
        }
    }

    /// Its place among all of them.
    pub(super) const fn place(self) -> usize {
        match self {
            Self::Submit => 0,
            Self::Pull => 1,
            Self::Watch => 2,
            Self::Audit => 3,
        }
    }
}

/// Calls a second of each kind.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Paces([f64; Kind::ALL.len()]);

impl Paces {
    /// The same for all.
    pub(super) const fn even(per_second: f64) -> Self {
        Self([per_second; Kind::ALL.len()])
    }

    /// For each kind what its share of so many busy processors is worth, where one call costs so many seconds.
    pub(super) fn within(budget: f64, costs: [f64; Kind::ALL.len()]) -> Self {
        Self(Kind::ALL.map(|kind| budget * kind.share() / costs[kind.place()].max(f64::EPSILON)))
    }

    pub(super) fn times(self, factor: f64) -> Self {
        Self(self.0.map(|pace| pace * factor))
    }

    pub(super) const fn of(&self, kind: Kind) -> f64 {
        self.0[kind.place()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_are_the_whole() {
        let all: f64 = Kind::ALL.into_iter().map(Kind::share).sum();
        assert!((all - 1.0).abs() < 1e-9);
        assert!(Kind::ALL.iter().enumerate().all(|(place, kind)| kind.place() == place));
    }

    #[test]
    fn a_kind_that_costs_more_comes_less_often() {
        let paces = Paces::within(1.0, [0.001, 0.01, 0.001, 0.01]).times(0.5);
        assert!((paces.of(Kind::Submit) - 200.0).abs() < 1e-9);
        assert!((paces.of(Kind::Pull) - 12.5).abs() < 1e-9);
    }
}
