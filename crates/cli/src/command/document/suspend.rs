//! `causeway document suspend`: suspends the version in force of an agency or an agreement.

use std::path::PathBuf;

use causeway_proto::v1::SuspendRequest;
use clap::Args;
use prost::Message;

use crate::Failure;
use crate::approval::{SuspendedKind, Suspension, approvals_of};
use crate::client_options::ClientOptions;
use crate::output::{note, say};
use crate::session::{Doing, Session};

/// Suspends an agency or an agreement at once. Bringing a later version of its file into force ends that.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What: agency or agreement.
    kind: SuspendedKind,
    #[command(flatten)]
    which: SuspendOptions,
}

/// Which one, and who approved it.
#[derive(Debug, Args)]
pub(crate) struct SuspendOptions {
    /// Its id, as al-police or ISA-AL-2026-014.
    id: String,
    /// The version in force.
    #[arg(long, value_name = "N")]
    version: u32,
    /// The file of the approval, as `causeway document approve --suspend` writes it.
    #[arg(long = "approval", value_name = "FILE", num_args = 1.., required = true)]
    approvals: Vec<PathBuf>,
    #[command(flatten)]
    client: ClientOptions,
}

pub(super) async fn run(options: &Options) -> Result<(), Failure> {
    suspend(options.kind, &options.which).await
}

/// Suspends.
pub(in crate::command) async fn suspend(kind: SuspendedKind, options: &SuspendOptions) -> Result<(), Failure> {
    let suspension = Suspension::new(kind, &options.id, options.version).map_err(Failure::usage)?;
    let approvals = approvals_of(&suspension.digest(), &suspension.about(), &options.approvals)?;
    let session = Session::open(&options.client, Doing::Operating).await?;
    let request = SuspendRequest {
        kind: kind.as_str().into(),
        id: suspension.id.clone(),
        approval: approvals.first().map(|approval| approval.to_journal().encode_to_vec()).unwrap_or_default(),
        version: suspension.version,
    };
    let response = session.admin().suspend(request).await.map_err(|status| session.failure(status))?;
    let entry = response.into_inner().leaf_index;
    say(format_args!("the {} {} version {} is suspended; entry {entry}", kind.as_str(), options.id, options.version));
    note("a later version of its file ends that: `causeway document propose`, `approve`, `activate`");
    Ok(())
}
