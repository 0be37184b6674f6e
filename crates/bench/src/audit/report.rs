//! What the benchmark found: tables of all of it, and the checks.

use std::fmt::{self, Display};
use std::time::Duration;

use causeway_store::IndexMeasures;

use super::commits::Round;
use super::queries::{Pages, Proofs, ROWS};
use crate::check::Check;
use crate::sample::{Sample, median};
use crate::say;

/// Most that a first page by any kind of key may take at 10^7 entries, at p99, in milliseconds.
const PAGE_MILLIS: f64 = 10.0;
/// Most bytes of index for an entry.
const INDEX_BYTES: f64 = 80.0;
/// Least rate of commits with the index over that without.
const COMMITS_RATIO: f64 = 0.95;
/// Most that an inclusion proof may take at 10^7 entries, in microseconds.
const PROOF_MICROS: f64 = 100.0;
/// Most that verifying one may take, with a signature, in microseconds: 5, and 35 for the signature.
const VERIFY_MICROS: f64 = 5.0 + 35.0;
/// Most that a start after a clean stop may take at 10^7 entries, in seconds.
const START_SECONDS: f64 = 1.0;

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) entries: u64,
    /// The rounds without an index, and those with one.
    pub(crate) plain: Vec<Round>,
    pub(crate) indexed: Vec<Round>,
    pub(crate) index: IndexMeasures,
    pub(crate) searches: Vec<Pages>,
    pub(crate) proofs: Proofs,
    pub(crate) start: Duration,
}

impl Report {
    /// What is held to something, and what it was measured on.
    pub(crate) fn checks(&self) -> Vec<Check> {
        let mut checks = vec![Check::shown("audit: entries of the journal", self.entries as f64, "entries")];
        checks.extend(self.by_kind().iter().map(|(kind, pages)| {
            Check::at_most(format!("audit: first page by {kind}, p99"), millis(pages, 990), "ms", PAGE_MILLIS)
        }));
        let all = self.all_pages();
        checks.push(Check::shown("audit: first page by any key, p50", millis(&all, 500), "ms"));
        checks.push(Check::shown("audit: first page by any key, p99.9", millis(&all, 999), "ms"));
        // A small journal is indexed in memory alone.
        if self.index.in_blocks > 0 {
            checks.push(Check::at_most("audit: index bytes an entry", self.bytes_an_entry(), "bytes", INDEX_BYTES));
        } else {
            say("bytes of the index: it has no block yet");
        }
        checks.extend(self.commit_checks());
        let Proofs { made, verified } = &self.proofs;
        let micros = |sample: &Sample, thousandths| millis(sample, thousandths) * 1e3;
        checks.extend([
            Check::at_most("audit: inclusion proof, p50", micros(made, 500), "us", PROOF_MICROS),
            Check::shown("audit: inclusion proof, p99", micros(made, 990), "us"),
            Check::at_most("audit: verifying proof and signature, p50", micros(verified, 500), "us", VERIFY_MICROS),
            Check::at_most("audit: start after a clean stop", self.start.as_secs_f64(), "s", START_SECONDS),
        ]);
        checks
    }

    /// Nothing where no rounds were run.
    fn commit_checks(&self) -> Vec<Check> {
        if self.indexed.is_empty() {
            return Vec::new();
        }
        vec![
            Check::at_least("audit: commits with the index over those without", self.ratio(), "ratio", COMMITS_RATIO),
            Check::shown("audit: processor time of those", median(&self.processor_ratios()), "ratio"),
            Check::shown("audit: commits with the index", middle(&self.indexed, |round| round.rate), "entries/s"),
        ]
    }

