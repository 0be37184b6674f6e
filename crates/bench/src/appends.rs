//! `journal`: durable appends of the library alone, with all that keeps them durable, beside what the engine and the disk allow.

mod bare;
mod drafts;
mod round;

use std::path::Path;

use causeway_rig::Failed;
use causeway_store::{Journal, folder_bytes};

use crate::audit::mix::Mix;
use crate::check::Check;
use crate::ground::Ground;
use crate::latency::Latency;
use crate::sample::median;
use crate::{disk, journals, say};
use bare::Bare;
use round::Round;

/// Callers that wait at once.
const IN_FLIGHT: [usize; 4] = [1, 64, 256, 512];

/// Least durable appends a second at so many in flight.
const AIMS: [(usize, f64); 2] = [(64, 20_000.0), (256, 50_000.0)];

/// A caller that waits for each append makes so many fewer of them: it takes a sync for each.
const ALONE_DIVISOR: usize = 16;

/// Most bytes on the disk: for each byte of an encrypted body, and for an entry.
const BODY_FACTOR: f64 = 2.0;
const ENTRY_BYTES: f64 = 400.0;

/// What encrypting a body adds to it: nonce and tag.
const ENCRYPTION_BYTES: usize = 12 + 16;

/// Bytes of an entry without its body, as the bare engine's row stands for it.
const ROW_BYTES: usize = 300;

/// Syncs that the disk's pace is taken from in each round.
const SYNCS: usize = 50;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Appends of a round, of each kind and for each number in flight; a sixteenth of them where one waits for the other.
    #[arg(long, default_value_t = 32_768)]
    entries: usize,
    /// Rounds; in every second one the order is the other way round.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Bytes of a body, where there is one.
    #[arg(long, default_value_t = 1_250)]
    body: usize,
}

impl Arguments {
    /// For a look at everything in a few minutes.
    pub(crate) fn short() -> Self {
        Self { entries: 16_384, rounds: 3, body: 1_250 }
    }

    /// For seeing that it runs.
    pub(crate) fn smoke() -> Self {
        Self { entries: 512, rounds: 1, body: 1_250 }
    }
}

/// Runs the benchmark in folders of its own.
pub(crate) fn run(arguments: &Arguments, dir: &Path) -> Result<Vec<Check>, Failed> {
    let folder = tempfile::tempdir_in(dir)?;
    let ground = Ground::within(folder.path())?;
    say("a gateway begins a journal, which collections take effect in");
    ground.start()?.0.stop()?;
    let installation = &ground.installation;
    let mut kinds = [
        Kind::of("plain", None, journals::open(&folder.path().join("plain"), true)?, folder.path())?,
        Kind::of("bodies", Some(arguments.body), journals::of(installation)?, folder.path())?,
    ];
    let mut mix = Mix::new();
    let mut syncs = Vec::new();
    for number in 0..arguments.rounds.max(1) {
        say(format!("round {} of {}", number + 1, arguments.rounds.max(1)));
        syncs.push(disk::sync_pace(folder.path(), SYNCS)?.at(500).as_secs_f64() * 1e3);
        let mut places: Vec<(usize, usize)> =
            (0..IN_FLIGHT.len()).flat_map(|case| (0..kinds.len()).map(move |kind| (kind, case))).collect();
        // A machine that grows slower would count against those that are always last.
        if !number.is_multiple_of(2) {
            places.reverse();
        }
        for (kind, case) in places {
            kinds[kind].round(&mut mix, case, arguments.entries)?;
        }
    }
    let [plain, bodies] = kinds;
    let mut checks = vec![Check::shown("journal: fdatasync between the rounds", median(&syncs), "ms")];
    checks.extend(plain.checks(&folder.path().join("plain"))?);
    checks.extend(bodies.checks(&installation.path("data"))?);
    Ok(checks)
}

