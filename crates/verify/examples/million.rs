//! How long it takes to verify a whole mirrored log: `cargo run --release -p causeway-verify --example million [ENTRIES]`.
//!
//! Makes a mirror of synthetic entries of about 300 bytes over real genesis documents in a temporary folder first.

#[path = "../tests/verify/synthetic.rs"]
mod synthetic;

use std::io::Write;
use std::time::Instant;

use causeway_verify::{MirrorWriter, Trust, mirror};
use synthetic::Synthetic;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let entries = std::env::args().nth(1).map_or(Ok(1_000_000), |number| number.parse())?;
    let mut out = std::io::stdout().lock();
    let folder = tempfile::tempdir()?;
    let log = Synthetic::of(entries);
    let trust = Trust::new(None, &[log.verifier()], None);
    let mut writer = MirrorWriter::open(folder.path(), &trust)?;
    writer.begin(&log.note())?;
    for (from, entries, notes) in log.stream(0, log.size()) {
        writer.take(from, entries, notes)?;
    }
    writer.finish(&trust)?;
    let bytes: usize = log.entries.iter().map(Vec::len).sum();
    writeln!(out, "{entries} entries of {} bytes on average", bytes as u64 / log.size())?;
    drop(log);
    for _ in 0..5 {
        let start = Instant::now();
        let found = mirror(folder.path(), &trust, None)?;
        let took = start.elapsed();
        writeln!(out, "verified size {} in {:.2} s", found.vouched.checkpoint.size, took.as_secs_f64())?;
    }
    Ok(())
}
