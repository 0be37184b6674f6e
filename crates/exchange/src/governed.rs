//! The documents in force, compiled: schemas ready to validate with, and every cross-reference between documents checked.

use std::collections::BTreeSet;
use std::sync::Arc;

use causeway_agreement::Agreement;
use causeway_journal::{State, v1};
use causeway_model::{AgencyId, Kind, SchemaId};
use causeway_schema::{Schemas, code_lists_named};

use crate::{Class, Error};

/// What the documents in force amount to.
#[derive(Debug)]
pub(crate) struct Governed {
    pub(crate) schemas: Schemas,
}

impl Governed {
    /// Compiles what is in force; an error lists every fault there is.
    pub(crate) fn compile(state: &State) -> Result<Self, Error> {
        let texts: Vec<_> = state.schemas().map(|(id, document)| (id, document.text.clone())).collect();
        let schemas: Vec<_> = texts.iter().map(|(id, text)| (*id, text.as_ref())).collect();
        let named: BTreeSet<String> = schemas.iter().flat_map(|(_, text)| code_lists_named(text)).collect();
        let lists = named.iter().filter_map(|name| state.document(v1::DocumentKind::CodeList, name));
        let lists: Vec<Arc<str>> = lists.map(|list| Arc::clone(&list.text)).collect();
        let lists: Vec<&str> = lists.iter().map(AsRef::as_ref).collect();
        let agreements: Vec<_> = state.agreements().map(AsRef::as_ref).collect();
        Self::check(&schemas, &lists, &agreements, &|agency| state.agency(agency).is_some())
    }

    fn check(
        schemas: &[(SchemaId, &str)],
        lists: &[&str],
        agreements: &[&Agreement],
        is_known: &dyn Fn(&AgencyId) -> bool,
    ) -> Result<Self, Error> {
        let mut faults = Vec::new();
        let schemas = schemas_of(schemas, lists, &mut faults);
        faults.extend(faults_between(schemas.as_ref(), agreements, is_known));
        match schemas {
            Some(schemas) if faults.is_empty() => Ok(Self { schemas }),
            Some(_) | None => Err(start_refused(faults)),
        }
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
    if agreement.quota.records_per_day.is_some() {
        faults.push(format!("{}: quota.records_per_day: quotas are not enforced yet; leave it out", agreement.id));
    }
    let fields = schemas.map(|schemas| agreement.check_fields(&|kind| schemas.tables(kind))).unwrap_or_default();
    faults.extend(fields.into_iter().map(|fault| format!("{}: {fault}", agreement.id)));
    faults
}

fn start_refused(faults: Vec<String>) -> Error {
    Error::new(Class::Invalid, "documents-faulty", faults.join("\n"))
}
