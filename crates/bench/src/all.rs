//! `all`: every benchmark, one after the other, and each number that the design and issue 7 hold Causeway to.

mod lines;

use std::path::Path;
use std::time::Instant;

use causeway_rig::Failed;
use clap::Parser;

use crate::check::Check;
use crate::submit::{self, Mode};
use crate::{appends, audit, cut, instructions, limits, mixed, nodes, peer, pull, say, start, who_saw};

/// How much of each is done.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Each in its short form: under ten minutes altogether, with journals of half a million entries at most.
    #[arg(long)]
    short: bool,
    /// Each at about a hundredth of that: to see that they run, not to measure.
    #[arg(long, conflicts_with = "short")]
    smoke: bool,
}

/// A benchmark, run in one of its sizes.
type Bench = fn(Size, &Path) -> Result<Vec<Check>, Failed>;

/// All there are, in the order in which they run: the longest last.
const BENCHES: &[(&str, Bench)] = &[
    ("limits", |size, dir| limits::run(&size.of(&[], limits::Arguments::short, limits::Arguments::smoke)?, dir)),
    ("submit --mode stream", |size, dir| submit(size, dir, Mode::Stream, 64)),
    ("submit --mode unary --in-flight 64", |size, dir| submit(size, dir, Mode::Unary, 64)),
    ("submit --mode unary --in-flight 1", |size, dir| submit(size, dir, Mode::Unary, 1)),
    ("instructions", |size, dir| {
        instructions::run(&size.of(&[], instructions::Arguments::short, instructions::Arguments::smoke)?, dir)
    }),
    ("journal", |size, dir| journal(size, dir)),
    ("cut", |size, dir| cut::run(&size.of(&[], cut::Arguments::short, cut::Arguments::smoke)?, dir)),
    ("who-saw", |size, dir| who_saw::run(&size.of(&[], who_saw::Arguments::short, who_saw::Arguments::smoke)?, dir)),
    ("mixed", |size, dir| mixed::run(&size.of(&[], mixed::Arguments::short, mixed::Arguments::smoke)?, dir)),
    ("nodes", |size, dir| nodes::run(&size.of(&[], nodes::Arguments::short, nodes::Arguments::smoke)?, dir)),
    ("peer opentaxii", |size, dir| {
        let arguments = size.of(&["opentaxii"], peer::Arguments::short_opentaxii, peer::Arguments::smoke_opentaxii);
        peer::run(&arguments?, dir)
    }),
    ("peer postgres", |size, dir| {
        let arguments = size.of(&["postgres"], peer::Arguments::short_postgres, peer::Arguments::smoke_postgres);
        peer::run(&arguments?, dir)
    }),
    ("pull", |size, dir| {
        let largest = ["--items", TEN_MILLION, "--curve"];
        pull::run(&size.of(&largest, pull::Arguments::short, pull::Arguments::smoke)?, dir)
    }),
    ("audit", |size, dir| {
        let largest = ["--entries", TEN_MILLION];
        audit::run(&size.of(&largest, audit::Arguments::short, audit::Arguments::smoke)?, dir)
    }),
    ("start", |size, dir| start::run(&size.of(&[], start::Arguments::short, start::Arguments::smoke)?, dir)),
];

/// The size that the design's numbers are about, where a benchmark by itself stops at a smaller one.
const TEN_MILLION: &str = "10000000";

fn journal(size: Size, dir: &Path) -> Result<Vec<Check>, Failed> {
    appends::run(&size.of(&[], appends::Arguments::short, appends::Arguments::smoke)?, dir)
}

fn submit(size: Size, dir: &Path, mode: Mode, in_flight: usize) -> Result<Vec<Check>, Failed> {
    let arguments = match size {
        Size::Full => submit::Arguments { mode, in_flight, ..words(&[])? },
        Size::Short => submit::Arguments::short(mode, in_flight),
        Size::Smoke => submit::Arguments::smoke(mode, in_flight),
    };
    submit::run(&arguments, dir)
}

/// What they found, and an error where one of them failed: the others run on.
pub(crate) fn run(arguments: &Arguments, dir: &Path) -> (Vec<Check>, Result<(), Failed>) {
    let mut checks = Vec::new();
    let mut failed = Vec::new();
    let begun = Instant::now();
    for (name, bench) in BENCHES {
        say(format!("{name}, after {:.0} s", begun.elapsed().as_secs_f64()));
        match bench(Size::of_run(arguments), dir) {
            Ok(found) => checks.extend(found),
            Err(error) => {
                crate::complain(error.as_ref());
                failed.push(*name);
            }
        }
    }
    // The lines that are held to something first, each in the order of its benchmark.
    checks.sort_by_key(|check: &Check| check.aim.is_none());
    for line in lines::missing(&checks) {
        say(format!("not measured: {line}"));
    }
    let ended = if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", ")).into()) };
    (checks, ended)
}

/// How much of a benchmark is done.
#[derive(Debug, Clone, Copy)]
enum Size {
    Full,
    Short,
    Smoke,
}

impl Size {
    const fn of_run(arguments: &Arguments) -> Self {
        match arguments {
            Arguments { smoke: true, .. } => Self::Smoke,
            Arguments { short: true, .. } => Self::Short,
            Arguments { .. } => Self::Full,
        }
    }

    /// A benchmark's arguments; at full size what it does when it is given these words.
    fn of<A: clap::Args>(self, full: &[&str], short: fn() -> A, smoke: fn() -> A) -> Result<A, Failed> {
        match self {
            Self::Full => words(full),
            Self::Short => Ok(short()),
            Self::Smoke => Ok(smoke()),
        }
    }
}

/// A benchmark's arguments on a command line of their own.
#[derive(Debug, Parser)]
struct Alone<A: clap::Args> {
    #[command(flatten)]
    arguments: A,
}

fn words<A: clap::Args>(words: &[&str]) -> Result<A, Failed> {
    Ok(Alone::try_parse_from(["causeway-bench"].iter().chain(words))?.arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_benchmark_takes_its_words_at_full_size() {
        words::<pull::Arguments>(&["--items", TEN_MILLION, "--curve"]).expect("pull");
        words::<audit::Arguments>(&["--entries", TEN_MILLION]).expect("audit");
        for peer in ["opentaxii", "postgres"] {
            words::<peer::Arguments>(&[peer]).expect(peer);
        }
        words::<start::Arguments>(&["--no-such-option"]).expect_err("a mistake is seen");
    }
}
