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
        let (start, used) = (Instant::now(), cpu_seconds());
        let found = mirror(folder.path(), &trust, None)?;
        let (took, used) = (start.elapsed().as_secs_f64(), cpu_seconds() - used);
        writeln!(
            out,
            "verified size {} in {took:.2} s, with {used:.2} s of both threads' time",
            found.vouched.checkpoint.size
        )?;
    }
    Ok(())
}

/// The processor time of this process so far, which a busy machine does not change; 0 where the system does not say it.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The program's name may hold spaces; the fields after its parenthesis count on from 3, in hundredths of a second.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split(' ');
    fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}
