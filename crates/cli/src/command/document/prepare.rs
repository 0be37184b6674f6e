//! `causeway document prepare`: puts persons' approvals where the first start of a gateway reads them.

use std::path::PathBuf;

use clap::Args;

use crate::Failure;
use crate::approval::{Approvable, Approval, GovernedFile, approvals_of};
use crate::approvals_file::approvals_text;
use crate::output::say;

/// Checks approvals of a document and writes them as the start folder has them: `<digest>.toml`. Only an empty journal takes its
/// documents from there; later ones come by `document activate`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// An agency file, an agreement, a schema or a code list.
    file: PathBuf,
    /// Files of approvals, as `causeway document approve` prints them.
    #[arg(long = "approval", value_name = "FILE", num_args = 1.., required = true)]
    approvals: Vec<PathBuf>,
    /// The folder that `[start] approvals` names.
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
}

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let what = GovernedFile::read(&options.file).map(Approvable::Document)?;
    let (digest, about) = (what.digest(), what.about());
    let approvals = approvals_of(&digest, &about, &options.approvals)?;
    let text = approvals_text(&about.to_string(), approvals.iter().map(Approval::to_journal));
    let path = options.into.join(format!("{digest}.toml"));
    std::fs::write(&path, text).map_err(|error| Failure::file(&path, error))?;
    say(format_args!("{} approvals of {about} are in {}", approvals.len(), path.display()));
    Ok(())
}
