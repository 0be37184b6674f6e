//! `causeway holders`: who has a record, and who still has to say that it is gone.

use causeway_model::RecordId;
use causeway_proto::v1::ListHoldersRequest;
use clap::Args;

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::holder_form::{self, HolderForm};
use crate::output::{note, say, say_json};
use crate::session::{Doing, Session};

/// Lists the partners that have received a record: since when and in which versions, whether it was recalled, whether they have
/// acknowledged that, by whom, and until when they have to.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The record's id, from its receipt.
    record: String,
    /// Print JSON: one object a holder.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let record: RecordId = options.record.parse().map_err(|_| super::receipt::not_a_record())?;
    let session = Session::open(&options.client, Doing::Submitting).await?;
    let request = ListHoldersRequest { record_id: record.to_string() };
    let response = session.ingest().list_holders(request).await.map_err(|status| session.failure(status))?;
    let holders = response.into_inner().holders;
    match options.json {
        true => holders.iter().for_each(|holder| say_json(&HolderForm::new(holder))),
        false => holder_form::lines(&holders).iter().for_each(say),
    }
    let overdue = holders.iter().filter(|holder| holder.overdue).count();
    note(match holders.len() {
        0 => format!("nobody has received record {record}"),
        1 => format!("1 partner has received it, {overdue} overdue"),
        count => format!("{count} partners have received it, {overdue} overdue"),
    });
    Ok(())
}
