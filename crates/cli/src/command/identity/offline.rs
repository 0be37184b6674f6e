//! Opening and sealing again, on the machine that holds the agency's private sealing key. No gateway takes part.

use std::path::PathBuf;

use causeway_crypto::SealingPrivateKey;
use clap::Args;
use serde_json::value::RawValue;

use crate::identity_file::IdentityFile;
use crate::output::{note, say};
use crate::{Failure, key_file, private_file};

/// What to open, and with which keys.
#[derive(Debug, Args)]
pub(crate) struct OpenOptions {
    /// What `identity release` or `identity collect` wrote.
    file: PathBuf,
    /// The agency's private sealing key; several where it has had others: the right one is picked.
    #[arg(long = "key", value_name = "KEYFILE", required = true, num_args = 1..)]
    keys: Vec<PathBuf>,
}

/// What to seal again, and where to.
#[derive(Debug, Args)]
pub(crate) struct ResealOptions {
    /// What `identity release` wrote.
    file: PathBuf,
    /// The owner's private sealing key; several where it has had others: the right one is picked.
    #[arg(long = "key", value_name = "KEYFILE", required = true, num_args = 1..)]
    keys: Vec<PathBuf>,
    /// Write it to this new file (mode 0600).
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(super) fn open(options: &OpenOptions) -> Result<(), Failure> {
    let opened = IdentityFile::read(&options.file)?.open(&keys(&options.keys)?)?;
    let not_json = || Failure::does_not_hold("what was sealed is not JSON");
    let text: &RawValue = serde_json::from_slice(opened.as_ref()).map_err(|_| not_json())?;
    note(
        "SECRET: what follows identifies a person. It is written to standard output and nowhere else; keep it from files",
    );
    say(text.get());
    Ok(())
}

pub(super) fn reseal(options: &ResealOptions) -> Result<(), Failure> {
    let file = IdentityFile::read(&options.file)?.reseal(&keys(&options.keys)?)?;
    private_file::write(&options.out, file.to_json().as_bytes())?;
    let (request, path, partner) = (file.request(), options.out.display(), file.sealed_to());
    say(format_args!("sealed again, to {partner} alone and for this request alone; it is in {path}"));
    note(format_args!("hand it in with: causeway identity deliver {request} {path}"));
    Ok(())
}

fn keys(paths: &[PathBuf]) -> Result<Vec<SealingPrivateKey>, Failure> {
    paths.iter().map(|path| key_file::sealing_private(path)).collect()
}
