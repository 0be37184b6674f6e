//! Tallies: what anyone can cause at will is summed into one entry a minute per source, so that nobody can flood the log.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use causeway_journal::v1;
use causeway_model::{SystemId, Timestamp};

use crate::Exchange;
use crate::draft::{Said, actor};

/// The period of a summary.
const PERIOD_MICROS: u64 = 60_000_000;

/// Most sources that are told apart in one period; what goes beyond is summed without its source.
const MAX_SOURCES: usize = 1_024;

/// What is summed up rather than recorded one by one (DESIGN.md section 3, invariant 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tallied {
    /// A TLS handshake that was refused.
    HandshakeRefused,
    /// A request that is not one: not JSON, too large, without its metadata.
    Malformed,
    /// A submission that had been accepted before, sent again.
    Repeated,
    /// A call refused because a queue or a limit was full.
    Overload,
    /// A call or a connection refused because its party had more than its own limits allow.
    OverLimit,
    /// A handshake that was not over in time.
    HandshakeSlow,
    /// A request that stopped coming, or an answer that was not taken.
    TooSlow,
    /// A connection ended for what it sent again and again to no purpose.
    Flood,
    /// A pull that found nothing new.
    EmptyPull,
    /// A checkpoint, or hashes of the tree, read as a file.
    HashesRead,
}

impl Tallied {
    /// All there are.
    const ALL: [Self; 10] = [
        Self::HandshakeRefused,
        Self::Malformed,
        Self::Repeated,
        Self::Overload,
        Self::OverLimit,
        Self::HandshakeSlow,
        Self::TooSlow,
        Self::Flood,
        Self::EmptyPull,
        Self::HashesRead,
    ];

    const fn reason(self) -> &'static str {
        match self {
            Self::HandshakeRefused => "handshakes-refused",
            Self::Malformed => "malformed-requests",
            Self::Repeated => "repeated-submissions",
            Self::Overload => "overload",
            Self::OverLimit => "over-limit",
            Self::HandshakeSlow => "handshakes-too-slow",
            Self::TooSlow => "too-slow",
            Self::Flood => "floods",
            Self::EmptyPull => "empty-pulls",
            Self::HashesRead => "hashes-read",
        }
    }

    const fn said(self) -> Said {
        match self {
            Self::HandshakeRefused | Self::HandshakeSlow => Said::denied(v1::Operation::Authentication, self.reason()),
            Self::Malformed | Self::Overload | Self::OverLimit | Self::TooSlow | Self::Flood => {
                Said::denied(v1::Operation::Administration, self.reason())
            }
            Self::Repeated | Self::EmptyPull | Self::HashesRead => {
                Said::allowed(v1::Operation::Consultation, self.reason())
            }
        }
    }
}

/// Who is counted: an authenticated system, a network address, or everyone beyond the limit of sources.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    System(SystemId),
    Address(String),
    Others,
}

/// The counts of the running minute.
#[derive(Debug)]
pub(crate) struct Tally {
    running: Mutex<Running>,
    /// Since the start, in the order of `Tallied::ALL`.
    totals: [AtomicU64; Tallied::ALL.len()],
}

#[derive(Debug)]
struct Running {
    since: Timestamp,
    counts: BTreeMap<(Tallied, Source), u64>,
}

impl Tally {
    pub(crate) fn starting(since: Timestamp) -> Self {
        Self { running: Mutex::new(Running { since, counts: BTreeMap::new() }), totals: Default::default() }
    }

