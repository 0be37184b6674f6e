//! `causeway backup`: a sealed copy of the journal in a folder, made while the gateway runs, and gone on with by the same command.

use std::path::{Path, PathBuf};

use causeway_proto::v1::backup_response::Content;
use causeway_proto::v1::{BackupRequest, BackupResponse};
use causeway_store::{BackupFolder, BackupPlace};
use clap::Args;
use serde::Serialize;

use crate::client_options::ClientOptions;
use crate::output::{Progress, note, say, say_json};
use crate::session::{Doing, Session};
use crate::{Failure, key_file};

/// Backs up the journal of a running gateway into a folder, sealed to the recipient that the gateway's settings name ([backup]
/// recipient). The same command goes on with a backup that is there: one that was interrupted goes on where it stopped, one that was
/// ended gets what has come since. Keys are never in it: a restore needs the keys folder, or its bundle and its mirror (docs/keys.md).
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The folder: on another volume than the journal; empty, absent, or a backup to go on with.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// The public key that it has to be sealed to: where the gateway seals to another, nothing is written.
    #[arg(long, value_name = "PUBLICKEYFILE")]
    recipient: Option<PathBuf>,
    /// One line of JSON in place of the text.
    #[arg(long)]
    json: bool,
    /// No progress on standard error.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    client: ClientOptions,
}

/// What there is now.
#[derive(Debug, Serialize)]
struct Report {
    backup: String,
    folder: String,
    parts: u64,
    new_parts: u64,
    bytes: u64,
    entries: u64,
    frames: u64,
    recipient: String,
    complete: bool,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let expected = options.recipient.as_deref().map(key_file::sealing_public).transpose()?;
    let mut folder = BackupFolder::open(&options.to).map_err(Failure::Store)?;
    let before = folder.newest().map_or(0, BackupPlace::part);
    if folder.newest().is_some_and(|newest| !newest.is_complete()) && !options.quiet {
        note(format_args!("the last run was interrupted after part {before}; it goes on from there"));
    }
    let request = folder.newest().map_or_else(BackupRequest::default, |newest| BackupRequest {
        newest_header: newest.header(),
        newest_digest: newest.digest().0.to_vec(),
    });
    let session = Session::open(&options.client, Doing::Operating).await?;
    let answer = session.admin().backup(request).await.map_err(|status| session.failure(status))?;
    let mut answer = answer.into_inner();
    let mut progress = Progress::start("parts", None, options.quiet);
    while let Some(message) = answer.message().await.map_err(|status| session.failure(status))? {
        if let Some(expected) = &expected {
            is_sealed_to(&message, &expected.key_id().to_string(), &options.to)?;
        }
        take(&mut folder, message)?;
        progress.at(folder.newest().map_or(0, BackupPlace::part));
    }
    progress.finish();
    match folder.newest().filter(|newest| newest.is_complete() && newest.part() > before) {
        Some(newest) => report(options, &folder, newest, before),
        None => Err(session.lost("the backup broke off; run the same command again, it goes on where it stopped")),
    }
}

fn take(folder: &mut BackupFolder, message: BackupResponse) -> Result<(), Failure> {
    match message.content {
        Some(Content::Header(header)) => folder.begin(&header),
        Some(Content::Sealed(bytes)) => folder.write(&bytes).map(drop),
        None => Ok(()),
    }
    .map_err(Failure::Store)
}

/// Nothing of a part is written that others could open.
fn is_sealed_to(message: &BackupResponse, expected: &str, folder: &Path) -> Result<(), Failure> {
    let Some(Content::Header(header)) = &message.content else { return Ok(()) };
    let digest = causeway_crypto::Digest([0; 32]);
    let place = BackupPlace::new(header, digest);
    let place = place.map_err(|what| Failure::does_not_hold(format!("what the gateway sent {what}")))?;
    let found = place.recipient().to_string();
    if found == expected {
        return Ok(());
    }
    let fault = format!(
        "not written: the gateway seals to the key {found}, and --recipient is {expected}; see [backup] in its settings"
    );
    Err(Failure::content(folder, fault))
}

fn report(options: &Options, folder: &BackupFolder, newest: &BackupPlace, before: u64) -> Result<(), Failure> {
    let report = Report {
        backup: newest.id().iter().map(|byte| format!("{byte:02x}")).collect(),
        folder: options.to.display().to_string(),
        parts: newest.part(),
        new_parts: newest.part() - before,
        bytes: folder.bytes(),
        entries: newest.entries(),
        frames: newest.through().0,
        recipient: newest.recipient().to_string(),
        complete: newest.is_complete(),
    };
    if options.json {
        say_json(&report);
        return Ok(());
    }
    let Report { folder, parts, new_parts, bytes, entries, recipient, .. } = &report;
    say(format_args!(
        "{folder}: {entries} entries in {parts} parts ({new_parts} new), {bytes} bytes, sealed to the key {recipient}"
    ));
    note(
        "a restore needs the private half of that key, and the keys folder or its bundle and mirror, which are in no backup: docs/keys.md",
    );
    Ok(())
}
