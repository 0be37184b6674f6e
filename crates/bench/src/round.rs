//! Rounds of calls: what they took, of time and of both processes' processors.

use std::future::Future;
use std::time::{Duration, Instant};

use causeway_rig::Failed;

use crate::check::Check;
use crate::latency::Latency;
use crate::processor;
use crate::sample::median;

/// One round of calls to another process.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) calls: usize,
    pub(crate) took: Duration,
    pub(crate) latency: Latency,
    /// Seconds of processor time of this process, and of the one that it called.
    pub(crate) client: f64,
    pub(crate) server: f64,
}

impl Round {
    /// Runs so many calls to the process with this id.
    pub(crate) async fn of(
        server: u32,
        calls: usize,
        work: impl Future<Output = Result<Latency, Failed>>,
    ) -> Result<Self, Failed> {
        let used = || (processor::seconds(), processor::seconds_of(server));
        let (before, begun) = (used(), Instant::now());
        let latency = work.await?;
        let (took, after) = (begun.elapsed(), used());
        Ok(Self { calls, took, latency, client: after.0 - before.0, server: after.1 - before.1 })
    }

    /// Calls a second.
    pub(crate) fn rate(&self) -> f64 {
        self.calls as f64 / self.took.as_secs_f64().max(1e-9)
    }
}

/// Rounds of the same.
#[derive(Debug, Default)]
pub(crate) struct Rounds(pub(crate) Vec<Round>);

impl Rounds {
    /// Calls a second in the round in the middle.
    pub(crate) fn rate(&self) -> f64 {
        median(&self.0.iter().map(Round::rate).collect::<Vec<_>>())
    }

    /// The durations of all calls.
    pub(crate) fn latency(&self) -> Result<Latency, Failed> {
        let mut all = Latency::new();
        self.0.iter().try_for_each(|round| all.merge(&round.latency))?;
        Ok(all)
    }

    /// The durations as callers would have seen them whose calls are due as often as a call takes in the middle of its round, and who do
    /// not wait for a slow one before they make the next.
    pub(crate) fn corrected(&self) -> Result<Latency, Failed> {
        let mut all = Latency::new();
        for round in &self.0 {
            let pace = Duration::from_secs_f64(round.latency.millis(500) / 1e3);
            all.merge(&round.latency.corrected(pace))?;
        }
        Ok(all)
    }

    /// Microseconds of processor time a call, of this process and of the one that it called. Of all rounds together, since the system
    /// counts in hundredths of a second.
    pub(crate) fn micros(&self) -> (f64, f64) {
        let calls: usize = self.0.iter().map(|round| round.calls).sum();
        let each = |seconds: f64| seconds * 1e6 / calls.max(1) as f64;
        (each(self.0.iter().map(|round| round.client).sum()), each(self.0.iter().map(|round| round.server).sum()))
    }

    /// The rate and both processor times, held to nothing.
    pub(crate) fn checks(&self, name: &str, unit: &'static str) -> Vec<Check> {
        let (client, server) = self.micros();
        vec![
            Check::shown(format!("{name}: {unit}"), self.rate(), unit),
            Check::shown(format!("{name}: processor time of the server, each"), server, "us"),
            Check::shown(format!("{name}: processor time of the client, each"), client, "us"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(millis: u64, calls: usize, longest: u64) -> Round {
        let mut latency = Latency::new();
        (0..calls).for_each(|_| latency.add(Duration::from_millis(1)));
        latency.add(Duration::from_millis(longest));
        Round { calls, took: Duration::from_millis(millis), latency, client: 0.02, server: 0.04 }
    }

    #[test]
    fn rounds_stand_for_what_they_have_in_the_middle_and_together() {
        let rounds = Rounds(vec![round(1_000, 100, 1), round(500, 100, 1), round(2_000, 100, 1)]);
        assert!((rounds.rate() - 100.0).abs() < 1e-6);
        let (client, server) = rounds.micros();
        assert!((client - 200.0).abs() < 1e-6 && (server - 400.0).abs() < 1e-6);
        assert_eq!(rounds.latency().expect("merged").len(), 303);
    }

    #[test]
    fn a_stall_counts_for_the_calls_that_were_due_meanwhile() {
        let rounds = Rounds(vec![round(100, 100, 1), round(100, 100, 100)]);
        let (raw, corrected) = (rounds.latency().expect("merged"), rounds.corrected().expect("corrected"));
        assert!((290..310).contains(&corrected.len()), "{}", corrected.len());
        assert!(raw.millis(990) < 2.0 && corrected.millis(990) > 90.0);
    }
}
