//! `causeway at-risk`: says that a person in a record is in danger.

use causeway_crypto::random;
use causeway_model::RecordId;
use causeway_proto::v1::FlagAtRiskRequest;
use clap::Args;
use serde::Serialize;

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::holder_form::{self, HolderForm};
use crate::output::{note, say, say_json};
use crate::session::{Doing, Session};
use causeway_verify::hex::hex;

/// Withdraws a record everywhere at once because a person in it is in danger, keeps it back until its restriction is lifted
/// (`restrict --lift`), and starts the clock of the acknowledgements. Prints who holds it, and until when each has to acknowledge;
/// `causeway holders` shows who has.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The record's id, from its receipt.
    record: String,
    /// This act's own id, to repeat it safely; a random one where it is left out.
    #[arg(long, value_name = "ID")]
    submission_id: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Serialize)]
struct FlagForm<'a> {
    record_id: &'a str,
    leaf_index: u64,
    holders: Vec<HolderForm<'a>>,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let record: RecordId = options.record.parse().map_err(|_| super::receipt::not_a_record())?;
    let submission_id = options.submission_id.clone().unwrap_or_else(|| format!("at-risk-{}", hex(&random::<16>())));
    let session = Session::open(&options.client, Doing::Submitting).await?;
    let request = FlagAtRiskRequest { submission_id, record_id: record.to_string() };
    let response = session.ingest().flag_at_risk(request).await.map_err(|status| session.failure(status))?.into_inner();
    let leaf_index = response.receipt.ok_or_else(super::receipt::without_receipt)?.leaf_index;
    let holders = response.holders;
    if options.json {
        let record_id = &record.to_string();
        say_json(&FlagForm { record_id, leaf_index, holders: holders.iter().map(HolderForm::new).collect() });
        return Ok(());
    }
    say(format_args!("record {record} is flagged: a person in it is in danger; entry {leaf_index}"));
    say(match holders.len() {
        0 => "nobody has received it".to_owned(),
        1 => "1 partner has received it and gets a withdrawal at once:".to_owned(),
        count => format!("{count} partners have received it and get a withdrawal at once:"),
    });
    holder_form::lines(&holders).iter().for_each(say);
    note(format_args!("who has acknowledged it: causeway holders {record}"));
    Ok(())
}
