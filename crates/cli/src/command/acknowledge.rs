//! `causeway acknowledge`: says what of a feed has been taken note of.

use causeway_proto::v1::AcknowledgeRequest;
use clap::{ArgGroup, Args};

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::output::say;
use crate::session::{Doing, Session};

/// Says that all items up to a position have been taken note of, withdrawals included, or one item alone. The operator who says so
/// is shown to the owner of the records.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["position", "item"]))]
pub(crate) struct Options {
    /// All items up to this position.
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    position: Option<u64>,
    /// The item at this position alone.
    #[arg(long, value_name = "POSITION", value_parser = clap::value_parser!(u64).range(1..))]
    item: Option<u64>,
    /// The agreement; it may be left out where the agency has one only.
    #[arg(long, value_name = "ID")]
    agreement: Option<String>,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let session = Session::open(&options.client, Doing::Reading).await?;
    let request = AcknowledgeRequest {
        agreement: options.agreement.clone().unwrap_or_default(),
        up_to_position: options.position.unwrap_or(0),
        item_position: options.item.unwrap_or(0),
    };
    let response = session.feed().acknowledge(request).await.map_err(|status| session.failure(status))?.into_inner();
    let up_to = response.acknowledged_position;
    say(match options.item {
        None => format!("acknowledged up to position {up_to}"),
        Some(item) => format!("item {item} is acknowledged; all are up to position {up_to}"),
    });
    Ok(())
}
