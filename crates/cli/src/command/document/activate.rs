//! `causeway document activate`: brings an approved governed document into force.

use std::path::PathBuf;

use causeway_journal::v1::DocumentKind;
use causeway_proto::v1::ActivateDocumentRequest;
use causeway_store::Clock;
use clap::Args;
use prost::Message;

use crate::Failure;
use crate::approval::{GovernedFile, approvals_of};
use crate::client_options::ClientOptions;
use crate::output::say;
use crate::session::{Doing, Session};

/// Brings a document into force that two persons have approved: two of the granting agency for an agreement, two of the agency that
/// operates the gateway for any other.
#[derive(Debug, Args)]
pub(crate) struct ActivateOptions {
    /// The document: its exact bytes were approved.
    file: PathBuf,
    /// Files of approvals, as `causeway document approve` or `causeway certs dev` write them.
    #[arg(long = "approval", alias = "approvals", value_name = "FILE", num_args = 1.., required = true)]
    approvals: Vec<PathBuf>,
    #[command(flatten)]
    client: ClientOptions,
}

/// Activates a document, of one kind where one is wanted.
pub(in crate::command) async fn activate(
    options: &ActivateOptions,
    wanted: Option<DocumentKind>,
) -> Result<(), Failure> {
    let document = GovernedFile::read(&options.file)?;
    document.must_be(wanted, &options.file)?;
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
    match document.begins_after(Clock::system().now()) {
        None => say(format_args!("{} is in force; entry {entry}", document.about())),
        Some(day) => say(format_args!(
            "{} is approved, and in force from {day} on; the version before it goes on until then; entry {entry}",
            document.about()
        )),
    }
    Ok(())
}
