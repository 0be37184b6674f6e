//! `causeway certs dev` and `causeway certs revoke`: development identities.

use std::path::PathBuf;

use causeway_model::SystemId;
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
    /// Revokes a system's certificate, in development. A gateway that runs takes the new list by itself.
    Revoke(RevokeOptions),
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

/// Whose certificate.
#[derive(Debug, Args)]
pub(crate) struct RevokeOptions {
    /// The system, as al-police/feed.
    #[arg(value_name = "AGENCY/SYSTEM")]
    system: SystemId,
    /// The folder that `certs dev` wrote to.
    #[arg(long, value_name = "DIR", default_value = "certs-dev")]
    dir: PathBuf,
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Dev(options) => dev(options),
        Command::Revoke(options) => revoke(options),
    }
}

fn revoke(options: &RevokeOptions) -> Result<(), Failure> {
    let path = certs::revoke(&options.dir, &options.system, Clock::system().now())?;
    say(format_args!("wrote {}", path.display()));
    say(format_args!("{} has no access any more; `causeway certs dev` gives it another certificate", options.system));
    Ok(())
}

fn dev(options: &DevOptions) -> Result<(), Failure> {
    let made = certs::issue(&options.dir, &options.config_dir, Clock::system().now())?;
    for path in &made.written {
        say(format_args!("wrote {}", path.display()));
    }
    let (written, kept) = (made.written.len(), made.kept);
    say(format_args!("{written} written, {kept} kept; development only: one machine holds every agency's keys"));
    Ok(())
}
