//! `causeway audit checkpoints`: checkpoints of the past, as they were signed and cosigned.

use std::path::PathBuf;

use causeway_journal::note::Note;
use causeway_proto::v1::ListCheckpointsRequest;
use causeway_verify::{Trust, Vouched};
use clap::Args;
use serde::Serialize;

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::output::{note, say, say_json};
use crate::session::{Doing, Session};
use causeway_verify::plain::plain;

/// Lists checkpoints of the past, oldest first: each size, root, and who signed it.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Of this tree size or greater.
    #[arg(long, value_name = "SIZE", default_value_t = 0)]
    from_size: u64,
    /// At most so many (1 to 1,000).
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Also write each signed checkpoint to this folder, as SIZE.note.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// One JSON object a checkpoint.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    client: ClientOptions,
}

/// A checkpoint as JSON.
#[derive(Serialize)]
struct Form<'a> {
    origin: &'a str,
    tree_size: u64,
    root: String,
    signed_by: Vec<String>,
    checkpoint: &'a str,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let session = Session::open(&options.client, Doing::Auditing).await?;
    let request = ListCheckpointsRequest { from_size: options.from_size, limit: options.limit };
    let answer =
        session.audit().list_checkpoints(request).await.map_err(|status| session.failure(status))?.into_inner();
    if let Some(folder) = &options.out {
        std::fs::create_dir_all(folder).map_err(|error| Failure::file(folder, error))?;
    }
    for signed in &answer.checkpoints {
        let Vouched { checkpoint, .. } = Trust::default().check(signed).map_err(Failure::NotProven)?;
        let signers = Note::parse(signed).map_err(|error| Failure::does_not_hold(error.to_string()))?.signatures;
        let signed_by: Vec<String> = signers.iter().map(|signature| plain(&signature.name)).collect();
        if let Some(folder) = &options.out {
            let path = folder.join(format!("{}.note", checkpoint.size));
            std::fs::write(&path, signed).map_err(|error| Failure::file(&path, error))?;
        }
        let (root, tree_size) = (checkpoint.root.to_string(), checkpoint.size);
        if options.json {
            say_json(&Form { origin: &checkpoint.origin, tree_size, root, signed_by, checkpoint: signed });
        } else {
            say(format_args!("{tree_size:>10}  {root}  {}", signed_by.join(", ")));
        }
    }
    if answer.next_from_size > 0 {
        note(format_args!("there are more: --from-size {}", answer.next_from_size));
    }
    Ok(())
}