    fn add(&self, what: Tallied, source: Source, count: u64) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (what, source);
        let key = if running.counts.len() < MAX_SOURCES || running.counts.contains_key(&key) {
            key
        } else {
            (what, Source::Others)
        };
        let sum = running.counts.entry(key).or_default();
        *sum = sum.saturating_add(count);
    }

    /// How much of each there has been since the start, by its reason code.
    pub(crate) fn totals(&self) -> Vec<(&'static str, u64)> {
        let totals = Tallied::ALL.iter().zip(&self.totals);
        totals.map(|(what, total)| (what.reason(), total.load(Ordering::Relaxed))).collect()
    }

    fn count(&self, what: Tallied, count: u64) {
        let place = Tallied::ALL.iter().position(|known| *known == what);
        if let Some(total) = place.and_then(|place| self.totals.get(place)) {
            total.fetch_add(count, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        !running.counts.is_empty() && now.0.abs_diff(running.since.0) >= PERIOD_MICROS
    }

    fn take(&self, now: Timestamp) -> Running {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *running, Running { since: now, counts: BTreeMap::new() })
    }
}

impl Exchange {
    /// Counts `count` of `what`, for an authenticated `party` or else for a network address.
    pub fn tally(&self, source: &str, party: Option<&SystemId>, what: Tallied, count: u64) {
        let source = party.map_or_else(|| Source::Address(source.to_owned()), |system| Source::System(system.clone()));
        self.tallies().count(what, count);
        self.tallies().add(what, source, count);
    }

    /// Writes one entry for each source and thing counted. What cannot be written is counted on, and so is everything while the clock is
    /// wrong: put right before the entry is taken, it would leave a period that ends in a time that has not come.
    pub(crate) async fn write_tally(&self) {
        let Ok(now) = self.journal().entry_time() else { return };
        let Running { since, counts } = self.tallies().take(now);
        // Addresses cost nothing: a thousand of them a minute would use up the room that is kept back.
        // A clock that was ahead and has been put right would make it end before it began, which the journal's rules refuse.
        let since = since.min(now);
        let counts = if self.is_disk_low() { without_addresses(counts) } else { counts };
        for ((what, source), count) in counts {
            let mut draft = match &source {
                Source::Address(address) => what.said().by_nobody(Some(address.clone())),
                Source::System(_) | Source::Others => what.said().by_nobody(None),
            };
            if let Source::System(system) = &source {
                draft.entry.actor = Some(actor(system, None));
            }
            draft.entry.count = count;
            draft.entry.period = Some(v1::Period { from_micros: since.0, to_micros: now.0 });
            if self.record(draft).await.is_err() {
                self.tallies().add(what, source, count);
            }
        }
    }
}

fn without_addresses(counts: BTreeMap<(Tallied, Source), u64>) -> BTreeMap<(Tallied, Source), u64> {
    let mut sums: BTreeMap<_, u64> = BTreeMap::new();
    for ((what, source), count) in counts {
        let source = if matches!(source, Source::Address(_)) { Source::Others } else { source };
        let sum = sums.entry((what, source)).or_default();
        *sum = sum.saturating_add(count);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_beyond_the_limit_are_summed_together() {
        let tally = Tally::starting(Timestamp(0));
        for source in 0..MAX_SOURCES + 10 {
            tally.add(Tallied::HandshakeRefused, Source::Address(source.to_string()), 2);
        }
        let counts = tally.take(Timestamp(1)).counts;
        assert_eq!(counts.len(), MAX_SOURCES + 1);
        assert_eq!(counts[&(Tallied::HandshakeRefused, Source::Others)], 20);
        assert!(!tally.is_due(Timestamp(PERIOD_MICROS + 1)), "nothing was counted since");
    }

    #[test]
    fn without_their_addresses_all_are_one_source_and_systems_are_told_apart() {
        let tally = Tally::starting(Timestamp(0));
        let system: SystemId = "al-police/feed".parse().expect("a system");
        for address in ["192.0.2.1", "192.0.2.2"] {
            tally.add(Tallied::HandshakeRefused, Source::Address(address.into()), 3);
        }
        tally.add(Tallied::Overload, Source::System(system.clone()), 2);
        let sums = without_addresses(tally.take(Timestamp(1)).counts);
        let expected =
            [((Tallied::HandshakeRefused, Source::Others), 6), ((Tallied::Overload, Source::System(system)), 2)];
        assert_eq!(sums, BTreeMap::from(expected));
    }
}
