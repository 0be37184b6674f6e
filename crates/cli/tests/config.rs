//! The files under `config/` fit each other: the agreements list fields that the schemas let leave, and the parties of
//! both are the agencies of the templates.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use causeway_agreement::{AgencyTemplate, Agreement};
use causeway_model::SchemaId;
use causeway_schema::Schemas;

fn texts(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config").join(folder);
    let paths = fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("readable").path());
    let paths = paths.filter(|path| path.is_file());
    paths.map(|path| (path.clone(), fs::read_to_string(path).expect("a text"))).collect()
}

fn agreements() -> Vec<Agreement> {
    texts("agreements").iter().map(|(_, text)| Agreement::parse(text).expect("well formed")).collect()
}

/// The schema that a file is named for: `victim-profile-1.0.json`.
fn schema_id(path: &Path) -> SchemaId {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
    let (kind, version) = stem.rsplit_once('-').expect("a kind and a version");
    format!("{kind}/{version}").parse().expect("a schema id")
}

#[test]
fn every_listed_field_may_leave_in_its_form() {
    let files = texts("schemas");
    let documents: Vec<(SchemaId, &str)> = files.iter().map(|(path, text)| (schema_id(path), text.as_str())).collect();
    let lists = texts("schemas/codes");
    let lists: Vec<&str> = lists.iter().map(|(_, text)| text.as_str()).collect();
    let schemas = Schemas::compile(&documents, &lists).expect("the schemas compile");
    for agreement in agreements() {
        let faults = agreement.check_fields(&|kind| schemas.tables(kind));
        assert!(faults.is_empty(), "{}: {faults:#?}", agreement.id);
    }
}

#[test]
fn the_parties_are_agencies_that_have_a_template() {
    let known: BTreeSet<_> =
        texts("agencies").iter().map(|(_, text)| AgencyTemplate::parse(text).expect("well formed").id).collect();
    for agreement in agreements() {
        assert!(known.contains(&agreement.granting) && known.contains(&agreement.recipient), "{}", agreement.id);
    }
}
