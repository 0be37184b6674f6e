//! `causeway approve`: a person reads what is to be approved and signs it, offline.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::Failure;
use crate::approval::{Approvable, Approval, Person};
use crate::key_file;
use crate::output::{note, say, say_json};

/// Shows what a plan, a request or a governed document would do and, with --person and --key, signs it: one line of JSON on
/// standard output. Nothing is sent anywhere.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// An erasure's plan, an identity request (`identity list --save`), an agency file, an agreement or a schema.
    file: PathBuf,
    /// Who approves, as gb-nca/dpo.
    #[arg(long, value_name = "AGENCY/ID", requires = "key")]
    person: Option<Person>,
    /// That person's approval key.
    #[arg(long, value_name = "KEYFILE", requires = "person")]
    key: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let what = Approvable::read(&options.file)?;
    let key = options.key.as_deref();
    sign(&what, options.person.as_ref().zip(key))
}

/// Shows what is to be approved and, where a person and a key are given, signs it.
pub(super) fn sign(what: &Approvable, by: Option<(&Person, &Path)>) -> Result<(), Failure> {
    let Some((person, key)) = by else {
        what.lines().iter().for_each(say);
        note("nothing is signed: give --person and --key to approve it");
        return Ok(());
    };
    let key = key_file::approval_key(key)?;
    let approval = Approval::sign(what, person.clone(), &key)?;
    note(format_args!("{person} approves"));
    what.lines().iter().for_each(note);
    say_json(&approval);
    Ok(())
}
