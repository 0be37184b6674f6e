//! `causeway identity`: asking for the identity behind a record or pseudonym, deciding about it, and handing it over sealed.

mod ask;
mod decide;
mod hand_over;
mod offline;

use causeway_model::EntryId;
use clap::Subcommand;

use crate::Failure;

/// Re-identification.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Asks for one identity: its owner by record, a partner by a pseudonym of its feed.
    Request(ask::RequestOptions),
    /// Lists requests: all for this agency's records, and those that this agency made.
    List(ask::ListOptions),
    /// Hands in a person's approval of a request, which `causeway approve` made.
    Approve(decide::ApproveOptions),
    /// Refuses a request, with the reason that the requester reads.
    Refuse(decide::RefuseOptions),
    /// Fetches the sealed body of an approved request, once: for the owner.
    Release(hand_over::FetchOptions),
    /// Opens a sealed identity with its owner's private key, offline, and prints it. What it prints is secret.
    Open(offline::OpenOptions),
    /// Opens a released identity and seals it again to the partner that asked, offline.
    Reseal(offline::ResealOptions),
    /// Hands in what was sealed again, for the partner to collect.
    Deliver(hand_over::DeliverOptions),
    /// Fetches what the owner delivered, once: for the partner.
    Collect(hand_over::FetchOptions),
}

pub(crate) async fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Request(options) => ask::request(options).await,
        Command::List(options) => ask::list(options).await,
        Command::Approve(options) => decide::approve(options).await,
        Command::Refuse(options) => decide::refuse(options).await,
        Command::Release(options) => hand_over::release(options).await,
        Command::Open(options) => offline::open(options),
        Command::Reseal(options) => offline::reseal(options),
        Command::Deliver(options) => hand_over::deliver(options).await,
        Command::Collect(options) => hand_over::collect(options).await,
    }
}

/// A request's id, as given on the command line.
fn request_id(text: &str) -> Result<EntryId, Failure> {
    let wrong =
        |_| Failure::usage("a request's id is 32 lower-case hexadecimal digits; `causeway identity list` shows it");
    text.parse().map_err(wrong)
}
