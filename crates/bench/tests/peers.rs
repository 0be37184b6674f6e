//! `causeway-bench peer` from its command line: both sides do the job and nothing of them stays, and a peer that is not there is no failure.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn peer(words: &[&str], dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_causeway-bench"));
    command.arg("peer").args(words).args(["--json", "--dir"]).arg(dir);
    command
}

fn checks(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    found["checks"].as_array().expect("a list").clone()
}

#[test]
fn both_sides_are_measured_and_nothing_of_them_stays() {
    let dir = tempfile::tempdir_in("/var/tmp").expect("a folder");
    // The server may have to be another user's.
    fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("its own");
    let output = peer(&["postgres", "--rounds", "2", "--records", "300"], dir.path()).output().expect("it runs");
    let checks = checks(&output);
    let said = String::from_utf8_lossy(&output.stderr);
    if checks.is_empty() {
        assert!(said.contains("skipped: "), "{said}");
        return;
    }
    for side in ["Causeway", "PostgreSQL"] {
        for job in ["streamed", "one by one, many in flight", "pulled"] {
            let name = format!("peer postgres: {side}, {job}: records/s");
            let rate = checks.iter().find(|check| check["name"] == *name).unwrap_or_else(|| panic!("no {name}"));
            assert!(rate["value"].as_f64().is_some_and(|rate| rate > 0.0), "{rate}");
        }
    }
    let held = checks.iter().filter(|check| !check["aim"].is_null()).collect::<Vec<_>>();
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!([&held[0]["name"], &held[0]["aim"]], ["peer postgres: streamed over PostgreSQL's", ">= 5"]);
    assert_eq!(fs::read_dir(dir.path()).expect("there").count(), 0, "nothing stays");
}

#[test]
fn a_peer_that_is_not_there_is_said_and_is_no_failure() {
    let dir = tempfile::tempdir().expect("a folder");
    let empty = dir.path().to_str().expect("a text");
    let without_programs = peer(&["postgres", "--programs", empty], dir.path()).output().expect("it runs");
    let without_python =
        peer(&["opentaxii", "--venv", empty], dir.path()).env("PATH", empty).output().expect("it runs");
    for (output, missing) in [(without_programs, "no PostgreSQL server"), (without_python, "python3")] {
        assert!(checks(&output).is_empty());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("skipped: ") && said.contains(missing), "{said}");
    }
}
