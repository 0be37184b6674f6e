//! One job of one side over all rounds: what it reached, and what it took.

use std::future::Future;
use std::time::Duration;

use causeway_rig::Failed;

use super::family::Usage;
use crate::check::Check;
use crate::latency::Latency;
use crate::processor;
use crate::sample::median;

/// What was done in one round.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) records: usize,
    pub(super) took: Duration,
    /// Of each call; none where calls are not answered one by one.
    pub(super) latency: Option<Latency>,
}

/// A job, by its rounds.
#[derive(Debug)]
pub(super) struct Job {
    name: String,
    rates: Vec<f64>,
    latency: Latency,
    records: usize,
    server: Usage,
    own_seconds: f64,
}

impl Job {
    pub(super) fn new(name: impl Into<String>) -> Self {
        let (rates, latency, server) = (Vec::new(), Latency::new(), Usage::default());
        Self { name: name.into(), rates, latency, records: 0, server, own_seconds: 0.0 }
    }

    /// One more round, served by these processes.
    pub(super) async fn round(
        &mut self,
        processes: &[u32],
        work: impl Future<Output = Result<Round, Failed>>,
    ) -> Result<(), Failed> {
        let (before, own) = (Usage::of(processes), processor::seconds());
        let Round { records, took, latency } = work.await?;
        let used = Usage::of(processes).since(before);
        self.own_seconds += processor::seconds() - own;
        self.server.seconds += used.seconds;
        self.server.written += used.written;
        self.records += records;
        self.rates.push(records as f64 / took.as_secs_f64().max(1e-9));
        if let Some(latency) = latency {
            self.latency.merge(&latency)?;
        }
        Ok(())
    }

    /// Records a second, in the middle of the rounds.
    pub(super) fn rate(&self) -> f64 {
        median(&self.rates)
    }

    /// What it came to; nothing of a job that was never done.
    pub(super) fn checks(&self) -> Vec<Check> {
        if self.records == 0 {
            return Vec::new();
        }
        let (name, each) = (&self.name, self.records as f64);
        let mut checks = vec![Check::shown(format!("{name}: records/s"), self.rate(), "records/s")];
        if self.latency.len() > 0 {
            checks.extend(self.latency.checks(&format!("{name}: a call,")));
        }
        let server = self.server.seconds * 1e6 / each;
        checks.push(Check::shown(format!("{name}: processor time of the server a record"), server, "us"));
        let own = self.own_seconds * 1e6 / each;
        checks.push(Check::shown(format!("{name}: processor time of this process a record"), own, "us"));
        let written = self.server.written as f64 / each;
        checks.push(Check::shown(format!("{name}: bytes written a record"), written, "bytes"));
        checks
    }
}

/// How many times as many records a second; nothing where one of them was not measured.
pub(super) fn ratio(name: &str, ours: f64, theirs: f64, aim: Option<f64>) -> Option<Check> {
    let ratio = ours / theirs;
    (ratio.is_finite() && ratio > 0.0).then(|| match aim {
        Some(aim) => Check::at_least(name, ratio, "ratio", aim),
        None => Check::shown(name, ratio, "ratio"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waiting::wait_for;

    #[test]
    fn what_was_not_measured_is_absent() {
        assert!(Job::new("a").checks().is_empty());
        assert!(ratio("a", 10.0, 0.0, Some(2.0)).is_none());
        assert!(ratio("a", 0.0, 10.0, None).is_none());
        assert_eq!(ratio("a", 10.0, 5.0, Some(2.0)).and_then(|check| check.is_met()), Some(true));
    }

    #[test]
    fn a_job_is_the_middle_of_its_rounds() {
        let mut job = Job::new("a");
        for seconds in [1, 2, 5] {
            let round = Round { records: 100, took: Duration::from_secs(seconds), latency: None };
            wait_for(job.round(&[], async { Ok(round) })).expect("a round");
        }
        assert!((job.rate() - 50.0).abs() < 1e-9);
        assert!(job.checks().iter().all(|check| !check.name.contains("a call")));
    }
}
