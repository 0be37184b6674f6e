//! `causeway audit`: who saw what, when, why and under which agreement; checkpoints and proofs.

pub(crate) mod checkpoint;
pub(crate) mod prove;
pub(crate) mod query;

use clap::Subcommand;

use crate::Failure;

/// The journal, for auditors.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists entries: who saw a record, what an agency did, what went to whom.
    Query(query::Options),
    /// Shows the newest signed checkpoint and the key that verifies it.
    Checkpoint(checkpoint::Options),
    /// Fetches one entry with its inclusion proof.
    Prove(prove::Options),
}

pub(crate) async fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Query(options) => query::run(options).await,
        Command::Checkpoint(options) => checkpoint::run(options).await,
        Command::Prove(options) => prove::run(options).await,
    }
}
