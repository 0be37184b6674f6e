//! `causeway document`: brings an approved governed document into force.

use std::path::PathBuf;

use causeway_proto::v1::ActivateDocumentRequest;
use clap::{Args, Subcommand};
use prost::Message;

use crate::Failure;
use crate::approval::{GovernedFile, approvals_of};
use crate::client_options::ClientOptions;
use crate::output::say;
use crate::session::{Doing, Session};

/// Governed documents.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Brings an approved agency file into force, live.
    Activate(ActivateOptions),
}

/// Which document, and who approved it.
#[derive(Debug, Args)]
pub(crate) struct ActivateOptions {
    /// The document: its exact bytes were approved.
    file: PathBuf,
    /// Files of approvals, as `causeway approve` or `causeway certs dev` write them.
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    approvals: Vec<PathBuf>,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(command: &Command) -> Result<(), Failure> {
    let Command::Activate(options) = command;
    let document = GovernedFile::read(&options.file)?;
    let approvals = approvals_of(&document.digest(), "this document", &options.approvals)?;
    let session = Session::open(&options.client, Doing::Operating).await?;
    let request = ActivateDocumentRequest {
        kind: document.kind_code().into(),
        id: document.id.clone(),
        version: document.version,
        text: document.text.clone().into_bytes(),
        approvals: approvals.iter().map(|approval| approval.to_journal().encode_to_vec()).collect(),
    };
    let response = session.admin().activate_document(request).await.map_err(|status| session.failure(status))?;
    let entry = response.into_inner().leaf_index;
    say(format_args!("{} is in force; entry {entry}", document.about()));
    Ok(())
}
