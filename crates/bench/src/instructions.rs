//! `instructions`: how many instructions of the gateway a record takes, whatever else the machine does.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use causeway_rig::{Failed, Launch};

use crate::check::Check;
use crate::ground::{Ground, PURPOSE, SUBMITTER};
use crate::{records, say};

/// What counts them: one core that is worked through in software, about fifty times slower than the real one.
const COUNTER: &str = "valgrind";

/// Where the counter writes, in the installation.
const COUNTS: &str = "instructions.out";

/// What to count.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// Records of the shorter run; the longer one has twice as many, and what it takes more is what they take.
    #[arg(long, default_value_t = 2_000)]
    pub(crate) records: usize,
    /// Bytes of a record's JSON, about.
    #[arg(long, default_value_t = records::DESIGN_BYTES)]
    pub(crate) size: usize,
}

impl Arguments {
    /// For a look at everything in a few minutes. With a quarter of it, what a start and a stop take by chance can be more than the difference.
    pub(crate) const fn short() -> Self {
        Self { records: 2_000, size: records::DESIGN_BYTES }
    }

    /// For seeing that it runs.
    pub(crate) const fn smoke() -> Self {
        Self { records: 20, size: records::DESIGN_BYTES }
    }
}

/// Counts those of two runs, each on an installation of its own. Where the counter is not installed, it says so and finds nothing.
pub(crate) fn run(arguments: &Arguments, dir: &Path) -> Result<Vec<Check>, Failed> {
    let asked = Command::new(COUNTER).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !asked.is_ok_and(|status| status.success()) {
        say(format_args!("instructions: skipped, because {COUNTER} is not installed"));
        return Ok(Vec::new());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let count = |records| runtime.block_on(counted(records, arguments.size, dir));
    let (once, twice) = (count(arguments.records)?, count(2 * arguments.records)?);
    let Some(more) = twice.checked_sub(once) else {
        say("instructions: none found, because the longer run took fewer; take more records");
        return Ok(Vec::new());
    };
    let each = more as f64 / arguments.records.max(1) as f64;
    Ok(vec![Check::shown("instructions: of the gateway, a record over a stream", each, "instructions")])
}

/// Instructions of a gateway from its start to its end, that takes so many records over a stream and releases them.
async fn counted(count: usize, size: usize, dir: &Path) -> Result<u64, Failed> {
    let ground = Ground::within(dir)?;
    let counts = ground.installation.path(COUNTS);
    let mut out = std::ffi::OsString::from("--cachegrind-out-file=");
    out.push(&counts);
    let under = vec![COUNTER.into(), "--tool=cachegrind".into(), "--cache-sim=no".into(), out];
    let gateway = ground.installation.start(&Launch { under, ..Launch::default() })?;
    let clients = ground.installation.reach(&gateway).clients(SUBMITTER, PURPOSE).await?;
    records::submit_all(&clients, records::requests(0x15, count, size, "counted")).await?;
    drop(clients);
    let ended = gateway.stop()?;
    if !ended.success() {
        return Err(format!("the gateway ended with {ended}").into());
    }
    let text = fs::read_to_string(&counts)?;
    let total = text.lines().rev().find_map(|line| line.strip_prefix("summary: ")).ok_or("no total was counted")?;
    Ok(total.split(' ').next().unwrap_or_default().parse()?)
}
