//! `causeway acknowledge`: says up to where a feed has been taken note of.

use causeway_proto::v1::AcknowledgeRequest;
use clap::Args;

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::output::say;
use crate::session::{Doing, Session};

/// Says that all items up to a position have been taken note of, withdrawals included.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// All items up to this position.
    position: u64,
    /// The agreement; it may be left out where the agency has one only.
    #[arg(long, value_name = "ID")]
    agreement: Option<String>,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let session = Session::open(&options.client, Doing::Reading).await?;
    let agreement = options.agreement.clone().unwrap_or_default();
    let request = AcknowledgeRequest { agreement, up_to_position: options.position, item_position: 0 };
    let response = session.feed().acknowledge(request).await.map_err(|status| session.failure(status))?.into_inner();
    say(format_args!("acknowledged up to position {}", response.acknowledged_position));
    Ok(())
}
