//! What can be known to be wrong before anything is created: the gateway's own files, and the documents that an empty
//! journal would start from, each and against each other.

use std::io::ErrorKind;
use std::path::Path;

use causeway_agreement::AgencyFile;
use causeway_exchange::{document_faults, unapproved_documents};
use causeway_journal::v1::DocumentKind;
use causeway_store::Clock;

use crate::config::Config;
use crate::error::Error;
use crate::secured;
use crate::start::folders::Proposals;

/// Whether there is no journal in this folder yet.
pub(crate) fn is_unused(data_dir: &Path) -> bool {
    match std::fs::read_dir(data_dir) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}

/// Where a journal may have its documents in force already: the gateway's own files only.
pub(crate) fn of_any_journal(config: &Config) -> Result<(), Error> {
    all(secured::own_faults(config))
}

/// Where a journal is to be begun: also that its keys have not kept another one.
pub(crate) fn of_an_empty_journal(config: &Config, proposals: &Proposals, clock: &Clock) -> Result<(), Error> {
    let mut found = faults_of(config, proposals, clock);
    if causeway_store::have_kept_a_journal(&config.keys_dir, config.keys.mirror_dir.as_deref()) {
        found.push(format!(
            "data_dir: {} holds no journal, and the keys in {} have kept one: mount its volume or restore it (docs/keys.md); a new journal \
             begins with an empty keys folder and mirror",
            config.data_dir.display(),
            config.keys_dir.display()
        ));
    }
    all(found)
}

/// Where the proposed documents are to come into force: they too, and the gateway's certificate by their trust bundles.
pub(crate) fn of_proposals(config: &Config, proposals: &Proposals, clock: &Clock) -> Result<(), Error> {
    all(faults_of(config, proposals, clock))
}

fn faults_of(config: &Config, proposals: &Proposals, clock: &Clock) -> Vec<String> {
    let Proposals { documents, faults, unread } = proposals;
    let texts = documents.iter().filter(|document| document.kind == DocumentKind::Agency).map(|found| &found.text);
    let agencies = texts.filter_map(|text| AgencyFile::parse(std::str::from_utf8(text).ok()?).ok());
    let agencies: Vec<AgencyFile> = agencies.collect();
    let all_agencies = !unread.contains(&DocumentKind::Agency);
    let mut found = secured::faults_with(config, &agencies, all_agencies, clock);
    if all_agencies && agencies.iter().all(|file| file.id != config.operator) {
        found.push(format!("operator: {} has no agency file in {}", config.operator, config.start.agencies.display()));
    }
    found.extend_from_slice(faults);
    found.extend(document_faults(documents, unread));
    if found.is_empty() {
        found.extend(unapproved_documents(&config.operator, documents));
    }
    found
}

fn all(faults: Vec<String>) -> Result<(), Error> {
    if faults.is_empty() { Ok(()) } else { Err(Error::Faults(faults)) }
}
