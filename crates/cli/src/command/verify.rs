//! `causeway verify`: checks a proof file offline, and says what it proves.

use std::io::Read;
use std::path::PathBuf;

use causeway_journal::{MAX_PROOF_FILE_BYTES, ProofFile, decode_entry};
use clap::Args;

use crate::Failure;
use crate::entry_text::describe;
use crate::evidence::{check, verifier_key};
use crate::output::{note, say};

/// Checks a proof file (C2SP tlog-proof, from `audit prove --out` or `receipt --out`) without any connection.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The proof file.
    proof: PathBuf,
    /// The journal's verifier key, or the file that holds it: without it the signature is not checked.
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let key = options.key.as_deref().map(verifier_key).transpose()?;
    let file = std::fs::File::open(&options.proof).map_err(|e| Failure::file(&options.proof, e))?;
    let mut text = String::new();
    let limit = u64::try_from(MAX_PROOF_FILE_BYTES).unwrap_or(u64::MAX) + 1;
    file.take(limit).read_to_string(&mut text).map_err(|e| Failure::file(&options.proof, e))?;
    let proof = ProofFile::parse(&text).map_err(|e| Failure::content(&options.proof, format!("no proof file: {e}")))?;
    let checkpoint = check(&proof, key.as_ref())?;
    say(format_args!("holds: entry {} is in the journal {}", proof.index, checkpoint.origin));
    say(format_args!("  at size {} with root {}", checkpoint.size, checkpoint.root));
    match &key {
        Some(_) => say("  the checkpoint is signed by the given key"),
        None => note("the checkpoint's signature was not checked: give the journal's key with --key"),
    }
    let entry = proof.entry.as_deref().map(decode_entry).transpose();
    let entry = entry.map_err(|e| Failure::does_not_hold(format!("the entry: {e}")))?;
    if let Some(entry) = entry {
        describe(&entry).iter().for_each(|line| say(format_args!("  {line}")));
    }
    Ok(())
}
