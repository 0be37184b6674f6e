//! `causeway audit prove`: one entry with its inclusion proof.

use std::path::PathBuf;

use causeway_proto::v1::GetInclusionProofRequest;
use clap::Args;

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::evidence::{self, KEY_OPTION};
use crate::output::{note, say};
use crate::proof_file;
use crate::session::{Doing, Session};

/// Which entry.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The entry's leaf index, from a query or a receipt.
    leaf: u64,
    /// Write the proof to this file, for `causeway verify`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Under the newest checkpoint that enough witnesses have cosigned, for `causeway verify --policy`. An entry that is newer than
    /// that is refused; ask again in a moment.
    #[arg(long)]
    witnessed: bool,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let session = Session::open(&options.client, Doing::Auditing).await?;
    let witnessed = if options.witnessed { Some(super::checkpoint::witnessed(&session).await?) } else { None };
    let tree_size = witnessed.as_ref().map_or(0, |(_, size)| *size);
    let request = GetInclusionProofRequest { leaf_index: options.leaf, tree_size };
    let response = session.audit().get_inclusion_proof(request).await.map_err(|status| session.failure(status))?;
    let response = response.into_inner();
    let checkpoint = witnessed.as_ref().map_or(&response.checkpoint, |(note, _)| note);
    let proof = proof_file::from_wire(&response.entry, response.inclusion_proof.as_ref(), checkpoint)?;
    let checkpoint = evidence::check(&proof, None)?;
    match &options.out {
        Some(path) => {
            std::fs::write(path, proof.to_string()).map_err(|e| Failure::file(path, e))?;
            let (size, path) = (checkpoint.size, path.display());
            note(format_args!(
                "entry {} is in the tree of size {size}; check it with: causeway verify {path} {KEY_OPTION}",
                options.leaf
            ));
        }
        None => say(proof.to_string().trim_end()),
    }
    Ok(())
}
