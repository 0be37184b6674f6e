//! `causeway serve`: the gateway, until SIGTERM or Ctrl-C.

use std::path::{Path, PathBuf};

use causeway_gateway::{Config, init_logging, launch};
use clap::Args;

use crate::Failure;
use crate::output::note;
use crate::signals::Signals;

/// Runs the gateway until SIGTERM or Ctrl-C: then it finishes what is in flight, syncs and exits with 0.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The settings.
    #[arg(long, value_name = "FILE", default_value = "config/gateway.toml")]
    config: PathBuf,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    // Before anything is open, so that no signal finds the journal half made.
    let mut signals = Signals::catch()?;
    let config = load(&options.config)?;
    init_logging(config.log).map_err(|error| Failure::gateway(&options.config, &error))?;
    let (keys, data) = (config.keys_dir.clone(), config.data_dir.clone());
    let gateway = launch(config).await.map_err(|error| Failure::gateway(&options.config, &error))?;
    note(format_args!("serving on https://{}; stop with Ctrl-C", gateway.address()));
    note(format_args!("keys in {} (back them up apart), journal in {}", plain(&keys), plain(&data)));
    let served = gateway.serve(async move { signals.wait().await }).await;
    served.map_err(|error| Failure::gateway(&options.config, &error))
}

/// Reads the settings, with every fault in them.
pub(crate) fn load(path: &Path) -> Result<Config, Failure> {
    std::fs::metadata(path).map_err(|e| Failure::file(path, e))?;
    Config::load(path).map_err(|faults| Failure::faults(path, &faults))
}

/// A path without the detours that a settings file makes.
fn plain(path: &Path) -> String {
    path.canonicalize().as_deref().unwrap_or(path).display().to_string()
}
