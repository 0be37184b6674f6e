//! `causeway serve`: the gateway, until SIGTERM or Ctrl-C.

use std::path::PathBuf;

use causeway_gateway::{Config, init_logging, launch};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::Failure;
use crate::output::note;

/// Runs the gateway until SIGTERM or Ctrl-C: then it finishes what is in flight, syncs and exits with 0.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The settings.
    #[arg(long, value_name = "FILE", default_value = "config/gateway.toml")]
    config: PathBuf,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let config = Config::load(&options.config).map_err(|faults| Failure::faults(&options.config, &faults))?;
    init_logging(config.log).map_err(|error| Failure::gateway(&options.config, &error))?;
    let (keys, data) = (config.keys_dir.clone(), config.data_dir.clone());
    // Asked for before anything is open, so that no signal finds the journal half made.
    let mut terminated = signal(SignalKind::terminate()).map_err(|e| Failure::file(&options.config, e))?;
    let gateway = launch(config).await.map_err(|error| Failure::gateway(&options.config, &error))?;
    note(format_args!("serving on https://{}; stop with Ctrl-C", gateway.address()));
    note(format_args!("keys in {} (back them up apart), journal in {}", keys.display(), data.display()));
    let stop = async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    gateway.serve(stop).await.map_err(|error| Failure::gateway(&options.config, &error))
}
