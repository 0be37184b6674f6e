//! `causeway document propose`: what the gateway would say to a document, before anybody approves it.

use std::path::PathBuf;

use causeway_proto::v1::{ProposeDocumentRequest, ProposeDocumentResponse};
use causeway_store::Clock;
use clap::Args;

use crate::Failure;
use crate::approval::GovernedFile;
use crate::client_options::ClientOptions;
use crate::output::{note, say};
use crate::session::{Doing, Session};
use causeway_verify::plain::plain;

/// Has the gateway check a document against everything that is in force, as bringing it into force would. Every fault is listed.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// An agency file, an agreement, a schema (named KIND-MAJOR.MINOR.json) or a code list.
    file: PathBuf,
    #[command(flatten)]
    client: ClientOptions,
}

pub(super) async fn run(options: &Options) -> Result<(), Failure> {
    let document = GovernedFile::read(&options.file)?;
    let session = Session::open(&options.client, Doing::Operating).await?;
    let request = ProposeDocumentRequest {
        kind: document.kind_code().into(),
        id: document.id.clone(),
        version: document.version,
        text: document.text.clone().into_bytes(),
    };
    let response = session.admin().propose_document(request).await.map_err(|status| session.failure(status))?;
    let ProposeDocumentResponse { faults, digest, version_in_force, approving_agency } = response.into_inner();
    let file = options.file.display();
    if !faults.is_empty() {
        faults.iter().for_each(|fault| say(format_args!("{file}: {}", plain(fault))));
        let count = faults.len();
        return Err(Failure::Partly(format!("{} could not come into force: {count} faults", document.about())));
    }
    if digest != document.digest().0 {
        return Err(Failure::does_not_hold(
            "the digest that the gateway sent is not that of this file: do not sign it",
        ));
    }
    say(format_args!("{} could come into force; digest {}", document.about(), document.digest()));
    say(match version_in_force {
        0 => "  none is in force".to_owned(),
        version => format!("  version {version} is in force"),
    });
    if let Some(day) = document.begins_after(Clock::system().now()) {
        say(format_args!("  this one would be from {day} on, and what is in force goes on until then"));
    }
    let agency = plain(&approving_agency);
    note(format_args!(
        "two persons of {agency} approve it, each with their own key, and then it is brought into force:\n  \
         causeway document approve {file} --person {agency}/ID --key KEYFILE >> approvals.jsonl\n  \
         causeway document activate {file} --approval approvals.jsonl"
    ));
    Ok(())
}
