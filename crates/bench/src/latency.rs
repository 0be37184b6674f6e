//! How long calls took, counted so that a slow one does not hide those that would have been made while it lasted.

use std::time::Duration;

use causeway_rig::Failed;
use hdrhistogram::Histogram;

use crate::check::Check;

/// The longest duration that is told apart.
const LONGEST_MICROS: u64 = 120_000_000;

/// Durations of one kind of call, to three digits.
#[derive(Debug, Clone)]
pub(crate) struct Latency(Histogram<u64>);

impl Latency {
    pub(crate) fn new() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST_MICROS, 3).expect("bounds that are constants"))
    }

    /// Adds a call of a caller that makes one after the other, as often as it can.
    pub(crate) fn add(&mut self, taken: Duration) {
        self.0.saturating_record(micros(taken));
    }

    /// As if each call had been due every `pace`: a call that took longer counts for those that had to wait behind it.
    pub(crate) fn corrected(&self, pace: Duration) -> Self {
        Self(self.0.clone_correct(micros(pace)))
    }

    /// Adds all calls of another.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), Failed> {
        Ok(self.0.add(&other.0)?)
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.len()
    }

    /// The duration that so many thousandths of all do not exceed, in milliseconds.
    pub(crate) fn millis(&self, thousandths: u32) -> f64 {
        self.0.value_at_quantile(f64::from(thousandths) / 1_000.0) as f64 / 1e3
    }

    /// p50, p99 and p99.9, in milliseconds, held to nothing.
    pub(crate) fn checks(&self, name: &str) -> Vec<Check> {
        let check =
            |(quantile, thousandths)| Check::shown(format!("{name} {quantile}"), self.millis(thousandths), "ms");
        [("p50", 500), ("p99", 990), ("p99.9", 999)].map(check).to_vec()
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_counts_for_the_calls_that_it_kept_waiting() {
        let mut latency = Latency::new();
        (0..99).for_each(|_| latency.add(Duration::from_millis(1)));
        latency.add(Duration::from_millis(100));
        assert!(latency.millis(900) < 1.1);
        let corrected = latency.corrected(Duration::from_millis(1));
        assert!(corrected.len() > 190);
        assert!(corrected.millis(900) > 70.0);
    }
}
