//! Pages over the size of the feed: gateways with ever fewer records beside the large one, asked in turns, so that the machine's mood is
//! the same for all of them.

use std::path::Path;
use std::time::Instant;

use causeway_rig::Failed;

use super::Arguments;
use super::feed::Reader;
use super::stage::{Shares, Stage};
use crate::check::Check;
use crate::latency::Latency;
use crate::sample::median;
use crate::{processor, say};

/// How much longer the slowest hundredth of the pages may take in the largest feed than in the smallest.
const FLAT_WITHIN: f64 = 1.3;

/// The smallest number of records that a curve goes down to, where there are a hundred times as many above.
const SMALLEST: usize = 10_000;

/// Pages of each size in a round.
const PAGES: u64 = 300;

/// Pages that are read for so many that are full: of a feed's pages all but the last one are.
const MOST_PAGES: u64 = 2 * PAGES;

/// Pages at least that the smallest feed has, so that a page is no small part of it.
const PAGES_OF_SMALLEST: usize = 4;

/// Bytes.
const MIB: f64 = 1_048_576.0;

/// A feed of one size, read on and on from where the last round stopped.
#[derive(Debug)]
struct Size {
    stage: Stage,
    reader: Reader,
    cursor: String,
    rounds: Vec<Latency>,
}

/// Measures pages of the first partner's feed on the stage that is there, and on smaller ones.
pub(super) async fn measure(
    arguments: &Arguments,
    dir: &Path,
    largest: Stage,
    shares: &Shares,
) -> Result<Vec<Check>, Failed> {
    let counts = sizes(arguments.items);
    let smallest = counts.last().copied().unwrap_or(arguments.items);
    let (partner, percent) = shares.all().first().ok_or("no share")?;
    let fitting = u32::try_from(smallest * percent / 100 / PAGES_OF_SMALLEST).unwrap_or(u32::MAX).max(1);
    let page = arguments.page.min(fitting);
    let mut stages = vec![largest];
    for count in counts.into_iter().skip(1) {
        stages.push(Stage::prepared(dir, shares, count, arguments.size).await?);
    }
    let mut all = Vec::new();
    for stage in stages {
        let reader = Reader::connect(&stage.reach, partner, page).await?;
        all.push(Size { stage, reader, cursor: String::new(), rounds: Vec::new() });
    }
    for round in 0..arguments.rounds {
        say(format_args!("pages of {page} by the size of the feed, round {} of {}", round + 1, arguments.rounds));
        for size in &mut all {
            size.read(page).await?;
        }
        all.reverse();
    }
    if !arguments.rounds.is_multiple_of(2) {
        all.reverse();
    }
    checks(&all, page)
}

/// The number of records, a tenth of it, and so on.
fn sizes(items: usize) -> Vec<usize> {
    let least = SMALLEST.min(items / 100).max(1);
    let smaller = std::iter::successors(Some(items), |size| Some(size / 10));
    smaller.take_while(|size| *size >= least).collect()
}

impl Size {
    /// Times pages that are full: what the last page of a feed lacks would make it fast.
    async fn read(&mut self, limit: u32) -> Result<(), Failed> {
        let (mut latency, mut full) = (Latency::new(), 0);
        for _ in 0..MOST_PAGES {
            let begun = Instant::now();
            let page = self.reader.page(std::mem::take(&mut self.cursor)).await?;
            let taken = begun.elapsed();
            if page.items.len() == usize::try_from(limit)? {
                latency.add(taken);
                full += 1;
            }
            if page.more {
                self.cursor = page.next_cursor;
            }
            if full == PAGES {
                self.rounds.push(latency);
                return Ok(());
            }
        }
        Err("most pages are not full: their documents take too many bytes".into())
    }

    fn millis(&self, thousandths: u32) -> Vec<f64> {
        self.rounds.iter().map(|latency| latency.millis(thousandths)).collect()
    }
}

fn checks(all: &[Size], page: u32) -> Result<Vec<Check>, Failed> {
    let mut checks = vec![Check::shown("pull curve: items of a page", f64::from(page), "items")];
    for size in all {
        let name = |what: &str| format!("pull curve at {} records: {what}", size.stage.records);
        let (now, _) = processor::memory_of(size.stage.gateway.id());
        checks.push(Check::shown(name("page p50"), median(&size.millis(500)), "ms"));
        checks.push(Check::shown(name("page p99"), median(&size.millis(990)), "ms"));
        checks.push(Check::shown(name("memory of the gateway"), now as f64 / MIB, "MiB"));
    }
    let [largest, .., smallest] = all else { return Err("a curve takes feeds of two sizes".into()) };
    for (name, thousandths, aim) in [("p50", 500, None), ("p99", 990, Some(FLAT_WITHIN))] {
        let pairs = largest.millis(thousandths).into_iter().zip(smallest.millis(thousandths));
        let ratio = median(&pairs.map(|(large, small)| large / small).collect::<Vec<_>>());
        let name = format!("pull curve: page {name} of the largest feed over the smallest");
        checks.push(match aim {
            Some(aim) => Check::at_most(name, ratio, "ratio", aim),
            None => Check::shown(name, ratio, "ratio"),
        });
    }
    Ok(checks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_goes_down_by_tens() {
        assert_eq!(sizes(1_000_000), [1_000_000, 100_000, 10_000]);
        assert_eq!(sizes(10_000_000).len(), 4);
        assert_eq!(sizes(2_000), [2_000, 200, 20]);
    }
}
