//! `causeway document approve`: a person reads a document or a suspension and signs it, offline.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use crate::Failure;
use crate::approval::{Approvable, GovernedFile, Person, SuspendedKind, Suspension};
use crate::command::approve;

/// Shows what a governed document is, or what a suspension does, and, with --person, signs it: one line of JSON on standard output.
/// Nothing is sent anywhere. It is what `causeway approve` does, for documents alone and for suspensions, of which there is no file.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["file", "suspend"]))]
pub(crate) struct Options {
    /// An agency file, an agreement, a schema or a code list.
    file: Option<PathBuf>,
    /// Approve that the version in force of an agency or an agreement be suspended, as: --suspend agreement ISA-AL-2026-014
    #[arg(long, num_args = 2, value_names = ["KIND", "ID"], requires = "version")]
    suspend: Option<Vec<String>>,
    /// The version that is suspended.
    #[arg(long, value_name = "N", conflicts_with = "file")]
    version: Option<u32>,
    /// Who approves, as gb-nca/dpo.
    #[arg(long, value_name = "AGENCY/ID")]
    person: Option<Person>,
    /// That person's approval key; where it is left out, the one that `causeway certs dev` wrote.
    #[arg(long, value_name = "KEYFILE", requires = "person")]
    key: Option<PathBuf>,
    /// Where `causeway certs dev` wrote the keys of development persons.
    #[arg(long, value_name = "DIR", default_value = "certs-dev")]
    certs_dir: PathBuf,
}

impl Options {
    fn what(&self) -> Result<Approvable, Failure> {
        if let Some(file) = &self.file {
            return GovernedFile::read(file).map(Approvable::Document);
        }
        let (Some([kind, id]), Some(version)) = (self.suspend.as_deref(), self.version) else {
            return Err(Failure::usage("name a document's file, or give --suspend KIND ID --version N"));
        };
        let kind: SuspendedKind = kind.parse().map_err(|fault: &str| Failure::usage(fault))?;
        Suspension::new(kind, id, version).map(Approvable::Suspension).map_err(Failure::usage)
    }

    fn key_of(&self, person: &Person) -> PathBuf {
        let development = || self.certs_dir.join(person.agency.as_str()).join(format!("persons/{}.key", person.id));
        self.key.clone().unwrap_or_else(development)
    }
}

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let what = options.what()?;
    let by = options.person.as_ref().map(|person| (person, options.key_of(person)));
    approve::sign(&what, by.as_ref().map(|(person, key)| (*person, key.as_path())))
}