    /// The pages of each kind of key, in the order in which they were measured.
    fn by_kind(&self) -> Vec<(&'static str, Sample)> {
        let mut kinds: Vec<(&'static str, Sample)> = Vec::new();
        for pages in &self.searches {
            match kinds.iter_mut().find(|(kind, _)| *kind == pages.kind) {
                Some((_, sample)) => sample.extend(&pages.whole),
                None => kinds.push((pages.kind, pages.whole.clone())),
            }
        }
        kinds
    }

    fn bytes_an_entry(&self) -> f64 {
        self.index.bytes as f64 / self.index.in_blocks.max(1) as f64
    }

    /// The commit rate with indexing over that without: of each pair of rounds, then the middle.
    fn ratio(&self) -> f64 {
        median(&self.ratios())
    }

    fn ratios(&self) -> Vec<f64> {
        self.indexed.iter().zip(&self.plain).map(|(with, without)| with.rate / without.rate).collect()
    }

    /// The processor time of an entry with indexing over that without.
    fn processor_ratios(&self) -> Vec<f64> {
        let pairs = self.indexed.iter().zip(&self.plain);
        pairs.map(|(with, without)| with.micros_an_entry / without.micros_an_entry).collect()
    }

    fn all_pages(&self) -> Sample {
        let mut all = Sample::default();
        self.searches.iter().for_each(|pages| all.extend(&pages.whole));
        all
    }

    /// The pages of each kind, frequency and direction.
    fn pages(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "first page of up to {ROWS} rows of {} entries, read and decoded (ms)", self.entries)?;
        writeln!(
            out,
            "{:<12}{:<8}{:<8}{:>6}{:>9}{:>9}{:>9}{:>9}{:>12}",
            "key", "", "first", "rows", "p50", "p99", "p99.9", "max", "search p99"
        )?;
        for pages in &self.searches {
            let first = if pages.newest_first { "newest" } else { "oldest" };
            write!(out, "{:<12}{:<8}{first:<8}{:>6}", pages.kind, pages.frequency, pages.rows)?;
            for thousandths in [500, 990, 999, 1_000] {
                write!(out, "{:>9.2}", millis(&pages.whole, thousandths))?;
            }
            writeln!(out, "{:>12.2}", millis(&pages.search, 990))?;
        }
        let all = self.all_pages();
        write!(out, "{:<34}", format!("all {}", all.len()))?;
        for thousandths in [500, 990, 999, 1_000] {
            write!(out, "{:>9.2}", millis(&all, thousandths))?;
        }
        writeln!(out, "\n{} blocks of the index", self.index.blocks)
    }

    /// The pairs of rounds, and the middle of each column.
    fn commits(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "commits a second and processor time an entry (us), by pair of rounds")?;
        let heads = ["plain", "indexed", "ratio", "plain us", "indexed us", "ratio", "after ms", "sync ms"];
        heads.iter().try_for_each(|head| write!(out, "{head:>11}"))?;
        writeln!(out)?;
        let ratios = self.ratios().into_iter().zip(self.processor_ratios());
        for ((plain, indexed), (ratio, processor)) in self.plain.iter().zip(&self.indexed).zip(ratios) {
            write!(out, "{:>11.0}{:>11.0}{ratio:>11.3}", plain.rate, indexed.rate)?;
            write!(out, "{:>11.2}{:>11.2}{processor:>11.3}", plain.micros_an_entry, indexed.micros_an_entry)?;
            let sync = (plain.sync + indexed.sync) / 2;
            writeln!(out, "{:>11.2}{:>11.2}", indexed.lag.as_secs_f64() * 1e3, sync.as_secs_f64() * 1e3)?;
        }
        let rate = |rounds| middle(rounds, |round| round.rate);
        let micros = |rounds| middle(rounds, |round| round.micros_an_entry);
        write!(out, "{:>11.0}{:>11.0}{:>11.3}", rate(&self.plain), rate(&self.indexed), self.ratio())?;
        let processor = median(&self.processor_ratios());
        write!(out, "{:>11.2}{:>11.2}{processor:>11.3}   (medians)", micros(&self.plain), micros(&self.indexed))
    }
}

/// The tables.
impl Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pages(out)?;
        if self.indexed.is_empty() { Ok(()) } else { self.commits(out) }
    }
}

fn middle(rounds: &[Round], value: fn(&Round) -> f64) -> f64 {
    median(&rounds.iter().map(value).collect::<Vec<_>>())
}

fn millis(sample: &Sample, thousandths: usize) -> f64 {
    sample.at(thousandths).as_secs_f64() * 1e3
}
