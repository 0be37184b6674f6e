//! The command line of `causeway-bench`: what it prints for programs, what it leaves, and how it fails.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn bench(words: &[&str], dir: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_causeway-bench"));
    command.args(words).arg("--dir").arg(dir).output().expect("it runs")
}

#[test]
fn a_start_after_a_kill_finds_all_that_was_durable() {
    let dir = tempfile::tempdir().expect("a folder");
    let output = bench(&["start", "--entries", "300", "--times", "1", "--json"], dir.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert!(found["machine"]["fdatasync_ms"].as_f64().is_some_and(|millis| millis > 0.0), "{found}");
    let checks = found["checks"].as_array().expect("a list");
    let keys: Vec<_> = checks[0].as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["aim", "met", "name", "unit", "value"]);
    // 300 of the filling and 1,000 before the second kill, each by SIGKILL.
    let check = |what: &str| {
        let name = format!("start: {what}, 1300 entries");
        checks.iter().find(|check| check["name"] == *name).unwrap_or_else(|| panic!("no {name} in {found}"))
    };
    for (what, aim) in [("after a clean stop", "<= 1"), ("after a kill", "<= 5"), ("memory after a start", "<= 300")] {
        let check = check(what);
        assert!(check["value"].as_f64().is_some_and(|value| value > 0.0), "{check}");
        assert_eq!(check["aim"], aim);
        assert!(check["met"].is_boolean(), "{check}");
    }
    assert!(check("most memory while it starts")["met"].is_null());
    assert_eq!(fs::read_dir(dir.path()).expect("there").count(), 0, "nothing stays");
}

#[test]
fn a_benchmark_that_cannot_run_says_why_and_fails() {
    let dir = tempfile::tempdir().expect("a folder");
    let keep = dir.path().join("a-file");
    fs::write(&keep, "no folder").expect("written");
    let output = bench(&["start", "--entries", "300", "--keep", keep.to_str().expect("a text")], dir.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "no numbers");
    assert!(String::from_utf8_lossy(&output.stderr).contains("exists"), "{output:?}");
}
