//! What the benchmark found, as tables or as one JSON object.

use std::io::{self, Write};
use std::time::Duration;

use causeway_store::IndexMeasures;
use serde_json::{Value, json};

use super::commits::Round;
use super::queries::{Pages, ROWS};
use crate::sample::{Sample, median};

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) entries: u64,
    pub(crate) syncs: Sample,
    /// The rounds without an index, and those with one.
    pub(crate) plain: Vec<Round>,
    pub(crate) indexed: Vec<Round>,
    pub(crate) index: IndexMeasures,
    pub(crate) searches: Vec<Pages>,
    pub(crate) proofs: Sample,
    pub(crate) start: Duration,
    pub(crate) index_after_start: IndexMeasures,
}

impl Report {
    pub(crate) fn print(&self, as_json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if as_json { writeln!(out, "{}", self.to_json()) } else { self.tables(&mut out) }
    }

    fn bytes_an_entry(&self) -> f64 {
        self.index.bytes as f64 / (self.index.in_blocks.max(1)) as f64
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

    fn tables(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "journal of {} entries; the disk's fdatasync takes {} (median)",
            self.entries,
            ms(self.syncs.at(500))
        )?;
        writeln!(out, "\nfirst page of up to {ROWS} rows, with the entries read and decoded (ms)")?;
        writeln!(
            out,
            "{:<12}{:<8}{:<8}{:>6}{:>9}{:>9}{:>9}{:>9}{:>12}",
            "key", "", "first", "rows", "p50", "p99", "p99.9", "max", "search p99"
        )?;
        for pages in &self.searches {
            let first = if pages.newest_first { "newest" } else { "oldest" };
            write!(out, "{:<12}{:<8}{first:<8}{:>6}", pages.kind, pages.frequency, pages.rows)?;
            for thousandths in [500, 990, 999, 1_000] {
                write!(out, "{:>9}", number(pages.whole.at(thousandths)))?;
            }
            writeln!(out, "{:>12}", number(pages.search.at(990)))?;
        }
        let all = self.all_pages();
        write!(out, "{:<34}", format!("all {}", all.len()))?;
        for thousandths in [500, 990, 999, 1_000] {
            write!(out, "{:>9}", number(all.at(thousandths)))?;
        }
        writeln!(out, "\n\nindex: {} blocks, {:.1} bytes an entry", self.index.blocks, self.bytes_an_entry())?;
        writeln!(out, "inclusion proof: p50 {}, p99 {}", ms(self.proofs.at(500)), ms(self.proofs.at(990)))?;
        writeln!(out, "start over the whole journal: {}", ms(self.start))?;
        self.commits(out)
    }

    /// The pairs of rounds, and the middle of each column.
    fn commits(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "\ncommits a second and processor time an entry (us), by pair of rounds")?;
        let heads = ["plain", "indexed", "ratio", "plain us", "indexed us", "ratio", "after ms", "sync ms"];
        heads.iter().try_for_each(|head| write!(out, "{head:>11}"))?;
        writeln!(out)?;
        let ratios = self.ratios().into_iter().zip(self.processor_ratios());
        for ((plain, indexed), (ratio, processor)) in self.plain.iter().zip(&self.indexed).zip(ratios) {
            write!(out, "{:>11.0}{:>11.0}{ratio:>11.3}", plain.rate, indexed.rate)?;
            write!(out, "{:>11.2}{:>11.2}{processor:>11.3}", plain.micros_an_entry, indexed.micros_an_entry)?;
            writeln!(out, "{:>11}{:>11}", number(indexed.lag), number((plain.sync + indexed.sync) / 2))?;
        }
        let of = |rounds: &[Round], value: fn(&Round) -> f64| median(&rounds.iter().map(value).collect::<Vec<_>>());
        let rate = |rounds| of(rounds, |round| round.rate);
        let micros = |rounds| of(rounds, |round| round.micros_an_entry);
        write!(out, "{:>11.0}{:>11.0}{:>11.3}", rate(&self.plain), rate(&self.indexed), self.ratio())?;
        let processor = median(&self.processor_ratios());
        writeln!(out, "{:>11.2}{:>11.2}{processor:>11.3}   (medians)", micros(&self.plain), micros(&self.indexed))
    }

    fn to_json(&self) -> Value {
        let pages = self.searches.iter().map(|pages| {
            json!({
                "key": pages.kind,
                "frequency": pages.frequency,
                "newest_first": pages.newest_first,
                "rows": pages.rows,
                "page_micros": micros(&pages.whole),
                "search_micros": micros(&pages.search),
            })
        });
        json!({
            "entries": self.entries,
            "fdatasync_micros": micros(&self.syncs),
            "pages": pages.collect::<Vec<_>>(),
            "all_pages_micros": micros(&self.all_pages()),
            "index_blocks": self.index.blocks,
            "index_bytes": self.index.bytes,
            "index_bytes_an_entry": self.bytes_an_entry(),
            "proof_micros": micros(&self.proofs),
            "start_millis": self.start.as_secs_f64() * 1e3,
            "entries_in_blocks_after_start": self.index_after_start.in_blocks,
            "commits_plain": rounds(&self.plain),
            "commits_indexed": rounds(&self.indexed),
            "commit_ratios": self.ratios(),
            "commit_ratio_median": self.ratio(),
            "processor_ratio_median": median(&self.processor_ratios()),
        })
    }
}

fn rounds(rounds: &[Round]) -> Value {
    let round = |round: &Round| {
        json!({
            "a_second": round.rate,
            "processor_micros_an_entry": round.micros_an_entry,
            "index_lag_millis": round.lag.as_secs_f64() * 1e3,
            "fdatasync_micros": round.sync.as_secs_f64() * 1e6,
        })
    };
    rounds.iter().map(round).collect()
}

fn micros(sample: &Sample) -> Value {
    let at = |thousandths| sample.at(thousandths).as_secs_f64() * 1e6;
    json!({ "count": sample.len(), "p50": at(500), "p99": at(990), "p999": at(999), "max": at(1_000) })
}

fn number(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1e3)
}

fn ms(duration: Duration) -> String {
    format!("{} ms", number(duration))
}
