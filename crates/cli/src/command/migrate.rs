//! `causeway migrate`: a stopped journal's frames into a shared log, and back into a data directory.

use std::path::PathBuf;

use causeway_gateway::Config;
use causeway_store::{LocalLog, Migrated, Migrating, SharedLog, migrate_from_shared, migrate_to_shared};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::cluster::assured;
use crate::output::{Progress, note, say, say_json};
use crate::{Failure, cluster_file};

/// Copies a stopped gateway's journal, frame by frame, into the stream of a shared log, or from there into a new data directory. What
/// was copied is read back, replayed, and compared with what the journal has signed. Interrupted on the way to the servers, the same
/// command goes on where it stopped; interrupted on the way back, nothing is in place. Keys and key pages stay where they are: on the
/// way back, the data directory of the settings gives its own.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where the journal is.
    #[arg(long, value_name = "LOG")]
    from: Place,
    /// Where it is to be.
    #[arg(long, value_name = "LOG")]
    to: Place,
    /// The gateway's settings, which say where its journal and keys are.
    #[arg(long, value_name = "FILE", default_value = "config/gateway.toml")]
    config: PathBuf,
    /// How the shared log is reached.
    #[arg(long, value_name = "FILE", default_value = "config/cluster.toml")]
    cluster: PathBuf,
    /// The new data directory, on the way back: empty, or not there yet.
    #[arg(long, value_name = "DIR", required_if_eq("to", "sled"))]
    into: Option<PathBuf>,
    /// One line of JSON in place of the text.
    #[arg(long)]
    json: bool,
    /// No progress on standard error.
    #[arg(short, long)]
    quiet: bool,
}

/// A kind of log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Place {
    /// The journal in this gateway's data directory.
    Sled,
    /// The stream of a shared log.
    Nats,
}

/// What has been migrated.
#[derive(Debug, Serialize)]
struct Report {
    to: String,
    log: String,
    frames: u64,
    were_there: u64,
    entries: u64,
    root: String,
    beyond: u64,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let into = match (options.from, options.to, &options.into) {
        (Place::Sled, Place::Nats, None) => None,
        (Place::Nats, Place::Sled, Some(into)) => Some(into),
        (Place::Sled, Place::Nats, Some(_)) => return Err(Failure::usage("--into is for the way back only")),
        _ => return Err(Failure::usage("a journal is migrated --from sled --to nats, or --from nats --to sled")),
    };
    let Config { origin, data_dir, keys_dir, keys, .. } = super::serve::load(&options.config)?;
    let own = LocalLog { data_dir, keys_dir, root: keys.root, origin };
    let mut settings = cluster_file::read(&options.cluster)?;
    settings.log_id = own.log_id().map_err(Failure::Store)?;
    let stream = settings.stream.to_string();
    let shared = cluster_file::open(settings)?;
    let mut shown = Shown { now: None, quiet: options.quiet };
    let (migrated, to) = match into {
        None => {
            assured(&shared, &stream)?;
            (migrate_to_shared(&own, &shared, &mut |step| shown.step(step)), format!("stream {stream}"))
        }
        // A damaged copy is no reason not to read: whatever comes is checked.
        Some(into) => {
            (migrate_from_shared(&own, &shared, into, &mut |step| shown.step(step)), into.display().to_string())
        }
    };
    shown.finish();
    let migrated = migrated.map_err(Failure::Store)?;
    if shared.close().is_err() {
        note("the connection did not close cleanly");
    }
    report(options, to, &migrated);
    Ok(())
}

/// What is shown of how far it has come.
struct Shown {
    now: Option<(&'static str, Progress)>,
    quiet: bool,
}

impl Shown {
    fn step(&mut self, step: Migrating) {
        let (what, done, all) = match step {
            Migrating::Own(done, all) => ("frames of the own journal checked", done, all),
            Migrating::Compared(done, all) => ("frames that are there compared", done, all),
            Migrating::Copied(done, all) => ("frames copied", done, all),
            Migrating::ReadBack(done, all) => ("frames read back", done, all),
        };
        if self.now.as_ref().is_none_or(|(shown, _)| *shown != what) {
            self.finish();
        }
        let (_, progress) = self.now.get_or_insert_with(|| (what, Progress::start(what, Some(all), self.quiet)));
        progress.at(done);
    }

    fn finish(&mut self) {
        if let Some((_, progress)) = self.now.take() {
            progress.finish();
        }
    }
}

fn report(options: &Options, to: String, migrated: &Migrated) {
    let Migrated { log, frames, were_there, entries, root, beyond } = *migrated;
    let log = log.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    if options.json {
        return say_json(&Report { to, log, frames, were_there, entries, root: root.to_string(), beyond });
    }
    say(format_args!("{to}: {entries} entries in {frames} frames, read back and replayed; root {root}"));
    if were_there > 0 {
        say(format_args!("{were_there} of the frames were there already, and are this journal's"));
    }
    if beyond > 0 {
        note(format_args!("{beyond} frames are of other nodes: this gateway has no keys for their bodies"));
    }
    match options.to {
        Place::Nats => note("keep the data directory: its key pages are nowhere else"),
        Place::Sled => note("start the gateway over it (data_dir); keep the old one until it runs"),
    }
}
