//! `causeway restore`: a journal from its backup, every byte of it checked before it is in its place.

use std::path::PathBuf;

use causeway_gateway::Config;
use causeway_journal::VerifierKey;
use causeway_store::{Restore, RestoreKeys, Restored, Restoring};
use causeway_verify::command::read_keys;
use clap::Args;
use serde::Serialize;

use crate::output::{Progress, note, say, say_json};
use crate::{Failure, key_file};

/// Restores a journal from a backup into an empty folder. Every part is opened, every frame and entry is applied again and compared with
/// the signed checkpoint, every body with the digest in its entry, and, with the gateway's keys, every body and opening is opened. Only
/// then the folder takes its place: where anything does not hold, nothing is there.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The backup's folder.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// The recipient's private key: the other half of the one that the backup is sealed to.
    #[arg(long, value_name = "PRIVATEKEYFILE")]
    identity: PathBuf,
    /// Where the journal is to be: what data_dir names. Empty, or not there yet.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// The gateway's settings, which say where its keys are. Those are only read: the gateway may run on them, for a rehearsal.
    #[arg(long, value_name = "FILE", default_value = "config/gateway.toml")]
    config: PathBuf,
    /// The journal's verifier key, or a file that holds it, in place of the settings: for a rehearsal where the gateway's keys are not.
    /// Bodies are compared with their digests then, and not opened.
    #[arg(long, value_name = "VKEY|FILE", conflicts_with = "config")]
    verifier_key: Vec<String>,
    /// One line of JSON in place of the text.
    #[arg(long)]
    json: bool,
    /// No progress on standard error.
    #[arg(short, long)]
    quiet: bool,
}

/// What has been restored.
#[derive(Debug, Serialize)]
struct Report {
    backup: String,
    to: String,
    entries: u64,
    newest_entry: Option<u64>,
    newest_time: String,
    root: String,
    checkpoint: String,
    parts: u64,
    unused_parts: u64,
    bodies: u64,
    opened: u64,
    erased: u64,
    unreadable: u64,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let identity = key_file::sealing_private(&options.identity)?;
    let (origin, trusted, keys) = trust(options)?;
    let with_keys = keys.is_some();
    let restore = Restore { from: options.from.clone(), identity, to: options.to.clone(), origin, trusted, keys };
    let mut shown = Shown { parts: None, entries: None, quiet: options.quiet };
    let restored = causeway_store::restore(&restore, &mut |step| shown.step(step));
    shown.finish();
    report(options, &restored.map_err(Failure::Store)?, with_keys);
    Ok(())
}

/// The journal's origin, keys that sign its checkpoints, and where the gateway's own are.
fn trust(options: &Options) -> Result<(String, Vec<VerifierKey>, Option<RestoreKeys>), Failure> {
    let mut given = Vec::new();
    for text in &options.verifier_key {
        given.extend(read_keys(text).map_err(Failure::NotProven)?);
    }
    if let Some(key) = given.first() {
        return Ok((key.name().to_owned(), given, None));
    }
    let Config { origin, keys_dir, keys, .. } = super::serve::load(&options.config)?;
    let keys = RestoreKeys { keys_dir, mirror_dir: keys.mirror_dir, root: keys.root };
    Ok((origin, Vec::new(), Some(keys)))
}

/// What is shown of how far it has come.
struct Shown {
    parts: Option<Progress>,
    entries: Option<Progress>,
    quiet: bool,
}

impl Shown {
    fn step(&mut self, step: Restoring) {
        let (place, what, done, total) = match step {
            Restoring::Parts(done, total) => (&mut self.parts, "parts", done, total),
            Restoring::Entries(done, total) => (&mut self.entries, "entries checked", done, total),
        };
        place.get_or_insert_with(|| Progress::start(what, Some(total), self.quiet)).at(done);
    }

    fn finish(&mut self) {
        self.parts.take().into_iter().chain(self.entries.take()).for_each(Progress::finish);
    }
}

fn report(options: &Options, restored: &Restored, with_keys: bool) {
    let to = options.to.display().to_string();
    if options.json {
        return say_json(&Report {
            backup: restored.id.iter().map(|byte| format!("{byte:02x}")).collect(),
            to,
            entries: restored.entries,
            newest_entry: restored.entries.checked_sub(1),
            newest_time: restored.newest.to_string(),
            root: restored.root.to_string(),
            checkpoint: restored.checkpoint.clone(),
            parts: restored.parts,
            unused_parts: restored.unused_parts,
            bodies: restored.bodies,
            opened: restored.opened,
            erased: restored.erased,
            unreadable: restored.unreadable,
        });
    }
    let Restored { entries, frames, root, newest, bodies, opened, erased, unused_parts, .. } = restored;
    say(format_args!("{to}: {entries} entries in {frames} frames, all as the signed checkpoint says"));
    if let Some(number) = entries.checked_sub(1) {
        say(format_args!("newest acknowledged entry: {number}, of {newest}; root {root}"));
    }
    match with_keys {
        true => say(format_args!("{bodies} bodies; {opened} bodies and openings opened, {erased} erased")),
        false => say(format_args!(
            "{bodies} bodies, each as its entry says; none was opened, since the gateway's keys are not here"
        )),
    }
    if restored.unreadable > 0 {
        note(format_args!(
            "{} of them cannot be read: page keys are damaged (docs/keys.md, \"A page key is damaged\")",
            restored.unreadable
        ));
    }
    if *unused_parts > 0 {
        note(format_args!("{unused_parts} parts of a run that was interrupted are not in it"));
    }
    note(
        "start the gateway over it (data_dir): erasures that were ordered since are carried out again before anything is served",
    );
    note(
        "what was acknowledged after that entry is not there; receipts, partners' pages and witnesses show what: docs/backup.md",
    );
}
