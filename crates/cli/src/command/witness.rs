//! `causeway witness`: cosigns the checkpoints of other organisations' logs, until SIGTERM or Ctrl-C; makes its key; shows
//! what it holds.

mod new_key;
mod show;

use std::path::{Path, PathBuf};

use causeway_gateway::config::{Log, LogFormat};
use causeway_gateway::init_logging;
use causeway_store::Clock;
use causeway_witness::{Config, Error, Witness};
use clap::{Args, Subcommand};
use tokio::net::TcpListener;

use crate::Failure;
use crate::output::note;
use crate::signals::Signals;

const MICROS_A_SECOND: u64 = 1_000_000;

/// Runs a witness (C2SP tlog-witness) until SIGTERM or Ctrl-C: it cosigns what each log says of itself, as long as that only
/// ever grows.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    /// The settings.
    #[arg(long, value_name = "FILE", default_value = "config/witness.toml")]
    config: PathBuf,
    /// Make the state folder first: for the very first start only. A witness that has lost what it held is not begun again;
    /// it gets a new key.
    #[arg(long)]
    begin: bool,
}

/// What goes with running one.
#[derive(Debug, Subcommand)]
enum Command {
    /// Makes the witness's key, and prints its line for a policy file.
    NewKey(new_key::Options),
    /// Shows the newest checkpoint that is held of each log, verified.
    Show(show::Options),
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    match &options.command {
        None => serve(options).await,
        Some(Command::NewKey(options)) => new_key::run(options),
        Some(Command::Show(options)) => show::run(options),
    }
}

async fn serve(options: &Options) -> Result<(), Failure> {
    let mut signals = Signals::catch()?;
    let place = &options.config;
    let config = load(place)?;
    let format = if config.log.json { LogFormat::Json } else { LogFormat::Text };
    init_logging(Log { format, level: config.log.level }).map_err(|error| Failure::gateway(place, &error))?;
    if options.begin {
        causeway_witness::begin(&config).map_err(|error| failure(place, error))?;
    }
    let listener = TcpListener::bind(config.listen).await.map_err(|error| failure(place, Error::Listen(error)))?;
    let clock = Clock::system();
    let seconds = causeway_witness::Clock::new(move || clock.now().0 / MICROS_A_SECOND);
    let witness = Witness::start(&config, seconds, listener).map_err(|error| failure(place, error))?;
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    note(format_args!("witnessing on {scheme}://{}; stop with Ctrl-C", witness.address()));
    note(format_args!("logs: {}; verifier key: {}", witness.logs(), witness.verifier_key()));
    witness.serve(async move { signals.wait().await }).await;
    Ok(())
}

/// Reads the settings, with every fault in them.
fn load(path: &Path) -> Result<Config, Failure> {
    std::fs::metadata(path).map_err(|error| Failure::file(path, error))?;
    Config::load(path).map_err(|faults| Failure::faults(path, &faults))
}

fn failure(place: &Path, error: Error) -> Failure {
    match error {
        Error::Faults(faults) => Failure::faults(place, &faults),
        Error::Listen(source) => Failure::content(place, format!("listen: {source}")),
    }
}
