//! `causeway serve`: the gateway, until SIGTERM or Ctrl-C. SIGHUP has it look at its files.

use std::path::{Path, PathBuf};

use causeway_gateway::{Config, Error, init_logging, launch};
use clap::Args;

use crate::Failure;
use crate::output::note;
use crate::signals::{HangUps, Signals};
use crate::supervisor::{self, Notice};

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
    let mut config = load(&options.config)?;
    init_logging(config.log).map_err(|error| Failure::gateway(&options.config, &error))?;
    loop {
        match serve(config.clone(), options, &mut signals).await? {
            Ok(()) => return Ok(()),
            // Opening the journal again is what recovers it; where that fails, whoever runs this process starts another.
            Err(Error::Reopen(reason)) => {
                note(format_args!("the journal had stopped ({reason}); opening it again"));
                // With what has been taken since. Settings that do not read are reported by the gateway, as in the time before.
                config = load(&options.config).unwrap_or(config);
            }
            Err(error) => return Err(Failure::gateway(&options.config, &error)),
        }
    }
}

/// One start to its end: the outer error is of a start that failed.
async fn serve(config: Config, options: &Options, signals: &mut Signals) -> Result<Result<(), Error>, Failure> {
    let hang_ups = HangUps::catch()?;
    let (keys, data) = (config.keys_dir.clone(), config.data_dir.clone());
    let cluster = config.cluster.as_ref().map(|cluster| (cluster.nodes.own, cluster.log.stream.clone()));
    let launched = tokio::select! {
        launched = launch(config) => launched,
        // Nothing is served yet, and the next start recovers what there is as after a power cut.
        () = signals.wait() => return Ok(Ok(())),
    };
    let gateway = launched.map_err(|error| advised(Failure::gateway(&options.config, &error)))?;
    note(format_args!("serving on https://{}; stop with Ctrl-C", gateway.address()));
    note(format_args!("keys in {} (not for backups: docs/keys.md), journal in {}", plain(&keys), plain(&data)));
    if let Some((node, stream)) = cluster {
        note(format_args!("node {node} of the log that is shared in stream {stream}"));
    }
    if let Some(reason) = gateway.halted() {
        note(format_args!("HALTED: {reason}"));
        note(format_args!(
            "only health and the last checkpoint are served; evidence in {}",
            plain(&data.join("evidence"))
        ));
    }
    supervisor::tell(Notice::Ready);
    let reloads = gateway.reloads();
    let asking = tokio::spawn(hang_ups.each(move || reloads.ask()));
    let stop = async {
        signals.wait().await;
        supervisor::tell(Notice::Stopping);
    };
    let served = gateway.serve(stop).await;
    asking.abort();
    Ok(served)
}

/// A start that fails for want of identities or approvals, with where those come from.
fn advised(failure: Failure) -> Failure {
    match failure {
        Failure::Gateway { what, .. } if what.contains("unapproved-document") => Failure::Faults {
            place: "the start folder".into(),
            faults: what.lines().map(str::to_owned).collect(),
            remedy: "have the documents approved (in development: run `causeway certs dev`)",
        },
        Failure::Faults { place, faults, .. } if faults.iter().any(|fault| fault.contains("No such file")) => {
            let remedy = "put the files there (in development: run `causeway certs dev`)";
            Failure::Faults { place, faults, remedy }
        }
        failure => failure,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_approvals_and_identities_say_where_they_come_from() {
        let what = "agency file a: unapproved-document; approve it\nschema s: unapproved-document; approve it";
        let unapproved = advised(Failure::Gateway { taken: false, what: what.into() });
        assert!(unapproved.to_string().contains("`causeway certs dev`"), "{unapproved}");
        assert_eq!(unapproved.details().len(), 2);
        let faults = vec!["a.pem: No such file or directory (os error 2)".into()];
        let missing = advised(Failure::Faults { place: "gateway.toml".into(), faults, remedy: "" });
        assert!(missing.to_string().ends_with("(in development: run `causeway certs dev`)"), "{missing}");
        let other = advised(Failure::Gateway { taken: false, what: "the disk is full".into() });
        assert_eq!(other.to_string(), "the disk is full");
    }
}
