//! The schemas of a folder, compiled with their code lists, without a gateway.

use std::path::Path;

use causeway_model::SchemaId;
use causeway_schema::Schemas;

use crate::{Failure, certs};

/// Compiles every schema of a folder such as `config/schemas`, with the lists in its `codes`. An error names every fault.
pub(crate) fn read(folder: &Path) -> Result<Schemas, Failure> {
    let mut texts = Vec::new();
    for path in certs::files(folder, "json")? {
        let text = std::fs::read_to_string(&path).map_err(|source| Failure::file(&path, source))?;
        let id = certs::schema_id(&path);
        texts.push((id.ok_or_else(|| Failure::content(&path, "not named as a schema".into()))?, text));
    }
    if texts.is_empty() {
        return Err(Failure::content(folder, "holds no schema".into()));
    }
    let documents: Vec<(SchemaId, &str)> = texts.iter().map(|(id, text)| (*id, text.as_str())).collect();
    let lists = certs::code_lists(folder)?;
    let lists: Vec<&str> = lists.iter().map(|(_, text)| text.as_str()).collect();
    Schemas::compile(&documents, &lists).map_err(|faults| Failure::faults(folder, &faults))
}