/// A journal of entries of one kind, and what was found of it.
struct Kind {
    name: &'static str,
    body: Option<usize>,
    journal: Journal,
    bare: Bare,
    /// By the number in flight.
    cases: [Case; IN_FLIGHT.len()],
}

/// What was found with so many in flight.
#[derive(Debug, Default)]
struct Case {
    rounds: Vec<Round>,
    /// Rows a second of the bare engine, just before or after each round, so many a commit.
    bare: Vec<f64>,
}

impl Kind {
    fn of(name: &'static str, body: Option<usize>, journal: Journal, folder: &Path) -> Result<Self, Failed> {
        let bare = Bare::within(&folder.join(format!("bare-{name}")))?;
        Ok(Self { name, body, journal, bare, cases: Default::default() })
    }

    fn round(&mut self, mix: &mut Mix, case: usize, entries: usize) -> Result<(), Failed> {
        let in_flight = IN_FLIGHT[case];
        let count = if in_flight == 1 { (entries / ALONE_DIVISOR).max(1) } else { entries };
        let found = &mut self.cases[case];
        let length = ROW_BYTES + self.body.unwrap_or_default();
        let engine_first = found.rounds.len().is_multiple_of(2);
        let mut engine = |found: &mut Case| {
            found.bare.push(self.bare.rate(count, length, in_flight)?);
            Ok::<_, Failed>(())
        };
        if engine_first {
            engine(found)?;
        }
        let drafts = match self.body {
            None => drafts::plain(mix, count),
            Some(bytes) => drafts::collections(count, bytes),
        };
        found.rounds.push(Round::run(&self.journal, drafts, in_flight)?);
        if !engine_first {
            engine(found)?;
        }
        Ok(())
    }

    /// Closes the journal, which is in this folder.
    fn checks(self, folder: &Path) -> Result<Vec<Check>, Failed> {
        let mut checks = Vec::new();
        for (case, in_flight) in self.cases.iter().zip(IN_FLIGHT) {
            checks.extend(case.checks(self.name, in_flight)?);
        }
        let entries = journals::size(&self.journal);
        self.journal.close();
        let most = self.body.map_or(0.0, |body| BODY_FACTOR * (body + ENCRYPTION_BYTES) as f64) + ENTRY_BYTES;
        let found = folder_bytes(folder) as f64 / entries.max(1) as f64;
        let name = format!("journal: {}, disk an entry, of {entries}", self.name);
        checks.push(Check::at_most(name, found, "bytes", most));
        Ok(checks)
    }
}

impl Case {
    fn checks(&self, kind: &str, in_flight: usize) -> Result<Vec<Check>, Failed> {
        let name = format!("journal: {kind}, {in_flight} in flight,");
        let middle = |value: fn(&Round) -> f64| median(&self.rounds.iter().map(value).collect::<Vec<_>>());
        let rate = middle(|round| round.rate);
        let aim = AIMS.into_iter().find_map(|(number, aim)| (number == in_flight).then_some(aim));
        let rated = format!("{name} appends/s");
        let mut checks = vec![match aim {
            Some(aim) => Check::at_least(rated, rate, "appends/s", aim),
            None => Check::shown(rated, rate, "appends/s"),
        }];
        let ratios: Vec<f64> = self.rounds.iter().zip(&self.bare).map(|(round, bare)| round.rate / bare).collect();
        checks.push(Check::shown(format!("{name} bare engine"), median(&self.bare), "rows/s"));
        checks.push(Check::shown(format!("{name} over the bare engine"), median(&ratios), "ratio"));
        let mut latency = Latency::new();
        self.rounds.iter().try_for_each(|round| latency.merge(&round.latency))?;
        checks.extend(latency.checks(&name));
        checks.push(Check::shown(format!("{name} processor time an append"), middle(|round| round.micros), "us"));
        checks.push(Check::shown(format!("{name} written an append"), middle(|round| round.written), "bytes"));
        Ok(checks)
    }
}
