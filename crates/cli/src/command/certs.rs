//! `causeway certs dev`: development identities.

use std::path::PathBuf;

use causeway_store::Clock;
use clap::{Args, Subcommand};

use crate::Failure;
use crate::certs;
use crate::output::say;

/// Identities.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes development CAs, certificates, keys, agency files and approvals. What is there and good is kept.
    Dev(DevOptions),
}

/// Where identities go and what they are for.
#[derive(Debug, Args)]
pub(crate) struct DevOptions {
    /// The folder to write to.
    #[arg(long, value_name = "DIR", default_value = "certs-dev")]
    dir: PathBuf,
    /// The folder with agencies/, agreements/ and schemas/.
    #[arg(long, value_name = "DIR", default_value = "config")]
    config_dir: PathBuf,
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    let Command::Dev(options) = command;
    let made = certs::issue(&options.dir, &options.config_dir, Clock::system().now())?;
    for path in &made.written {
        say(format_args!("wrote {}", path.display()));
    }
    let (written, kept) = (made.written.len(), made.kept);
    say(format_args!("{written} written, {kept} kept; development only: one machine holds every agency's keys"));
    Ok(())
}
