//! `causeway withdraw`: takes a record out of every feed that has it.

use causeway_crypto::random;
use causeway_model::RecordId;
use causeway_proto::v1::WithdrawRequest;
use clap::Args;

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::output::say;
use crate::session::{Doing, Session};
use causeway_verify::hex::hex;

/// Withdraws a record: every feed that has it gets a withdrawal.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The record's id, from its receipt.
    record: String,
    /// The version believed to be current, from the newest receipt.
    #[arg(long, value_name = "N")]
    expected_version: u32,
    /// This act's own id, to repeat it safely; a random one where it is left out.
    #[arg(long, value_name = "ID")]
    submission_id: Option<String>,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let record: RecordId = options.record.parse().map_err(|_| super::receipt::not_a_record())?;
    let submission_id = options.submission_id.clone().unwrap_or_else(|| format!("withdraw-{}", hex(&random::<16>())));
    let session = Session::open(&options.client, Doing::Submitting).await?;
    let request = WithdrawRequest {
        submission_id,
        record_id: record.to_string(),
        expected_version: options.expected_version,
        with_inclusion_proof: false,
    };
    let response = session.ingest().withdraw(request).await.map_err(|status| session.failure(status))?.into_inner();
    let receipt = response.receipt.ok_or_else(super::receipt::without_receipt)?;
    say(format_args!(
        "record {} is withdrawn; entry {}; every feed that had it gets a withdrawal",
        receipt.record_id, receipt.leaf_index
    ));
    Ok(())
}
