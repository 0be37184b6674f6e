//! How long a cube over a million persons takes: `cargo run --release -p causeway-cells --example speed`.
//!
//! Four dimensions of the size they have in the United Kingdom's referrals (150 nationalities, 8 age bands, 4 genders,
//! 20 kinds of exploitation), with the skew of such data: few categories hold most persons. Prints the median of
//! several rounds of counting, protecting and writing for the grand total and all tables of one and two dimensions, and
//! for all 16 tables.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use causeway_cells::Error;
use causeway_cells::cube::{Counts, Cube, Dimension, Level, Rules, Shown, Table};

const ROWS: usize = 1_000_000;
const ROUNDS: usize = 7;
/// The larger, the fewer categories hold most persons.
const SKEW: i32 = 6;
const SIZES: [u16; 4] = [150, 8, 4, 20];

fn main() -> io::Result<()> {
    let rows = rows();
    let pairs: Vec<Level> = Level::all(4).into_iter().filter(|level| level.size() <= 2).collect();
    let out = &mut io::stdout();
    for (name, tables) in [("up to two dimensions", pairs), ("all tables", Level::all(4))] {
        match measure(&rows, &tables) {
            Ok(measured) => measured.print(name, out)?,
            Err(error) => writeln!(out, "{name}: {error}")?,
        }
    }
    Ok(())
}

/// Medians, and what came out.
struct Measured {
    count: Duration,
    protect: Duration,
    write: Duration,
    lookup: Duration,
    table: Table,
}

impl Measured {
    fn print(&self, name: &str, out: &mut impl Write) -> io::Result<()> {
        let (count, protect) = (self.count, self.protect);
        writeln!(out, "{name}: count {count:?}, protect {protect:?}, together {:?}", count + protect)?;
        let text = match self.table.to_json() {
            Ok(text) => format!("{} bytes", text.len()),
            Err(error) => error.to_string(),
        };
        writeln!(out, "  text {:?} ({text}), lookup of a table {:?}", self.write, self.lookup)?;
        for level in self.table.levels() {
            let cells = self.table.level(level).unwrap_or_default();
            let hidden = cells.iter().filter(|cell| cell.shown == Shown::Suppressed).count();
            writeln!(out, "  table {level:?}: {} cells, {hidden} suppressed", cells.len())?;
        }
        writeln!(out, "  withheld: {:?}", self.table.withheld())
    }
}

fn measure(rows: &[[u16; 4]], tables: &[Level]) -> Result<Measured, Error> {
    let (mut counting, mut protecting, mut writing, mut looking) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut last = None;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let mut counts = Counts::new(SIZES.iter().enumerate().map(dimension).collect())?;
        for row in rows {
            counts.add(row)?;
        }
        counting.push(start.elapsed());
        let start = Instant::now();
        let table = Cube::protect(counts, tables, Rules::new(11, 5)?)?.table();
        protecting.push(start.elapsed());
        let start = Instant::now();
        let _ = std::hint::black_box(table.to_json());
        writing.push(start.elapsed());
        let start = Instant::now();
        let _ = std::hint::black_box(table.level(Level::of(&[0, 3])?));
        looking.push(start.elapsed());
        last = Some(table);
    }
    let [count, protect, write, lookup] = [counting, protecting, writing, looking].map(median);
    Ok(Measured { count, protect, write, lookup, table: last.ok_or(Error::Level)? })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn dimension((name, size): (usize, &u16)) -> Dimension {
    Dimension { name: format!("d{name}"), categories: (0..*size).map(|code| format!("c{code}")).collect() }
}

/// The same rows in every run.
fn rows() -> Vec<[u16; 4]> {
    let mut state = 1u64;
    let mut below = |size: u16| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let share = f64::from(u32::try_from(state >> 33).unwrap_or(0)) / f64::from(1u32 << 31);
        // A power of an even share puts most persons into the first categories.
        (0..size).rev().find(|code| f64::from(*code) / f64::from(size) <= share.powi(SKEW)).unwrap_or(0)
    };
    (0..ROWS).map(|_| SIZES.map(&mut below)).collect()
}
