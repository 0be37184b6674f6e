//! `causeway restrict`: withholds a record from every feed and keeps it, or ends that.

use causeway_crypto::random;
use causeway_model::RecordId;
use causeway_proto::v1::RestrictRequest;
use clap::Args;

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::output::say;
use crate::session::{Doing, Session};
use causeway_verify::hex::hex;

/// Restricts a record (DPA 2018 s.47): every feed that has it gets a withdrawal, and the record is kept.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The record's id, from its receipt.
    record: String,
    /// The version believed to be current, from the newest receipt.
    #[arg(long, value_name = "N")]
    expected_version: u32,
    /// End the restriction: feeds may have the record again.
    #[arg(long)]
    lift: bool,
    /// This act's own id, to repeat it safely; a random one where it is left out.
    #[arg(long, value_name = "ID")]
    submission_id: Option<String>,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let record: RecordId = options.record.parse().map_err(|_| super::receipt::not_a_record())?;
    let submission_id = options.submission_id.clone().unwrap_or_else(|| format!("restrict-{}", hex(&random::<16>())));
    let session = Session::open(&options.client, Doing::Submitting).await?;
    let request = RestrictRequest {
        submission_id,
        record_id: record.to_string(),
        expected_version: options.expected_version,
        restricted: !options.lift,
    };
    let response = session.ingest().restrict(request).await.map_err(|status| session.failure(status))?.into_inner();
    let receipt = response.receipt.ok_or_else(super::receipt::without_receipt)?;
    let (record, entry) = (receipt.record_id, receipt.leaf_index);
    say(match options.lift {
        false => format!("record {record} is restricted; entry {entry}; every feed that had it gets a withdrawal"),
        true => format!(
            "record {record} is no longer restricted; entry {entry}; feeds whose agreement grants it get it again"
        ),
    });
    Ok(())
}
