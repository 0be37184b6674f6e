//! `docs/threat-model.md` names a test for what it claims; each of them is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Adds the names of a file's or folder's tests: functions below an attribute that ends with `test` or has arguments after it.
fn collect(path: &Path, tests: &mut BTreeSet<String>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("readable") {
            let path = entry.expect("readable").path();
            if path.file_name().is_some_and(|name| name != "target") {
                collect(&path, tests);
            }
        }
    } else if path.extension().is_some_and(|end| end == "rs") {
        let text = fs::read_to_string(path).expect("readable");
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[") {
                is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
                continue;
            }
            let name = line.trim_start_matches("async ").strip_prefix("fn ").and_then(|rest| rest.split('(').next());
            if let (true, Some(name)) = (is_test, name) {
                tests.insert(name.to_owned());
            }
            is_test = false;
        }
    }
}

/// The names in `code` in the last column of each table's rows.
fn claimed(page: &str) -> BTreeSet<String> {
    let rows = page.lines().filter_map(|line| line.strip_prefix('|')?.trim_end().strip_suffix('|'));
    let shown_by = rows.filter_map(|row| row.rsplit('|').next());
    shown_by.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut tests = BTreeSet::new();
    for folder in ["crates", "tests"] {
        collect(&root.join(folder), &mut tests);
    }
    let claimed = claimed(&fs::read_to_string(root.join("docs/threat-model.md")).expect("it is there"));
    assert!(claimed.len() > 50, "the page's tables were read: {claimed:?}");
    let missing: Vec<_> = claimed.difference(&tests).collect();
    assert!(missing.is_empty(), "no such test: {missing:?}");
}
