//! Durations that were measured, and the numbers that stand for them.

use std::time::{Duration, Instant};

/// Durations of one kind of thing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample(Vec<Duration>);

impl Sample {
    pub(crate) fn add(&mut self, taken: Duration) {
        self.0.push(taken);
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    /// Runs something and adds how long it took.
    pub(crate) fn time<R>(&mut self, run: impl FnOnce() -> R) -> R {
        let begun = Instant::now();
        let done = run();
        self.add(begun.elapsed());
        done
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The shortest duration that so many thousandths of all do not exceed.
    pub(crate) fn at(&self, thousandths: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * thousandths).div_ceil(1_000).saturating_sub(1);
        sorted.get(place).copied().unwrap_or_default()
    }
}

/// The middle of some numbers; 0 of none.
pub(crate) fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        length if length.is_multiple_of(2) => (sorted[middle - 1] + sorted[middle]) / 2.0,
        _ => sorted[middle],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_a_sample_is_of_it() {
        let mut sample = Sample::default();
        (1..=200).rev().for_each(|millis| sample.add(Duration::from_millis(millis)));
        assert_eq!(sample.at(500), Duration::from_millis(100));
        assert_eq!(sample.at(990), Duration::from_millis(198));
        assert_eq!(sample.at(1_000), Duration::from_millis(200));
        assert_eq!(Sample::default().at(990), Duration::ZERO);
        assert!((median(&[4.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
    }
}
