//! `causeway cluster`: makes the stream that a shared log is kept in, and checks what its servers enforce.

use std::path::PathBuf;

use causeway_store::{Assurance, AssureError, ClientFiles, SharedLog, create_stream};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::output::{note, say, say_json};
use crate::{Failure, cluster_file};

/// From so many hundredths of what the log may hold on, it is time for more.
const FULL_PERCENT: u64 = 70;

/// The shared log.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes the stream, by an administrator's certificate. One that is there with the same settings is left as it is.
    Create(CreateOptions),
    /// Checks what the servers enforce, and that the gateway's certificate may do what it has to and no more. It changes nothing.
    Check(CheckOptions),
}

/// What to make.
#[derive(Debug, Args)]
pub(crate) struct CreateOptions {
    /// The servers and the stream.
    #[arg(long, value_name = "FILE", default_value = "config/cluster.toml")]
    cluster: PathBuf,
    /// An administrator's certificate, in place of the gateway's, which may not.
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// Its private key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// What the log may take on each server, in GiB; more is refused. Leave the servers half of their volumes.
    #[arg(long, value_name = "GIB", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    max_gib: u32,
}

/// What to check.
#[derive(Debug, Args)]
pub(crate) struct CheckOptions {
    /// The servers, the stream, and the gateway's certificate.
    #[arg(long, value_name = "FILE", default_value = "config/cluster.toml")]
    cluster: PathBuf,
    /// One line of JSON in place of the text.
    #[arg(long)]
    json: bool,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Report {
    stream: String,
    log: Option<String>,
    frames: u64,
    checked: Vec<String>,
    away: Vec<String>,
    bytes: u64,
    max_bytes: Option<u64>,
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Create(options) => create(options),
        Command::Check(options) => check(options),
    }
}

fn create(options: &CreateOptions) -> Result<(), Failure> {
    let mut settings = cluster_file::read(&options.cluster)?;
    let ca = settings.files.ca.clone();
    settings.files = ClientFiles { ca, certificate: options.certificate.clone(), key: options.key.clone() };
    create_stream(&settings, u64::from(options.max_gib) << 30)
        .map_err(|error| Failure::Unreachable { fault: format!("stream {}: {error}", settings.stream) })?;
    say(format_args!(
        "stream {}: three copies, at most {} GiB on each server, nothing can be removed from it",
        settings.stream, options.max_gib
    ));
    note("check it with the gateway's certificate: causeway cluster check");
    Ok(())
}

fn check(options: &CheckOptions) -> Result<(), Failure> {
    let settings = cluster_file::read(&options.cluster)?;
    let stream = settings.stream.to_string();
    let log = cluster_file::open(settings)?;
    let found = assured(&log, &stream)?;
    let id = log.head().map_err(|error| Failure::does_not_hold(format!("stream {stream}: {error}")))?.log;
    let id = id.map(|id| id.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let Assurance { head, checked, away, bytes, max_bytes } = found;
    if options.json {
        say_json(&Report { stream, log: id, frames: head.0, checked, away, bytes, max_bytes });
        return Ok(());
    }
    say(format_args!("stream {stream}: {head} frames, log {}", id.as_deref().unwrap_or("none yet")));
    say(format_args!("every copy syncs before it acknowledges, and lacks nothing: {}", checked.join(", ")));
    if !away.is_empty() {
        note(format_args!("not checked, because it is away: {}", away.join(", ")));
    }
    if let Some(max_bytes) = max_bytes {
        let percent = bytes.saturating_mul(100) / max_bytes.max(1);
        say(format_args!("{bytes} of {max_bytes} bytes ({percent}%)"));
        if percent >= FULL_PERCENT {
            note("raise max_bytes soon: a log that is full refuses every frame (docs/cluster.md)");
        }
    }
    Ok(())
}

/// What the log's servers enforce; everything that they do not is told at once.
pub(crate) fn assured(log: &dyn SharedLog, stream: &str) -> Result<Assurance, Failure> {
    log.assure().map_err(|error| match error {
        AssureError::Faults(faults) => {
            Failure::Faults { place: format!("the shared log {stream}"), faults, remedy: "see docs/cluster.md" }
        }
        AssureError::Engine(source) => Failure::Unreachable {
            fault: format!("the shared log {stream} could not be asked what it enforces: {source}"),
        },
        AssureError::Closed => Failure::does_not_hold("the shared log is closed"),
    })
}
