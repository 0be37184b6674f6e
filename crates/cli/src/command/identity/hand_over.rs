//! Handing over: the sealed body to its owner, and what the owner sealed again to the partner. Each leaves once.

use std::path::PathBuf;

use causeway_proto::v1::{CollectIdentityRequest, DeliverIdentityRequest, ReleaseIdentityRequest};
use clap::Args;

use super::request_id;
use crate::Failure;
use crate::client_options::ClientOptions;
use crate::identity_file::{IdentityFile, Partner};
use crate::output::{note, say};
use crate::private_file::PrivateFile;
use crate::session::{Doing, Session};

/// Room for the largest answer: a body of 128 KiB at most, sealed, in base64, with its keys beside it.
const LARGEST_ANSWER: usize = 256 * 1024;

/// Which request, and where to.
#[derive(Debug, Args)]
pub(crate) struct FetchOptions {
    /// The request's id.
    request: String,
    /// Write the sealed identity to this new file (mode 0600).
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    client: ClientOptions,
}

/// Which request, and what for it.
#[derive(Debug, Args)]
pub(crate) struct DeliverOptions {
    /// The request's id.
    request: String,
    /// What `causeway identity reseal` wrote.
    file: PathBuf,
    #[command(flatten)]
    client: ClientOptions,
}

pub(super) async fn release(options: &FetchOptions) -> Result<(), Failure> {
    let id = request_id(&options.request)?;
    let session = Session::open(&options.client, Doing::Protecting).await?;
    // It leaves once: its place is made first, and is large enough.
    let place = PrivateFile::with_room(&options.out, LARGEST_ANSWER)?;
    let request = ReleaseIdentityRequest { identity_request_id: id.to_string() };
    let response = session.protection().release_identity(request).await.map_err(|status| session.failure(status))?;
    let response = response.into_inner();
    let owner = session.agency()?;
    let partner = Partner::of_release(&response.requester, response.requester_sealing_key)?;
    let file = IdentityFile::from_wire(id, response.sealed, partner)?;
    place.finish(file.to_json().as_bytes())?;
    let path = options.out.display();
    say(format_args!("the sealed identity is in {path}; only {owner}'s private sealing key opens it"));
    note(match file.partner() {
        Some(partner) => format!(
            "{partner} asked for it; seal it again with: causeway identity reseal {path} --key OWNERKEY --to-agency-file THEIRS --out FILE"
        ),
        None => format!("open it with: causeway identity open {path} --key OWNERKEY"),
    });
    Ok(())
}

pub(super) async fn deliver(options: &DeliverOptions) -> Result<(), Failure> {
    let id = request_id(&options.request)?;
    let file = IdentityFile::read(&options.file)?;
    if file.request() != id {
        return Err(Failure::content(&options.file, format!("this is for the request {}", file.request())));
    }
    let session = Session::open(&options.client, Doing::Protecting).await?;
    if *file.sealed_to() == session.agency()? {
        return Err(Failure::content(
            &options.file,
            "this is sealed to its owner: `causeway identity reseal` first".into(),
        ));
    }
    let request = DeliverIdentityRequest { identity_request_id: id.to_string(), sealed: Some(file.to_wire()) };
    let response = session.protection().deliver_identity(request).await.map_err(|status| session.failure(status))?;
    let entry = response.into_inner().leaf_index;
    say(format_args!("delivered for {}, which collects it; entry {entry}", file.sealed_to()));
    Ok(())
}

pub(super) async fn collect(options: &FetchOptions) -> Result<(), Failure> {
    let id = request_id(&options.request)?;
    let session = Session::open(&options.client, Doing::Asking).await?;
    let place = PrivateFile::with_room(&options.out, LARGEST_ANSWER)?;
    let request = CollectIdentityRequest { identity_request_id: id.to_string() };
    let response = session.protection().collect_identity(request).await.map_err(|status| session.failure(status))?;
    let file = IdentityFile::from_wire(id, response.into_inner().sealed, None)?;
    place.finish(file.to_json().as_bytes())?;
    let path = options.out.display();
    say(format_args!("the sealed identity is in {path}; only {}'s private sealing key opens it", file.sealed_to()));
    note(format_args!("open it with: causeway identity open {path} --key OWNKEY"));
    Ok(())
}
