//! The documents in force, compiled: schemas ready to validate with, and every cross-reference between documents checked.

mod epochs;

use std::sync::Arc;

use causeway_agreement::Agreement;
use causeway_journal::{State, v1};
use causeway_model::{AgencyId, Kind, LeafIndex, SchemaId};
use causeway_schema::Schemas;

use crate::{Class, Error};

pub(crate) use epochs::Epochs;

/// What the documents in force amount to.
#[derive(Debug)]
pub(crate) struct Governed {
    pub(crate) schemas: Schemas,
}

impl Governed {
    /// Compiles what is in force; an error lists every fault there is.
    pub(crate) fn compile(state: &State) -> Result<Self, Error> {
        let mut faults = Vec::new();
        let schemas = Texts::before(state, LeafIndex(u64::MAX)).compile(&mut faults);
        let agreements: Vec<_> = state.agreements().map(AsRef::as_ref).collect();
        faults.extend(faults_between(schemas.as_ref(), &agreements, &|agency| state.agency(agency).is_some()));
        match schemas {
            Some(schemas) if faults.is_empty() => Ok(Self { schemas }),
            Some(_) | None => Err(Error::new(Class::Invalid, "documents-faulty", faults.join("\n"))),
        }
    }
}

/// The texts of the schemas and code lists that were in force before an entry.
#[derive(Debug)]
struct Texts {
    schemas: Vec<(SchemaId, Arc<str>)>,
    lists: Vec<Arc<str>>,
}

impl Texts {
    fn before(state: &State, leaf: LeafIndex) -> Self {
        let schemas = state.documents_before(v1::DocumentKind::Schema, leaf);
        let lists = state.documents_before(v1::DocumentKind::CodeList, leaf);
        Self {
            schemas: schemas.filter_map(|(id, held)| Some((id.parse().ok()?, Arc::clone(&held.text)))).collect(),
            lists: lists.map(|(_, held)| Arc::clone(&held.text)).collect(),
        }
    }

    fn compile(&self, faults: &mut Vec<String>) -> Option<Schemas> {
        let schemas: Vec<_> = self.schemas.iter().map(|(id, text)| (*id, text.as_ref())).collect();
        let lists: Vec<&str> = self.lists.iter().map(AsRef::as_ref).collect();
        schemas_of(&schemas, &lists, faults)
    }
}

/// The schemas compiled with the texts of the code lists, or none with their faults.
pub(crate) fn schemas_of(texts: &[(SchemaId, &str)], lists: &[&str], faults: &mut Vec<String>) -> Option<Schemas> {
    let schemas = Schemas::compile(texts, lists).map_err(|found| faults.extend(found)).ok()?;
    for kind in Kind::ALL {
        if schemas.tables(kind).is_empty() {
            faults.push(format!("no schema is in force for {kind}"));
        }
    }
    Some(schemas)
}

/// Every fault that lies between documents that are, or are to be, in force together. Without schemas, fields are not
/// looked at: their own faults are known.
pub(crate) fn faults_between(
    schemas: Option<&Schemas>,
    agreements: &[&Agreement],
    is_known: &dyn Fn(&AgencyId) -> bool,
) -> Vec<String> {
    agreements.iter().flat_map(|agreement| cross_references(is_known, schemas, agreement)).collect()
}

fn cross_references(
    is_known: &dyn Fn(&AgencyId) -> bool,
    schemas: Option<&Schemas>,
    agreement: &Agreement,
) -> Vec<String> {
    let mut faults = Vec::new();
    for (role, agency) in [("granting", &agreement.granting), ("recipient", &agreement.recipient)] {
        if !is_known(agency) {
            faults.push(format!("{}: the {role} agency {agency} has no agency file in force", agreement.id));
        }
    }
    let fields = schemas.map(|schemas| agreement.check_fields(&|kind| schemas.tables(kind))).unwrap_or_default();
    faults.extend(fields.into_iter().map(|fault| format!("{}: {fault}", agreement.id)));
    faults
}
