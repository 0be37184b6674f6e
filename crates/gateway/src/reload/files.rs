//! The gateway's own files: settings, certificate with its key, and each agency's revocation lists.

use std::collections::BTreeMap;
use std::path::Path;

use causeway_model::AgencyId;

use super::watched::Watched;
use crate::config::{Config, Source};
use crate::revocation;
use crate::trust::{Authority, Bundle};

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// None where the settings came from no file.
    pub(super) settings: Option<Watched>,
    pub(super) certificate: Watched,
    pub(super) lists: BTreeMap<AgencyId, Watched>,
}

/// What is to be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Due {
    Settings,
    Certificate,
    Lists(AgencyId),
}

impl Files {
    /// Those of a configuration that is in force. No list has been taken yet.
    pub(super) fn of(config: &Config) -> Self {
        let settings = config.source.clone().map(|Source { path, digest }| Watched::held(path, digest));
        let certificate = Watched::in_force(vec![config.tls.certificate.clone(), config.tls.key.clone()]);
        Self { settings, certificate, lists: BTreeMap::new() }
    }

    /// Looks at all of them. Agencies that are no longer in force are forgotten.
    pub(super) fn look(&mut self, config: &Config, authority: &Authority, at_once: bool) -> Vec<Due> {
        let mut due = Vec::new();
        if self.settings.as_mut().is_some_and(|settings| settings.look(&[], at_once)) {
            due.push(Due::Settings);
        }
        self.certificate.follow(vec![config.tls.certificate.clone(), config.tls.key.clone()]);
        if self.certificate.look(&[], at_once) {
            due.push(Due::Certificate);
        }
        let bundles = match &config.revocation.folder {
            Some(_) => authority.bundles(),
            None => Vec::new(),
        };
        self.lists.retain(|agency, _| bundles.iter().any(|(known, _)| known == agency));
        authority.keep_lists(|agency| self.lists.contains_key(agency));
        for (agency, bundle) in bundles {
            let folder = config.revocation.folder.as_deref().unwrap_or_else(|| Path::new(""));
            if self.look_at_lists(&agency, &bundle, folder, at_once) {
                due.push(Due::Lists(agency));
            }
        }
        due
    }

    /// The files that are to be judged.
    pub(super) fn watched(&mut self, due: &Due) -> Option<&mut Watched> {
        match due {
            Due::Settings => self.settings.as_mut(),
            Due::Certificate => Some(&mut self.certificate),
            Due::Lists(agency) => self.lists.get_mut(agency),
        }
    }

    /// How many of each are refused as they are now: settings, certificate, lists.
    pub(super) fn refused(&self) -> [usize; 3] {
        let settings = self.settings.iter().filter(|settings| settings.is_refused()).count();
        let lists = self.lists.values().filter(|lists| lists.is_refused()).count();
        [settings, usize::from(self.certificate.is_refused()), lists]
    }

    /// Other roots ask for other lists, so what they are judged by is a part of what is looked at.
    fn look_at_lists(&mut self, agency: &AgencyId, bundle: &Bundle, folder: &Path, at_once: bool) -> bool {
        let file = vec![revocation::file_of(folder, agency)];
        let (watched, is_new) = match self.lists.get_mut(agency) {
            Some(watched) => (watched, false),
            None => (self.lists.entry(agency.clone()).or_insert_with(|| Watched::new(Vec::new())), true),
        };
        watched.follow(file);
        let roots: Vec<&[u8]> = bundle.iter().map(AsRef::as_ref).collect();
        watched.look(&roots.concat(), at_once || is_new) && !watched.were_never_there()
    }
}
