//! One start in a process of its own: this program again, by a subcommand that is not shown.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use causeway_rig::Failed;

use crate::audit::mix::Mix;
use crate::check::Check;
use crate::{journals, processor};

/// What it says once it has appended, and waits to be killed.
pub(super) const READY: &str = "ready";

/// Drafts in flight while it fills the journal.
const IN_FLIGHT: usize = 512;

/// What to do with the journal.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The folder that it is in.
    #[arg(long)]
    place: PathBuf,
    /// Append until it has so many entries.
    #[arg(long, default_value_t = 0)]
    until: u64,
    /// Append so many more.
    #[arg(long, default_value_t = 0)]
    more: u64,
    /// Say how many entries there were, and wait to be killed, in the place of closing it.
    #[arg(long)]
    hold: bool,
}

/// Starts the journal, appends what is asked for, and closes it or waits to be killed. Its checks are for the process that started it.
pub(crate) fn run(arguments: &Arguments) -> Result<Vec<Check>, Failed> {
    let (begun, used) = (Instant::now(), processor::seconds());
    let journal = journals::open(&arguments.place, true)?;
    let (seconds, processor) = (begun.elapsed().as_secs_f64(), processor::seconds() - used);
    let had = journals::size(&journal);
    let missing = arguments.until.saturating_sub(had) + arguments.more;
    let mut mix = Mix::from_seed(had);
    journals::append_all(&journal, (0..missing).map(|_| mix.draft()), IN_FLIGHT)?;
    journals::index_done(&journal);
    if arguments.hold {
        writeln!(std::io::stdout().lock(), "{READY} {had}")?;
        // Ends with the process that started this one, should it not kill it.
        std::io::stdin().read_line(&mut String::new())?;
        return Ok(Vec::new());
    }
    let (resident, most) = processor::memory_of(std::process::id());
    let begun = Instant::now();
    journal.close();
    Ok(vec![
        Check::shown("entries", had as f64, "entries"),
        Check::shown("seconds", seconds, "s"),
        Check::shown("processor", processor, "s"),
        Check::shown("resident", resident as f64, "bytes"),
        Check::shown("most", most as f64, "bytes"),
        Check::shown("stop", begun.elapsed().as_secs_f64(), "s"),
    ])
}
