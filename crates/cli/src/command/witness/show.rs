//! `causeway witness show`: what the witness holds of each log, verified as at a start; it may be running meanwhile.

use std::path::PathBuf;

use causeway_model::Timestamp;
use causeway_witness::{LastCheckpoint, LastHeld};
use clap::Args;
use serde::Serialize;

use super::{MICROS_A_SECOND, failure, load};
use crate::Failure;
use crate::output::{say, say_json};
use crate::text_table::TextTable;

/// Of which witness, and how.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The settings.
    #[arg(long, value_name = "FILE", default_value = "config/witness.toml")]
    config: PathBuf,
    /// One JSON object for each log.
    #[arg(long)]
    json: bool,
}

/// One log, as JSON; the three last members are absent before its first checkpoint.
#[derive(Debug, Serialize)]
struct Line<'a> {
    origin: &'a str,
    /// Where monitors find the checkpoint, below the witness's URL.
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cosigned_at: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let config = load(&options.config)?;
    let logs = causeway_witness::last_held(&config).map_err(|error| failure(&options.config, error))?;
    if options.json {
        logs.iter().for_each(|log| say_json(&line(log)));
    } else {
        table(&logs).lines().iter().for_each(say);
    }
    Ok(())
}

fn line(log: &LastHeld) -> Line<'_> {
    let last = log.checkpoint.as_ref();
    Line {
        origin: &log.origin,
        path: format!("/{}/checkpoint", log.name),
        size: last.map(|last| last.size),
        root: last.map(|last| last.root.to_string()),
        cosigned_at: last.map(time),
    }
}

fn table(logs: &[LastHeld]) -> TextTable {
    let mut table = TextTable::new(["log", "size", "root", "cosigned"]);
    for log in logs {
        let cell = |text: Option<String>| text.unwrap_or_else(|| "-".into());
        let last = log.checkpoint.as_ref();
        let size = cell(last.map(|last| last.size.to_string()));
        table.row([log.origin.clone(), size, cell(last.map(|last| last.root.to_string())), cell(last.map(time))]);
    }
    table
}

fn time(last: &LastCheckpoint) -> String {
    Timestamp(last.time_seconds.saturating_mul(MICROS_A_SECOND)).to_string()
}
