//! Opening and sealing again, on the machine that holds the agency's private sealing key. No gateway takes part.

use std::path::{Path, PathBuf};

use causeway_agreement::AgencyFile;
use causeway_crypto::{SealingPrivateKey, SealingPublicKey};
use clap::{ArgGroup, Args};
use serde_json::value::RawValue;

use crate::identity_file::{IdentityFile, Recipient};
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

/// What to seal again, to whom, and where to.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("to").required(true).args(["to_agency_file", "to_key"]))]
pub(crate) struct ResealOptions {
    /// What `identity release` wrote.
    file: PathBuf,
    /// The owner's private sealing key; several where it has had others: the right one is picked.
    #[arg(long = "key", value_name = "KEYFILE", required = true, num_args = 1..)]
    keys: Vec<PathBuf>,
    /// The partner's agency file as the owner has it, from elsewhere than this gateway: what the gateway says is held against it.
    #[arg(long, value_name = "FILE")]
    to_agency_file: Option<PathBuf>,
    /// The partner's public sealing key instead, as the partner handed it over.
    #[arg(long, value_name = "PUBLICKEY")]
    to_key: Option<PathBuf>,
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
    let recipient = recipient(options.to_agency_file.as_deref(), options.to_key.as_deref())?;
    let file = IdentityFile::read(&options.file)?.reseal(&keys(&options.keys)?, &recipient)?;
    private_file::write(&options.out, file.to_json().as_bytes())?;
    let (request, path, partner) = (file.request(), options.out.display(), file.sealed_to());
    say(format_args!("sealed again, to {partner} alone and for this request alone; it is in {path}"));
    note(format_args!("hand it in with: causeway identity deliver {request} {path}"));
    Ok(())
}

/// Whom the owner means; clap takes care that one of the two is there.
fn recipient(agency_file: Option<&Path>, key: Option<&Path>) -> Result<Recipient, Failure> {
    match (agency_file, key) {
        (Some(path), _) => of_agency_file(path),
        (None, Some(path)) => Ok(Recipient { agency: None, key: key_file::sealing_public(path)? }),
        (None, None) => Err(Failure::usage("say to whom: --to-agency-file FILE or --to-key PUBLICKEY")),
    }
}

fn of_agency_file(path: &Path) -> Result<Recipient, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
    let file = AgencyFile::parse(&text).map_err(|faults| Failure::faults(path, &faults))?;
    let unusable = |_| Failure::content(path, "its sealing key is none".into());
    let key = SealingPublicKey::from_bytes(&file.sealing_public_key).map_err(unusable)?;
    Ok(Recipient { agency: Some(file.id), key })
}

fn keys(paths: &[PathBuf]) -> Result<Vec<SealingPrivateKey>, Failure> {
    paths.iter().map(|path| key_file::sealing_private(path)).collect()
}
