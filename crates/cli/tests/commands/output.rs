//! An answer that cannot be written is an error, and a reader that has gone away is none.

use std::fs::File;
use std::process::{Command, Stdio};

use crate::party::Gateway;
use crate::submitted;

#[test]
fn a_full_disk_under_standard_output_is_said_and_ends_with_1() {
    for line in ["sample --count 3", "--help", "help submit", "--version"] {
        let Ok(full) = File::options().write(true).open("/dev/full") else {
            return eprintln!("skipped: there is no /dev/full");
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
        let output = command.args(line.split(' ')).stdout(full).output().expect("runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{line}: {said}");
        assert!(said.contains("standard output"), "{line}: {said}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
    let mut child = command
        .args(["sample", "--count", "3000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("its own child");
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

#[test]
fn what_was_not_printed_is_pulled_again() {
    let gateway = Gateway::start();
    submitted(&gateway);
    // Waits until the record is released.
    drop(gateway.watch("watch --as al-police/feed").next_line());
    let Some(code) = gateway.run_onto_full("pull --cursor here --as al-police/feed") else {
        return eprintln!("skipped: there is no /dev/full");
    };
    assert_eq!(code, 1);
    assert!(!gateway.path("here").exists(), "the cursor does not move past what nobody has read");
    assert_eq!(gateway.run_onto_full("audit checkpoint --as gb-nca/audit"), Some(1));
    assert_eq!(gateway.run("pull --cursor here --as al-police/feed").done().out.lines().count(), 1);
    gateway.stop();
}
