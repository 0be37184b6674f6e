//! Deciding: approvals and refusals, by the owner.

use std::path::PathBuf;

use causeway_model::Timestamp;
use causeway_proto::v1::{ApproveIdentityRequest, RefuseIdentityRequest};
use clap::Args;

use super::{ask, request_id};
use crate::Failure;
use crate::approval::approvals_of;
use crate::client_options::ClientOptions;
use crate::output::say;
use crate::session::{Doing, Session};

/// Which request, and who approved it.
#[derive(Debug, Args)]
pub(crate) struct ApproveOptions {
    /// The request's id.
    request: String,
    /// Files of approvals, as `causeway approve` writes them.
    #[arg(long = "approval", value_name = "FILE", num_args = 1.., required = true)]
    approvals: Vec<PathBuf>,
    #[command(flatten)]
    client: ClientOptions,
}

/// Which request, and why not.
#[derive(Debug, Args)]
pub(crate) struct RefuseOptions {
    /// The request's id.
    request: String,
    /// Why, in words that the requester reads (at most 500 bytes).
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    client: ClientOptions,
}

pub(super) async fn approve(options: &ApproveOptions) -> Result<(), Failure> {
    let id = request_id(&options.request)?;
    let session = Session::open(&options.client, Doing::Protecting).await?;
    let requests = ask::requests(&session, false).await?;
    let unknown =
        || Failure::usage("there is no such request for this agency's records: `causeway identity list` shows all");
    let request = requests.iter().find(|request| request.identity_request_id == id.to_string());
    let request = request.filter(|request| !request.record_id.is_empty()).ok_or_else(unknown)?;
    let case = ask::case(&session.agency()?, request)?;
    let approvals = approvals_of(&case.digest, "this request", &options.approvals)?;
    // A file may hold a line that was handed in before.
    let given = |person: &str| request.approved_by.iter().any(|by| by.rsplit('/').next() == Some(person));
    let mut fresh = approvals.iter().filter(|approval| !given(approval.person.id.as_str())).peekable();
    if fresh.peek().is_none() {
        return Err(Failure::usage("every approval here was handed in before"));
    }
    for approval in fresh {
        let message = ApproveIdentityRequest {
            identity_request_id: id.to_string(),
            approval: Some(super::super::erase::signature(approval)),
        };
        let response =
            session.protection().approve_identity(message).await.map_err(|status| session.failure(status))?;
        let response = response.into_inner();
        let (person, count) = (&approval.person, response.approvals);
        match response.ends_at_micros {
            0 => say(format_args!("{person} approves request {id}: {count} of 2")),
            end => {
                say(format_args!("{person} approves request {id}: approved, to be released until {}", Timestamp(end)))
            }
        }
    }
    Ok(())
}

pub(super) async fn refuse(options: &RefuseOptions) -> Result<(), Failure> {
    let id = request_id(&options.request)?;
    let session = Session::open(&options.client, Doing::Protecting).await?;
    let request = RefuseIdentityRequest { identity_request_id: id.to_string(), reason: options.reason.clone() };
    let response = session.protection().refuse_identity(request).await.map_err(|status| session.failure(status))?;
    say(format_args!("request {id} is refused; entry {}", response.into_inner().leaf_index));
    Ok(())
}
