//! `causeway agreement`: an agreement before it is approved, what it would change, and bringing it into force.

mod check;
mod diff;

use causeway_journal::v1::DocumentKind;
use clap::Subcommand;

use super::document::{ActivateOptions, SuspendOptions, activate, suspend};
use crate::Failure;
use crate::approval::SuspendedKind;

/// Agreements.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Checks agreement files offline: every fault with its line, and a note of each field that could join items or feeds.
    Check(check::Options),
    /// Says what the partner would gain and lose if an agreement came into force, over the records that are there now.
    Diff(diff::Options),
    /// Brings an agreement into force that two persons of the granting agency have approved.
    Activate(ActivateOptions),
    /// Suspends an agreement at once, with one person's approval.
    Suspend(SuspendOptions),
}

pub(crate) async fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Check(options) => check::run(options),
        Command::Diff(options) => diff::run(options).await,
        Command::Activate(options) => activate(options, Some(DocumentKind::Agreement)).await,
        Command::Suspend(options) => suspend(SuspendedKind::Agreement, options).await,
    }
}
