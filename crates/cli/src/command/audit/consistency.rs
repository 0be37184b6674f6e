//! `causeway audit consistency`: the proof that the journal goes on from a checkpoint that was kept.

use std::path::{Path, PathBuf};

use causeway_crypto::Digest;
use causeway_journal::note::MAX_NOTE_BYTES;
use causeway_proto::v1::{GetCheckpointRequest, GetConsistencyProofRequest};
use causeway_verify::{ConsistencyFile, Trust, Vouched, extends};
use clap::Args;

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::output::note;
use crate::session::{Doing, Session};

/// Fetches the proof that the journal goes on from a checkpoint that was kept, for `causeway verify OLD NEW PROOF`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The checkpoint that was kept (`audit checkpoint`).
    old: PathBuf,
    /// A later checkpoint that was kept. Without it, the newest is fetched.
    new: Option<PathBuf>,
    /// Write the proof to this file.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write the newest checkpoint, which the proof leads to, to this file.
    #[arg(long, value_name = "FILE", conflicts_with = "new", required_unless_present = "new")]
    checkpoint_out: Option<PathBuf>,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let old = read(&options.old)?;
    let session = Session::open(&options.client, Doing::Auditing).await?;
    let (new_note, new) = match &options.new {
        Some(path) => (None, read(path)?),
        None => {
            let answer = session.audit().get_checkpoint(GetCheckpointRequest::default()).await;
            let newest = answer.map_err(|status| session.failure(status))?.into_inner().checkpoint;
            let vouched = Trust::default().check(&newest).map_err(Failure::NotProven)?;
            (Some(newest), vouched)
        }
    };
    let (one, two) = (&old.checkpoint, &new.checkpoint);
    let mut hashes = Vec::new();
    if (1..two.size).contains(&one.size) {
        let request = GetConsistencyProofRequest { first_size: one.size, second_size: two.size };
        let answer = session.audit().get_consistency_proof(request).await.map_err(|s| session.failure(s))?.into_inner();
        let hash = |hash: &Vec<u8>| Digest::try_from(hash.as_slice());
        let malformed = |_| Failure::does_not_hold("a hash of the consistency proof is not of 32 bytes");
        hashes = answer.hashes.iter().map(hash).collect::<Result<_, _>>().map_err(malformed)?;
    }
    if let (Some(path), Some(newest)) = (&options.checkpoint_out, &new_note) {
        // Whatever the proof shows, what was signed is worth keeping.
        std::fs::write(path, newest).map_err(|error| Failure::file(path, error))?;
    }
    extends(one, two, &hashes).map_err(Failure::NotProven)?;
    let file = ConsistencyFile { first: one.size, second: two.size, hashes };
    std::fs::write(&options.out, file.to_string()).map_err(|error| Failure::file(&options.out, error))?;
    let new_path = options.new.as_ref().or(options.checkpoint_out.as_ref()).unwrap_or(&options.out);
    note(format_args!(
        "size {} goes on from size {}; check it with: causeway verify {} {} {} --key KEY",
        two.size,
        one.size,
        options.old.display(),
        new_path.display(),
        options.out.display()
    ));
    Ok(())
}

/// A checkpoint from its file. Its signature is for `causeway verify` to check, with the key.
fn read(path: &Path) -> Result<Vouched, Failure> {
    let about = std::fs::metadata(path).map_err(|error| Failure::file(path, error))?;
    if about.len() > u64::try_from(MAX_NOTE_BYTES).unwrap_or(u64::MAX) {
        return Err(Failure::content(path, "too long for a checkpoint".into()));
    }
    let note = std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
    Trust::default().check(&note).map_err(|error| Failure::of_file(path, &error))
}
