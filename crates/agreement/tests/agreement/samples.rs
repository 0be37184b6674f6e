//! The files under `config/` are read as they are.

use std::fs;
use std::path::{Path, PathBuf};

use causeway_agreement::{AgencyTemplate, Agreement, ReleasePeriod};

fn files(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config").join(folder);
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).expect("a text"))).collect()
}

/// Each file is named for the id it holds, so that nobody approves one and installs another.
fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|stem| stem.to_str()).expect("a name")
}

#[test]
fn the_agency_templates_are_well_formed() {
    let templates = files("agencies");
    assert_eq!(templates.len(), 3);
    for (path, text) in templates {
        let template = AgencyTemplate::parse(&text).unwrap_or_else(|faults| panic!("{path:?}: {faults:?}"));
        assert_eq!(template.id.as_str(), stem(&path));
        assert!(template.persons.len() >= 2, "{path:?}: nobody approves alone");
    }
}

#[test]
fn the_agreements_are_well_formed() {
    let agreements: Vec<Agreement> = files("agreements")
        .into_iter()
        .map(|(path, text)| {
            let agreement = Agreement::parse(&text).unwrap_or_else(|faults| panic!("{path:?}: {faults:?}"));
            assert_eq!(agreement.id.as_str(), stem(&path));
            agreement
        })
        .collect();
    assert_eq!(agreements.len(), 2);
    let links = |agreement: &Agreement| agreement.clauses.iter().any(|clause| clause.link_persons);
    assert_eq!(agreements.iter().filter(|agreement| links(agreement)).count(), 1, "one links persons, one does not");
    let clauses = || agreements.iter().flat_map(|agreement| &agreement.clauses);
    assert!(clauses().all(|clause| clause.release == ReleasePeriod::Immediate && !clause.children));
    assert_ne!(agreements[0].clauses[0].fields, agreements[1].clauses[0].fields, "the two feeds differ");
}

#[test]
fn the_example_of_the_documentation_is_well_formed() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/agreements.md");
    let page = fs::read_to_string(page).expect("the page is there");
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let agreement = Agreement::parse(example).unwrap_or_else(|faults| panic!("{faults:?}"));
    assert_eq!((agreement.clauses.len(), agreement.exclusions.len(), agreement.tables.len()), (2, 1, 1));
}
