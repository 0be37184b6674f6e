//! `causeway hold`: a legal hold keeps a record from erasure and expiry.

use causeway_model::RecordId;
use causeway_proto::v1::HoldRequest;
use clap::{Args, Subcommand};

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::output::say;
use crate::session::{Doing, Session};

/// Legal holds.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Puts a record under a legal hold: neither erasure nor expiry touches it.
    Set(Options),
    /// Lifts a legal hold.
    Lift(Options),
}

/// Which record.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The record's id, from its receipt.
    record: String,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(command: &Command) -> Result<(), Failure> {
    let (options, held) = match command {
        Command::Set(options) => (options, true),
        Command::Lift(options) => (options, false),
    };
    let record: RecordId = options.record.parse().map_err(|_| super::receipt::not_a_record())?;
    let session = Session::open(&options.client, Doing::Protecting).await?;
    let request = HoldRequest { record_id: record.to_string(), held };
    let response = session.protection().hold(request).await.map_err(|status| session.failure(status))?;
    let entry = response.into_inner().leaf_index;
    say(match held {
        true => format!("record {record} is under a legal hold; entry {entry}; it is not erased and does not expire"),
        false => format!("the legal hold on record {record} is lifted; entry {entry}"),
    });
    Ok(())
}
