//! `causeway audit checkpoint`: the newest signed checkpoint, and the key to pin.

use std::path::PathBuf;

use causeway_journal::VerifierKey;
use causeway_proto::v1::{GetCheckpointRequest, GetCheckpointResponse};
use clap::Args;

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::output::{note, say};
use crate::session::{Doing, Session};
use crate::verifier_keys::VerifierKeys;
use causeway_verify::plain::plain;

/// The newest checkpoint.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Also write the verifier key to this file, to pin it. A file that holds another key stays as it is, and that is an
    /// error.
    #[arg(long, value_name = "FILE")]
    key_out: Option<PathBuf>,
    /// The newest that enough witnesses have cosigned, instead of the newest of all.
    #[arg(long)]
    witnessed: bool,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let session = Session::open(&options.client, Doing::Auditing).await?;
    let response = ask(&session, options.witnessed).await?;
    let (note_text, key) = (&response.checkpoint, key_of(&response)?);
    let checked = causeway_journal::verify_checkpoint(note_text, &key, key.name());
    checked.map_err(|fault| Failure::does_not_hold(format!("the checkpoint: {fault}")))?;
    options.key_out.as_deref().map_or(Ok(()), |path| VerifierKeys::pin(path, &key))?;
    // The note alone goes to standard output, so that what is kept of it is what was signed.
    say(note_text.trim_end());
    note(format_args!("\nverifier key (pin it): {key}"));
    if !response.halted.is_empty() {
        note(format_args!("the journal is HALTED, and this is the last of it: {}", plain(&response.halted)));
    }
    Ok(())
}

/// The newest checkpoint as it was signed, and the key that the gateway says it is signed with.
pub(crate) async fn checkpoint_of(session: &Session) -> Result<(String, VerifierKey), Failure> {
    let response = ask(session, false).await?;
    let key = key_of(&response)?;
    Ok((response.checkpoint, key))
}

/// The newest checkpoint that enough witnesses have cosigned, and its size.
pub(crate) async fn witnessed(session: &Session) -> Result<(String, u64), Failure> {
    let response = ask(session, true).await?;
    let key = key_of(&response)?;
    let checked = causeway_journal::verify_checkpoint(&response.checkpoint, &key, key.name());
    let checkpoint = checked.map_err(|fault| Failure::does_not_hold(format!("the checkpoint: {fault}")))?;
    Ok((response.checkpoint, checkpoint.size))
}

async fn ask(session: &Session, witnessed: bool) -> Result<GetCheckpointResponse, Failure> {
    let request = GetCheckpointRequest { witnessed, size: 0 };
    Ok(session.audit().get_checkpoint(request).await.map_err(|s| session.failure(s))?.into_inner())
}

fn key_of(response: &GetCheckpointResponse) -> Result<VerifierKey, Failure> {
    response.verifier_key.parse().map_err(|e| Failure::does_not_hold(format!("the verifier key: {e}")))
}
