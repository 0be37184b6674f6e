//! `causeway document`: governed documents, from the proposal into force, and their suspension.

mod activate;
mod approve;
mod prepare;
mod propose;
mod suspend;

use clap::Subcommand;

use crate::Failure;

pub(super) use activate::{ActivateOptions, activate};
pub(super) use suspend::{SuspendOptions, suspend};

/// Governed documents: agency files, agreements, schemas and code lists.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Checks a document against everything that is in force, and says whose approvals it takes. Changes nothing.
    Propose(propose::Options),
    /// Shows a document or a suspension and signs it, offline.
    Approve(approve::Options),
    /// Puts approvals where the first start of a gateway reads them.
    Prepare(prepare::Options),
    /// Brings an approved document into force, live.
    Activate(ActivateOptions),
    /// Suspends the version in force of an agency or an agreement, with one approval.
    Suspend(suspend::Options),
}

pub(crate) async fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Propose(options) => propose::run(options).await,
        Command::Approve(options) => approve::run(options),
        Command::Prepare(options) => prepare::run(options),
        Command::Activate(options) => activate(options, None).await,
        Command::Suspend(options) => suspend::run(options).await,
    }
}
