//! The command `causeway-verify`, which is also `causeway verify`: what it takes, what it says, and its exit code. It prints nothing
//! itself and reads no clock: both are its caller's.

mod evidence;
mod judgement;
mod keys;
mod many;
mod report;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::VerifyError;
use crate::memory::Memory;
use crate::trust::{Freshness, Trust};
use evidence::Evidence;
use report::Report;

pub use keys::{read_keys, read_policy};

const EXIT_CODES: &str = "Exit codes: 0 proven; 1 does not hold, or is no evidence; 2 holds, but fewer witnesses cosigned it than the policy \
                          asks for, or neither --key nor --policy was given, so that anybody could have made it, or a mirror without notes; \
                          3 older than --max-age, or of a time to come, or smaller than what --state remembers; \
                          4 the journal was cut back or shows two histories: both signed checkpoints are written to --evidence-dir.";

/// Checks evidence without any connection. What it is, its content says: a proof file (`audit prove --out`, `receipt --out`), a signed
/// checkpoint (`audit checkpoint`), two checkpoints with the proof that one extends the other (`audit consistency`), an export (`audit
/// export`), a file of receipts (`submit --receipts`), a folder of kept pages (`pull --receipts`), or a whole journal (`audit mirror`).
#[derive(Debug, Clone, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Options {
    /// The file or folder; for a pair, two checkpoints in any order, and then the consistency file.
    #[arg(required = true, num_args = 1..=3, value_name = "FILE")]
    pub evidence: Vec<PathBuf>,
    /// The journal's verifier key, or a file that holds it (`audit checkpoint --key-out`), one a line. Give it several times, or several
    /// lines, after a rotation. Without it and without --policy nothing is proven.
    #[arg(long, value_name = "VKEY|FILE")]
    pub key: Vec<String>,
    /// A trust policy (C2SP tlog-policy): the journal's keys, and which witnesses must have cosigned.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// How old it may be, as 90s, 15m, 12h or 7d: by the witnesses' time or, where the policy asks for none, by the newest entry's.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub max_age: Option<Duration>,
    /// The time to compare with, in seconds since 1970, in the place of this machine's.
    #[arg(long, value_name = "SECONDS", requires = "max_age")]
    pub now: Option<u64>,
    /// Remember the newest checkpoint of each journal in this folder, and find a journal that was split since. A smaller one is
    /// taken for old (3), or for one that was cut back (4) where a witness's time on it is later.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Where two checkpoints that contradict each other are written; the folder of --state or, without, this one.
    #[arg(long, value_name = "DIR")]
    pub evidence_dir: Option<PathBuf>,
    /// Of a mirror that has no notes (`causeway/`), as other programs make it, be content with entries and tiles.
    #[arg(long)]
    pub entries_only: bool,
    /// Say it as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// What the command says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Lines for standard output.
    pub lines: Vec<String>,
    /// Lines for standard error: single faults, and in the end why the code is not 0.
    pub notes: Vec<String>,
    /// The exit code.
    pub code: u8,
}

/// Checks the evidence. `clock` is asked for the seconds since 1970 only where an age is to be told and no time was given.
pub fn run(options: &Options, clock: impl FnOnce() -> u64) -> Answer {
    let mut report = Report::new();
    let verdict = check(options, clock, &mut report);
    report.answer(verdict, options.json)
}

fn check(options: &Options, clock: impl FnOnce() -> u64, report: &mut Report) -> Result<(), VerifyError> {
    let trust = trust(options, clock)?;
    let memory = options.state.as_deref().map(Memory::in_folder);
    let evidence_folder = options.evidence_dir.clone().or_else(|| options.state.clone()).unwrap_or_else(|| ".".into());
    let evidence = Evidence::of(&options.evidence)?;
    let court = judgement::Court { trust, memory, evidence_folder, entries_only: options.entries_only };
    court.judge(&evidence, report)
}

fn trust(options: &Options, clock: impl FnOnce() -> u64) -> Result<Trust, VerifyError> {
    let mut known = Vec::new();
    for text in &options.key {
        known.extend(read_keys(text)?);
    }
    let policy = options.policy.as_deref().map(keys::read_policy).transpose()?;
    let freshness = options.max_age.map(|max_age| Freshness {
        max_age_seconds: max_age.as_secs(),
        now_seconds: options.now.unwrap_or_else(clock),
    });
    Ok(Trust::new(policy, &known, freshness))
}

fn duration(text: &str) -> Result<Duration, String> {
    let malformed = || "a number with s, m, h or d, as 15m".to_owned();
    let unit = text.chars().last().ok_or_else(malformed)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(malformed()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| malformed())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(malformed)
}
