//! `causeway audit checkpoint`: the newest signed checkpoint, and the key to pin.

use std::path::PathBuf;

use causeway_journal::VerifierKey;
use causeway_proto::v1::GetCheckpointRequest;
use clap::Args;

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::output::{note, say};
use crate::session::{Doing, Session};
use crate::verifier_keys::VerifierKeys;

/// The newest checkpoint.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Also write the verifier key to this file, to pin it. A file that holds another key stays as it is, and that is an
    /// error.
    #[arg(long, value_name = "FILE")]
    key_out: Option<PathBuf>,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let session = Session::open(&options.client, Doing::Auditing).await?;
    let (note_text, key) = checkpoint_of(&session).await?;
    let checked = causeway_journal::verify_checkpoint(&note_text, &key, key.name());
    checked.map_err(|fault| Failure::does_not_hold(format!("the checkpoint: {fault}")))?;
    options.key_out.as_deref().map_or(Ok(()), |path| VerifierKeys::pin(path, &key))?;
    // The note alone goes to standard output, so that what is kept of it is what was signed.
    say(note_text.trim_end());
    note(format_args!("\nverifier key (pin it): {key}"));
    Ok(())
}

/// The newest checkpoint as it was signed, and the key that the gateway says it is signed with.
pub(crate) async fn checkpoint_of(session: &Session) -> Result<(String, VerifierKey), Failure> {
    let response =
        session.audit().get_checkpoint(GetCheckpointRequest::default()).await.map_err(|s| session.failure(s))?;
    let response = response.into_inner();
    let key = response.verifier_key.parse().map_err(|e| Failure::does_not_hold(format!("the verifier key: {e}")))?;
    Ok((response.checkpoint, key))
}
