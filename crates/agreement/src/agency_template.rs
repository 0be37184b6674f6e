//! A template of an agency file: what people decide about an agency, before its keys and certificates exist.

use causeway_model::{AgencyId, PersonId};

use crate::agency::{identity, systems};
use crate::section::{self, parsed};
use crate::{AgencyFile, Fault, Person, System};

/// An agency file without its keys and trust bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgencyTemplate {
    /// The agency's id.
    pub id: AgencyId,
    /// The version of the file.
    pub version: u32,
    /// Its name, for people.
    pub name: String,
    /// The systems that may call for it.
    pub systems: Vec<System>,
    /// The persons who may approve for it.
    pub persons: Vec<PersonId>,
}

impl AgencyTemplate {
    /// Reads the text of a template. An error holds every fault found, each with its place.
    pub fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        section::read(text, |section| {
            let (id, version, name) = identity(section);
            let systems = systems(section);
            let persons = section.required_list("persons", parsed);
            Some(Self { id: id?, version: version?, name: name?, systems, persons: persons? })
        })
    }

    /// The agency file with these keys and certificates.
    pub fn complete(
        self,
        public_key: impl Fn(&PersonId) -> [u8; 32],
        sealing_public_key: Vec<u8>,
        trust_bundle_pem: String,
    ) -> AgencyFile {
        let persons = self.persons.into_iter().map(|id| Person { public_key: public_key(&id), id }).collect();
        let Self { id, version, name, systems, .. } = self;
        AgencyFile { id, version, name, systems, persons, sealing_public_key, trust_bundle_pem }
    }
}
