//! `causeway audit`: who saw what, when, why and under which agreement; checkpoints and proofs.

mod by_person;
pub(crate) mod checkpoint;
mod checkpoints;
mod consistency;
mod denials;
mod export;
mod match_evidence;
mod mirror;
pub(crate) mod prove;
mod query;
mod releases;
mod transfers;
mod unusual;
mod what_left;
mod who_saw;

use clap::Subcommand;

use crate::Failure;

/// The journal, for auditors.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists entries by what they say.
    Query(Box<query::Options>),
    /// Lists who saw one record, and who asked about it.
    WhoSaw(who_saw::Options),
    /// Lists everything that left to one partner.
    WhatLeft(what_left::Options),
    /// Lists what one person did.
    ByPerson(by_person::Options),
    /// Lists what was refused.
    Denials(denials::Options),
    /// Lists re-identifications: who asked, who approved, what was handed over.
    Releases(releases::Options),
    /// Reports transfers to partners: date, recipient, justification, description of the data (DPA 2018 ss.75, 76).
    Transfers(transfers::Options),
    /// Looks for what is unusual: volume, hours, purposes, one person after one record.
    Unusual(unusual::Options),
    /// Compares what a partner or a submitter kept with the journal, both ways.
    Match(match_evidence::Options),
    /// Writes entries to a file: JSON Lines with proofs, CSV, OCSF or syslog.
    Export(Box<export::Options>),
    /// Shows the newest signed checkpoint and the key that verifies it.
    Checkpoint(checkpoint::Options),
    /// Lists checkpoints of the past.
    Checkpoints(checkpoints::Options),
    /// Fetches the proof that the journal goes on from a checkpoint that was kept.
    Consistency(consistency::Options),
    /// Fetches one entry with its inclusion proof.
    Prove(prove::Options),
    /// Copies the whole journal to a folder, verified, for `causeway verify`.
    Mirror(mirror::Options),
}

pub(crate) async fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Query(options) => query::run(options).await,
        Command::WhoSaw(options) => who_saw::run(options).await,
        Command::WhatLeft(options) => what_left::run(options).await,
        Command::ByPerson(options) => by_person::run(options).await,
        Command::Denials(options) => denials::run(options).await,
        Command::Releases(options) => releases::run(options).await,
        Command::Transfers(options) => transfers::run(options).await,
        Command::Unusual(options) => unusual::run(options).await,
        Command::Match(options) => match_evidence::run(options).await,
        Command::Export(options) => export::run(options).await,
        Command::Checkpoint(options) => checkpoint::run(options).await,
        Command::Checkpoints(options) => checkpoints::run(options).await,
        Command::Consistency(options) => consistency::run(options).await,
        Command::Prove(options) => prove::run(options).await,
        Command::Mirror(options) => mirror::run(options).await,
    }
}
